//! Long work as a person at a terminal sees it.

use std::sync::{Arc, Mutex, PoisonError};

use strongroom_backends::fs::lock::Holder;

use crate::env::Env;
use crate::term::progress::Progress;
use crate::vault::watch::{Unwatched, Watch};

/// A bar on standard error.
#[derive(Debug)]
struct Bar(Mutex<Progress>);

/// Who watches a command's work: no one if standard error is no terminal.
pub(super) fn watched(env: &Env) -> Arc<dyn Watch> {
    if env.stderr_tty { Arc::new(Bar(Mutex::new(Progress::new(env)))) } else { Arc::new(Unwatched) }
}

impl Bar {
    fn with(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Watch for Bar {
    fn begins(&self, what: &'static str, total: usize) {
        self.with(|progress| progress.begins(what, total));
    }

    fn step(&self) {
        self.with(Progress::step);
    }

    fn goes_on(&self, what: &'static str) {
        self.with(|progress| progress.goes_on(what));
    }

    fn waits(&self, holder: Option<&Holder>) {
        let by = holder.map_or_else(
            || "another process".to_owned(),
            |holder| format!("process {} ({})", holder.pid, holder.command),
        );
        let line = format!("Waiting for {by}, which holds the lock (Ctrl-C to stop waiting)");
        self.with(|progress| progress.tell(&line));
    }
}
