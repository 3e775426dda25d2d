//! `env`: prints assignments of secrets, for a shell or a file.

use clap::{Args, ValueEnum};

use super::Context;
use super::secrets_flags::{Secrets, obtain};
use crate::error::Result;
use crate::messages::run as messages;
use crate::ops::assignments::{self, Form};
use crate::secret::Buffer;
use crate::term::out;

/// A form of assignments.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Shell {
    Posix,
    Bash,
    Fish,
    Powershell,
    Dotenv,
}

/// Print assignments of secrets, for a shell or a file
///
/// The secrets are printed in plain text, so prefer `strongroom run`, which gives them to one program alone. To a
/// terminal they are printed only with `--reveal`.
#[derive(Debug, Args)]
pub struct PrintEnv {
    #[command(flatten)]
    secrets: Secrets,
    /// Print for this shell, or as a .env file: posix, bash, fish, powershell or dotenv
    #[arg(
        long,
        value_enum,
        value_name = "S",
        default_value = "posix",
        hide_default_value = true,
        hide_possible_values = true
    )]
    shell: Shell,
    /// Print the secrets even on a terminal
    #[arg(long)]
    reveal: bool,
}

pub(super) fn run(context: &mut Context, args: &PrintEnv) -> Result<u8> {
    let asked = args.secrets.read(context)?;
    if context.env.stdout_tty && !args.reveal {
        return Err(messages::not_revealed());
    }
    out::refuse_closed()?;
    let handed = obtain(context, &asked)?;
    let form = match args.shell {
        Shell::Posix | Shell::Bash => Form::Posix,
        Shell::Fish => Form::Fish,
        Shell::Powershell => Form::PowerShell,
        Shell::Dotenv => Form::Dotenv,
    };
    let mut text = Buffer::default();
    for variable in &handed.variables {
        assignments::write(form, &variable.name, &variable.value, &mut text)?;
    }
    out::write_bytes(&text)?;
    Ok(0)
}
