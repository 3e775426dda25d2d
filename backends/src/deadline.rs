//! A blocking call with an end.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Runs `call` on a thread of its own and waits for it at most `limit`.
///
/// `None` when it did not answer in time, or died. The thread is not joined: it may be stuck in
/// the kernel for ever, and what it returns later is dropped.
pub fn within<T: Send + 'static>(limit: Duration, call: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .spawn(move || {
            // Nobody waits any more when the deadline has passed.
            let _ = sender.send(call());
        })
        .ok()?;
    receiver.recv_timeout(limit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_answers_is_passed_on() {
        assert_eq!(within(Duration::from_secs(5), || 7), Some(7));
    }

    #[test]
    fn a_call_that_never_answers_is_left_behind() {
        let (_keep, never) = mpsc::channel::<()>();
        assert_eq!(within(Duration::from_millis(20), move || never.recv().is_ok()), None);
    }
}
