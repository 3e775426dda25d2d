//! Imports: a plan that is made without locks, so that errors are found before anything is written, and then the
//! same plan under the locks, carried out as one transaction for each agent.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::cooldowns;
use super::destinations;
use super::notice::Notice;
use super::open::Open;
use super::save::sealed_besides;
use crate::error::{Code, Error, Result};
use crate::messages;
use crate::seal::keys::Keys;
use crate::transfer::{self, Action, Existing, OnConflict, Parsed, Plan, PlanEntry};
use crate::vault::bounds;
use crate::vault::generation::next_record;
use crate::vault::history::{Held, Version};
use crate::vault::home::{Vault, Writer};
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::index::Index;
use crate::vault::reader::Reader;
use crate::vault::store::Store;
use crate::vault::transaction::change::Change;

/// What is to be imported, and how.
#[derive(Debug)]
pub struct Import<'a> {
    /// What was read.
    pub parsed: &'a Parsed,
    /// The agent of entries that name none.
    pub default_agent: AgentName,
    /// The agent of all entries, if the user named one.
    pub only_agent: Option<AgentName>,
    /// What is done if an id exists with other contents.
    pub on_conflict: OnConflict,
    /// Whether entries that cannot be used are left out.
    pub skip_invalid: bool,
    /// The store of new profiles, if one was named.
    pub store: Option<Store>,
}

/// The stores that records go to.
#[derive(Clone, Copy)]
struct Stores {
    named: Option<Store>,
    default: Store,
}

impl Import<'_> {
    /// Makes the plan. Takes no locks and writes nothing. `now` is in Unix milliseconds.
    ///
    /// # Errors
    /// Those of reading; `TOO_LARGE` if an agent would have more profiles than it may.
    pub fn plan(&self, vault: &Vault, keys: &Keys, now: i64) -> Result<Plan<'_>> {
        let mut readers = HashMap::new();
        for name in self.agents() {
            if let Some(found) = vault.agent(&name)? {
                let reader = vault.reader(found, keys)?;
                reader.book()?;
                let index = reader.index()?;
                readers.insert(name, (reader, index));
            }
        }
        let existing = existing_in(&readers);
        let only = self.only_agent.as_ref();
        let mut plan = transfer::plan(self.parsed, &self.default_agent, only, &existing, self.on_conflict);
        leave_out_orders(&mut plan, &readers);
        check_room(&plan, &readers)?;
        bring_versions(&mut plan, &readers, now, vault.history_days(keys))?;
        Ok(plan)
    }

    /// Plans again under the locks, because the vault may have changed since the first plan, and carries that out.
    /// Returns the plan that was carried out, and the notices.
    ///
    /// # Errors
    /// Those of locking, of planning and of writing. Then nothing was changed, except for agents that were
    /// committed before the one that failed.
    pub fn carry_out(&self, open: &mut Open<'_>, first: Plan<'_>) -> Result<(Plan<'_>, Vec<Notice>)> {
        let vault = open.vault;
        let stores = Stores { named: self.store, default: vault.default_store(&open.session) };
        if stores.named.unwrap_or(stores.default) == Store::Keychain {
            vault.keychain().ready()?;
        }
        let written = first.entries.iter().filter(|entry| entry.action.writes());
        let agents: BTreeSet<&AgentName> = written.map(|entry| entry.agent).collect();
        let agents: Vec<AgentName> = agents.into_iter().cloned().collect();
        drop(first);
        let waits = open.waits("import");
        let writers = vault.writers(&mut open.session, &agents, &waits)?;
        for writer in &writers {
            open.begun(writer);
        }
        let plan = self.plan(vault, open.session.keys(), open.now())?;
        plan.check(self.skip_invalid)?;
        waits.watched.begins(messages::vault::progress::ENCRYPTING, plan.writes());
        // Anything that fails because of space or size fails before the first agent is committed.
        let mut staged = Vec::new();
        for writer in &writers {
            let (mut change, new) = change_of(&plan, writer, stores, open.now())?;
            let cleared = cooldowns::of_new(&mut change, writer, &new);
            staged.push((writer.stage(change, &*waits.watched).map_err(in_parts)?, cleared));
        }
        let (mut notices, mut outcomes) = (Vec::new(), Vec::new());
        for (staged, cleared) in staged {
            let outcome = staged.commit()?;
            notices.extend(cleared);
            notices.extend(sealed_besides(&outcome));
            outcomes.push(outcome);
        }
        drop(writers);
        for outcome in &outcomes {
            open.committed(outcome);
        }
        Ok((plan, notices))
    }

    /// Returns the agents that the entries go to.
    fn agents(&self) -> BTreeSet<AgentName> {
        let of = |named: Option<&AgentName>| {
            self.only_agent.as_ref().or(named).unwrap_or(&self.default_agent).clone()
        };
        self.parsed.candidates.iter().map(|candidate| of(candidate.agent.as_ref())).collect()
    }
}

/// Refuses a plan by which an agent would exceed its limit of profiles, before anything is encrypted.
fn check_room(plan: &Plan<'_>, readers: &HashMap<AgentName, (Reader<'_>, Index)>) -> Result<()> {
    let mut new: BTreeMap<&AgentName, usize> = BTreeMap::new();
    for entry in plan.entries.iter().filter(|entry| matches!(entry.action, Action::Add | Action::RenameTo(_)))
    {
        *new.entry(entry.agent).or_default() += 1;
    }
    new.into_iter().try_for_each(|(agent, new)| {
        let held = readers.get(agent).map_or(0, |(_, index)| index.len());
        bounds::check_profiles(agent, held, held + new)
    })
}

/// Leaves out the orders of agents that get no profile, and of providers that have one: an order that was set here takes
/// precedence over an imported one.
fn leave_out_orders(plan: &mut Plan<'_>, readers: &HashMap<AgentName, (Reader<'_>, Index)>) {
    let written = plan.entries.iter().filter(|entry| entry.action.writes()).map(|entry| entry.agent);
    let written: BTreeSet<_> = written.collect();
    plan.orders.retain(|order| {
        let has_one =
            readers.get(order.agent).is_some_and(|(_, index)| index.order(order.provider).is_some());
        written.contains(order.agent) && !has_one
    });
}

/// Decides which earlier versions come with the entries of a plan.
fn bring_versions(
    plan: &mut Plan<'_>,
    readers: &HashMap<AgentName, (Reader<'_>, Index)>,
    now: i64,
    days: u32,
) -> Result<()> {
    let brings = |entry: &&mut PlanEntry<'_>| entry.action.writes() && !entry.candidate.versions.is_empty();
    for entry in plan.entries.iter_mut().filter(brings) {
        let held = match readers.get(entry.agent) {
            Some((reader, _)) => {
                let mut held = Held::of(reader, &entry.target)?;
                // What was revoked does not come back under another id either.
                if entry.target != entry.candidate.id {
                    held.starts_with(&Held::of(reader, &entry.candidate.id)?);
                }
                held
            }
            None => Held::default(),
        };
        entry.bring(|offered| held.takes(offered, now, days));
    }
    Ok(())
}

/// Adds a remedy to an error of size: what is too large as one change may fit as several.
fn in_parts(error: Error) -> Error {
    match error.code() {
        Code::TooLarge if error.remedy() == Code::TooLarge.remedy() => {
            error.with_remedy(messages::ops::IMPORT_IN_PARTS)
        }
        _ => error,
    }
}

fn existing_in<'r>(
    readers: &'r HashMap<AgentName, (Reader<'_>, Index)>,
) -> impl Fn(&AgentName, &ProfileId) -> Existing + use<'r> {
    move |agent, profile| {
        let Some((reader, index)) = readers.get(agent) else { return Existing::Absent };
        match reader.record(profile) {
            Ok(Some(record)) => Existing::Present(Box::new(record.credential), Box::new(record.details)),
            // An entry of another program, which may hold the only copy of a secret.
            Ok(None) if index.contains(profile.as_str()) => Existing::Unreadable,
            Ok(None) => Existing::Absent,
            Err(_) => Existing::Unreadable,
        }
    }
}

/// Returns the change of one agent, and the profiles whose secrets are new.
fn change_of(
    plan: &Plan<'_>,
    writer: &Writer<'_>,
    stores: Stores,
    now: i64,
) -> Result<(Change, Vec<ProfileId>)> {
    let reader = writer.reader()?;
    let entries: Vec<_> = plan
        .entries
        .iter()
        .filter(|entry| entry.agent == writer.agent().name() && entry.action.writes())
        .collect();
    let generations = writer.generations()?;
    let (mut change, mut new) = (Change::default(), Vec::new());
    for entry in entries {
        let current = match entry.action {
            Action::Replace => match reader.found(&entry.target) {
                // It would be lost, and it may be sound.
                Err(error) if error.code().is_of_keychain() && error.code() != Code::KeychainLost => {
                    return Err(error);
                }
                found => found.unwrap_or(None),
            },
            _ => None,
        };
        let held = current.as_ref().map(|found| &found.record.credential);
        if !held.is_some_and(|held| held.same_secret_as(&entry.candidate.credential)) {
            new.push(entry.target.clone());
        }
        let credential = entry.candidate.credential.clone();
        let mut record = next_record(&entry.target, credential, current.as_ref(), &generations, now)?;
        let kept = std::mem::take(&mut record.details);
        record.details = kept.overlaid(&entry.candidate.details);
        if let Some(found) = &current {
            let was = found.record.details.clone().with_own_hosts(&found.record.credential);
            for event in destinations::events("import", &entry.target, &was, &record.details) {
                change.note(event);
            }
        }
        if let (None, Some(created)) = (&current, entry.candidate.created) {
            record.created = created;
        }
        let store = stores.named.or_else(|| reader.store_of(&entry.target)).unwrap_or(stores.default);
        // The sender's clock may be ahead of this one.
        let after = entry.versions.last().map_or(0, |last| last.record.generation.saturating_add(1));
        record.generation = record.generation.max(after);
        for version in &entry.versions {
            change.keep(Version { store, ..version.clone() });
        }
        change.put_given("import", record, store, current);
    }
    for order in plan.orders.iter().filter(|order| order.agent == writer.agent().name()) {
        change.order(order.provider, &order.ids);
    }
    Ok((change, new))
}
