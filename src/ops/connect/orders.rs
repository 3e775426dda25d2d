//! Orders that the client stores itself: set with `openclaw models auth order set`. They are read back, so that the vault
//! chooses as the client does.

use std::collections::BTreeMap;

use super::{Link, Wanted};
use crate::client::edit::ProfileStore;
use crate::client::stores::{ClientAgent, Form};
use crate::error::Result;
use crate::ops::open::Open;
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::transaction::edit_index;

/// An order that the client stores and the vault takes over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadBack {
    /// The agent whose order it is.
    pub agent: AgentName,
    /// The provider.
    pub provider: Provider,
    /// The profiles of the vault in it, first choice first.
    pub ids: Vec<ProfileId>,
}

/// Returns the orders that the vault takes over: of providers for which it has none, and of those whose order it took over
/// before and the client has changed since. An order that was cleared here is not taken over a second time.
///
/// The client keeps orders beside its profiles up to 2026.6.1, in 2026.2.26 among them, and later in the agent's database.
/// A store that cannot be read has none: `doctor` reports it.
pub(super) fn plan(open: &Open<'_>, wanted: &Wanted, before: Option<&Link>) -> Result<Vec<ReadBack>> {
    let form = match wanted.store {
        ProfileStore::Json => Form::Json,
        ProfileStore::Sqlite => Form::AgentDatabase,
    };
    let mut all = Vec::new();
    for (agent, path) in &wanted.agents {
        let Some(reader) = open.reader_of(agent)? else { continue };
        let Some(directory) = path.parent().map(ToOwned::to_owned) else { continue };
        let client = ClientAgent { name: agent.clone(), directory, is_configured: true };
        let file = client.stores().into_iter().find(|store| store.form == form);
        let Some(store) = file.and_then(|file| file.read().ok().flatten()) else { continue };
        if store.state.order.is_empty() {
            continue;
        }
        let index = reader.index()?;
        let known = before.and_then(|link| link.orders.get(agent.as_str()));
        for (provider, ids) in store.state.order {
            let is_ours = |id: &ProfileId| id.provider() == provider && index.contains(id.as_str());
            let ids: Vec<_> = ids.into_iter().filter(is_ours).collect();
            let known = known.and_then(|known| known.get(provider.as_str()));
            let is_known = |ids: &[ProfileId]| {
                known.is_some_and(|known| {
                    ids.iter().map(ProfileId::as_str).eq(known.iter().map(String::as_str))
                })
            };
            let takes = index.order(&provider).is_none_or(|set| is_known(&set)) && !is_known(&ids);
            if takes && !ids.is_empty() {
                all.push(ReadBack { agent: agent.clone(), provider, ids });
            }
        }
    }
    Ok(all)
}

/// Returns the orders that are known then, as [`Link::orders`].
pub(super) fn known(
    before: Option<&Link>,
    read: &[ReadBack],
) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let mut known = before.map(|link| link.orders.clone()).unwrap_or_default();
    for ReadBack { agent, provider, ids } in read {
        let ids = ids.iter().map(ToString::to_string).collect();
        known.entry(agent.to_string()).or_default().insert(provider.to_string(), ids);
    }
    known
}

/// Sets them in the vault, without ids that are gone meanwhile.
pub(super) fn set(open: &Open<'_>, read: &[ReadBack]) -> Result<()> {
    for ReadBack { agent, provider, ids } in read {
        let (agent, _locks) = open.vault.lock_agent(agent, &open.waits("connect"))?;
        edit_index(&agent, |index| {
            let ids: Vec<_> = ids.iter().filter(|id| index.contains(id.as_str())).cloned().collect();
            if !ids.is_empty() {
                index.set_order(provider, Some(&ids));
            }
            Ok(())
        })?;
    }
    Ok(())
}
