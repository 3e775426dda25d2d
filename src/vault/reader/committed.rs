//! Finds out what is current, even if the change that made it so is not applied yet.

use std::sync::OnceLock;

use strongroom_backends::fs::dir::Dir;

use crate::error::{Code, Result};
use crate::seal::keys::Ring;
use crate::vault::agent::{Agent, TXN};
use crate::vault::ledger::{Book, Ledger};
use crate::vault::transaction::operations::Ops;
use crate::vault::transaction::source::ChangeSource;
use crate::vault::transaction::{self, Current, Standing, ledger_missing};

/// A committed change that is not fully applied, or not durably.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) source: ChangeSource,
    /// Whether its ledger is not in place yet.
    pub(super) is_next: bool,
    pub(super) ops: OnceLock<Result<Option<Ops>>>,
}

/// Returns the current ledger, and the change that is not fully applied.
pub(super) fn read_book(
    agent: &Agent,
    ring: &Ring,
    committed: [Option<ChangeSource>; 2],
) -> Result<(Result<Book>, Option<Pending>)> {
    // A ledger without shards needs no directory.
    let dirs = |ledger: &Ledger, places: &[&str]| -> Vec<Dir> {
        if ledger.shard_names().next().is_none() {
            return Vec::new();
        }
        places.iter().filter_map(|place| agent.dir.dir(place).ok()).collect()
    };
    let current = match Current::read(&agent.dir, ring) {
        Err(error) if error.code() == Code::Io => return Err(error),
        Err(error) => {
            let source = committed.into_iter().flatten().next();
            let pending = source.map(|source| Pending { source, is_next: true, ops: OnceLock::new() });
            return Ok((Err(error), pending));
        }
        Ok(current) => current,
    };
    let mut found: Option<(ChangeSource, Ledger, bool)> = None;
    for source in committed.into_iter().flatten() {
        let (ledger, is_next) = match (transaction::standing(&source, ring, &current)?, &current) {
            (Standing::Next(next), _) => (next, true),
            // A directory exists until everything is in place. A journal stays after that.
            (Standing::Placed, Current::Is(ledger)) => {
                (ledger.clone(), matches!(source, ChangeSource::Dir(_)))
            }
            (Standing::Placed, Current::None) => (Ledger::default(), true),
            // An old change that was put back.
            _ => continue,
        };
        // A change that is done can come back after a loss of power; the one with the higher number follows it.
        if found.as_ref().is_none_or(|(_, other, _)| other.number < ledger.number) {
            found = Some((source, ledger, is_next));
        }
    }
    if let Some((source, ledger, is_next)) = found {
        let mut book = Book::new(ledger.clone(), dirs(&ledger, &[TXN, "."]));
        if let ChangeSource::Journal(journal) = &source {
            book = book.with(journal.shards());
        }
        return Ok((Ok(book), Some(Pending { source, is_next, ops: OnceLock::new() })));
    }
    let book = match current {
        Current::Is(ledger) => {
            let dirs = dirs(&ledger, &["."]);
            Ok(Book::new(ledger, dirs))
        }
        Current::Torn(error) => Err(error),
        Current::None if agent.had_ledger(None)? => Err(ledger_missing(ring)),
        Current::None => Ok(Book::new(Ledger::default(), Vec::new())),
    };
    Ok((book, None))
}
