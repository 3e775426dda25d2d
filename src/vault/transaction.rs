//! Changes: one mechanism with one commit point for paste, remove, rename, import and rekey.
//!
//! `txn.tmp/` gets the new sealed records and the sealed operations, and the new index and the
//! log's space are prepared beside it; all of it is made durable. The rename of `txn.tmp/` to
//! `txn/`, made durable, is the commit. Then everything is moved into place, and `txn/` goes.
//! Whoever takes the lock next finishes what a killed process left; each step can be repeated.

use std::collections::HashMap;
use std::thread;

use strongroom_backends::SecretStore;
use strongroom_backends::file::{FileStore, ONE_BARRIER_FROM};
use strongroom_backends::fs::dir::Dir;

use super::agent::{Agent, OPS, RECORDS, Reader, TXN, TXN_STAGE};
use super::credential::Credential;
use super::id::{AgentName, ProfileId, Provider};
use super::index::{self, Index, Mark, NewEntry};
use super::log::{self, Event, LastKnown, Scope};
use super::ops::{Op, Ops};
use super::record::Record;
use crate::error::{Code, Error, Result};
use crate::seal::keys::Keys;
use crate::seal::record::OPS_MAX;

const STAGED_INDEX: &str = "auth-profiles.json.tmp";
/// From this many records on, sealing is shared among threads.
const PARALLEL_FROM: usize = 64;

/// A change that is being put together. Nothing is written before [`Change::commit`].
#[derive(Debug, Default)]
pub struct Change {
    puts: Vec<(Record, &'static str)>,
    ops_before: Vec<Op>,
    ops_after: Vec<Op>,
    events: Vec<Event>,
}

/// How a change ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Generations of the records that were put.
    pub generations: Vec<(ProfileId, u64)>,
    /// Why a committed change could not be applied in full. It is safe, is read as done, and the
    /// next change finishes it.
    pub unfinished: Option<Error>,
}

/// What the log and the records know of generations, looked up once for a change.
#[derive(Debug)]
pub struct Generations {
    log: Vec<u8>,
    all: Option<HashMap<String, LastKnown>>,
    now: u64,
}

impl Generations {
    /// Reads the log of an agent. `many` says that more than a few profiles will be asked for.
    ///
    /// # Errors
    /// Those of reading the log.
    pub fn read(dir: &Dir, now: i64, many: bool) -> Result<Self> {
        let log = dir.read_if_any(log::FILE, log::MAX)?.unwrap_or_default();
        let all = many.then(|| log::all_last_known(&log));
        Ok(Self { log, all, now: u64::try_from(now).unwrap_or(0) })
    }

    /// What the log knows last of a profile.
    #[must_use]
    pub fn last_known(&self, profile: &ProfileId) -> Option<LastKnown> {
        match &self.all {
            Some(all) => all.get(profile.as_str()).copied(),
            None => log::last_known(&self.log, profile),
        }
    }

    /// The next generation of a profile: above its current one, above the last one that is known
    /// even when it was removed since, and at least the time.
    #[must_use]
    pub fn next(&self, profile: &ProfileId, current: Option<u64>) -> u64 {
        let last = match current {
            Some(current) => Some(current),
            None => self.last_known(profile).map(|known| known.generation),
        };
        last.map_or(0, |last| last.saturating_add(1)).max(self.now)
    }
}

impl Change {
    /// Writes a profile's record; `op` is its name in the log.
    pub fn put(&mut self, op: &str, record: Record, store: &'static str) {
        self.events.push(Event::of(op, &record.profile, Some(record.generation)));
        self.puts.push((record, store));
    }

    /// Removes a profile; its last known generation goes to the log.
    pub fn remove(&mut self, profile: &ProfileId, generation: u64) {
        self.ops_after.push(Op::Remove { profile: profile.to_string() });
        self.events.push(Event::of("remove", profile, Some(generation)));
    }

    /// Gives a profile another id: its record is sealed anew for the new place.
    pub fn rename(&mut self, from: &ProfileId, record: Record, store: &'static str, old_generation: u64) {
        self.ops_before.push(Op::Rename { from: from.to_string(), to: record.profile.to_string() });
        self.ops_after.push(Op::Remove { profile: from.to_string() });
        let renamed = Event::of("rename", &record.profile, Some(record.generation));
        self.events.push(Event { from: Some(from.to_string()), ..renamed });
        self.events.push(Event::of("remove", from, Some(old_generation)));
        self.puts.push((record, store));
    }

    /// Lists a record that rests in its place and is missing from the index.
    pub fn list(&mut self, agent: &AgentName, record: &Record, store: &str) {
        let mark = Mark { store: store.to_owned(), generation: record.generation };
        let entry = NewEntry::of(agent, &record.profile, &record.credential, mark);
        self.ops_after.push(Op::List { profile: record.profile.to_string(), entry });
        self.events.push(Event::of("relist", &record.profile, Some(record.generation)));
    }

    /// Sets a provider's order in the same change.
    pub fn order(&mut self, provider: &Provider, ids: &[ProfileId]) {
        let ids = ids.iter().map(ToString::to_string).collect();
        self.ops_after.push(Op::Order { provider: provider.to_string(), ids });
    }

    /// Notes something in the log that changes no profile.
    pub fn note(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Takes over everything of another change, behind what is here already.
    pub fn absorb(&mut self, other: Self) {
        self.puts.extend(other.puts);
        self.ops_before.extend(other.ops_before);
        self.ops_after.extend(other.ops_after);
        self.events.extend(other.events);
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.puts.is_empty()
            && self.ops_before.is_empty()
            && self.ops_after.is_empty()
            && self.events.is_empty()
    }

    /// Makes the change. The caller holds the agent's lock and has called [`finish_unfinished`].
    ///
    /// # Errors
    /// Everything up to the commit point; then nothing has changed. What fails behind it is told
    /// by [`Outcome::unfinished`].
    pub fn commit(self, agent: &Agent, keys: &Keys, now: i64) -> Result<Outcome> {
        self.commit_telling(agent, keys, now, &|| ())
    }

    /// Makes the change, and calls `sealed` for each record that was sealed.
    ///
    /// # Errors
    /// As [`Change::commit`].
    pub fn commit_telling(
        self,
        agent: &Agent,
        keys: &Keys,
        now: i64,
        sealed: &(dyn Fn() + Sync),
    ) -> Result<Outcome> {
        let staged = self.stage(agent, keys, now, sealed);
        let (prepared, ops, outcome) = match staged {
            Ok(staged) => staged,
            Err(error) => {
                // Best effort: the next change sweeps what a full disk leaves behind.
                let _ = sweep(agent);
                return Err(error);
            }
        };
        agent.dir.rename(TXN_STAGE, &agent.dir, TXN)?;
        let applied =
            agent.dir.sync().map_err(Error::from).and_then(|()| apply(agent, &ops, Some(&prepared)));
        Ok(Outcome { unfinished: applied.err(), ..outcome })
    }

    fn stage(
        self,
        agent: &Agent,
        keys: &Keys,
        now: i64,
        tell: &(dyn Fn() + Sync),
    ) -> Result<(Prepared, Ops, Outcome)> {
        let sealed = seal_all(&self.puts, keys, &agent.name, tell)?;
        let mut outcome = Outcome::default();
        let mut ops = self.ops_before;
        for (record, store) in &self.puts {
            let mark = Mark { store: (*store).to_owned(), generation: record.generation };
            let entry = NewEntry::of(&agent.name, &record.profile, &record.credential, mark);
            ops.push(Op::Put { profile: record.profile.to_string(), entry });
            outcome.generations.push((record.profile.clone(), record.generation));
        }
        ops.extend(self.ops_after);
        let tail = log::tail(&agent.dir)?;
        let part = log::lines(keys, Scope::Agent(&agent.name), &tail, now, &self.events)?;
        let ops = Ops::new(keys, &agent.name, ops, part);

        let (mut index, based_on) = agent.index_and_bytes()?;
        ops.apply(&mut index)?;
        let prepared = Prepared { based_on };

        agent.dir.dir_or_create(RECORDS)?;
        let stage = agent.dir.create_dir(TXN_STAGE)?;
        let records = stage.create_dir(RECORDS)?;
        // Everything is written before the first barrier: a journal then commits it in few steps.
        let each = sealed.len() < ONE_BARRIER_FROM;
        let mut record_files = Vec::new();
        for (name, bytes) in &sealed {
            let file = records.write_new(name, bytes)?;
            if each {
                record_files.push((file, name));
            }
        }
        let ops_file = stage.write_new(OPS, &ops.seal(keys)?)?;
        agent.dir.remove_file(STAGED_INDEX)?;
        let index_file = agent.dir.write_new(STAGED_INDEX, &index.to_bytes())?;
        log::reserve(&agent.dir, &ops.log)?;
        if each {
            for (file, name) in &record_files {
                records.sync_file(file, name)?;
            }
            stage.sync_file(&ops_file, OPS)?;
            agent.dir.sync_file(&index_file, STAGED_INDEX)?;
            records.sync()?;
            stage.sync()?;
        } else {
            stage.sync_all()?;
        }
        Ok((prepared, ops, outcome))
    }
}

/// The new index, durable beside the old one, and the bytes from which it was made.
#[derive(Debug)]
struct Prepared {
    based_on: Option<Vec<u8>>,
}

fn seal_all(
    puts: &[(Record, &'static str)],
    keys: &Keys,
    agent: &AgentName,
    tell: &(dyn Fn() + Sync),
) -> Result<Vec<(String, Vec<u8>)>> {
    let seal = |(record, _): &(Record, &str)| -> Result<(String, Vec<u8>)> {
        let sealed = record.seal(keys, agent)?;
        tell();
        Ok((record.profile.file_name(), sealed))
    };
    if puts.len() < PARALLEL_FROM {
        return puts.iter().map(seal).collect();
    }
    let threads = thread::available_parallelism().map_or(1, usize::from).min(8);
    let sealed: Vec<Result<Vec<_>>> = thread::scope(|scope| {
        let workers: Vec<_> = puts
            .chunks(puts.len().div_ceil(threads))
            .map(|chunk| scope.spawn(move || chunk.iter().map(seal).collect()))
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker.join().unwrap_or_else(|_| Err(Error::new(Code::Internal, "sealing was cut short")))
            })
            .collect()
    });
    Ok(sealed.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// Applies a committed transaction. Repeatable.
fn apply(agent: &Agent, ops: &Ops, prepared: Option<&Prepared>) -> Result<()> {
    let txn = agent.dir.dir(TXN)?;
    let store = FileStore::new(agent.dir.dir_or_create(RECORDS)?);
    let names = |ids: Vec<ProfileId>| ids.iter().map(ProfileId::file_name).collect::<Vec<_>>();
    let puts = names(ops.puts()?);
    if let (false, Some(staged)) = (puts.is_empty(), txn.dir_if_any(RECORDS)?) {
        store.put_staged(&staged, &puts)?;
    }
    let removals = names(ops.removals()?);
    if !removals.is_empty() {
        store.remove(&removals)?;
    }
    apply_index(agent, ops, prepared)?;
    log::append(&agent.dir, &ops.log)?;
    // The names that were moved; all of it is durable before `txn/` goes.
    if !puts.is_empty() || !removals.is_empty() {
        store.sync()?;
    }
    agent.dir.sync()?;
    // Back to the staging name in one step: what is left of it there is only swept, never read.
    agent.dir.rename(TXN, &agent.dir, TXN_STAGE)?;
    sweep(agent)
}

fn apply_index(agent: &Agent, ops: &Ops, prepared: Option<&Prepared>) -> Result<()> {
    if let Some(prepared) = prepared {
        let unchanged = agent.dir.read_if_any(index::FILE, index::MAX)? == prepared.based_on;
        if unchanged {
            return Ok(agent.dir.rename(STAGED_INDEX, &agent.dir, index::FILE)?);
        }
    }
    // Somebody else wrote the index meanwhile: the operations go upon what stands there now.
    let (mut index, bytes) = agent.index_and_bytes()?;
    ops.apply(&mut index)?;
    let new = index.to_bytes();
    if bytes.as_deref() != Some(new.as_slice()) {
        agent.dir.replace(index::FILE, &new)?;
    }
    Ok(())
}

fn sweep(agent: &Agent) -> Result<()> {
    agent.dir.remove_tree(TXN_STAGE)?;
    agent.dir.remove_file(STAGED_INDEX)?;
    Ok(())
}

/// What [`finish_unfinished`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finished {
    /// There was nothing to do.
    Nothing,
    /// The remains of a change that was never committed were swept.
    Swept,
    /// A committed change was applied.
    Applied,
}

/// Finishes what a killed process left. The caller holds the agent's lock.
///
/// # Errors
/// Those of applying the transaction; it stays for the next one.
pub fn finish_unfinished(agent: &Agent, keys: &Keys) -> Result<Finished> {
    let mut done = Finished::Nothing;
    if let Some(txn) = agent.dir.dir_if_any(TXN)? {
        if let Some(sealed) = txn.read_if_any(OPS, OPS_MAX)? {
            apply(agent, &Ops::open(keys, &agent.name, &sealed)?, None)?;
            return Ok(Finished::Applied);
        }
        return Err(Error::new(
            Code::Corrupt,
            format!("the unfinished transaction of agent {} has lost its operations", agent.name),
        )
        .with_remedy("run `strongroom doctor`; the records in its txn directory are kept"));
    }
    if agent.dir.kind(TXN_STAGE)?.is_some() || agent.dir.kind(STAGED_INDEX)?.is_some() {
        sweep(agent)?;
        done = Finished::Swept;
    }
    Ok(done)
}

/// Applies a committed transaction whose operations were opened by other means (`recover`).
///
/// # Errors
/// As [`finish_unfinished`].
pub fn apply_opened(agent: &Agent, ops: &Ops) -> Result<()> {
    apply(agent, ops, None)
}

/// Replaces only the index, under the agent's lock: orders need no unlocking.
///
/// # Errors
/// `INDEX_UNREADABLE` and those of writing.
pub fn edit_index(agent: &Agent, edit: impl FnOnce(&mut Index) -> Result<()>) -> Result<()> {
    let (mut index, bytes) = agent.index_and_bytes()?;
    edit(&mut index)?;
    let new = index.to_bytes();
    if bytes.as_deref() != Some(new.as_slice()) {
        agent.dir.replace(index::FILE, &new)?;
    }
    Ok(())
}

/// A record for a profile that has, or had, the given one.
#[must_use]
pub fn next_record(
    profile: &ProfileId,
    credential: Credential,
    current: Option<&Record>,
    generations: &Generations,
    now: i64,
) -> Record {
    Record {
        profile: profile.clone(),
        generation: generations.next(profile, current.map(|record| record.generation)),
        created: current.map_or(now, |record| record.created),
        updated: now,
        credential,
    }
}

/// A reader on the same agent, for a writer that holds the lock and finished what was unfinished.
///
/// # Errors
/// Those of reading the directory.
pub fn reader_of<'k>(agent: &Agent, home: &Dir, keys: &'k Keys) -> Result<Reader<'k>> {
    let dir = home.dir("agents")?.dir(agent.name.as_str())?;
    Agent { name: agent.name.clone(), dir }.reader(keys)
}
