//! The masker of one stream.

use std::fmt;

use crate::escape::{ESC, Escape, Step};
use crate::held::Held;
use crate::patterns::Patterns;
use crate::regions::{Region, Regions};
use crate::thread::{CONTROL, SKIPPED_MAX, Thread};

/// The most readings of a stream at a time. More than a few occur only in text that is made for it.
const THREADS_MAX: usize = 32;
/// How much is read before finished parts are passed on, in bytes.
const SETTLE: usize = 4096;
/// The most bytes of a secret that are passed on if the stream pauses after them; see [`Masker::release`].
const RELEASED_MAX: usize = 16;

/// Masks secrets in one stream.
///
/// Only what may be the beginning of a secret is held back.
pub struct Masker {
    patterns: Patterns,
    /// The readings of what came. The first one is the plain one.
    threads: Vec<Thread>,
    spare: Vec<Thread>,
    held: Held,
    /// The place in the stream of the first byte that is held.
    from: u64,
    /// The place of the next byte.
    at: u64,
    regions: Regions,
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masker({} bytes held)", self.held.len())
    }
}

impl Masker {
    /// Returns a masker for one stream.
    #[must_use]
    pub fn new(patterns: &Patterns) -> Self {
        Self {
            patterns: patterns.clone(),
            threads: vec![Thread::new(patterns.start())],
            spare: Vec::new(),
            held: Held::default(),
            from: 0,
            at: 0,
            regions: Regions::default(),
        }
    }

    /// Reads a piece of the stream, and appends what may be shown.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut rest = bytes;
        loop {
            if self.is_idle() {
                let (plain, other) = rest.split_at(self.patterns.plain(rest));
                out.extend_from_slice(plain);
                self.at += plain.len() as u64;
                self.from = self.at;
                rest = other;
            }
            let [byte, others @ ..] = rest else { break };
            rest = others;
            self.read(*byte);
            if self.is_idle() || self.held.len() >= SETTLE {
                self.settle(self.decided(), false, out);
            }
        }
        self.settle(self.decided(), false, out);
    }

    /// Returns how many bytes are held back.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Appends what is held back, because the stream pauses. The beginning of a secret stays, except if it is short: at
    /// most 16 bytes, and a quarter of the secret. If the rest of it comes, that is masked.
    pub fn release(&mut self, out: &mut Vec<u8>) {
        let is_long = |thread: &&Thread| {
            let depth = thread.origins.len();
            let is_whole = self.patterns.ending(thread.state).any(|(length, _)| length == depth);
            !is_whole && (depth > RELEASED_MAX || depth * 4 > self.patterns.shortest(thread.state))
        };
        let stays = self.threads.iter().filter(is_long).filter_map(Thread::begins).min();
        self.settle(stays.unwrap_or(self.at), true, out);
    }

    /// Appends what is held back, because the stream has ended.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.settle(self.at, true, out);
        self.threads = vec![Thread::new(self.patterns.start())];
    }

    /// Returns whether nothing of a secret was read.
    fn is_idle(&self) -> bool {
        matches!(self.threads.as_slice(), [plain] if plain.state == self.patterns.start())
    }

    /// Returns the place up to which no more secret can begin.
    fn decided(&self) -> u64 {
        self.threads.iter().filter_map(Thread::begins).min().unwrap_or(self.at)
    }

    /// Appends everything up to a place. A secret that may become a longer one ends that early, except with `all`.
    fn settle(&mut self, limit: u64, all: bool, out: &mut Vec<u8>) {
        while let Some(region) = self.regions.first().filter(|region| region.start < limit) {
            self.pass_on(region.start, out);
            if region.end > limit && !all {
                return;
            }
            out.extend_from_slice(format!("[masked:{}]", self.patterns.name(region.value)).as_bytes());
            let masked = count(self.from, region.end);
            sequences(self.held.first(masked), out);
            self.drop_first(masked);
            self.regions.drop_first();
        }
        self.pass_on(limit, out);
    }

    fn pass_on(&mut self, limit: u64, out: &mut Vec<u8>) {
        let passed = count(self.from, limit);
        out.extend_from_slice(self.held.first(passed));
        self.drop_first(passed);
    }

    fn drop_first(&mut self, count: usize) {
        self.held.drop_first(count);
        self.from += count as u64;
    }

    fn read(&mut self, byte: u8) {
        self.held.push(byte);
        let mut before = std::mem::replace(&mut self.threads, std::mem::take(&mut self.spare));
        for thread in before.drain(..) {
            self.advance(thread, byte);
        }
        self.spare = before;
        self.at += 1;
    }

    fn advance(&mut self, mut thread: Thread, byte: u8) {
        let Some((escape, since)) = thread.escape.take() else { return self.take(thread, byte, self.at) };
        match escape.step(byte) {
            Step::More(more) if !Thread::is_too_long(since, self.at) => {
                self.keep(Thread { escape: Some((more, since)), ..thread });
            }
            Step::Bytes(bytes, 1) => self.take(thread, bytes[0], since),
            Step::Bytes(bytes, length) => {
                for byte in bytes.into_iter().take(length) {
                    self.follow(&mut thread, byte, since);
                }
                self.keep_if_begun(thread);
            }
            Step::Nothing if thread.skipped <= SKIPPED_MAX => {
                thread.skipped += CONTROL;
                self.keep(thread);
            }
            Step::More(_) | Step::Nothing | Step::Broken => {}
        }
    }

    /// Lets a reading take a byte of text, which began at that place: as it is, as the beginning of an escape sequence,
    /// or as a line break in the middle of a secret.
    fn take(&mut self, mut thread: Thread, byte: u8, origin: u64) {
        let before = thread.clone();
        let within = before.state != self.patterns.start();
        self.follow(&mut thread, byte, origin);
        // The plain reading comes first, and stays.
        if self.threads.is_empty() {
            self.threads.push(thread);
        } else {
            self.keep_if_begun(thread);
        }
        let is_space = matches!(byte, b'\r' | b'\n') || (before.skipped > 0 && matches!(byte, b' ' | b'\t'));
        if within && is_space && before.skipped < SKIPPED_MAX {
            self.keep(Thread { skipped: before.skipped + 1, ..before.clone() });
        }
        let begun = Escape::begun_by(byte).filter(|_| !Thread::is_too_long(origin, self.at));
        for escape in begun.into_iter().chain(Escape::begun_within(byte, before.last).filter(|_| within)) {
            self.keep(Thread { escape: Some((escape, origin)), ..before.clone() });
        }
    }

    /// Follows the forms by one byte, and notes those that end.
    fn follow(&mut self, thread: &mut Thread, byte: u8, origin: u64) {
        thread.state = self.patterns.next(thread.state, byte);
        thread.skipped = 0;
        thread.last = byte;
        thread.origins.push(origin);
        thread.origins.keep_last(self.patterns.depth(thread.state));
        for (length, value) in self.patterns.ending(thread.state) {
            let first = thread.origins.len().checked_sub(length).and_then(|at| thread.origins.get(at));
            if let Some(start) = first {
                let start = start.max(self.from);
                self.regions.add(Region { start, end: self.at + 1, value });
            }
        }
    }

    fn keep_if_begun(&mut self, thread: Thread) {
        if thread.state != self.patterns.start() {
            self.keep(thread);
        }
    }

    fn keep(&mut self, thread: Thread) {
        if let Some(like) = self.threads.iter_mut().find(|other| other.is_like(&thread)) {
            if thread.begins() < like.begins() {
                *like = thread;
            }
        } else if self.threads.len() < THREADS_MAX {
            self.threads.push(thread);
        } else if let Some(least) = self.threads.iter_mut().skip(1).min_by_key(|other| other.origins.len())
            && least.origins.len() < thread.origins.len()
        {
            *least = thread;
        }
    }
}

/// Returns how many bytes there are between two places in the stream.
fn count(from: u64, to: u64) -> usize {
    usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX)
}

/// Appends the sequences for the terminal within a secret, so that what comes after it looks as it should, and where it
/// should.
fn sequences(masked: &[u8], out: &mut Vec<u8>) {
    for (at, _) in masked.iter().enumerate().filter(|(_, byte)| **byte == ESC) {
        let sequence = masked.get(at..).unwrap_or_default();
        let mut escape = Escape::Control;
        for (length, byte) in (2..).zip(sequence.iter().skip(1)) {
            match escape.step(*byte) {
                Step::More(more) => escape = more,
                Step::Nothing => {
                    out.extend_from_slice(sequence.get(..length).unwrap_or_default());
                    break;
                }
                Step::Bytes(..) | Step::Broken => break,
            }
        }
    }
}

#[cfg(test)]
#[path = "masker_tests.rs"]
mod tests;
