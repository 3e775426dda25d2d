//! `completions` and `man`: for the shell, made from the definition of the command line.

use std::path::{Path, PathBuf};

use clap::Args;
use clap_complete::Shell;
use strongroom_backends::shown;

use super::{Context, command};
use crate::error::{Code, Error, Result};

/// Print shell completions.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Write the manual pages, one for each command.
#[derive(Debug, Args)]
pub struct Man {
    /// The directory to write to; without it the main page is printed
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(super) fn run(context: &mut Context, args: &Completions) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "strongroom", &mut script);
    context.print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

pub(super) fn man(context: &mut Context, args: &Man) -> Result<u8> {
    let Some(directory) = args.directory.as_ref().filter(|path| *path != Path::new("-")) else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(command()).render(&mut page);
        rendered.map_err(|_| Error::new(Code::Internal, "the manual page cannot be made"))?;
        context.print(&String::from_utf8_lossy(&page))?;
        return Ok(0);
    };
    let failed = |_| Error::new(Code::Io, format!("{} cannot be written", shown(directory)));
    std::fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(command(), directory).map_err(failed)?;
    context.print(&format!("Wrote the manual pages to {}.", shown(directory)))?;
    Ok(0)
}
