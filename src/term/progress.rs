//! Progress of long work, on standard error, where somebody sees it.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::env::Env;

/// Work of fewer items is over before a bar could be read.
const FEWEST: u64 = 200;
/// So is work that takes less time.
const SOONEST: Duration = Duration::from_millis(300);

/// A bar that appears only when the work is long and standard error is a terminal.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    total: u64,
    done: u64,
    started: Instant,
    shown: bool,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// For `total` items of work that `what` names ("Sealing").
    #[must_use]
    pub fn new(env: &Env, what: &'static str, total: u64) -> Self {
        let dumb = env.var("TERM").is_some_and(|term| term == "dumb");
        let shown = env.stderr_tty && !dumb && total >= FEWEST;
        Self { what, total, done: 0, started: Instant::now(), shown, bar: None }
    }

    /// One more item is done.
    pub fn step(&mut self) {
        self.done += 1;
        if !self.shown {
            return;
        }
        if self.bar.is_none() && self.started.elapsed() >= SOONEST {
            let bar = ProgressBar::with_draw_target(Some(self.total), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len}") {
                bar.set_style(style);
            }
            bar.set_message(self.what);
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_shown_to_nobody_or_for_little_work() {
        let mut terminal = Env::default();
        terminal.stderr_tty = true;
        assert!(Progress::new(&terminal, "Sealing", FEWEST).shown);
        assert!(!Progress::new(&terminal, "Sealing", FEWEST - 1).shown);
        assert!(!Progress::new(&terminal.with_var("TERM", "dumb"), "Sealing", FEWEST).shown);
        assert!(!Progress::new(&Env::default(), "Sealing", FEWEST).shown);
    }
}
