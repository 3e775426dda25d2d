//! Verifies that the lines of a change log are chained as they were written.

use sha2::{Digest, Sha256};

use super::line::{Head, Line, mac_of, parse_line};
use crate::error::Result;
use crate::messages::vault::log as messages;
use crate::seal::keys::{Ring, hex};
use crate::seal::signed;

/// What [`verify`] found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verified {
    /// The number of lines that verify, by their own key or by a later line that vouches for them.
    pub good: u64,
    /// The number of problems.
    pub wrong: u64,
    /// The problems as sentences; only the first ones if there are many.
    pub findings: Vec<String>,
}

/// A line of a log, and what is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judged {
    /// The line; `None` if it cannot be parsed.
    pub line: Option<Line>,
    /// What is wrong with it, as the end of a sentence.
    pub fault: Option<&'static str>,
}

/// The most findings of one log that are listed; a hostile log could have millions.
const FINDINGS_MAX: usize = 20;

/// Verifies the files of a log, the oldest first, and that it ends where the ledger says.
///
/// # Errors
/// `INTERNAL`.
pub fn verify(ring: &Ring, files: &[Vec<u8>], head: &Head) -> Result<Verified> {
    let mut last = (0, String::new());
    let Looked { faults, wrong } = look(Some(ring), files, |line| {
        if let Some(line) = line {
            last = (line.seq, line.mac);
        }
    })?;
    let mut result = Verified::default();
    let mut tell = |what: &dyn Fn() -> String| {
        result.wrong += 1;
        if result.findings.len() < FINDINGS_MAX {
            result.findings.push(what());
        }
    };
    for what in &wrong {
        tell(&|| what.clone());
    }
    for (number, fault) in faults.iter().enumerate() {
        match fault {
            None => result.good += 1,
            Some(fault) => tell(&|| messages::line(number + 1, fault)),
        }
    }
    if !head.is_at(last.0, &last.1) {
        tell(&|| messages::wrong_end(head.seq));
    }
    if let Some(more @ 1..) = result.wrong.checked_sub(FINDINGS_MAX as u64) {
        result.findings.push(messages::more(more));
    }
    Ok(result)
}

/// Checks every line of a log. Without keys, only the numbers are checked.
///
/// # Errors
/// `INTERNAL`.
pub fn judge(ring: Option<&Ring>, files: &[Vec<u8>]) -> Result<Vec<Judged>> {
    let mut lines = Vec::new();
    let Looked { faults, .. } = look(ring, files, |line| lines.push(line))?;
    Ok(lines.into_iter().zip(faults).map(|(line, fault)| Judged { line, fault }).collect())
}

/// The result of reading a log. It does not keep the lines, because there can be a million.
#[derive(Default)]
struct Looked {
    /// What is wrong with each line, as the end of a sentence.
    faults: Vec<Option<&'static str>>,
    /// Problems that do not concern a single line.
    wrong: Vec<String>,
}

const UNKNOWN_KEY: &str = "is under a key that this vault does not have";

/// Checks all lines in order, and calls `each` with every line; with `None` for what cannot be parsed.
fn look(ring: Option<&Ring>, files: &[Vec<u8>], mut each: impl FnMut(Option<Line>)) -> Result<Looked> {
    let Looked { mut faults, mut wrong } = Looked::default();
    let mut chain = Chain { seq: 0, previous: String::new(), begun: false };
    let mut file_before: Option<(usize, String)> = None;
    let mut vouched_later = Vec::new();
    for file in files {
        let begins = faults.len();
        let mut before = Sha256::new();
        let mut follows = None;
        for (at, raw) in file.split_inclusive(|b| *b == b'\n').enumerate() {
            let judged = chain.judge(ring, raw, at == 0)?;
            let trusted = judged.fault.is_none() && ring.is_some();
            if let Some(event) = judged.line.as_ref().map(|line| &line.event).filter(|_| trusted) {
                let from = match (&event.anchor, &file_before) {
                    (Some(anchor), _) if *anchor == hex(&before.clone().finalize()) => Some(begins),
                    // Its file began with it, so it vouches for the file before.
                    (Some(anchor), Some((from, digest))) if at <= 1 && anchor == digest => Some(*from),
                    // The file before is gone, or was damaged and set aside.
                    (Some(_), None) if at == 0 => None,
                    (Some(_), Some(_)) if at == 0 && event.op == "log-restart" => None,
                    (Some(_), _) => {
                        wrong.push(messages::altered_before(faults.len() + 1));
                        None
                    }
                    (None, _) => None,
                };
                is_vouched_for(from.and_then(|from| faults.get_mut(from..)).unwrap_or_default());
                if let Some(findings) = event.findings.filter(|count| *count > 0) {
                    wrong.push(messages::found_at_rekey(faults.len() + 1, findings));
                }
            }
            if at == 0 {
                follows = judged.line.as_ref().and_then(|first| first.event.anchor.clone());
            }
            faults.push(judged.fault);
            each(judged.line);
            before.update(raw);
        }
        if let (Some(anchor), Some((from, digest))) = (follows, &file_before)
            && anchor == *digest
        {
            vouched_later.push((*from, begins));
        }
        file_before = Some((begins, hex(&before.finalize())));
    }
    // A line that vouches for the beginning of its file also vouches for the files before it.
    for (from, begins) in vouched_later.into_iter().rev().filter(|_| ring.is_some()) {
        if faults[begins].is_none() {
            is_vouched_for(&mut faults[from..begins]);
        }
    }
    Ok(Looked { faults, wrong })
}

fn is_vouched_for(faults: &mut [Option<&'static str>]) {
    for fault in faults {
        *fault = fault.filter(|fault| *fault != UNKNOWN_KEY);
    }
}

/// The end of the part of a log that was read.
struct Chain {
    seq: u64,
    previous: String,
    begun: bool,
}

impl Chain {
    fn judge(&mut self, ring: Option<&Ring>, raw: &[u8], first_of_file: bool) -> Result<Judged> {
        let bad = |fault| Ok(Judged { line: None, fault: Some(fault) });
        // A writer was interrupted; the next one continues from there.
        let Some(text) = raw.strip_suffix(b"\n") else { return bad("is torn") };
        let Some((line, open)) = parse_line(text) else { return bad("is damaged") };
        // The first line of a file says what it follows, because the file before may be gone.
        let restarts = first_of_file && line.event.previous.is_some();
        let follows = if restarts { !self.begun || line.seq > self.seq } else { line.seq == self.seq + 1 };
        let previous =
            if restarts { line.event.previous.clone().unwrap_or_default() } else { self.previous.clone() };
        let mut fault = (!follows).then_some("does not follow the one before");
        if let Some(ring) = ring {
            match ring.get(&line.key) {
                None => fault = fault.or(Some(UNKNOWN_KEY)),
                Some(key) if signed::is(mac_of(key, ring, &previous, open)?, &line.mac) => {}
                Some(_) => return Ok(Judged { line: Some(line), fault: Some("was altered") }),
            }
        }
        // A line that was inserted without the key does not move the end.
        if fault.is_none() || fault == Some(UNKNOWN_KEY) {
            self.seq = line.seq;
            self.previous.clone_from(&line.mac);
            self.begun = true;
        }
        Ok(Judged { line: Some(line), fault })
    }
}
