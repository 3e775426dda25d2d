//! `completions` and `man`: for the shell, made from the definition of the command line.

use std::path::{Path, PathBuf};

use clap::Args;
use clap_complete::Shell;
use strongroom_backends::shown;

use super::{Context, command, man};
use crate::error::{Code, Error, Result};
use crate::messages::help as messages;

/// Print the completions for a shell
#[derive(Debug, Args)]
#[command(long_about = messages::COMPLETIONS)]
pub struct Completions {
    /// The shell to complete for
    #[arg(value_enum)]
    shell: Shell,
}

/// Write the manual pages, one for each command
#[derive(Debug, Args)]
pub struct Man {
    /// Write the pages to this directory [default: print the main page]
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// The scripts that ask this program for each word, so that they complete the names in the vault too.
const SCRIPTS: [(Shell, &str); 3] = [
    (Shell::Bash, include_str!("complete/scripts/strongroom.bash")),
    (Shell::Fish, include_str!("complete/scripts/strongroom.fish")),
    (Shell::Zsh, include_str!("complete/scripts/strongroom.zsh")),
];

pub(super) fn run(context: &mut Context, args: &Completions) -> Result<u8> {
    if let Some((_, script)) = SCRIPTS.iter().find(|(shell, _)| *shell == args.shell) {
        context.print(script)?;
        if context.env.stdout_tty {
            context.say(&messages::completions_belong_in(&args.shell.to_string()));
        }
        return Ok(0);
    }
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "strongroom", &mut script);
    context.print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

pub(super) fn write_man(context: &mut Context, args: &Man) -> Result<u8> {
    let Some(directory) = args.directory.as_ref().filter(|path| *path != Path::new("-")) else {
        let page = man::main_page().map_err(|_| Error::new(Code::Internal, "cannot make the manual page"))?;
        context.print(&String::from_utf8_lossy(&page))?;
        return Ok(0);
    };
    let failed = |error: std::io::Error| {
        Error::new(Code::Io, format!("cannot write the manual pages to {}", shown(directory)))
            .with_source(error)
    };
    std::fs::create_dir_all(directory).map_err(failed)?;
    man::write_all(directory).map_err(failed)?;
    context.print(&format!("Wrote the manual pages to {}.", shown(directory)))?;
    Ok(0)
}
