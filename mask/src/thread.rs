//! One reading of the stream: the same bytes may be plain text, or the middle of an escape sequence.

use aho_corasick::automaton::StateID;

use crate::escape::Escape;
use crate::origins::Origins;

/// The most bytes of one escape sequence, with those that it is nested in.
const ESCAPE_MAX: u64 = 64;
/// The most bytes without text (line breaks, and the indentation after them) between two bytes of a secret.
pub const SKIPPED_MAX: u8 = 64;
/// How many of these a terminal's sequence counts for.
pub const CONTROL: u8 = 8;

/// A reading of the stream.
#[derive(Clone, Debug)]
pub struct Thread {
    /// How far a form of a secret was read.
    pub state: StateID,
    /// The escape sequence that is being read, and where it began.
    pub escape: Option<(Escape, u64)>,
    /// How many bytes were skipped since the last one of the form.
    pub skipped: u8,
    /// The last byte of the form that was read.
    pub last: u8,
    /// Where each byte of the form that was read began.
    pub origins: Origins,
}

impl Thread {
    /// Returns a reading that has read nothing of a form.
    pub fn new(start: StateID) -> Self {
        Self { state: start, escape: None, skipped: 0, last: 0, origins: Origins::default() }
    }

    /// Returns where what it has read begins, if it has read anything.
    pub fn begins(&self) -> Option<u64> {
        self.origins.first().or(self.escape.map(|(_, since)| since))
    }

    /// Returns whether an escape sequence is too long at this place.
    pub fn is_too_long(since: u64, at: u64) -> bool {
        at.saturating_sub(since) >= ESCAPE_MAX
    }

    /// Returns whether it reads what comes as another one does.
    pub fn is_like(&self, other: &Self) -> bool {
        let escape = |thread: &Self| thread.escape.map(|(escape, _)| escape);
        self.state == other.state && escape(self) == escape(other) && self.skipped == other.skipped
    }
}
