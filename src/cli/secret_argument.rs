//! A secret as a verb gets it: from the prompt, standard input or a descriptor. Never from the command line.

use clap::Args;

use super::Context;
use super::expiry_flags::Ends;
use crate::error::{Code, Error, Result};
use crate::ops::open::Open;
use crate::seal::unlock_file::Kind;
use crate::secret::{Buffer, SecretString};
use crate::secret_format;
use crate::term::escape::safe;
use crate::term::{out, secret_input, stdin};
use crate::unlock::unlock_files::Slot;
use crate::unlock::{Opened, read};
use crate::vault::id::Provider;

/// The largest input that is read for a secret, in bytes; its white space is then removed.
pub(super) const INPUT_MAX: usize = 64 * 1024;

/// How a secret comes, and when it ends.
#[derive(Debug, Args)]
pub(super) struct Value {
    #[command(flatten)]
    pub ends: Ends,
    /// Read the secret from this file descriptor
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(0..))]
    secret_fd: Option<i32>,
}

impl Value {
    /// Reads the secret. What opened the vault in place of the passphrase is said before a prompt.
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
            return Err(Error::new(
                Code::NoInput,
                "nobody may be asked for the secret (--no-input), and standard input is a terminal",
            )
            .with_remedy("send it on standard input, or name a descriptor with --secret-fd"));
        }
        if let Some(by) = by {
            out::write_error(&format!("{}\n", safe(&format!("Unlocked by {by}, not by the passphrase."))));
        }
        let prompt = format!("Paste the {what} (hidden), then Enter: ");
        secret_input::until(&prompt, |error| secret_input::empty(error.code()), secret_input::read_secret)
    }
}

/// A secret that was read, and what had to be said about it.
pub(super) type Read = (SecretString, Vec<String>);

/// Reads a secret of a provider, from a hidden prompt if standard input is a terminal, else from standard input.
///
/// # Errors
/// Those of reading, and of what is no secret.
pub(super) fn read(context: &Context, provider: &Provider, what: &str) -> Result<Read> {
    Value { ends: Ends::default(), secret_fd: None }.read(context, provider, what, None)
}

/// What opened a vault that has a passphrase, unless that did: anyone who put it there could read what is
/// pasted next.
pub(super) fn not_by_passphrase(open: &Open<'_>) -> Option<String> {
    let has_one = |slot: &Slot| matches!(slot.kind, Ok((Kind::Passphrase, _)));
    if !open.vault.slots().ok()?.iter().any(has_one) {
        return None;
    }
    match open.session.opened() {
        Opened::By(unlocked) if unlocked.secret.kind() == Kind::Passphrase => None,
        Opened::By(unlocked) => Some(unlocked.from.clone()),
        Opened::Cached(_) => Some("what `strongroom unlock` keeps".to_owned()),
    }
}
