//! The right to change an agent's profiles.

use strongroom_backends::fs::lock::Lock;

use super::agent::Agent;
use super::change::{Change, Outcome};
use super::log::{self, Scope};
use super::settle;
use super::store::Store;
use super::transaction::{self, Finished};
use crate::error::{Code, Error, Result, fail};
use crate::keychain::Keychain;
use crate::seal::keys::Keys;

/// The right to change an agent's profiles: its locks, held until this is dropped.
#[derive(Debug)]
pub struct Writer<'s> {
    /// The agent.
    pub agent: Agent,
    /// The vault's keys, as current as the lock.
    pub keys: &'s Keys,
    /// The keychain, where records may lie.
    pub keychain: &'s Keychain,
    /// Now, in Unix milliseconds.
    pub now: i64,
    /// What an earlier change had left to do.
    pub finished: Finished,
    _locks: [Lock; 2],
}

impl<'s> Writer<'s> {
    /// The right that these locks, which are held, give.
    pub(super) fn new(
        agent: Agent,
        keys: &'s Keys,
        keychain: &'s Keychain,
        now: i64,
        finished: Finished,
        locks: [Lock; 2],
    ) -> Self {
        Self { agent, keys, keychain, now, finished, _locks: locks }
    }

    /// Makes a change, and brings the keychain up to date with it.
    ///
    /// # Errors
    /// As [`Change::commit`].
    pub fn commit(&self, change: Change) -> Result<Outcome> {
        self.settled(change.commit(&self.agent, self.keys, self.now)?)
    }

    /// Brings the keychain up to date after a commit. What fails of that is told by the outcome.
    ///
    /// # Errors
    /// None but those of the files in the home.
    pub fn settled(&self, mut outcome: Outcome) -> Result<Outcome> {
        if outcome.unfinished.is_none() && settle::is_due(&self.agent)? {
            let put: Vec<_> = outcome.generations.iter().map(|(id, _)| id.clone()).collect();
            outcome.keychain = settle::settle(&self.agent, self.keys, self.keychain, self.now, &put).err();
        }
        Ok(outcome)
    }
}

/// Makes sure that an agent's log was last written under keys that are held, and finishes what a
/// killed process left. The caller holds the agent's lock.
///
/// # Errors
/// `TAMPERED`, and those of finishing.
pub fn finish_agent(agent: &Agent, keys: &Keys, now: i64) -> Result<Finished> {
    let has_lines = log::check_end(keys, Scope::Agent(&agent.name), &agent.dir)?;
    let finished = transaction::finish_unfinished(agent, keys, now)?;
    if !has_lines && finished != Finished::Applied && holds_records(agent)? {
        return fail(Code::Tampered, format!("agent {} has records, and its change log is gone", agent.name))
            .map_err(|e: Error| e.with_remedy("restore log.jsonl, or run `strongroom doctor --repair`"));
    }
    Ok(finished)
}

/// Whether an agent has records, in its home or by its index in the keychain.
fn holds_records(agent: &Agent) -> Result<bool> {
    if !agent.record_ids()?.0.is_empty() {
        return Ok(true);
    }
    // An index that cannot be read says nothing; whoever changes it says why.
    let index = agent.index().unwrap_or_default();
    Ok(index.entries().any(|entry| entry.mark.is_some_and(|mark| mark.is_in(Store::Keychain))))
}
