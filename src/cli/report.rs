//! `report`: records whether a request with a profile succeeded or failed, without unlocking.

use clap::Args;
use serde::Serialize;

use super::Context;
use super::client;
use super::context::not_a_secret;
use super::session_name::session_name;
use crate::error::Result;
use crate::messages::cli::reading;
use crate::ops::backoff;
use crate::ops::ids::not_found;
use crate::ops::report::{self, Noted, Reported, Request};
use crate::select::backoff::Failure;
use crate::select::generation::Generation;
use crate::select::phrases;
use crate::select::pin::Model;
use crate::vault::id::{AgentName, Provider};

/// Record whether a request with a profile succeeded or failed
///
/// A failure makes the profile cool down, or disables it for a time; a success ends that. The vault
/// is not unlocked.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("outcome").required(true))]
pub struct Report {
    /// Profile id
    #[arg(value_name = "ID")]
    profile: String,
    /// The request succeeded
    #[arg(long, group = "outcome")]
    success: bool,
    /// The request failed: auth, auth_permanent, billing, rate_limit, overloaded, timeout, …
    #[arg(long, value_name = "KIND", group = "outcome")]
    failure: Option<String>,
    /// Model of the request; a rate limit or timeout then affects this model only
    #[arg(long, value_name = "M")]
    model: Option<String>,
    /// Session of the request; the profile that served it is tried first next time
    #[arg(long, value_name = "S")]
    session: Option<String>,
    /// OpenClaw version whose rules apply: 2026.2.26, 2026.6.1 or 2026.9.6 [env: STRONGROOM_BACKOFF] [default: the
    /// installed one's]
    #[arg(long, value_name = "VERSION")]
    backoff: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    agent: String,
    profile_id: String,
    result: Noted,
    /// The version whose rules applied.
    backoff: &'static str,
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
    let failure: Option<Failure> = args.failure.as_deref().map(failure_of).transpose()?;
    let session = args.session.as_deref().map(session_name).transpose()?;
    let backoff = args.backoff.as_deref().map(backoff_of).transpose()?;
    let generation = backoff::rules(&context.env, backoff)?.generation;
    let vault = context.vault()?;
    let agent = context.agent()?;
    let ambient = context.ambient();
    let provider = report::provider_of(&vault, &agent, &id, &ambient)?;
    let provider = provider.ok_or_else(|| not_found(&vault, &agent, &id))?;
    let model = args.model.as_deref().map(|name| model_of(&provider, name)).transpose()?;
    let (policy, unread) = report::policy(&context.env, &provider, generation);
    if let Some(unread) = &unread {
        context.warn(&client::told(unread));
    }
    let request =
        Request { profile: id, provider, failure, model, session, generation: None, retry_after: None };
    let reported = report::report(&vault, &agent, &request, &policy, &ambient, &context.waits("report"))?;
    let reported = reported.ok_or_else(|| not_found(&vault, &agent, &request.profile))?;
    if context.json() {
        context.print_json(&Document::of(&agent, &request, reported, generation))?;
    } else {
        context.print(&outcome(&request, &reported, generation))?;
    }
    Ok(0)
}

impl Document {
    fn of(
        agent: &AgentName,
        request: &Request,
        Reported { noted, usage, .. }: Reported,
        generation: Generation,
    ) -> Self {
        Self {
            agent: agent.to_string(),
            profile_id: request.profile.to_string(),
            result: noted,
            backoff: generation.as_str(),
            error_count: usage.error_count,
            cooldown_until: usage.cooldown_until,
            cooldown_model: usage.cooldown_model,
            disabled_until: usage.disabled_until,
            disabled_reason: usage.disabled_reason,
        }
    }
}

/// Returns what was recorded, for people.
fn outcome(request: &Request, reported: &Reported, generation: Generation) -> String {
    let Request { profile, provider, failure, .. } = request;
    match (reported.noted, &reported.waits_for) {
        (Noted::Exempt, _) if let Some(failure) = failure.filter(|failure| !failure.counts(generation)) => {
            reading::not_counted(profile, failure.as_str(), generation.as_str())
        }
        (Noted::Exempt, _) => reading::exempt(profile, provider),
        (Noted::Failure, Some(verdict)) => {
            let verdict = phrases::verdict(verdict, reported.now);
            reading::failure_recorded(profile, &verdict, reported.usage.error_count)
        }
        _ => reading::success_recorded(profile),
    }
}

/// Returns a model as the state has it: without the provider.
fn model_of(provider: &Provider, text: &str) -> Result<Model> {
    not_a_secret(text)?;
    let own = text.strip_prefix(provider.as_str()).and_then(|rest| rest.strip_prefix('/'));
    own.unwrap_or(text).parse()
}

/// Parses the kind of a failure.
fn failure_of(text: &str) -> Result<Failure> {
    not_a_secret(text)?;
    text.parse()
}

/// Parses the version whose rules apply.
fn backoff_of(text: &str) -> Result<Generation> {
    not_a_secret(text)?;
    text.parse()
}
