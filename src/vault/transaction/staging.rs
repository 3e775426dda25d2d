//! Prepares and commits a change: as a journal if it is small, else as a transaction's directory.

use std::collections::HashSet;
use std::fs::File;

use strongroom_backends::file::ONE_BARRIER_FROM;
use strongroom_backends::fs::dir::Dir;

use super::journal::{self, Draft, Journal, Mark};
use super::operations::{Op, Ops};
use super::state_step::{Doing, Follow};
use super::{Prepared, apply, set_aside, sweep, sweep_shards};
use crate::error::{Error, Result};
use crate::seal::keys::Ring;
use crate::seal::signed;
use crate::vault::agent::{Agent, OPS, PENDING, RECORDS, STAGED_INDEX, TXN, TXN_STAGE};
use crate::vault::history;
use crate::vault::id::ProfileId;
use crate::vault::ledger::{self, Book, Next};
use crate::vault::log::{self, Durable};

/// The agent that is changed, and its keys.
#[derive(Clone, Copy, Debug)]
pub(in crate::vault) struct Place<'a> {
    pub(in crate::vault) agent: &'a Agent,
    pub(in crate::vault) ring: &'a Ring,
    pub(in crate::vault) follow: Follow,
    /// In Unix milliseconds.
    pub(in crate::vault) now: i64,
    /// How long earlier versions are kept at least, in days.
    pub(in crate::vault) history_days: u32,
}

/// How a change ended.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The generations of the records that were written.
    pub generations: Vec<(ProfileId, u64)>,
    /// Profiles that had a secret in plain text in the index, which was replaced.
    pub plaintext: Vec<ProfileId>,
    /// Fields that another program wrote into entries, and that are now encrypted with the record.
    pub sealed: Vec<(ProfileId, Vec<String>)>,
    /// Why a committed change could not be fully applied. It is safe and is read as done, and the next change finishes
    /// it.
    pub unfinished: Option<Error>,
    /// Why the keychain is not up to date. Until it is, encrypted copies are kept and read, and each change tries
    /// again.
    pub keychain: Option<Error>,
}

/// What a change writes.
#[derive(Debug)]
pub(in crate::vault) struct Parts {
    /// Encrypted records and earlier versions, by the names that they have while they are staged.
    pub(in crate::vault) records: Vec<(String, Vec<u8>)>,
    /// The ledger.
    pub(in crate::vault) next: Next,
    /// The operations.
    pub(in crate::vault) ops: Ops,
    /// The index's bytes.
    pub(in crate::vault) index: Vec<u8>,
    /// The bytes of the index that was there before.
    pub(in crate::vault) based_on: Option<Vec<u8>>,
    /// The outcome, if it is committed.
    pub(in crate::vault) outcome: Outcome,
}

/// A change that is durable up to its commit point. If it is dropped without a commit, what was prepared is removed.
#[derive(Debug)]
pub(in crate::vault) struct Staged<'a> {
    agent: &'a Agent,
    follow: Follow,
    parts: Parts,
    /// The prepared journal, if the change is one.
    journal: Option<(File, Mark)>,
    shards_changed: bool,
    committed: bool,
}

impl Parts {
    /// Writes everything next to its place, and makes it durable.
    ///
    /// # Errors
    /// Any error up to the commit point. Then nothing has changed.
    pub(in crate::vault) fn stage<'a>(self, place: Place<'a>, book: &Book) -> Result<Staged<'a>> {
        let Place { agent, ring, follow, .. } = place;
        let journal = self.journal(place, book)?;
        let shards_changed = !self.next.shards.is_empty() || book.ledger.shard_names().next().is_some();
        if agent.dir.kind(RECORDS)?.is_none() {
            agent.dir.dir_or_make(RECORDS)?;
        }
        let stage = agent.dir.create_dir(TXN_STAGE)?;
        agent.dir.remove_file(STAGED_INDEX)?;
        let journal = if let Some((draft, mark)) = journal {
            Some((self.write_journal(agent, &stage, &draft)?, mark))
        } else {
            self.write_directory(agent, ring, &stage)?;
            None
        };
        Ok(Staged { agent, follow, parts: self, journal, shards_changed, committed: false })
    }

    /// Returns the journal for the change, if it can be one. The contents of an earlier journal are added to it, or
    /// else made durable in their places.
    fn journal(&self, place: Place<'_>, book: &Book) -> Result<Option<(Draft, Mark)>> {
        let Place { agent, ring, follow, now, .. } = place;
        let earlier = Earlier::of(agent, ring, book, now)?;
        let mark = if self.is_plain(agent, ring, book, follow)? { Mark::of(&agent.dir)? } else { None };
        if let Some(mark) = &mark {
            let draft = self.draft(ring, earlier.as_ref())?;
            if draft.fits() {
                return Ok(Some((draft, mark.clone())));
            }
        }
        if let Some(earlier) = earlier {
            let is_whole = earlier.journal.put_back(&agent.dir)?;
            earlier.journal.settle(&agent.dir)?;
            if !is_whole {
                set_aside(agent, journal::FILE, "damaged", now)?;
            }
        }
        if let Some(mark) = mark {
            let draft = self.draft(ring, None)?;
            if draft.fits() {
                return Ok(Some((draft, mark)));
            }
        }
        agent.dir.remove_file(journal::FILE)?;
        Ok(None)
    }

    /// Returns whether the change is only about records in files, and nothing in it has to be durable in its place.
    fn is_plain(&self, agent: &Agent, ring: &Ring, book: &Book, follow: Follow) -> Result<bool> {
        let ledger = &book.ledger;
        Ok(self.records.len() <= 2 * journal::RECORDS_MAX
            && self.ops.log.rotated.is_none()
            && self.ops.log.base == ledger.log.len
            && (ledger.number == 0 || ledger.key == ring.current().id().to_string())
            && !self
                .ops
                .ops
                .iter()
                .any(|op| matches!(op, Op::Order { .. } | Op::Drop { everywhere: true, .. }))
            && agent.dir.kind(PENDING)?.is_none()
            && self.ops.effects()?.to_keychain.is_empty()
            && !follow(&agent.dir, &self.ops.state, Doing::Look)?)
    }

    /// Returns the journal of this change, including earlier ones.
    fn draft(&self, ring: &Ring, earlier: Option<&Earlier>) -> Result<Draft> {
        // A change whose steps change the run-time state is not committed as a journal, so these steps can be dropped.
        let mut ops = self.ops.clone();
        ops.state = Vec::new();
        let mut draft = Draft::default();
        if let Some(Earlier { journal, ops: earlier }) = earlier {
            ops = ops.after(earlier.clone());
            let mut records: HashSet<String> =
                ops.effects()?.to_file.iter().map(ProfileId::file_name).collect();
            let versions = ops.versions()?.into_iter().filter(|(_, keeps)| *keeps);
            records.extend(versions.map(|((id, generation), _)| history::staged_name(&id, generation)));
            let shards: HashSet<String> = self.next.ledger.shard_names().collect();
            draft.take_over(journal, |name| records.contains(name) || shards.contains(name));
        }
        for (name, bytes) in self.records.iter().chain(&self.next.shards) {
            draft.put(name, bytes);
        }
        ops.records = Some(draft.digests());
        draft.put(OPS, &ops.seal(ring)?);
        draft.put(ledger::FILE, self.next.text.as_bytes());
        Ok(draft)
    }

    fn write_journal(&self, agent: &Agent, stage: &Dir, draft: &Draft) -> Result<File> {
        let dir = &agent.dir;
        // All files are written before the commit, so that they cannot lack space after it.
        for (name, bytes) in self.records.iter().chain(&self.next.shards) {
            stage.write_new(name, bytes)?;
        }
        stage.write_new(ledger::FILE, self.next.text.as_bytes())?;
        log::reserve(dir, &self.ops.log)?;
        dir.remove_file(journal::STAGE)?;
        let journal = draft.write(dir)?;
        let index = dir.write_new(STAGED_INDEX, &self.index)?;
        dir.sync_file(&journal, journal::STAGE)?;
        // The index is not in the journal, because other programs write it too, and it must be whole at any time.
        dir.sync_file(&index, STAGED_INDEX)?;
        Ok(journal)
    }

    fn write_directory(&self, agent: &Agent, ring: &Ring, stage: &Dir) -> Result<()> {
        // Everything is written before the first sync, so that the file system's journal commits it in few steps.
        let each = self.records.len() + self.next.shards.len() < ONE_BARRIER_FROM;
        let mut files = Vec::new();
        let ops = self.ops.seal(ring)?;
        let small = [(OPS, ops.as_slice()), (ledger::FILE, self.next.text.as_bytes())];
        let all = self.records.iter().chain(&self.next.shards);
        for (name, bytes) in all.map(|(name, bytes)| (name.as_str(), bytes.as_slice())).chain(small) {
            let file = stage.write_new(name, bytes)?;
            if each {
                files.push((file, name));
            }
        }
        let index = agent.dir.write_new(STAGED_INDEX, &self.index)?;
        log::reserve(&agent.dir, &self.ops.log)?;
        if !each && stage.sync_all()? {
            return Ok(());
        }
        for (file, name) in &files {
            stage.sync_file(file, name)?;
        }
        agent.dir.sync_file(&index, STAGED_INDEX)?;
        Ok(stage.sync()?)
    }
}

/// The journal of earlier changes, which are in place but may not be durable there.
#[derive(Debug)]
struct Earlier {
    journal: Journal,
    ops: Ops,
}

impl Earlier {
    /// Returns the journal that leads to the ledger that is in place. Another one is set aside: it is of a state that
    /// the user chose to continue without.
    fn of(agent: &Agent, ring: &Ring, book: &Book, now: i64) -> Result<Option<Self>> {
        let Some(journal) = Journal::read(&agent.dir)? else { return Ok(None) };
        if journal.mac().is_some_and(|mac| signed::same(mac, &book.ledger.mac))
            && let Some(ops) = journal.part(OPS).and_then(|sealed| Ops::open(ring, sealed).ok())
            && journal.damaged(&ops).next().is_none()
        {
            return Ok(Some(Self { journal, ops }));
        }
        journal.settle(&agent.dir)?;
        set_aside(agent, journal::FILE, "stale", now)?;
        Ok(None)
    }
}

impl Staged<'_> {
    /// Commits the change and applies it. Returns also the ledger that is current then.
    ///
    /// # Errors
    /// Those of the one rename that commits. Then nothing has changed.
    pub(in crate::vault) fn commit(mut self) -> Result<(Outcome, ledger::Ledger)> {
        let dir = &self.agent.dir;
        match self.journal {
            Some(_) => dir.rename(journal::STAGE, dir, journal::FILE)?,
            None => dir.rename(TXN_STAGE, dir, TXN)?,
        }
        self.committed = true;
        let applied = dir.sync().map_err(Error::from).and_then(|()| self.apply());
        let mut outcome = std::mem::take(&mut self.parts.outcome);
        outcome.unfinished = applied.err();
        Ok((outcome, std::mem::take(&mut self.parts.next.ledger)))
    }

    fn apply(&mut self) -> Result<()> {
        let (agent, ops) = (self.agent, &self.parts.ops);
        let prepared = Prepared { based_on: self.parts.based_on.take() };
        let durable = if self.journal.is_some() { Durable::Later } else { Durable::Now };
        apply(agent, ops, Some(&prepared), self.follow, durable)?;
        if self.shards_changed {
            sweep_shards(agent, &self.parts.next.ledger)?;
        }
        match &self.journal {
            Some((file, mark)) => journal::mark_applied(&agent.dir, file, mark),
            None => Ok(()),
        }
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if !self.committed {
            // Best effort: the next change removes what is left.
            let _ = sweep(self.agent);
        }
    }
}
