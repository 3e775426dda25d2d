//! `env`: prints assignments of secrets, for a shell or a file. Its verbs say which files of variables may have secrets.

mod allowed_files;

use clap::{Args, Subcommand, ValueEnum};

use super::Context;
use super::deferred::Lazy;
use super::secrets_flags::{Secrets, obtain};
use crate::error::Result;
use crate::messages::{env_files, run as messages};
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
    #[command(subcommand)]
    verb: Option<Verb>,
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

#[derive(Debug, Subcommand)]
enum Verb {
    /// Allow a .env file to have the profiles that it names
    Allow(Lazy<allowed_files::Allow>),
    /// List the .env files that are allowed to have secrets
    List(Lazy<allowed_files::List>),
    /// Allow a .env file no longer
    Forget(Lazy<allowed_files::Forget>),
}

pub(super) fn run(context: &mut Context, args: &PrintEnv) -> Result<u8> {
    match &args.verb {
        None => {}
        Some(_) if !args.secrets.is_empty() || args.reveal || args.shell != Shell::Posix => {
            return Err(env_files::flags_before_verb());
        }
        Some(Verb::Allow(args)) => return allowed_files::allow(context, args),
        Some(Verb::List(_)) => return allowed_files::list(context),
        Some(Verb::Forget(args)) => return allowed_files::forget(context, args),
    }
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
