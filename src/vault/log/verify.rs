//! Whether the lines of a change log are chained as they were written.

use sha2::{Digest, Sha256};

use super::line::{Head, Line, mac_of, parse_line};
use crate::error::Result;
use crate::messages::vault::log as messages;
use crate::seal::keys::{Ring, hex};
use crate::seal::signed;

/// What [`verify`] found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Verified {
    /// How many lines verify, by their own key or by a later anchor.
    pub good: u64,
    /// How much is wrong.
    pub wrong: u64,
    /// What is wrong, as sentences; of many the first.
    pub findings: Vec<String>,
}

/// A line of a log, and what is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judged {
    /// The line, if it is one.
    pub line: Option<Line>,
    /// What is wrong with it, as the end of a sentence.
    pub fault: Option<&'static str>,
}

/// More findings of one log than this are counted, not told: a hostile log could hold millions.
const FINDINGS_MAX: usize = 20;

/// Verifies a log: its files, the oldest first, and that it ends where the ledger says.
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

/// Judges every line of a log. Without keys only by the numbers.
///
/// # Errors
/// `INTERNAL`.
pub fn judge(ring: Option<&Ring>, files: &[Vec<u8>]) -> Result<Vec<Judged>> {
    let mut lines = Vec::new();
    let Looked { faults, .. } = look(ring, files, |line| lines.push(line))?;
    Ok(lines.into_iter().zip(faults).map(|(line, fault)| Judged { line, fault }).collect())
}

/// What was seen of a log. A log can have a million lines: they themselves are not kept.
#[derive(Default)]
struct Looked {
    /// What is wrong with each line, as the end of a sentence.
    faults: Vec<Option<&'static str>>,
    /// What is wrong beside single lines.
    wrong: Vec<String>,
}

const UNKNOWN_KEY: &str = "is under a key that this vault does not have";

/// Looks at every line, in their order, and gives each to `each`: nothing for what is no line.
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
                    // Its own file was begun for it.
                    (Some(anchor), Some((from, digest))) if at <= 1 && anchor == digest => Some(*from),
                    // What it followed is gone, or was damaged and set by.
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
    // A line that vouches for the beginning of its file vouches for the files before it, too.
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

/// The end of the part of a log that was looked at.
struct Chain {
    seq: u64,
    previous: String,
    begun: bool,
}

impl Chain {
    fn judge(&mut self, ring: Option<&Ring>, raw: &[u8], first_of_file: bool) -> Result<Judged> {
        let bad = |fault| Ok(Judged { line: None, fault: Some(fault) });
        // A writer that was cut short; the next one goes on where it was.
        let Some(text) = raw.strip_suffix(b"\n") else { return bad("is torn") };
        let Some((line, open)) = parse_line(text) else { return bad("is damaged") };
        // A file that begins behind what is gone says itself what it follows.
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
        // What was put in by somebody without the key moves nothing.
        if fault.is_none() || fault == Some(UNKNOWN_KEY) {
            self.seq = line.seq;
            self.previous.clone_from(&line.mac);
            self.begun = true;
        }
        Ok(Judged { line: Some(line), fault })
    }
}
