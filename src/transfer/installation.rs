//! A whole installation of OpenClaw: the stores of every agent, its `.env` files and its configuration.

use std::collections::HashSet;

use strongroom_backends::shown;

use super::{ParseOptions, Parsed, Skipped, environment, openclaw_json};
use crate::client::sources::Found;
use crate::client::stores::{Installation, Store, StoreFile};
use crate::error::Result;
use crate::messages::transfer::{self as say, reason};
use crate::vault::id::{AgentName, ProfileId};

/// Parses the stores of an installation, and the keys that its files have beside them. Each profile belongs to the agent
/// whose store it is in; those of the shared store to `main`. If two stores have a profile, the one that the client uses
/// counts: an agent's database before its file, and both before the shared store.
///
/// # Errors
/// `NO_INPUT` if it has none of these files; those of reading a store, and of [`super::parse`].
pub fn parse(installation: &Installation, found: &Found, options: &ParseOptions<'_>) -> Result<Parsed> {
    let shared = installation.shared();
    let own = installation.stores().into_iter().filter(|store| Some(store) != shared.as_ref());
    let (mut parsed, mut seen, mut any) = (Parsed::default(), HashSet::new(), false);
    for store in own.chain(shared.clone()) {
        let Some(read) = store.read()? else { continue };
        any = true;
        take(&mut parsed, &mut seen, &store, &read, options)?;
    }
    let mut beside = environment::parse(found)?;
    let has_beside = !beside.candidates.is_empty() || !beside.skipped.is_empty();
    if !any && !has_beside {
        return Err(say::no_installation());
    }
    options.rename(&mut beside);
    for candidate in beside.candidates {
        add(&mut parsed, &mut seen, candidate, &AgentName::default());
    }
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
    let (mut parsed, mut seen) = (Parsed::default(), HashSet::new());
    take(&mut parsed, &mut seen, store, &read, options)?;
    options.all_renamed(&shown(&store.path))?;
    Ok(parsed)
}

fn take(
    parsed: &mut Parsed,
    seen: &mut HashSet<(AgentName, ProfileId)>,
    file: &StoreFile,
    store: &Store,
    options: &ParseOptions<'_>,
) -> Result<()> {
    let what = shown(&file.path);
    let agent = file.agent.clone().unwrap_or_default();
    for (index, named) in store.named.iter().enumerate().filter(|(_, named)| !named.deleted) {
        parsed.skipped.push(Skipped {
            place: format!("{} ({what})", named.shown(index)),
            reason: reason::NAMED_SECRET.to_owned(),
        });
    }
    let Some(document) = &store.document else { return Ok(()) };
    let of_store = openclaw_json::parse(document.expose(), &what, *options)?;
    let of = |place: String| format!("{place} ({what})");
    for mut candidate in of_store.candidates {
        candidate.place = of(candidate.place);
        add(parsed, seen, candidate, &agent);
    }
    parsed
        .skipped
        .extend(of_store.skipped.into_iter().map(|one| Skipped { place: of(one.place), reason: one.reason }));
    parsed.invalid.extend(of_store.invalid.into_iter().map(|mut one| {
        one.place = of(one.place);
        one
    }));
    parsed.warnings.extend(of_store.warnings);
    // An import sets the orders of one agent.
    if agent == AgentName::default() {
        for (provider, ids) in of_store.order {
            parsed.order.entry(provider).or_insert(ids);
        }
    }
    Ok(())
}

/// Adds a profile of an agent, unless a store before has it.
fn add(
    parsed: &mut Parsed,
    seen: &mut HashSet<(AgentName, ProfileId)>,
    mut candidate: super::Candidate,
    agent: &AgentName,
) {
    if !seen.insert((agent.clone(), candidate.id.clone())) {
        let place = format!("{} ({})", candidate.place, candidate.id);
        parsed.skipped.push(Skipped { place, reason: reason::IN_STORE_BEFORE.to_owned() });
        return;
    }
    candidate.agent = Some(agent.clone());
    parsed.candidates.push(candidate);
}
