//! Clears the cooldown, the disablement and the counters of a profile that gets a new secret: they belong to the
//! old one. This is a step of the change that stores the secret.

use super::notice::Notice;
use crate::client::state;
use crate::client::state_file::StateFile;
use crate::error::Result;
use crate::select::backoff::after_new_secret;
use crate::select::order::waiting;
use crate::select::profile::ProfileView;
use crate::vault::agent::Agent;
use crate::vault::credential::CredentialType;
use crate::vault::home::Writer;
use crate::vault::id::ProfileId;
use crate::vault::record::Record;
use crate::vault::transaction::change::Change;

/// Has a change clear a profile's cooldown, if the stored record has another secret than the one before it.
/// Returns the notices that are due after the commit.
#[must_use]
pub fn of_stored(
    change: &mut Change,
    writer: &Writer<'_>,
    before: Option<&Record>,
    record: &Record,
) -> Vec<Notice> {
    let same = before.is_some_and(|before| before.credential.same_secret_as(&record.credential));
    let ids = if same { &[][..] } else { std::slice::from_ref(&record.profile) };
    of_new(change, writer, ids)
}

/// Does the same as [`of_stored`] for profiles whose secrets are known to be new.
#[must_use]
pub fn of_new(change: &mut Change, writer: &Writer<'_>, ids: &[ProfileId]) -> Vec<Notice> {
    for id in ids {
        change.lift(id);
    }
    cleared(writer.agent(), ids, writer.now()).unwrap_or_else(|error| {
        let profile = if let [id] = ids { Some(id.clone()) } else { None };
        vec![Notice::CooldownsStay { profile, error }]
    })
}

fn cleared(agent: &Agent, ids: &[ProfileId], now: i64) -> Result<Vec<Notice>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let Some(bytes) = agent.dir().read_if_any(state::FILE, state::MAX)? else { return Ok(Vec::new()) };
    let file = StateFile::parse(Some(&bytes))?;
    let mut notices = Vec::new();
    for id in ids {
        let Some(before) = file.state.usage(id) else { continue };
        if after_new_secret(before) == *before {
            continue;
        }
        let view = ProfileView::new(id.clone(), CredentialType::Token);
        if let Some(was) = waiting(&view, &file.state, None, now) {
            notices.push(Notice::CooldownCleared { profile: id.clone(), agent: agent.name().clone(), was });
        }
    }
    Ok(notices)
}
