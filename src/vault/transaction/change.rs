//! Changes of an agent's profiles: what they consist of, and how they are prepared.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;
use strongroom_backends::keychain::Keychain as Platform;

use super::operations::{Op, Ops};
pub use super::staging::Outcome;
use super::staging::{Parts, Place, Staged};
use super::state_step::StateStep;
use super::undone;
use crate::error::Result;
use crate::messages::vault as messages;
use crate::seal::armor;
use crate::seal::keys::Ring;
use crate::secret::{self, ExposeSecret, SecretString};
use crate::vault::agent::{Agent, PENDING};
use crate::vault::bounds;
use crate::vault::credential::{Credential, FIELDS_MAX};
use crate::vault::history::{self, Version, prune};
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::index::{FILE, Index, Mark, NewEntry};
use crate::vault::ledger::{self, Book, Entry, RecordState, Updates};
use crate::vault::log::{self, Event, Head, LogPart};
use crate::vault::parallel;
use crate::vault::reader::Found;
use crate::vault::record::Record;
use crate::vault::store::Store;
use crate::vault::watch::Watch;

/// From this many records on, they are encrypted on several threads.
const PARALLEL_FROM: usize = 64;

/// A record that is to be written.
#[derive(Debug)]
struct Put {
    record: Record,
    store: Store,
    /// The id of its entry in the index.
    listed: ProfileId,
    /// Whether the user provides it. Then all fields of that entry are encrypted with it, and not only those that would
    /// be lost.
    given: bool,
}

/// A change that is being put together. Nothing is written before `Writer::commit`.
#[derive(Debug, Default)]
pub struct Change {
    puts: Vec<Put>,
    ops_before: Vec<Op>,
    ops_after: Vec<Op>,
    removals: Vec<(ProfileId, u64)>,
    /// Further updates of the ledger.
    updates: Updates,
    state: Vec<StateStep>,
    events: Vec<Event>,
    /// What the change replaces or removes, and the profile that it is kept for.
    kept: Vec<Version>,
    /// Earlier versions that are removed for good.
    dropped: Vec<(ProfileId, u64)>,
    /// The generations from which on the earlier versions of profiles count.
    history_from: BTreeMap<ProfileId, u64>,
    /// Who may ask the proxy from now on, if that changes.
    accesses: Option<Vec<Value>>,
    /// The ledger gets a higher number than this.
    above: u64,
    /// If set, the log starts again, and the old one is set aside with this in its name.
    restarts_log: Option<String>,
}

impl Change {
    /// Writes a profile's record. `op` is the kind of change in the log.
    pub fn put(&mut self, op: &str, record: Record, store: Store) {
        self.events.push(Event::of(op, &record.profile, Some(record.generation)));
        self.puts.push(Put { listed: record.profile.clone(), record, store, given: false });
    }

    /// Writes the record of a credential that the user provides, and keeps the one that it replaces. Fields that other
    /// programs added to the index entry are encrypted with it.
    pub fn put_given(&mut self, op: &str, record: Record, store: Store, replaced: Option<Found>) {
        self.kept.extend(replaced.map(Version::from));
        self.events.push(Event::of(op, &record.profile, Some(record.generation)));
        self.puts.push(Put { listed: record.profile.clone(), record, store, given: true });
    }

    /// Removes a profile, and keeps its record. `generation` is its last known one, which goes to the ledger and the
    /// log.
    pub fn remove(&mut self, profile: &ProfileId, generation: u64, removed: Option<Found>) {
        self.kept.extend(removed.map(Version::from));
        self.ops_after.push(Op::Remove { profile: profile.to_string() });
        self.removals.push((profile.clone(), generation));
        self.state.push(StateStep::Forget { profile: profile.to_string() });
        self.events.push(Event::of("remove", profile, Some(generation)));
    }

    /// Renames a profile. `record` is its record with the new id.
    pub fn rename(&mut self, from: &ProfileId, record: Record, store: Store, old_generation: u64) {
        self.ops_before.push(Op::Rename { from: from.to_string(), to: record.profile.to_string() });
        self.ops_after.push(Op::Remove { profile: from.to_string() });
        self.removals.push((from.clone(), old_generation));
        self.state.push(StateStep::Rename { from: from.to_string(), to: record.profile.to_string() });
        let renamed = Event::of("rename", &record.profile, Some(record.generation));
        self.events.push(Event { from: Some(from.to_string()), ..renamed });
        self.events.push(Event::of("remove", from, Some(old_generation)));
        self.puts.push(Put { record, store, listed: from.clone(), given: true });
    }

    /// Keeps an earlier version of a profile, encrypted with the current key: one that was kept before, or that a bundle
    /// brings.
    pub fn keep(&mut self, version: Version) {
        self.kept.push(version);
    }

    /// Removes an earlier version of a profile for good.
    pub fn drop_version(&mut self, profile: &ProfileId, generation: u64) {
        self.dropped.push((profile.clone(), generation));
    }

    /// Makes earlier versions below a generation count no more, even if one is put back. Does not remove them.
    pub fn history_from(&mut self, profile: &ProfileId, generation: u64) {
        self.history_from.insert(profile.clone(), generation);
    }

    /// Clears the cooldown, the disablement and the counters of a profile.
    pub fn lift(&mut self, profile: &ProfileId) {
        self.state.push(StateStep::Lift { profile: profile.to_string() });
    }

    /// Adds a record that is in place to the index, which lacks it.
    pub fn list(&mut self, agent: &AgentName, record: &Record, store: Store) {
        let mark = Mark::of(store, record.generation);
        let entry = NewEntry::of(agent, &record.profile, &record.credential, mark);
        self.ops_after.push(Op::List { profile: record.profile.to_string(), entry });
        self.events.push(Event::of("relist", &record.profile, Some(record.generation)));
    }

    /// Sets a provider's order, unless it has one.
    pub fn order(&mut self, provider: &Provider, ids: &[ProfileId]) {
        let ids = ids.iter().map(ToString::to_string).collect();
        self.ops_after.push(Op::Order { provider: provider.to_string(), ids });
    }

    /// Adds an event to the log that changes no profile.
    pub fn note(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Replaces the list of those who may ask the proxy. The caller adds an event, without which nothing is written.
    pub fn accesses(&mut self, all: Vec<Value>) {
        self.accesses = Some(all);
    }

    /// Adds a record that is in place to the ledger, which has lost it.
    pub fn enter(&mut self, record: &Record, entry: Entry) {
        self.updates.insert(record.profile.to_string(), entry);
        self.events.push(Event::of("relist", &record.profile, Some(record.generation)));
    }

    /// Makes the ledger's number higher than this one.
    pub fn above(&mut self, number: u64) {
        self.above = self.above.max(number);
    }

    /// Starts the log again; the current one is set aside as damaged, with this in its name.
    pub fn restart_log(&mut self, name: &str) {
        self.restarts_log = Some(name.to_owned());
    }

    /// Returns whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty()
            && self.ops_before.is_empty()
            && self.ops_after.is_empty()
            && self.events.is_empty()
            && self.kept.is_empty()
            && self.dropped.is_empty()
            && self.history_from.is_empty()
            && self.restarts_log.is_none()
    }

    /// Prepares the change up to its commit point, durably. `watched` is told of each record that is encrypted.
    ///
    /// The caller holds the agent's lock, and no change is unfinished. If several agents are changed, all changes are
    /// prepared before the first is committed.
    ///
    /// # Errors
    /// Any error up to the commit point. Then nothing has changed.
    pub(in crate::vault) fn stage<'a>(
        self,
        place: Place<'a>,
        book: &Book,
        watched: &dyn Watch,
    ) -> Result<Staged<'a>> {
        self.write_stage(place, book, watched).map_err(|error| undone(place.agent, error))
    }

    fn write_stage<'a>(mut self, place: Place<'a>, book: &Book, watched: &dyn Watch) -> Result<Staged<'a>> {
        let Place { agent, ring, now, .. } = place;
        let (mut index, based_on) = agent.index_and_bytes()?;
        let taken = self.take_rest(&index)?;
        let mut sealed = seal_all(&self.puts, |Put { record, .. }| {
            let sealed = record.seal(ring)?;
            watched.step();
            Ok((record.profile.file_name(), sealed))
        })?;
        watched.goes_on(messages::progress::WRITING);
        fits_keychain(&self.puts, &sealed)?;
        let (log, head) = self.log(agent, ring, book, now)?;
        let next = book.next(ring, &self.updates(ring, book)?, head, self.above, self.accesses.take())?;
        let versions = std::mem::take(&mut self.kept);
        sealed.extend(seal_all(&versions, |version| {
            let Record { profile, generation, .. } = &version.record;
            Ok((history::staged_name(profile, *generation), version.seal(ring)?))
        })?);
        let version_ops = self.version_ops(place, &versions)?;
        let mut outcome = Outcome::default();
        let mut ops = self.ops_before;
        for (Put { record, store, .. }, taken) in self.puts.iter().zip(taken) {
            let mark = Mark::of(*store, record.generation);
            let entry = NewEntry::of(&agent.name, &record.profile, &record.credential, mark);
            if !taken.is_empty() {
                let names = taken.replaced.iter().chain(&taken.rest).cloned().collect();
                outcome.sealed.push((record.profile.clone(), names));
            }
            ops.push(Op::Put { profile: record.profile.to_string(), entry, taken: taken.rest });
            outcome.generations.push((record.profile.clone(), record.generation));
        }
        ops.extend(self.ops_after);
        ops.extend(version_ops);
        ops.extend(forgets(agent, book, &ops)?);
        let leads = (book.ledger.mac.clone(), next.ledger.mac.clone());
        let mut ops = Ops::new(ring, leads, ops, log);
        ops.state = self.state;
        let put = self.puts.iter().map(|put| &put.record.profile);
        let in_plain_text = put.filter(|id| index.entry(id.as_str()).is_some_and(|entry| entry.plaintext));
        outcome.plaintext = in_plain_text.cloned().collect();
        let before = index.len();
        ops.apply(&mut index)?;
        bounds::check_profiles(&agent.name, before, index.len())?;
        let index = index.to_bounded_bytes()?;
        ops.lead(based_on.as_deref(), &index);
        Parts { records: sealed, next, ops, index, based_on, outcome }.stage(place, book)
    }

    /// Moves further fields of the index entries into the records. Returns their names.
    fn take_rest(&mut self, index: &Index) -> Result<Vec<Taken>> {
        let take = |put: &mut Put| {
            let id = put.listed.as_str();
            let (credential, mut taken) = (&mut put.record.credential, Taken::default());
            for (field, raw) in index.lost_in(id) {
                if !is_text(raw, &credential.secret) && add_beside(credential, &field, raw) {
                    taken.replaced.push(field.into_owned());
                }
            }
            for (field, raw) in index.rest_of(id).filter(|_| put.given) {
                add_beside(credential, &field, raw);
                taken.rest.push(field.into_owned());
            }
            if taken.is_empty() || credential.size() <= FIELDS_MAX {
                return Ok(taken);
            }
            Err(messages::records::too_large_with_fields(id, FILE, FIELDS_MAX))
        };
        self.puts.iter_mut().map(take).collect()
    }

    /// Returns the operations on earlier versions: those that are kept, those that are removed for good, and those that
    /// give way to a new one.
    fn version_ops(&self, place: Place<'_>, kept: &[Version]) -> Result<Vec<Op>> {
        let drop = |profile: &ProfileId, generation, everywhere| Op::Drop {
            profile: profile.to_string(),
            generation,
            everywhere,
        };
        let keep = |Version { record, .. }: &Version| Op::Keep {
            profile: record.profile.to_string(),
            generation: record.generation,
        };
        let mut ops: Vec<Op> = kept.iter().map(keep).collect();
        ops.extend(self.dropped.iter().map(|(profile, generation)| drop(profile, *generation, true)));
        // A change of keys encrypts versions again, and none of them is new.
        let written = self.puts.iter().filter(|put| put.given).map(|put| &put.record.profile);
        let changed: HashSet<_> = written.chain(self.removals.iter().map(|(profile, _)| profile)).collect();
        // What a bundle brings replaced nothing here, and was chosen so that it fits.
        let own = kept.iter().filter(|version| version.imported.is_none());
        for version in own.filter(|version| changed.contains(&version.record.profile)) {
            let due = prune::due(place, version)?;
            ops.extend(due.into_iter().map(|generation| drop(&version.record.profile, generation, false)));
        }
        Ok(ops)
    }

    fn log(&self, agent: &Agent, ring: &Ring, book: &Book, now: i64) -> Result<(LogPart, Head)> {
        let addition = log::Addition { ring, head: &book.ledger.log, now, events: &self.events };
        match &self.restarts_log {
            Some(name) => log::begin_anew(&agent.dir, addition, Some(name)),
            None => log::lines(&agent.dir, addition),
        }
    }

    /// Returns the updates of the ledger.
    fn updates(&self, ring: &Ring, book: &Book) -> Result<Updates> {
        let mut updates = self.updates.clone();
        for (profile, generation) in &self.removals {
            updates.insert(profile.to_string(), Entry::new(*generation, RecordState::Removed));
        }
        for Put { record, store, .. } in &self.puts {
            if record.generation > ledger::GENERATION_MAX {
                return Err(messages::records::generation_too_high(&record.profile));
            }
            let state = RecordState::Stored(*store, ring.current().id());
            updates.insert(record.profile.to_string(), Entry::new(record.generation, state));
        }
        for profile in self.history_from.keys() {
            if !updates.contains_key(profile.as_str())
                && let Some(entry) = book.entry(profile)?
            {
                updates.insert(profile.to_string(), entry);
            }
        }
        for (id, entry) in &mut updates {
            let profile: ProfileId = id.parse()?;
            let before = book.entry(&profile)?.map_or(0, |entry| entry.history_from);
            let from = self.history_from.get(&profile).copied().unwrap_or_default();
            entry.history_from = entry.history_from.max(before).max(from);
        }
        Ok(updates)
    }
}

/// The names of fields that were moved from an entry into its record.
#[derive(Debug, Default)]
struct Taken {
    /// Fields that Strongroom replaces.
    replaced: Vec<String>,
    /// Fields that are dropped because they were moved.
    rest: Vec<String>,
}

impl Taken {
    fn is_empty(&self) -> bool {
        self.replaced.is_empty() && self.rest.is_empty()
    }
}

/// Adds a field to a credential. If the credential has the field already, its value stays, because it is authentic and
/// the index is not; the new value is added as `<field>.index`. Returns whether anything was added.
fn add_beside(credential: &mut Credential, field: &str, raw: &str) -> bool {
    let is_secret = crate::vault::index::entry::gives_way(field);
    for number in 0..=credential.extra.len() {
        let name = match (number, is_secret) {
            (0, false) => field.to_owned(),
            (0, true) | (1, false) => format!("{field}.index"),
            (n, _) => format!("{field}.index{n}"),
        };
        match credential.extra.get(&name) {
            Some(there) if there.expose_secret() == raw => return false,
            Some(_) => {}
            None => {
                credential.extra.insert(name, SecretString::from(raw));
                return true;
            }
        }
    }
    false
}

/// Returns whether a JSON text is a string with this value.
fn is_text(raw: &str, secret: &SecretString) -> bool {
    secret::deserialize(&mut serde_json::Deserializer::from_str(raw))
        .is_ok_and(|text| text.expose_secret() == secret.expose_secret())
}

/// Refuses a record that is too large for a keychain item, before anything is changed.
fn fits_keychain(puts: &[Put], sealed: &[(String, Vec<u8>)]) -> Result<()> {
    let max = Platform::max();
    for (Put { record, store, .. }, (_, sealed)) in puts.iter().zip(sealed) {
        // On most platforms, the limit is far above the size of any record.
        if *store == Store::Keychain && max < armor::MAX && armor::to_text(sealed)?.len() > max {
            return Err(messages::keychain::item_too_large(&record.profile, max));
        }
    }
    Ok(())
}

/// Returns the operations that remove the keychain items which these operations make obsolete.
fn forgets(agent: &Agent, book: &Book, ops: &[Op]) -> Result<Vec<Op>> {
    if agent.dir.kind(PENDING)?.is_none() {
        return Ok(Vec::new());
    }
    let mut forgets = Vec::new();
    for op in ops {
        let profile = match op {
            Op::Remove { profile } => profile,
            Op::Put { profile, entry, .. } if entry.store()? != Store::Keychain => profile,
            _ => continue,
        };
        // A profile that was in a file has no item.
        let id: ProfileId = profile.parse()?;
        if book.entry(&id)?.is_some_and(|entry| entry.store() != Some(Store::File)) {
            forgets.push(Op::Forget { profile: profile.clone() });
        }
    }
    Ok(forgets)
}

/// Encrypts all of something, on several threads if there are many.
fn seal_all<T: Sync>(
    all: &[T],
    seal: impl Fn(&T) -> Result<(String, Vec<u8>)> + Sync,
) -> Result<Vec<(String, Vec<u8>)>> {
    if all.len() < PARALLEL_FROM {
        return all.iter().map(seal).collect();
    }
    parallel::spread(all, seal).into_iter().collect()
}
