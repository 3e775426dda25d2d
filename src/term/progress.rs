//! The progress of long work, on standard error, if that is a terminal.

use std::time::{Duration, Instant};

use super::out;
use crate::env::Env;

/// The fewest items for which a bar is shown.
const FEWEST: usize = 200;
/// How long work must take before a bar is shown.
const SOONEST: Duration = Duration::from_millis(300);
/// The time between updates of a bar, so that a terminal is not flooded.
const REDRAW: Duration = Duration::from_millis(50);
/// The width of a bar, in cells.
const WIDTH: usize = 40;
/// Erases the line and returns to its beginning.
const ERASE: &str = "\r\x1b[2K";

/// A progress bar that appears only if the work is long and standard error is a terminal. It is erased when dropped.
#[derive(Debug)]
pub struct Progress {
    /// Whether standard error is a terminal.
    told: bool,
    /// Whether that terminal can also erase a line.
    shown: bool,
    what: &'static str,
    total: usize,
    done: usize,
    /// When the bar is drawn next, if at all.
    due: Option<Instant>,
    drawn: bool,
}

impl Progress {
    /// Returns a bar for no work yet.
    #[must_use]
    pub fn new(env: &Env) -> Self {
        let dumb = env.var("TERM").is_some_and(|term| term == "dumb");
        Self {
            told: env.stderr_tty,
            shown: env.stderr_tty && !dumb,
            what: "",
            total: 0,
            done: 0,
            due: None,
            drawn: false,
        }
    }

    /// Begins `total` items of the work that `what` names ("Encrypting").
    pub fn begins(&mut self, what: &'static str, total: usize) {
        self.erase();
        (self.what, self.total, self.done) = (what, total, 0);
        self.due = (self.shown && total >= FEWEST).then(|| Instant::now() + SOONEST);
    }

    /// Counts one more item as done.
    pub fn step(&mut self) {
        self.done += 1;
        if self.due.is_some_and(|due| due <= Instant::now()) {
            self.draw(&self.bar());
            self.due = Some(Instant::now() + REDRAW);
        }
    }

    /// Shows work without a count, if there were many items before it.
    pub fn goes_on(&mut self, what: &str) {
        if self.due.is_some() {
            self.draw(&format!("{what} …"));
        }
    }

    /// Prints a line; a visible bar is erased first. Prints nothing if the terminal would block, because the caller may
    /// hold a lock that others wait for.
    pub fn tell(&mut self, line: &str) {
        if self.told && out::error_is_ready() {
            self.erase();
            out::write_error(&format!("{line}\n"));
        }
    }

    fn draw(&mut self, line: &str) {
        out::write_error(&format!("{ERASE}{line}"));
        self.drawn = true;
    }

    fn erase(&mut self) {
        if std::mem::take(&mut self.drawn) {
            out::write_error(ERASE);
        }
    }

    fn bar(&self) -> String {
        let filled = (self.done * WIDTH).checked_div(self.total).unwrap_or(WIDTH).min(WIDTH);
        let cells: String = (0..WIDTH).map(|cell| if cell < filled { '█' } else { '░' }).collect();
        format!("{} {cells} {}/{}", self.what, self.done, self.total)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.erase();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_shown_to_nobody_or_for_little_work() {
        let mut terminal = Env::default();
        terminal.stderr_tty = true;
        let shown = |env: &Env, total| {
            let mut progress = Progress::new(env);
            progress.begins("Sealing", total);
            progress.due.is_some()
        };
        assert!(shown(&terminal, FEWEST));
        assert!(!shown(&terminal, FEWEST - 1));
        assert!(!shown(&terminal.with_var("TERM", "dumb"), FEWEST));
        assert!(!shown(&Env::default(), FEWEST));
    }

    #[test]
    fn the_bar_fills_as_work_is_done() {
        let mut progress = Progress::new(&Env::default());
        progress.begins("Sealing", 200);
        assert_eq!(progress.bar(), format!("Sealing {} 0/200", "░".repeat(40)));
        (0..50).for_each(|_| progress.step());
        assert_eq!(progress.bar(), format!("Sealing {}{} 50/200", "█".repeat(10), "░".repeat(30)));
        (0..150).for_each(|_| progress.step());
        assert_eq!(progress.bar(), format!("Sealing {} 200/200", "█".repeat(40)));
    }
}
