//! Shows the progress of long work on a terminal.

use std::sync::{Arc, Mutex, PoisonError};

use strongroom_backends::fs::lock::Holder;

use crate::env::Env;
use crate::messages::cli::arguments as messages;
use crate::term::progress::Progress;
use crate::vault::watch::{Unwatched, Watch};

/// A progress bar on standard error.
#[derive(Debug)]
struct Bar(Mutex<Progress>);

/// Returns what watches the work of a command: nothing if standard error is not a terminal.
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
        let line = messages::waiting_for_lock(holder.map(|holder| (holder.pid, holder.command.as_str())));
        self.with(|progress| progress.tell(&line));
    }
}
