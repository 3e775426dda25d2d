//! Writes what came of requests into the state that the client and `status` read. It waits for locks and disks, so that
//! a thread of its own does it.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use strongroom_proxy::Failure as Seen;

use super::choice::Chooser;
use super::server::Voice;
use super::source::Source;
use crate::error::Result;
use crate::messages::serve as messages;
use crate::ops::backoff;
use crate::ops::report::{self, Request};
use crate::select::backoff::Failure;
use crate::select::pin::Model;
use crate::select::state::Usage;
use crate::time::{MINUTE, SECOND};
use crate::vault::home::LockWait;
use crate::vault::id::{ProfileId, Provider};
use crate::vault::watch::Unwatched;

/// How long a report waits for the agent's lock.
const LOCK: Duration = Duration::from_secs(5);
/// How long after a failure to write it is tried again.
const AGAIN: Duration = Duration::from_secs(2);
/// The most reports that wait. Beyond that the oldest success goes, which says the least.
const MOST: usize = 10_000;

/// How much longer a wait may seem than it is, in milliseconds: providers tell whole seconds, and answers take time.
const ROUNDED: i64 = 2 * SECOND;

/// What came of a request.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub profile: ProfileId,
    pub provider: Provider,
    /// The version of its record.
    pub generation: u64,
    /// Why it failed, or `None` if it succeeded.
    pub failure: Option<Seen>,
    /// How long the provider said to wait.
    pub retry_after: Option<Duration>,
    pub model: Option<String>,
}

impl Report {
    /// Returns whether the state says already what a failure says. Requests that run when a key runs out all fail, and so
    /// do those that a profile gets while each one rests: if they counted, the next failure would be the hundredth in a
    /// row.
    pub fn is_known(&self, usage: Option<&Usage>, now: i64) -> bool {
        let failure = self.failure.and_then(|failure| spelled(failure).ok());
        let model = self.model.as_deref().and_then(|model| model.parse().ok());
        let wait = self.retry_after.map_or(0, |wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        let until = now.saturating_add(wait).saturating_sub(ROUNDED);
        usage
            .zip(failure)
            .is_some_and(|(usage, failure)| usage.rests_for(failure, model.as_ref(), now, until))
    }
}

/// The thread that writes reports.
pub(super) struct Reports {
    sender: Mutex<Option<Sender<Report>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Reports {
    /// Starts the thread. `warn` tells a person that reports cannot be written.
    ///
    /// # Errors
    /// `NO_MEMORY` if the system gives no thread.
    pub fn begin(source: Arc<Source>, chooser: Arc<Chooser>, warn: Voice) -> Result<Self> {
        let (sender, receiver) = channel();
        let writer = Writer { source, chooser, warn, waiting: VecDeque::new(), has_warned: false };
        let thread = thread::Builder::new().name("reports".to_owned()).spawn(move || writer.run(&receiver));
        let thread = thread.map_err(|_| messages::no_thread())?;
        Ok(Self { sender: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Passes a report on.
    pub fn send(&self, report: Report) {
        if let Some(sender) = &*self.sender.lock().unwrap_or_else(PoisonError::into_inner) {
            // It fails only if the thread ended, and then the server ends too.
            let _ = sender.send(report);
        }
    }

    /// Ends the thread after the reports that wait were written, or tried once more.
    pub fn end(&self) {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

struct Writer {
    source: Arc<Source>,
    chooser: Arc<Chooser>,
    warn: Voice,
    /// Reports that could not be written yet, in their order.
    waiting: VecDeque<Report>,
    has_warned: bool,
}

impl Writer {
    fn run(mut self, receiver: &Receiver<Report>) {
        let mut again = None;
        loop {
            let next = match again {
                None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => receiver.recv_timeout(Instant::duration_since(&at, Instant::now())),
            };
            match next {
                Ok(report) => self.add(report),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.write_all();
                    return;
                }
            }
            if again.is_some_and(|at| at > Instant::now()) {
                continue;
            }
            self.write_all();
            again = (!self.waiting.is_empty()).then(|| Instant::now() + AGAIN);
        }
    }

    fn add(&mut self, report: Report) {
        if self.waiting.len() >= MOST {
            let oldest = self.waiting.iter().position(|waiting| waiting.failure.is_none()).unwrap_or(0);
            self.waiting.remove(oldest);
        }
        self.waiting.push_back(report);
    }

    /// Writes what waits, up to the first one that cannot be written.
    fn write_all(&mut self) {
        while let Some(report) = self.waiting.front() {
            match self.write(report) {
                Ok(()) => {
                    self.has_warned = false;
                    if report.failure.is_some() {
                        self.chooser.waits.told(&report.profile);
                    }
                    self.waiting.pop_front();
                }
                Err(error) => {
                    // Until the state says it, this server remembers it.
                    let now = self.source.ambient.env.now();
                    for report in &self.waiting {
                        if let Some(failure) = report.failure {
                            let until = now.saturating_add(MINUTE);
                            let what = (failure, report.model.as_deref());
                            self.chooser.waits.rests(&report.profile, report.generation, what, now, until);
                        }
                    }
                    if !self.has_warned {
                        (self.warn)(&messages::reports_wait(error.what()));
                    }
                    self.has_warned = true;
                    return;
                }
            }
        }
    }

    fn write(&self, report: &Report) -> Result<()> {
        let Source { agent, ambient, .. } = &*self.source;
        let vault = self.source.vault()?;
        let generation = backoff::rules(&ambient.env, None)?.generation;
        let (policy, _) = report::policy(&ambient.env, &report.provider, generation);
        let request = Request {
            profile: report.profile.clone(),
            provider: report.provider.clone(),
            failure: report.failure.map(spelled).transpose()?,
            model: report.model.as_deref().and_then(|model| model.parse::<Model>().ok()),
            session: None,
            generation: Some(report.generation),
            retry_after: report.retry_after.map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)),
        };
        let waits = LockWait {
            limit: LOCK,
            command: "serve".to_owned(),
            now: ambient.env.now(),
            watched: Arc::new(Unwatched),
        };
        report::report(&vault, agent, &request, &policy, ambient, &waits).map(drop)
    }
}

/// How long a failure that was just reported counts until the state says so, in milliseconds.
pub(super) const UNTIL_WRITTEN: i64 = 30 * SECOND;

/// Returns a failure as the client spells it.
fn spelled(failure: Seen) -> Result<Failure> {
    match failure {
        Seen::Auth | Seen::Forbidden => "auth",
        Seen::RateLimited => "rate_limit",
        Seen::Overloaded => "overloaded",
        Seen::Billing => "billing",
    }
    .parse()
}
