//! `rotate`: a profile's new secret, which comes as a paste does.

use clap::Args;

use super::Context;
use super::secret_argument::{Value, not_by_passphrase};
use super::storing::Stored;
use crate::error::{Code, Error, Result};
use crate::ops::save;
use crate::vault::credential::CredentialType;

/// Give a profile a new secret, and keep the rest of it.
#[derive(Debug, Args)]
pub struct Rotate {
    /// The profile
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    value: Value,
}

pub(super) fn run(context: &mut Context, args: &Rotate) -> Result<u8> {
    let profile = context.profile_id(&args.id)?;
    let end = args.value.ends.read(context.env.now())?;
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let before = save::record_of(&open, &profile)?;
    if before.credential.kind == CredentialType::OAuth {
        return Err(Error::new(
            Code::Usage,
            format!("{profile} is an OAuth sign-in, which no single secret replaces"),
        )
        .with_remedy("import the new sign-in with --include-oauth --on-conflict replace"));
    }
    let place = save::place_of(&open, &profile, None)?;
    let (secret, warnings) = args.value.read(
        context,
        &before.credential.provider,
        &format!("new secret of {profile}"),
        not_by_passphrase(&open).as_deref(),
    )?;
    let saved = save::rotate(&mut open, &before, end, place, secret)?;
    Stored::told(context, "Rotated", warnings, saved).tell(context)
}
