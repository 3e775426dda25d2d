//! Whether the lines of a change log are chained as they were written.

use sha2::{Digest, Sha256};

use super::log::{Scope, mac, parse_line};
use crate::error::Result;
use crate::seal::keys::Keys;

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

/// More findings of one log than this are counted, not told: a hostile log could hold millions.
const FINDINGS_MAX: usize = 20;

impl Verified {
    fn find(&mut self, what: impl FnOnce() -> String) {
        self.wrong += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(what());
        }
    }
}

/// Verifies the chain of a log.
///
/// # Errors
/// `INTERNAL`.
pub fn verify(keys: &Keys, scope: Scope, log: &[u8]) -> Result<Verified> {
    let mut result = Verified::default();
    let (mut seq, mut previous) = (0, String::new());
    let mut unvouched = 0;
    let mut before = Sha256::new();
    for (number, raw) in log.split_inclusive(|b| *b == b'\n').enumerate() {
        let number = number + 1;
        let Some(line) = raw.strip_suffix(b"\n") else {
            // A writer that was cut short; the next one overwrites it.
            result.find(|| format!("line {number} of the log is torn"));
            break;
        };
        let Some((parsed, open)) = parse_line(line) else {
            result.find(|| format!("line {number} of the log is damaged"));
            before.update(raw);
            continue;
        };
        if parsed.seq != seq + 1 {
            result.find(|| format!("line {number} of the log does not follow the one before"));
        }
        match keys.get(&parsed.key) {
            None => unvouched += 1,
            Some(key) if mac(key, scope, &previous, open)? == parsed.mac => {
                result.good += 1;
                if let Some(anchor) = &parsed.event.anchor {
                    if *anchor == hex(before.clone()) {
                        result.good += std::mem::take(&mut unvouched);
                    } else {
                        result.find(|| format!("lines before line {number} of the log were altered"));
                    }
                    if let Some(findings) = parsed.event.findings.filter(|count| *count > 0) {
                        result.find(|| {
                            format!("when the keys changed, {findings} things were wrong with the log before line {number}")
                        });
                    }
                }
            }
            Some(_) => result.find(|| format!("line {number} of the log was altered")),
        }
        (seq, previous) = (parsed.seq, parsed.mac);
        before.update(raw);
    }
    if unvouched > 0 {
        result.find(|| format!("{unvouched} lines of the log are under a key that this vault does not have"));
    }
    if let Some(more @ 1..) = result.wrong.checked_sub(result.findings.len() as u64) {
        result.findings.push(format!("{more} more things are wrong with the log"));
    }
    Ok(result)
}

/// The anchor for a line behind these bytes.
#[must_use]
pub fn anchor(log: &[u8]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(log);
    hex(hasher)
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
