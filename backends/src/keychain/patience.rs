//! How long a command waits in all for a keychain that does not answer.
//!
//! Only silence counts: the time from a call to its answer, minus the time that an answer may take anyway. So a
//! keychain that hangs costs a command its limit once, however many calls it would make, and one that works through
//! thousands of items is not interrupted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::KeychainError;

/// The time of a read that does not count: a thousand times what it takes on an idle machine (GNOME Keyring 42.1: 0.1
/// to 0.5 ms).
pub const READ: Duration = Duration::from_millis(250);
/// The time of a write that does not count. GNOME Keyring encrypts its whole keyring again for each item: 24 ms with
/// 500 items, and more with each item.
pub const WRITE: Duration = Duration::from_secs(1);

/// How long a command may still wait. Clones share it.
#[derive(Clone, Debug)]
pub struct Patience(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: Duration,
    begun: Instant,
    /// When the last answer arrived or the last call began, in nanoseconds since `begun`.
    heard: AtomicU64,
    /// The silence so far, before that, in nanoseconds.
    spent: AtomicU64,
    is_over: AtomicBool,
}

impl Patience {
    /// Allows waiting for `limit` in all.
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

    /// Returns whether it is used up, so that no further call is made.
    pub(super) fn is_over(&self) -> bool {
        self.0.is_over.load(Ordering::SeqCst)
    }

    /// Uses it up, and returns the error.
    pub(super) fn end(&self, limit: Duration) -> KeychainError {
        self.0.is_over.store(true, Ordering::SeqCst);
        KeychainError::Timeout(limit)
    }

    /// Returns the error for a call that is no longer made.
    pub(super) fn ended(&self) -> KeychainError {
        self.end(self.0.limit)
    }

    /// Notes that a call begins.
    pub(super) fn begin(&self) {
        self.0.heard.store(self.now(), Ordering::SeqCst);
    }

    /// Notes that an answer arrived. The first `free` of its time does not count.
    pub(super) fn answered(&self, free: Duration) {
        let now = self.now();
        let gap = now.saturating_sub(self.0.heard.swap(now, Ordering::SeqCst));
        // With a short limit, at most half of it is free.
        let free = nanos(free.min(self.0.limit / 2));
        self.0.spent.fetch_add(gap.saturating_sub(free), Ordering::SeqCst);
    }

    /// Waits for the answer to a call that has begun.
    ///
    /// # Errors
    /// `Timeout`; `Failed` if the thread that should answer ended.
    pub(super) fn wait<T>(&self, answer: &Receiver<T>, free: Duration) -> Result<T, KeychainError> {
        loop {
            match answer.recv_timeout(self.left()) {
                Ok(answer) => {
                    self.answered(free);
                    return Ok(answer);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(KeychainError::Failed("the connection was closed".to_owned()));
                }
                // Part of the answer may have arrived meanwhile.
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
    fn a_keychain_that_answers_in_parts_is_not_interrupted() {
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
