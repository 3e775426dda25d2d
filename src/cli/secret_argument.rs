//! Reads a secret from the prompt, standard input or a descriptor, never from the command line.

use clap::Args;

use super::Context;
use super::expiry_flags::Ends;
use crate::error::Result;
use crate::messages::cli::arguments as messages;
use crate::ops::open::Open;
use crate::seal::unlock_file::Kind;
use crate::secret::{Buffer, SecretString};
use crate::secret_format;
use crate::term::escape::safe;
use crate::term::{out, secret_input, stdin};
use crate::unlock::unlock_files::Slot;
use crate::unlock::{Opened, read};
use crate::vault::id::Provider;

/// The largest input that is read for a secret, in bytes. Its white space is removed afterwards.
pub(super) const INPUT_MAX: usize = 64 * 1024;

/// Flags about where a secret comes from, and when it expires.
#[derive(Debug, Args)]
pub(super) struct Value {
    #[command(flatten)]
    pub ends: Ends,
    /// Read the secret from this file descriptor
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(0..))]
    secret_fd: Option<i32>,
}

impl Value {
    /// Reads the secret. `by` is what unlocked the vault instead of its passphrase; a prompt says so first.
    pub(super) fn read(
        &self,
        context: &Context,
        provider: &Provider,
        what: &str,
        by: Option<&str>,
    ) -> Result<Read> {
        let bytes = self.read_bytes(context, what, by)?;
        let pasted = secret_format::normalise(bytes.expose(), Some(provider))?;
        Ok((pasted.secret, pasted.warnings))
    }

    fn read_bytes(&self, context: &Context, what: &str, by: Option<&str>) -> Result<Buffer> {
        if let Some(number) = self.secret_fd {
            return read::read_fd(number, INPUT_MAX);
        }
        if !context.env.stdin_tty {
            return stdin::read_stdin(INPUT_MAX);
        }
        if context.global.no_input {
            return Err(messages::no_input_for_secret());
        }
        if let Some(by) = by {
            out::write_error(&format!("{}\n", safe(&messages::unlocked_by(by))));
        }
        let prompt = format!("Paste the {what} (hidden), then Enter: ");
        secret_input::until(&prompt, |error| secret_input::empty(error.code()), secret_input::read_secret)
    }
}

/// A secret that was read, and warnings about it.
pub(super) type Read = (SecretString, Vec<String>);

/// Reads a secret of a provider, from a hidden prompt if standard input is a terminal, otherwise from standard input.
///
/// # Errors
/// Those of reading, and those for a value that is not a secret.
pub(super) fn read(context: &Context, provider: &Provider, what: &str) -> Result<Read> {
    Value { ends: Ends::default(), secret_fd: None }.read(context, provider, what, None)
}

/// Returns what unlocked a vault that has a passphrase, if it was not the passphrase. Anyone who planted a vault or a
/// key there could read what is pasted next.
pub(super) fn not_by_passphrase(open: &Open<'_>) -> Option<String> {
    let has_one = |slot: &Slot| matches!(slot.kind, Ok((Kind::Passphrase, _)));
    if !open.vault.slots().ok()?.iter().any(has_one) {
        return None;
    }
    match open.session.opened() {
        Opened::By(unlocked) if unlocked.secret.kind() == Kind::Passphrase => None,
        Opened::By(unlocked) => Some(unlocked.from.clone()),
        Opened::Cached(_) => Some(messages::BY_CACHE.to_owned()),
    }
}
