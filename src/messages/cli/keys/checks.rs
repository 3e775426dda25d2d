//! Messages about `log`, `verify` and `doctor`: what a check of the vault found.

use crate::error::{Code, Error};
use crate::term::count::counted;

/// The end of a check that found problems.
pub fn problems(number: usize) -> Error {
    Error::new(Code::Findings, format!("{} found", counted(number as u64, "problem")))
}

/// The remedy for what `doctor --repair` could not fix.
pub const FIX_BY_HAND: &str = "fix the remaining problems by hand, as described above";

/// The remedy for problems if there is no vault, so that nothing can be repaired.
pub const SEE_ABOVE: &str = "see the problems above; each says what to do";

/// `doctor` found nothing.
pub const NO_PROBLEMS: &str = "No problems found.";

/// What `verify` checked, and how many problems it found.
pub fn verified(records: usize, agents: usize, log_lines: u64, wrong: usize) -> String {
    format!(
        "Verified {} of {} and {}: {}.",
        counted(records as u64, "profile"),
        counted(agents as u64, "agent"),
        counted(log_lines, "log line"),
        if wrong == 0 { "no problems found".to_owned() } else { counted(wrong as u64, "problem") }
    )
}

/// The log has lines, and none is among those asked for.
pub fn no_change_matches(lines: usize) -> String {
    format!("No changes in the log match ({} in all).", counted(lines as u64, "line"))
}

/// The log of an agent, or of the vault itself, is empty.
pub fn log_is_empty(agent: Option<&str>) -> String {
    let whose = agent.map_or_else(|| "the vault".to_owned(), |agent| format!("agent {agent}"));
    format!("The log of {whose} is empty.")
}

/// The value of a setting before and after a change; without a value, the default.
pub fn changed(old: Option<&str>, new: Option<&str>) -> String {
    format!("{} → {}", old.unwrap_or("default"), new.unwrap_or("default"))
}

/// The hosts or the helpers of a profile were changed.
pub fn field_changed(field: &str, before: &str, after: &str) -> String {
    let none = |names: &str| if names.is_empty() { "none".to_owned() } else { names.to_owned() };
    format!("{field}: {} → {}", none(before), none(after))
}

/// Lines of the log are damaged.
pub fn damaged_lines(number: usize) -> String {
    format!("{} in the log; run `strongroom verify`", counted(number as u64, "damaged line"))
}

/// The prompt of `doctor --explain-error -`.
pub const PASTE_MESSAGE: &str = "Paste the message, then Ctrl-D:";

/// `doctor --explain-error` does not know the message.
pub fn unknown_message() -> Error {
    Error::new(Code::NotFound, "Strongroom does not know this error message").with_remedy(
        "run `strongroom models status` and `strongroom doctor`; `strongroom help errors-of-providers` lists the messages that it knows",
    )
}
