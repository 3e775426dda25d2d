//! A whole installation of OpenClaw: the stores of every agent, its `.env` files and its configuration.

use std::collections::{HashMap, HashSet};

use strongroom_backends::shown;

use super::{Candidate, ParseOptions, Parsed, ProviderOrder, Skipped, environment, openclaw_json};
use crate::client::sources::Found;
use crate::client::stores::{Installation, Store, StoreFile};
use crate::error::Result;
use crate::messages::transfer::{self as say, reason};
use crate::vault::id::{AgentName, ProfileId};

/// Parses the stores of an installation, and the keys that its files have beside them. Each profile belongs to the agent
/// whose store it is in; those of the shared store to `main`. If two stores have a profile, or an order of a provider, the
/// one that the client uses counts: an agent's database before its file, and both before the shared store.
///
/// # Errors
/// `NO_INPUT` if it has none of these files; those of reading a store, and of [`super::parse`].
pub fn parse(installation: &Installation, found: &Found, options: &ParseOptions<'_>) -> Result<Parsed> {
    let shared = installation.shared();
    let own = installation.stores().into_iter().filter(|store| Some(store) != shared.as_ref());
    let (mut taken, mut any) = (Taken::default(), false);
    for store in own.chain(shared.clone()) {
        let Some(read) = store.read()? else { continue };
        any = true;
        taken.take(&store, &read, options)?;
    }
    let mut beside = environment::parse(found)?;
    let has_beside = !beside.candidates.is_empty() || !beside.skipped.is_empty();
    if !any && !has_beside {
        return Err(say::no_installation());
    }
    options.rename(&mut beside);
    for candidate in beside.candidates {
        taken.add(candidate, &AgentName::default());
    }
    let mut parsed = taken.parsed();
    parsed.skipped.append(&mut beside.skipped);
    parsed.invalid.append(&mut beside.invalid);
    if has_beside {
        parsed.warnings.append(&mut beside.warnings);
    }
    options.all_renamed("the installation")?;
    Ok(parsed)
}

/// Parses one store, also a database.
///
/// # Errors
/// `NO_INPUT` if it is gone; those of reading it, and of [`super::parse`].
pub fn parse_store(store: &StoreFile, options: &ParseOptions<'_>) -> Result<Parsed> {
    let read = store.read()?.ok_or_else(say::no_installation)?;
    let mut taken = Taken::default();
    taken.take(store, &read, options)?;
    options.all_renamed(&shown(&store.path))?;
    Ok(taken.parsed())
}

/// What was taken from stores so far.
#[derive(Default)]
struct Taken {
    parsed: Parsed,
    seen: HashSet<(AgentName, ProfileId)>,
    /// The ids of imported entries, by their agent and their names in the stores.
    ids: HashMap<(AgentName, String), ProfileId>,
    /// The orders as the client has them: an agent's may name profiles of the shared store.
    orders: Vec<ProviderOrder>,
}

impl Taken {
    fn take(&mut self, file: &StoreFile, store: &Store, options: &ParseOptions<'_>) -> Result<()> {
        let what = shown(&file.path);
        let agent = file.agent.clone().unwrap_or_default();
        for (index, named) in store.named.iter().enumerate().filter(|(_, named)| !named.deleted) {
            self.parsed.skipped.push(Skipped {
                place: format!("{} ({what})", named.shown(index)),
                reason: reason::NAMED_SECRET.to_owned(),
            });
        }
        for (provider, ids) in &store.state.order {
            let (agent, provider, ids) = (Some(agent.clone()), provider.clone(), ids.clone());
            self.orders.push(ProviderOrder { agent, provider, ids });
        }
        let Some(document) = &store.document else { return Ok(()) };
        let (of_store, ids) = openclaw_json::read(document.expose(), &what, *options)?;
        let of = |place: String| format!("{place} ({what})");
        for mut candidate in of_store.candidates {
            candidate.place = of(candidate.place);
            self.add(candidate, &agent);
        }
        for (name, id) in ids {
            self.ids.entry((agent.clone(), name)).or_insert(id);
        }
        let parsed = &mut self.parsed;
        parsed.skipped.extend(
            of_store.skipped.into_iter().map(|one| Skipped { place: of(one.place), reason: one.reason }),
        );
        parsed.invalid.extend(of_store.invalid.into_iter().map(|mut one| {
            one.place = of(one.place);
            one
        }));
        parsed.warnings.extend(of_store.warnings);
        Ok(())
    }

    /// Adds a profile of an agent, unless a store before has it.
    fn add(&mut self, mut candidate: Candidate, agent: &AgentName) {
        if !self.seen.insert((agent.clone(), candidate.id.clone())) {
            let place = format!("{} ({})", candidate.place, candidate.id);
            self.parsed.skipped.push(Skipped { place, reason: reason::IN_STORE_BEFORE.to_owned() });
            return;
        }
        candidate.agent = Some(agent.clone());
        self.parsed.candidates.push(candidate);
    }

    /// Returns all of it, with the orders of profiles that are imported.
    fn parsed(mut self) -> Parsed {
        for mut order in self.orders {
            let agent = order.agent.clone().unwrap_or_default();
            let id_of = |id: &ProfileId| self.ids.get(&(agent.clone(), id.as_str().to_owned())).cloned();
            order.ids = order.ids.iter().filter_map(id_of).collect();
            if !order.ids.is_empty() {
                self.parsed.orders.push(order);
            }
        }
        self.parsed
    }
}
