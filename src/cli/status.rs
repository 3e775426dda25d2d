//! `status`: which credentials are usable, which is next, and for `--check` an exit status.

use clap::Args;

use super::Context;
use super::context::not_a_secret;
use super::overview::{self, Form};
use super::session_name::session_name;
use crate::error::Result;
use crate::ops::status::Asked;
use crate::select::health::WARN_AFTER_MS;
use crate::select::pin::Model;
use crate::time::parse_duration;
use crate::vault::id::Provider;

/// Show which credentials are usable, and which is next.
///
/// Shows the index, without unlocking. --check opens the records where it can without asking.
#[derive(Debug, Args)]
pub struct Status {
    /// Exit with 0 if all are usable, 1 if any is expired or missing, 2 if any expires soon
    #[arg(long)]
    check: bool,
    /// One line a profile, its fields parted by tabs
    #[arg(long, conflicts_with = "json")]
    plain: bool,
    /// Look at one provider only
    #[arg(long, value_name = "P")]
    provider: Option<String>,
    /// Look at one profile only
    #[arg(long, value_name = "ID")]
    profile: Option<String>,
    /// Look as this session: with its pin
    #[arg(long, value_name = "S")]
    session: Option<String>,
    /// Say step by step how the next profile of a provider is found
    #[arg(long, value_name = "P", conflicts_with_all = ["check", "plain", "provider", "profile"])]
    explain: Option<String>,
    /// How long before its end a credential counts as expiring
    #[arg(long, value_name = "TIME", default_value = "24h")]
    expiring_within: String,
    /// Look into the login shell too, where the client's configuration enables that
    #[arg(long)]
    sources: bool,
}

pub(super) fn run(context: &mut Context, args: &Status) -> Result<u8> {
    let (provider, model) = asked(args)?;
    let session = args.session.as_deref().map(session_name).transpose()?;
    let profile = args.profile.as_deref().map(|id| context.profile_id(id)).transpose()?;
    let warn_after_ms = if args.expiring_within == "24h" {
        WARN_AFTER_MS
    } else {
        parse_duration("--expiring-within", &args.expiring_within)?
    };
    let form = match &args.explain {
        Some(_) => Form::Explained,
        None if args.plain => Form::Plain,
        None => Form::Everything,
    };
    let (check, in_shell) = (args.check, args.sources);
    let asked = Asked { provider, profile, model, session, check, in_shell, warn_after_ms };
    overview::show(context, form, &asked)
}

/// The provider and the model that are asked about.
fn asked(args: &Status) -> Result<(Option<Provider>, Option<Model>)> {
    let (explained, model) = match args.explain.as_deref().map(|asked| (asked, asked.split_once('/'))) {
        Some((_, Some((provider, model)))) => (Some(provider), Some(model)),
        Some((provider, None)) => (Some(provider), None),
        None => (None, None),
    };
    let provider = explained.or(args.provider.as_deref());
    for text in provider.into_iter().chain(model) {
        not_a_secret(text)?;
    }
    Ok((provider.map(str::parse).transpose()?, model.map(str::parse).transpose()?))
}
