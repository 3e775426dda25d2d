//! Reads the change log of an agent or of the vault, verifies it if there is a key, and filters it.

use serde::Serialize;

use crate::error::Result;
use crate::messages;
use crate::seal::keys::Ring;
use crate::vault::home::{Session, Vault};
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::log::{self, Head, Line, OPS_OF_AGENT, OPS_OF_VAULT};
use crate::vault::vault_ledger::VaultLedger;

/// A line of the log, and what is wrong with it.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// The line.
    #[serde(flatten)]
    pub line: Line,
    /// What is wrong with it; `None` if it is good or was not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<&'static str>,
}

/// A log, and what its check found.
#[derive(Debug)]
pub struct History {
    /// The lines that can be read, oldest first.
    pub lines: Vec<Checked>,
    /// The number of lines that this vault did not write like that, or that are missing.
    pub damaged: usize,
    /// Whether the MACs of the lines were checked, which needs a key.
    pub verified: bool,
    /// Whether it is the vault's own log.
    of_vault: bool,
}

impl History {
    /// Reads the vault's own log. Without a session, it is not checked.
    ///
    /// # Errors
    /// Those of reading the log.
    pub fn of_vault(vault: &Vault, session: Option<&Session>) -> Result<Self> {
        if let Some(session) = session
            && let Ok(ring) = session.keys().own()
            && let Ok(Some(own)) = VaultLedger::read(vault.home(), &ring)
        {
            return Self::judged(true, &own.log_files(vault.home())?, Some((&ring, &own.log)));
        }
        Self::judged(true, &log::read(vault.home())?, None)
    }

    /// Reads an agent's log. Without a session, it is not checked. It is empty if there is no such agent.
    ///
    /// # Errors
    /// Those of reading the agent's directory and log.
    pub fn of_agent<'s>(
        vault: &Vault,
        agent: &AgentName,
        session: impl FnOnce() -> Option<&'s Session>,
    ) -> Result<Self> {
        let Some(found) = vault.agent(agent)? else { return Self::judged(false, &[], None) };
        let ring = session().and_then(|session| session.keys().agent(agent.as_str()).ok());
        let Some(ring) = ring else { return Self::judged(false, &log::read(found.dir())?, None) };
        // While a change is unfinished, the file lacks its lines; the reader adds them.
        let reader = found.reader(ring, vault.keychain())?;
        let head = reader.book().ok().map(|book| &book.ledger.log);
        Self::judged(false, &reader.log()?, head.map(|head| (reader.ring(), head)))
    }

    /// Reads the lines of files. With the keys of their scope and the head of the log, it checks them.
    fn judged(of_vault: bool, files: &[Vec<u8>], checked: Option<(&Ring, &Head)>) -> Result<Self> {
        let judged = log::judge(checked.map(|(ring, _)| ring), files)?;
        let mut damaged = judged.iter().filter(|judged| judged.fault.is_some()).count();
        let last = judged.iter().rev().filter(|judged| judged.fault.is_none()).find_map(|j| j.line.as_ref());
        if let Some((_, head)) = checked
            && !last.map_or_else(|| head.is_at(0, ""), |line| head.is_at(line.seq, &line.mac))
        {
            damaged += 1;
        }
        let readable = |judged: log::Judged| Some(Checked { line: judged.line?, fault: judged.fault });
        let lines = judged.into_iter().filter_map(readable).collect();
        Ok(Self { lines, damaged, verified: checked.is_some(), of_vault })
    }

    /// Drops the lines that are not wanted.
    ///
    /// # Errors
    /// `USAGE` if no line of this log can be of the wanted kind: a typing error would otherwise read as
    /// "nothing happened".
    pub fn keep(&mut self, wanted: &Wanted<'_>) -> Result<()> {
        if let Some(op) = wanted.op {
            self.check_op(op)?;
        }
        self.retain(wanted);
        if let Some(last) = wanted.last {
            self.lines.drain(..self.lines.len().saturating_sub(last));
        }
        Ok(())
    }

    /// Drops the lines that are not wanted, however many there are.
    pub(super) fn retain(&mut self, wanted: &Wanted<'_>) {
        self.lines.retain(|Checked { line, .. }| wanted.has(line));
    }

    fn check_op(&self, op: &str) -> Result<()> {
        let (known, others) =
            if self.of_vault { (OPS_OF_VAULT, OPS_OF_AGENT) } else { (OPS_OF_AGENT, OPS_OF_VAULT) };
        // A later version may write other kinds.
        if known.contains(&op) || self.lines.iter().any(|checked| checked.line.event.op == op) {
            return Ok(());
        }
        Err(match others.contains(&op) {
            true if self.of_vault => messages::ops::op_of_agents(op),
            true => messages::ops::op_of_vault(op),
            false => messages::ops::unknown_op(known),
        })
    }
}

/// Which lines of a log are wanted.
#[derive(Debug, Default)]
pub struct Wanted<'a> {
    /// The changes of one profile, including those under its old id.
    pub profile: Option<&'a ProfileId>,
    /// The changes of one kind.
    pub op: Option<&'a str>,
    /// The changes since this instant, in Unix milliseconds.
    pub since: Option<i64>,
    /// At most this many, the latest ones.
    pub last: Option<usize>,
}

impl Wanted<'_> {
    fn has(&self, line: &Line) -> bool {
        let event = &line.event;
        let names = |id: &ProfileId| {
            [&event.profile, &event.from].into_iter().any(|text| text.as_deref() == Some(id.as_str()))
        };
        self.profile.is_none_or(names)
            && self.op.is_none_or(|op| event.op == op)
            && self.since.is_none_or(|since| line.at >= since)
    }
}
