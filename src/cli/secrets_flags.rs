//! The flags that choose the secrets that a program gets.

use std::path::{Path, PathBuf};

use clap::Args;
use strongroom_backends::shown;

use super::Context;
use super::context::not_a_secret;
use crate::error::{Code, Result};
use crate::messages::cli::reading;
use crate::messages::run as messages;
use crate::ops::env_file::{EnvFile, Refused, refused};
use crate::ops::hand_over::{Asked, Handed, hand_over};
use crate::secret::Buffer;
use crate::term::stream::Stream;
use crate::transfer::source;
use crate::vault::id::ProfileId;

/// The largest file of variables, in bytes.
const FILE_MAX: u64 = 1024 * 1024;

/// Which secrets a program gets, as flags say it.
#[derive(Debug, Args)]
pub(super) struct Secrets {
    /// Hand over this profile, in the variable that its provider's tools read
    #[arg(long = "profile", value_name = "ID")]
    profiles: Vec<String>,
    /// Hand over the profile of this provider that is next, as `status` shows it
    #[arg(long = "provider", value_name = "P")]
    providers: Vec<String>,
    /// Hand over the profile of every provider that is next
    #[arg(long)]
    all: bool,
    /// Hand over a profile in a variable of this name
    #[arg(long, value_name = "NAME=ID")]
    env: Vec<String>,
    /// Set the variables of this file; `strongroom://ID` stands for the secret of a profile that another flag names, or
    /// that `env allow` let the file have
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

impl Secrets {
    /// Returns whether no flag is given.
    pub(super) fn is_empty(&self) -> bool {
        self.profiles.is_empty()
            && self.providers.is_empty()
            && !self.all
            && self.env.is_empty()
            && self.env_file.is_none()
    }

    /// Returns the first flag that hands secrets over whatever the program's use of the proxy, if one is given.
    pub(super) fn only_hands_over(&self) -> Option<&'static str> {
        let named = (!self.env.is_empty()).then_some("--env");
        named.or_else(|| self.env_file.is_some().then_some("--env-file"))
    }

    /// Reads the flags, and the file of variables.
    ///
    /// # Errors
    /// `USAGE`, `INVALID_ID`, and those of the file.
    pub(super) fn read(&self, context: &Context) -> Result<Asked> {
        let providers = self.providers.iter().map(|provider| {
            not_a_secret(provider)?;
            provider.parse()
        });
        let asked = Asked {
            profiles: self.profiles.iter().map(|id| context.profile_id(id)).collect::<Result<_>>()?,
            providers: providers.collect::<Result<_>>()?,
            all: self.all,
            named: self.env.iter().map(|text| assignment(context, text)).collect::<Result<_>>()?,
            file: self.env_file.as_deref().map(read_file).transpose()?,
        };
        if asked.is_empty() { Err(messages::nothing_asked_for()) } else { Ok(asked) }
    }
}

/// Reads the secrets that are asked for, and warns of those that are expired or missing.
///
/// # Errors
/// Those of unlocking, and of reading the profiles.
pub(super) fn obtain(context: &Context, asked: &Asked) -> Result<Handed> {
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let handed = hand_over(&mut open, asked)?;
    for (profile, at) in &handed.expired {
        context.warn(&reading::expired(profile, *at, context.env.now()));
    }
    for error in &handed.left_out {
        context.warn(&messages::left_out(error.what()));
    }
    Ok(handed)
}

/// Reads `NAME=ID`.
fn assignment(context: &Context, text: &str) -> Result<(String, ProfileId)> {
    let Some((name, id)) = text.split_once('=') else {
        not_a_secret(text)?;
        return Err(messages::not_an_assignment());
    };
    match refused(name) {
        Some(Refused::NotAName) => {
            not_a_secret(text)?;
            return Err(messages::not_an_assignment());
        }
        // The value is not a stranger's: it is in the vault.
        Some(Refused::Destination) | None => {}
        Some(why) => return Err(messages::refused_name(name, why.told())),
    }
    not_a_secret(name)?;
    // The value that belongs into the variable may stand there by mistake: it is not quoted.
    let id = context.profile_id(id).map_err(|error| match error.code() {
        Code::InvalidId => messages::not_an_assignment(),
        _ => error,
    })?;
    Ok((name.to_owned(), id))
}

/// Reads a file of variables.
///
/// # Errors
/// Those of reading it, and of [`EnvFile::parse`].
pub(super) fn read_file(path: &Path) -> Result<EnvFile> {
    let max = usize::try_from(FILE_MAX).unwrap_or(usize::MAX);
    let bytes: Buffer = match Stream::of(path) {
        Some(Stream::Stdin) => return Err(messages::file_from_stdin()),
        Some(stream) => return EnvFile::parse(stream.read(max)?.expose(), &stream.told()),
        // Others may read it: references are not secret.
        None => source::read(path, FILE_MAX)?.0,
    };
    Ok(EnvFile::parse(bytes.expose(), &shown(path))?.read_from(path, bytes.expose()))
}
