//! `status`: shows which credentials are usable and which is next; with `--check` as an exit status.

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

/// Show which credentials are usable, and which is used next
///
/// Reads the index, without unlocking. --check also decrypts the profiles if it can without asking.
#[derive(Debug, Args)]
pub struct Status {
    /// Exit with 0 if all are usable, 1 if any is expired or missing, 2 if any expires soon
    #[arg(long)]
    check: bool,
    /// Print one line per profile, with fields separated by tabs
    #[arg(long, conflicts_with = "json")]
    plain: bool,
    /// Show one provider only
    #[arg(long, value_name = "P")]
    provider: Option<String>,
    /// Show one profile only
    #[arg(long, value_name = "ID")]
    profile: Option<String>,
    /// Show what this session uses, with its pin
    #[arg(long, value_name = "S")]
    session: Option<String>,
    /// Explain step by step how the next profile of a provider is chosen
    #[arg(long, value_name = "P", conflicts_with_all = ["check", "plain", "provider", "profile"])]
    explain: Option<String>,
    /// Report a credential as expiring if it expires within this time, such as 24h or 7d
    #[arg(long, value_name = "TIME", default_value = "24h")]
    expiring_within: String,
    /// Check the login shell too, if the client's configuration enables that
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

/// Returns the provider and the model that were asked about.
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
