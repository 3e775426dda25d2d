//! Answers the ids of a request.

use std::collections::HashMap;
use std::thread;

use crate::error::{Code, Error, Result, fail};
use crate::secret::SecretString;
use crate::select::order::{Verdict, best, candidates, order_in_force};
use crate::select::profile::{ProfileView, Usable};
use crate::select::state::State;
use crate::vault::agent::Reader;
use crate::vault::home::{Session, Vault};
use crate::vault::id::{AgentName, ProfileId, Provider, Reference};

/// From this many ids on, the records are opened on several threads.
const PARALLEL_FROM: usize = 48;
const STATE_FILE: &str = "auth-state.json";
const STATE_MAX: usize = 16 * 1024 * 1024;

/// How ids are answered.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The agent of ids that name none.
    pub agent: AgentName,
    /// Whether ids of other agents are refused.
    pub confined: bool,
    /// Now, in Unix milliseconds.
    pub now: i64,
}

/// An answer to each id, in order.
pub fn resolve(
    vault: &Vault,
    session: &Session,
    ids: Vec<String>,
    scope: &Scope,
) -> Vec<(String, Result<SecretString>)> {
    let mut readers: HashMap<AgentName, Result<Option<Reader<'_>>>> = HashMap::new();
    let references: Vec<Result<Reference>> = ids.iter().map(|id| id.parse()).collect();
    for reference in references.iter().flatten() {
        let agent = match reference {
            Reference::Profile(Some(agent), _) => agent,
            _ => &scope.agent,
        };
        readers
            .entry(agent.clone())
            .or_insert_with(|| vault.agent(agent)?.map(|found| found.reader(&session.keys)).transpose());
    }
    let answer = |reference: &Result<Reference>| -> Result<SecretString> {
        match reference {
            Err(error) => Err(error.clone()),
            Ok(Reference::BestOf(provider)) => best_of(reader(&readers, &scope.agent)?, provider, scope),
            Ok(Reference::Profile(agent, profile)) => {
                let agent = agent.as_ref().unwrap_or(&scope.agent);
                if scope.confined && *agent != scope.agent {
                    return fail(
                        Code::Denied,
                        format!("this resolver answers for agent {} only", scope.agent),
                    );
                }
                named(reader(&readers, agent)?, profile, agent)
            }
        }
    };
    let answers: Vec<Result<SecretString>> = if references.len() < PARALLEL_FROM {
        references.iter().map(answer).collect()
    } else {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(8);
        let size = references.len().div_ceil(threads);
        thread::scope(|scope| {
            let answer = &answer;
            let workers: Vec<_> = references
                .chunks(size)
                .map(|chunk| (chunk.len(), scope.spawn(move || chunk.iter().map(answer).collect::<Vec<_>>())))
                .collect();
            workers
                .into_iter()
                .flat_map(|(len, worker)| {
                    worker.join().unwrap_or_else(|_| {
                        (0..len).map(|_| fail(Code::Internal, "the answer was cut short")).collect()
                    })
                })
                .collect()
        })
    };
    ids.into_iter().zip(answers).collect()
}

fn reader<'r, 'k>(
    readers: &'r HashMap<AgentName, Result<Option<Reader<'k>>>>,
    agent: &AgentName,
) -> Result<&'r Reader<'k>> {
    match readers.get(agent) {
        Some(Ok(Some(reader))) => Ok(reader),
        Some(Err(error)) => Err(error.clone()),
        _ => fail(Code::NotFound, format!("agent {agent} has no credentials")),
    }
}

/// The secret of a profile that is named. An expired one is given too: OpenClaw judges expiry by
/// itself, and an error for one id would keep its gateway from starting.
fn named(reader: &Reader<'_>, profile: &ProfileId, agent: &AgentName) -> Result<SecretString> {
    let record = reader
        .record(profile)?
        .ok_or_else(|| Error::new(Code::NotFound, format!("agent {agent} has no profile {profile}")))?;
    Ok(record.credential.secret)
}

/// The secret of a provider's best profile: by order, expiry and cooldown. The records govern what
/// they are and when they end.
fn best_of(reader: &Reader<'_>, provider: &Provider, scope: &Scope) -> Result<SecretString> {
    let index = reader.index()?;
    let state = reader.agent.dir.read_if_any(STATE_FILE, STATE_MAX).ok().flatten();
    let state = State::parse(state.as_deref()).unwrap_or_default();
    let mut records = HashMap::new();
    let mut views = Vec::new();
    let mut failure = None;
    for entry in index.entries().filter(|entry| entry.mark.is_some() || entry.reference.is_some()) {
        let Ok(id) = entry.id.parse::<ProfileId>() else { continue };
        if id.provider() != *provider && entry.provider.as_ref() != Some(provider) {
            continue;
        }
        match reader.record(&id) {
            Ok(Some(record)) if record.credential.provider == *provider => {
                let mut view = ProfileView::new(id.clone(), record.credential.kind);
                view.provider = provider.clone();
                view.expires = record.credential.expires;
                view.usable = Usable::Verified;
                views.push(view);
                records.insert(id, record.credential.secret);
            }
            Ok(_) => {}
            Err(error) => failure = Some(error),
        }
    }
    let order = index.order(provider);
    let order = order_in_force(provider, order.as_deref(), &state);
    let choices = candidates(provider, &views, order, &state, scope.now);
    if let Some(secret) = best(&choices).and_then(|choice| records.remove(&choice.id)) {
        return Ok(secret);
    }
    if let Some(error) = failure {
        return Err(error);
    }
    let expired = views.iter().any(|view| view.expired(scope.now));
    let excluded = choices.iter().all(|choice| matches!(choice.verdict, Verdict::Excluded(_)));
    if expired && excluded {
        return fail(Code::Expired, format!("every profile of provider {provider} is expired"));
    }
    fail(Code::NotFound, format!("agent {} has no usable profile of provider {provider}", scope.agent))
}
