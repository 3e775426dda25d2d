//! A new secret lifts what the old one earned: cooldown, disablement, counters.

use crate::error::{Code, Result};
use crate::select::backoff::after_new_secret;
use crate::select::order::waiting;
use crate::select::phrases;
use crate::select::profile::ProfileView;
use crate::select::state;
use crate::select::state_file::StateFile;
use crate::vault::agent::Agent;
use crate::vault::credential::CredentialType;
use crate::vault::home::Writer;
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::record::Record;

/// Lifts what the old secret of a profile earned, where the record that was just stored holds another
/// one than the record before it; and gives what is to be said. Under the agent's lock. Nothing here
/// is an error: the credential is stored.
pub(super) fn of_stored(writer: &Writer<'_>, before: Option<&Record>, record: &Record) -> Vec<String> {
    let same = before.is_some_and(|before| before.credential.same_secret_as(&record.credential));
    let ids = if same { &[][..] } else { std::slice::from_ref(&record.profile) };
    of_new(writer, ids)
}

/// As [`of_stored`], for profiles whose secrets are new.
pub(super) fn of_new(writer: &Writer<'_>, ids: &[ProfileId]) -> Vec<String> {
    lift_in_state(&writer.agent, ids, writer.now).unwrap_or_else(|error| {
        let whose = match ids {
            [id] => format!("{id} may still wait for what its old secret failed of"),
            _ => "profiles may still wait for what their old secrets failed of".to_owned(),
        };
        // The change was made: the usual remedy says the contrary.
        let newer = error.code() == Code::NewerFormat;
        let remedy = if newer { "use a newer strongroom" } else { error.remedy() };
        vec![format!("{whose}: {}; {remedy}", error.what())]
    })
}

fn lift_in_state(agent: &Agent, ids: &[ProfileId], now: i64) -> Result<Vec<String>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let Some(bytes) = agent.dir.read_if_any(state::FILE, state::MAX)? else { return Ok(Vec::new()) };
    let mut file = StateFile::parse(Some(&bytes))?;
    let (mut lifted, mut told) = (Vec::new(), Vec::new());
    for id in ids {
        let Some(before) = file.state.usage(id) else { continue };
        let after = after_new_secret(before);
        if after == *before {
            continue;
        }
        let view = ProfileView::new(id.clone(), CredentialType::Token);
        let whose = if agent.name == AgentName::default() {
            id.to_string()
        } else {
            format!("{id} (agent {})", agent.name)
        };
        told.extend(waiting(&view, &file.state, None, now).and_then(|was| phrases::lifted(&whose, &was)));
        lifted.push((id, after));
    }
    if !lifted.is_empty() {
        file.set_usages(lifted.iter().map(|(id, usage)| (*id, usage)))?;
        agent.dir.replace(state::FILE, &file.to_bytes())?;
    }
    Ok(told)
}
