//! A new secret lifts what the old one earned: cooldown, disablement, counters. That is a step of the
//! change that stores it; this tells of it.

use crate::client::state;
use crate::client::state_file::StateFile;
use crate::error::{Code, Result};
use crate::select::backoff::after_new_secret;
use crate::select::order::waiting;
use crate::select::phrases;
use crate::select::profile::ProfileView;
use crate::vault::agent::Agent;
use crate::vault::credential::CredentialType;
use crate::vault::home::Writer;
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::record::Record;
use crate::vault::transaction::change::Change;

/// Has a change lift what the old secret of a profile earned, if the record that it stores holds another
/// one than the record before it; and gives what is to be said once it is committed.
#[must_use]
pub fn of_stored(
    change: &mut Change,
    writer: &Writer<'_>,
    before: Option<&Record>,
    record: &Record,
) -> Vec<String> {
    let same = before.is_some_and(|before| before.credential.same_secret_as(&record.credential));
    let ids = if same { &[][..] } else { std::slice::from_ref(&record.profile) };
    of_new(change, writer, ids)
}

/// As [`of_stored`], for profiles whose secrets are new.
#[must_use]
pub fn of_new(change: &mut Change, writer: &Writer<'_>, ids: &[ProfileId]) -> Vec<String> {
    for id in ids {
        change.lift(id);
    }
    told_of(writer.agent(), ids, writer.now()).unwrap_or_else(|error| {
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

fn told_of(agent: &Agent, ids: &[ProfileId], now: i64) -> Result<Vec<String>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let Some(bytes) = agent.dir().read_if_any(state::FILE, state::MAX)? else { return Ok(Vec::new()) };
    let file = StateFile::parse(Some(&bytes))?;
    let mut told = Vec::new();
    for id in ids {
        let Some(before) = file.state.usage(id) else { continue };
        if after_new_secret(before) == *before {
            continue;
        }
        let view = ProfileView::new(id.clone(), CredentialType::Token);
        let whose = if *agent.name() == AgentName::default() {
            id.to_string()
        } else {
            format!("{id} (agent {})", agent.name())
        };
        told.extend(waiting(&view, &file.state, None, now).and_then(|was| phrases::lifted(&whose, &was)));
    }
    Ok(told)
}
