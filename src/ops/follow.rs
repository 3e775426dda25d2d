//! Follows a log while it is written.

use std::collections::HashSet;

use super::history::{Checked, History, Wanted};
use crate::error::Result;
use crate::vault::home::{Session, Vault};
use crate::vault::id::AgentName;
use crate::vault::log;

/// What changes whenever a log does.
type Stamp = (u64, Option<String>);

/// Reads the new lines of a log.
#[derive(Debug)]
pub struct Follower<'a> {
    vault: &'a Vault,
    /// The agent; `None` is the vault itself.
    agent: Option<&'a AgentName>,
    session: Option<Session>,
    /// The log as it was read last; `None` if it is to be read again whether or not it changes.
    stamp: Option<Stamp>,
    /// The number of the last good line.
    last: u64,
    /// Damaged lines that were returned, by number and MAC: their numbers are not to be relied on.
    damaged: HashSet<(u64, String)>,
    /// Whether the last reading was put off, because it may have met a change half-way.
    again: bool,
}

impl<'a> Follower<'a> {
    /// Follows the log of an agent, or of the vault itself. Without a session, its lines are not checked.
    #[must_use]
    pub fn new(vault: &'a Vault, agent: Option<&'a AgentName>, session: Option<Session>) -> Self {
        Self { vault, agent, session, stamp: None, last: 0, damaged: HashSet::new(), again: false }
    }

    /// Returns the wanted lines so far.
    ///
    /// # Errors
    /// Those of reading the log, and of [`History::keep`].
    pub fn begin(&mut self, wanted: &Wanted<'_>) -> Result<Vec<Checked>> {
        self.stamp = self.stamp_now()?;
        let mut history = self.read()?;
        self.note(&history.lines);
        history.keep(wanted)?;
        Ok(history.lines)
    }

    /// Returns the wanted lines that are new since the last call.
    ///
    /// # Errors
    /// Those of reading the log, if they happen twice.
    pub fn later(&mut self, wanted: &Wanted<'_>) -> Result<Vec<Checked>> {
        let stamp = self.stamp_now()?;
        if stamp == self.stamp && !self.again {
            return Ok(Vec::new());
        }
        let read = self.read();
        // A change may be half-way between the ledger and the log, or between two keys.
        let is_odd =
            read.as_ref().map_or(true, |history| self.new_of(history).any(|line| line.fault.is_some()));
        if is_odd && !self.again {
            self.again = true;
            return Ok(Vec::new());
        }
        self.again = false;
        self.stamp = stamp;
        let mut history = read?;
        let good = history.lines.iter().filter(|line| line.fault.is_none());
        // The log was started again.
        if good.map(|line| line.line.seq).max().is_some_and(|seq| seq < self.last) {
            self.last = 0;
        }
        let new: Vec<bool> = history.lines.iter().map(|line| self.is_new(line)).collect();
        self.note(&history.lines);
        let mut new = new.into_iter();
        history.lines.retain(|_| new.next().unwrap_or_default());
        history.retain(wanted);
        Ok(history.lines)
    }

    fn new_of<'h>(&'h self, history: &'h History) -> impl Iterator<Item = &'h Checked> {
        history.lines.iter().filter(|line| self.is_new(line))
    }

    fn is_new(&self, Checked { line, fault }: &Checked) -> bool {
        match fault {
            None => line.seq > self.last,
            Some(_) => !self.damaged.contains(&(line.seq, line.mac.clone())),
        }
    }

    fn note(&mut self, lines: &[Checked]) {
        for Checked { line, fault } in lines {
            if fault.is_none() {
                self.last = self.last.max(line.seq);
            } else {
                self.damaged.insert((line.seq, line.mac.clone()));
            }
        }
    }

    fn stamp_now(&self) -> Result<Option<Stamp>> {
        let Some(agent) = self.agent else { return log::stamp(self.vault.home()).map(Some) };
        self.vault.agent(agent)?.map(|found| log::stamp(found.dir())).transpose()
    }

    /// Reads the log, with the keys as they are now.
    fn read(&mut self) -> Result<History> {
        if let Some(session) = &mut self.session
            && !session.is_current(self.vault.home())?
            && self.vault.refresh(session).is_err()
        {
            self.session = None;
        }
        match self.agent {
            Some(agent) => History::of_agent(self.vault, agent, || self.session.as_ref()),
            None => History::of_vault(self.vault, self.session.as_ref()),
        }
    }
}
