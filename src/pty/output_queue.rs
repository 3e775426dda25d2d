//! A queue of output for a terminal that may be slow or stopped, written by a thread of its own.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::error::{Error, Result};

/// From this many bytes on, the queue counts as full.
const FULL: usize = 16 * 1024;
/// The most bytes that the queue holds; more output is not shown.
const MOST: usize = 1024 * 1024;
/// How many bytes are written at once, which cannot be taken back.
const PIECE: usize = 512;

#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    /// Whether a piece is being written.
    busy: bool,
    failed: Option<Error>,
    end: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The queue. When it is dropped, the rest is not written.
pub(super) struct Slow(Arc<Shared>);

impl Slow {
    /// Returns a queue whose output is written by `write`.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(super) fn new(write: impl Fn(&[u8]) -> Result<()> + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let queue = Arc::clone(&shared);
        thread::Builder::new().spawn(move || empty(&queue, write))?;
        Ok(Self(shared))
    }

    /// Adds bytes, even if the queue is full. After a failure they are dropped.
    pub(super) fn push(&self, bytes: &[u8]) {
        let mut queue = self.0.lock();
        if queue.failed.is_none() && queue.bytes.len() < MOST {
            queue.bytes.extend_from_slice(bytes);
        }
        self.0.changed.notify_all();
    }

    /// Replaces everything that is not written yet.
    pub(super) fn replace(&self, bytes: &[u8]) {
        self.0.lock().bytes.clear();
        self.push(bytes);
    }

    /// Returns whether more output should wait.
    pub(super) fn is_full(&self) -> bool {
        self.0.lock().bytes.len() >= FULL
    }

    /// Waits for at most this long. Returns whether everything was written, or nothing more can be.
    pub(super) fn wait(&self, most: Duration) -> bool {
        let open = |queue: &mut Queue| queue.failed.is_none() && (queue.busy || !queue.bytes.is_empty());
        let waited = self.0.changed.wait_timeout_while(self.0.lock(), most, open);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Returns why nothing more can be written, if so.
    pub(super) fn failure(&self) -> Option<Error> {
        self.0.lock().failed.clone()
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.end = true;
        queue.bytes.clear();
        self.0.changed.notify_all();
    }
}

fn empty(shared: &Shared, write: impl Fn(&[u8]) -> Result<()>) {
    loop {
        let idle = |queue: &mut Queue| !queue.end && queue.bytes.is_empty();
        let queue = shared.changed.wait_while(shared.lock(), idle);
        let mut queue = queue.unwrap_or_else(PoisonError::into_inner);
        if queue.end {
            return;
        }
        let most = queue.bytes.len().min(PIECE);
        let piece: Vec<u8> = queue.bytes.drain(..most).collect();
        queue.busy = true;
        drop(queue);
        let written = write(&piece);
        let mut queue = shared.lock();
        queue.busy = false;
        if let Err(error) = written {
            queue.failed = Some(error);
            queue.bytes.clear();
        }
        shared.changed.notify_all();
        if queue.failed.is_some() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use std::sync::mpsc::channel;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_terminal_that_stands_still_keeps_nobody() {
        let (go, stands) = channel::<()>();
        let (wrote, written) = channel();
        let slow = Slow::new(move |bytes| {
            let _ = stands.recv();
            wrote.send(bytes.to_vec()).unwrap();
            Ok(())
        })
        .unwrap();
        slow.push(&vec![b'x'; FULL + PIECE]);
        assert!(slow.is_full());
        assert!(!slow.wait(Duration::from_millis(1)));
        slow.replace(b"end");
        assert!(!slow.is_full());
        drop(go);
        assert!(slow.wait(LONG));
        let all: Vec<u8> = written.try_iter().flatten().collect();
        // At most the piece that was being written.
        assert!(all.ends_with(b"end") && all.len() <= PIECE + 3, "{}", all.len());
    }

    #[test]
    fn one_that_went_away_takes_no_more() {
        let slow = Slow::new(|_| Err(Error::new(Code::Cancelled, "the terminal was closed"))).unwrap();
        slow.push(b"x");
        assert!(slow.wait(LONG));
        slow.push(b"y");
        assert!(slow.wait(LONG));
        assert_eq!(slow.failure().unwrap().code(), Code::Cancelled);
    }
}
