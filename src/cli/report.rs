//! `report`: a runtime says how a request with a profile went. Needs no unlocking.

use clap::Args;
use serde::Serialize;

use super::Context;
use super::client;
use super::context::not_a_secret;
use super::list::View;
use crate::client::state;
use crate::client::state_file::StateFile;
use crate::error::{Code, Error, Result};
use crate::ops::ids::not_found;
use crate::select::backoff::{Failure, Generation, Policy, after_success};
use crate::select::order::waiting;
use crate::select::phrases;
use crate::select::pin::{Model, Pin, SessionName, Source};
use crate::select::profile::ProfileView;
use crate::select::state::State;
use crate::term::count::counted;
use crate::vault::agent::Agent;
use crate::vault::credential::CredentialType;
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, ProfileId, Provider};

/// Say how a request with a profile went.
///
/// A failure makes the profile cool down, or disables it for a time; a success ends that. Nothing
/// is unlocked.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("outcome").required(true))]
pub struct Report {
    /// The profile
    #[arg(value_name = "ID")]
    profile: String,
    /// The request was served
    #[arg(long, group = "outcome")]
    success: bool,
    /// The request failed: auth, auth_permanent, billing, rate_limit, overloaded, timeout, …
    #[arg(long, value_name = "KIND", group = "outcome")]
    failure: Option<String>,
    /// The model that it was for: a limit or a time-out of one is none of the others
    #[arg(long, value_name = "M")]
    model: Option<String>,
    /// The session that it was for: what served it is tried first for it
    #[arg(long, value_name = "S")]
    session: Option<String>,
    /// Whose waits are used: 2026.2.26 or 2026.6.1 [env: STRONGROOM_BACKOFF] [default: 2026.6.1]
    #[arg(long, value_name = "VERSION")]
    backoff: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    agent: String,
    profile_id: String,
    result: &'static str,
    error_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cooldown_until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cooldown_model: Option<Model>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_until: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<String>,
}

pub(super) fn run(context: &mut Context, args: &Report) -> Result<u8> {
    let id = context.profile_id(&args.profile)?;
    let failure: Option<Failure> = args.failure.as_deref().map(known).transpose()?;
    let session = args.session.as_deref().map(session_name).transpose()?;
    let generation = generation(context, args)?;
    let vault = context.vault()?;
    let agent = context.agent()?;
    let provider = provider_of(context, &vault, &agent, &id)?;
    let model = args.model.as_deref().map(|name| model_of(&provider, name)).transpose()?;
    let client = client::selection(context, |warning| context.warn(warning));
    let policy = Policy { generation, limits: client.limits(&provider) };

    let (found, _locks) = vault.lock_agent(&agent, &context.waits("report"))?;
    // It may have been renamed or removed while the lock was waited for.
    provider_of(context, &vault, &agent, &id)?;
    // Behind the wait for the lock, so that reports are reckoned in the order in which they are noted.
    let now = context.env.now();
    let mut noted = "exempt";
    let file = change(&found, |file| {
        let before = file.state.usage(&id).cloned().unwrap_or_default();
        let after = match failure {
            Some(failure) => policy.after_failure(&provider, &before, failure, model.as_ref(), now),
            None => Some(after_success(&before, now)),
        };
        let Some(after) = after else { return Ok(()) };
        noted = if failure.is_some() { "failure" } else { "success" };
        file.set_usage(&id, &after)?;
        if failure.is_none() {
            file.set_last_good(&provider, &id)?;
        }
        let Some(session) = &session else { return Ok(()) };
        follow(file, session, &id, failure.is_some(), now)
    })?;
    let usage = file.state.usage(&id).cloned().unwrap_or_default();
    if context.json() {
        context.print_json(&Document {
            agent: agent.to_string(),
            profile_id: id.to_string(),
            result: noted,
            error_count: usage.error_count,
            cooldown_until: usage.cooldown_until,
            cooldown_model: usage.cooldown_model,
            disabled_until: usage.disabled_until,
            disabled_reason: usage.disabled_reason,
        })?;
        return Ok(0);
    }
    let view = ProfileView { provider, ..ProfileView::new(id.clone(), CredentialType::Token) };
    let text = match (noted, waiting(&view, &file.state, None, now)) {
        ("exempt", _) => {
            format!("{id}: nothing is noted, for failures of {} make no profile wait.", view.provider)
        }
        ("failure", Some(verdict)) => format!(
            "{id}: {}, after {} in a row.",
            phrases::verdict(&verdict, now),
            counted(usage.error_count, "failure")
        ),
        _ => format!("{id}: served; it waits for nothing."),
    };
    context.print(&text)?;
    Ok(0)
}

/// An automatic pin follows what served the session; one that a person set stays.
fn follow(file: &mut StateFile, session: &SessionName, id: &ProfileId, failed: bool, now: i64) -> Result<()> {
    match file.state.pins.get(session) {
        Some(pin) if pin.source == Source::User => Ok(()),
        Some(pin) if failed && pin.profile == *id => file.set_pin(session, None),
        _ if failed => Ok(()),
        _ => file
            .set_pin(session, Some(&Pin { profile: id.clone(), model: None, source: Source::Auto, at: now })),
    }
}

/// Changes an agent's state, under its lock.
pub(super) fn change(agent: &Agent, edit: impl FnOnce(&mut StateFile) -> Result<()>) -> Result<StateFile> {
    let bytes = agent.dir().read_if_any(state::FILE, state::MAX)?;
    let mut file = StateFile::parse(bytes.as_deref())?;
    edit(&mut file)?;
    let new = file.to_bytes();
    if new.len() > state::MAX {
        return Err(Error::new(Code::TooLarge, format!("{} would be too large", state::FILE)));
    }
    // Where nothing was noted, an absent file stays absent.
    let nothing = bytes.is_none() && file.state == State::default();
    if !nothing && bytes.as_deref() != Some(new.as_slice()) {
        agent.dir().replace(state::FILE, &new)?;
    }
    Ok(file)
}

/// The provider of a profile that is in the index.
pub(super) fn provider_of(
    context: &Context,
    vault: &Vault,
    agent: &AgentName,
    id: &ProfileId,
) -> Result<Provider> {
    let index = match vault.agent(agent)? {
        Some(found) => Some(View::of(context, vault, found)?.index),
        None => None,
    };
    match index.and_then(|index| index.entry(id.as_str())) {
        Some(entry) => Ok(entry.provider.unwrap_or_else(|| id.provider())),
        None => Err(not_found(vault, agent, id)),
    }
}

pub(super) fn session_name(text: &str) -> Result<SessionName> {
    not_a_secret(text)?;
    text.parse()
}

/// A model as the state has it: without the provider.
fn model_of(provider: &Provider, text: &str) -> Result<Model> {
    not_a_secret(text)?;
    let own = text.strip_prefix(provider.as_str()).and_then(|rest| rest.strip_prefix('/'));
    own.unwrap_or(text).parse()
}

fn known(text: &str) -> Result<Failure> {
    not_a_secret(text)?;
    text.parse()
}

fn generation(context: &Context, args: &Report) -> Result<Generation> {
    if let Some(flag) = &args.backoff {
        not_a_secret(flag)?;
        return flag.parse();
    }
    match context.env.var(Generation::VARIABLE) {
        Some(variable) => variable.to_string_lossy().parse::<Generation>().map_err(|error| {
            Error::new(Code::Config, format!("{} is not a generation of back-off", Generation::VARIABLE))
                .with_remedy(error.remedy().to_owned())
        }),
        None => Ok(Generation::default()),
    }
}
