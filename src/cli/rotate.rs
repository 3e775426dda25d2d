//! `rotate`: replaces a profile's secret, which is read as a paste is.

use clap::Args;

use super::Context;
use super::secret_argument::{Value, not_by_passphrase};
use super::storing::Stored;
use crate::error::Result;
use crate::messages::cli::credentials;
use crate::messages::cli::keys::history;
use crate::ops::profiles::Before;
use crate::ops::save::{self, Rotation};
use crate::vault::credential::CredentialType;

/// Replace a profile's secret, and keep the rest of the profile
#[derive(Debug, Args)]
pub struct Rotate {
    /// Profile id
    #[arg(value_name = "ID")]
    id: String,
    /// The old secret was revoked: remove it and all earlier versions for good
    #[arg(long)]
    revoked: bool,
    #[command(flatten)]
    value: Value,
}

pub(super) fn run(context: &mut Context, args: &Rotate) -> Result<u8> {
    let profile = context.profile_id(&args.id)?;
    let end = args.value.ends.read(context.env.now())?;
    let vault = context.vault()?;
    let mut open = context.open_for(&vault, args.revoked)?;
    let before = save::record_of(&open, &profile)?;
    if before.credential.kind == CredentialType::OAuth {
        return Err(credentials::oauth_not_rotated(&profile));
    }
    let place = save::place_of(&open, &profile, None)?;
    let (secret, warnings) = args.value.read(
        context,
        &before.credential.provider,
        &format!("new secret of {profile}"),
        not_by_passphrase(&open).as_deref(),
    )?;
    let what_was = if args.revoked { Before::Revoked } else { Before::Kept };
    let saved = save::rotate(&mut open, &before, Rotation { end, place, before: what_was }, secret)?;
    Stored::announced(context, "Rotated", warnings, saved).tell(context)?;
    if args.revoked {
        context.say(history::OUT_OF_REACH);
    }
    Ok(0)
}
