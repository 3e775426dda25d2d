//! A blocking call with an end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::stack;

/// Runs `call` on a thread of its own and waits for it at most `limit`.
///
/// `None` when it did not answer in time, or died. The thread is not joined: it may be stuck in
/// the kernel for ever, and what it returns later is dropped.
///
/// # Errors
/// The system's, if it gives no thread.
pub fn within<T: Send + 'static>(
    limit: Duration,
    call: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Option<T>> {
    within_telling(limit, limit, &|| (), call)
}

/// As [`within`]; calls `tell` once if `after` has passed without an answer, and that is sooner.
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
        // Wiped first: the one who waits may end the process as soon as it has the answer.
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

/// Watches over what the caller itself does, for a process that ends with it.
#[derive(Debug)]
pub struct Watch {
    ended: Arc<AtomicBool>,
}

/// Calls `late` on a thread of its own when `limit` has passed before [`Watch::in_time`].
///
/// The work stays on the caller's thread, so that a call that answers waits for no other thread to
/// be woken; on a busy machine that takes longer than many an answer. Where no thread can be had,
/// nothing watches.
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
    /// Ends the watch. False when `late` was called, or is being called: then the caller is too
    /// late, and may do nothing more.
    #[must_use]
    pub fn in_time(self) -> bool {
        !self.ended.swap(true, Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_ends_in_time_or_calls_once() {
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
    fn a_call_that_answers_is_passed_on() {
        assert_eq!(within(Duration::from_secs(5), || 7).unwrap(), Some(7));
    }

    #[test]
    fn a_call_that_never_answers_is_left_behind() {
        let (_keep, never) = mpsc::channel::<()>();
        assert_eq!(within(Duration::from_millis(20), move || never.recv().is_ok()).unwrap(), None);
    }
}
