//! A limit on the time without a byte.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// A time without a byte. A byte only notes the time; the timer is set again when it fires.
pub(crate) struct Idle {
    limit: Duration,
    last: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Idle {
    pub fn new(limit: Duration) -> Self {
        Self { limit, last: Instant::now(), sleep: None }
    }

    /// Notes that there was a byte.
    pub fn touch(&mut self) {
        self.last = Instant::now();
    }

    /// Is ready if the time has passed.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let until = self.last + self.limit;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        while sleep.as_mut().poll(context).is_ready() {
            if Instant::now() >= until {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(until);
        }
        Poll::Pending
    }
}
