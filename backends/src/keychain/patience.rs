//! How long a command waits for a keychain that does not answer, over all of its calls.
//!
//! What counts is silence: the time from a call to its answer, without the part that an answer may take
//! anyway. So a keychain that is stopped costs a command its limit once, however many calls it would
//! make, and one that works through thousands of items is not cut short.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::KeychainError;

/// What the answer to a question may take before it counts: a thousand times what it takes on an idle
/// machine (GNOME Keyring 42.1: 0.1 to 0.5 ms).
pub const READ: Duration = Duration::from_millis(250);
/// The same for a write. GNOME Keyring encrypts its whole ring again for each item: 24 ms with 500 items in
/// it, and more with each item.
pub const WRITE: Duration = Duration::from_secs(1);

/// The wait that is left to a command. Clones share it.
#[derive(Clone, Debug)]
pub struct Patience(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: Duration,
    begun: Instant,
    /// When the last answer came or the last call began, in nanoseconds since `begun`.
    heard: AtomicU64,
    /// The silence that is over, in nanoseconds.
    spent: AtomicU64,
    is_over: AtomicBool,
}

impl Patience {
    /// A wait of `limit` in all.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self(Arc::new(Inner {
            limit,
            begun: Instant::now(),
            heard: AtomicU64::new(0),
            spent: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
        }))
    }

    /// Whether it came to its end: then no further call is made.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_over.load(Ordering::SeqCst)
    }

    /// Ends it, and gives the error.
    pub(super) fn end(&self, limit: Duration) -> KeychainError {
        self.0.is_over.store(true, Ordering::SeqCst);
        KeychainError::Timeout(limit)
    }

    /// The error of a call that is not made any more.
    pub(super) fn ended(&self) -> KeychainError {
        self.end(self.0.limit)
    }

    /// Notes that a call begins.
    pub(super) fn begin(&self) {
        self.0.heard.store(self.now(), Ordering::SeqCst);
    }

    /// Notes that an answer came. It may take `free` without being counted.
    pub(super) fn answered(&self, free: Duration) {
        let now = self.now();
        let gap = now.saturating_sub(self.0.heard.swap(now, Ordering::SeqCst));
        // A short limit is not spent in a single answer either.
        let free = nanos(free.min(self.0.limit / 2));
        self.0.spent.fetch_add(gap.saturating_sub(free), Ordering::SeqCst);
    }

    /// Waits for the answer to a call that has begun.
    ///
    /// # Errors
    /// `Timeout`; `Failed` when the thread that was to answer ended.
    pub(super) fn wait<T>(&self, answer: &Receiver<T>, free: Duration) -> Result<T, KeychainError> {
        loop {
            match answer.recv_timeout(self.left()) {
                Ok(answer) => {
                    self.answered(free);
                    return Ok(answer);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(KeychainError::Failed("the connection ended".to_owned()));
                }
                // A part of the answer may have come by now.
                Err(RecvTimeoutError::Timeout) if !self.left().is_zero() => {}
                Err(RecvTimeoutError::Timeout) => return Err(self.ended()),
            }
        }
    }

    fn left(&self) -> Duration {
        let silent = self.now().saturating_sub(self.0.heard.load(Ordering::SeqCst));
        let spent = self.0.spent.load(Ordering::SeqCst).saturating_add(silent);
        self.0.limit.saturating_sub(Duration::from_nanos(spent))
    }

    fn now(&self) -> u64 {
        nanos(self.0.begun.elapsed())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    const SHORT: Duration = Duration::from_millis(60);

    #[test]
    fn silence_is_waited_for_once() {
        let patience = Patience::new(SHORT);
        let (_keep, answer) = mpsc::channel::<()>();
        patience.begin();
        assert_eq!(patience.wait(&answer, READ), Err(KeychainError::Timeout(SHORT)));
        assert!(patience.clone().is_over());
    }

    #[test]
    fn what_answers_in_part_is_not_cut_short() {
        let patience = Patience::new(Duration::from_secs(2));
        let (sender, answer) = mpsc::channel();
        let working = patience.clone();
        patience.begin();
        let worker = thread::spawn(move || {
            // Longer than the limit in all, and never silent for long.
            for _ in 0..25 {
                thread::sleep(Duration::from_millis(100));
                working.answered(READ);
            }
            sender.send(7).unwrap();
        });
        assert_eq!(patience.wait(&answer, READ), Ok(7));
        worker.join().unwrap();
        assert!(!patience.is_over());
    }

    #[test]
    fn slow_answers_add_up() {
        let patience = Patience::new(Duration::from_millis(200));
        let mut answered = 0;
        for _ in 0..20 {
            let (sender, answer) = mpsc::channel();
            patience.begin();
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(150));
                sender.send(())
            });
            if patience.wait(&answer, Duration::ZERO).is_err() {
                break;
            }
            answered += 1;
        }
        assert!(answered <= 1, "{answered}");
    }

    #[test]
    fn a_thread_that_ends_is_not_waited_for() {
        let (sender, answer) = mpsc::channel::<()>();
        drop(sender);
        let patience = Patience::new(Duration::from_secs(60));
        assert!(matches!(patience.wait(&answer, READ), Err(KeychainError::Failed(_))));
        assert!(!patience.is_over());
    }
}
