//! Messages about locks, and about who holds them.

use crate::error::{Code, Error};

/// Who changes something: a process and its command, if they are known.
#[must_use]
pub fn by(holder: Option<(u32, &str)>) -> String {
    holder.map_or_else(
        || "by another process".to_owned(),
        |(pid, command)| format!("by process {pid} ({command})"),
    )
}

/// A warning: the vault is being changed while a command looks at it.
#[must_use]
pub fn vault_is_changing(by: &str) -> String {
    format!("the vault is being changed {by}; these are the findings so far")
}

/// A finding: an agent is being changed while it is verified.
#[must_use]
pub fn agent_is_changing(by: &str) -> String {
    format!("the agent is being changed {by}; these are the findings so far")
}

/// A lock was taken for no agent.
#[must_use]
pub fn no_agent() -> Error {
    Error::new(Code::Internal, "a lock was taken without an agent")
}
