//! Messages about the change log.

use crate::error::{Code, Error};

/// A line cannot be serialized.
#[must_use]
pub fn line_not_serialized() -> Error {
    Error::new(Code::Internal, "cannot serialize a log line")
}

/// A line is not as the vault wrote it; `fault` is the end of the sentence.
#[must_use]
pub fn line(number: usize, fault: &str) -> String {
    format!("line {number} of the log {fault}")
}

/// The log ends elsewhere than the ledger says.
#[must_use]
pub fn wrong_end(line: u64) -> String {
    format!("the log does not end at line {line}, as the ledger says it does")
}

/// Lines before one that holds their digest were altered.
#[must_use]
pub fn altered_before(line: usize) -> String {
    format!("lines before line {line} of the log were altered")
}

/// A change of keys found `count` problems in the lines before.
#[must_use]
pub fn found_at_rekey(line: usize, count: u64) -> String {
    format!("problems found before line {line} of the log when the keys were changed: {count}")
}

/// There are more findings than are listed.
#[must_use]
pub fn more(count: u64) -> String {
    match count {
        1 => "one more problem in the log".to_owned(),
        _ => format!("{count} more problems in the log"),
    }
}

/// A finding is about the log of the vault and not of an agent.
#[must_use]
pub fn in_vault_log(what: &str) -> String {
    format!("the vault's own log: {what}")
}

/// A damaged log was set aside.
#[must_use]
pub fn set_aside(name: &str) -> String {
    format!("{name} is a damaged part of the log that was set aside")
}

/// A damaged log of the vault was set aside.
#[must_use]
pub fn vault_log_set_aside(name: &str) -> String {
    format!("{name} is a damaged part of the vault's own log that was set aside")
}
