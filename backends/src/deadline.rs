//! A blocking call with a time limit.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::stack;

/// Runs `call` on a separate thread, and waits for it at most `limit`.
///
/// Returns `None` if it did not return in time, or panicked. The thread is not joined, because it may be stuck in the
/// kernel forever; what it returns later is dropped.
///
/// # Errors
/// The system's, if it cannot start a thread.
pub fn within<T: Send + 'static>(
    limit: Duration,
    call: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Option<T>> {
    within_telling(limit, limit, &|| (), call)
}

/// As [`within`], and calls `tell` once if `after` passes without a result before `limit` does.
///
/// # Errors
/// As [`within`].
pub fn within_telling<T: Send + 'static>(
    limit: Duration,
    after: Duration,
    tell: &dyn Fn(),
    call: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Option<T>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    stack::thread().spawn(move || {
        // Wiped first, because the caller may end the process as soon as it has the answer.
        let answer = stack::wiped(call);
        // After the deadline no one waits for it.
        let _ = sender.send(answer);
    })?;
    let begun = Instant::now();
    if after < limit {
        match receiver.recv_timeout(after) {
            Err(mpsc::RecvTimeoutError::Timeout) => tell(),
            answer => return Ok(answer.ok()),
        }
    }
    Ok(receiver.recv_timeout(limit.saturating_sub(begun.elapsed())).ok())
}

/// A time limit for what the caller itself does, in a process that ends with it.
#[derive(Debug)]
pub struct Watch {
    ended: Arc<AtomicBool>,
}

/// Calls `late` on a separate thread if `limit` passes before [`Watch::in_time`] is called.
///
/// The work stays on the caller's thread, so that it never waits for another thread to be woken, which on a busy
/// machine takes longer than the work itself. If the system cannot start a thread, there is no limit.
#[must_use]
pub fn watch(limit: Duration, late: impl FnOnce() + Send + 'static) -> Watch {
    let ended = Arc::new(AtomicBool::new(false));
    let watch = Watch { ended: Arc::clone(&ended) };
    let _ = thread::Builder::new().spawn(move || {
        thread::sleep(limit);
        if !ended.swap(true, Ordering::SeqCst) {
            late();
        }
    });
    watch
}

impl Watch {
    /// Ends the time limit. Returns false if `late` was called or is being called: then the caller is too late, and
    /// must not do anything else.
    #[must_use]
    pub fn in_time(self) -> bool {
        !self.ended.swap(true, Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_limit_ends_in_time_or_calls_once() {
        let (sender, called) = mpsc::channel();
        assert!(watch(Duration::from_secs(20), move || sender.send("ended").unwrap()).in_time());
        assert_eq!(called.try_recv(), Err(mpsc::TryRecvError::Empty));
        let (sender, called) = mpsc::channel();
        let late = watch(Duration::from_millis(20), move || sender.send("late").unwrap());
        assert_eq!(called.recv(), Ok("late"));
        assert!(!late.in_time());
        assert_eq!(called.recv(), Err(mpsc::RecvError));
    }

    #[test]
    fn the_result_of_a_call_is_returned() {
        assert_eq!(within(Duration::from_secs(5), || 7).unwrap(), Some(7));
    }

    #[test]
    fn a_call_that_never_returns_is_abandoned() {
        let (_keep, never) = mpsc::channel::<()>();
        assert_eq!(within(Duration::from_millis(20), move || never.recv().is_ok()).unwrap(), None);
    }
}
