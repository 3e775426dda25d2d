//! The changes that the log records.

use serde::{Deserialize, Serialize};

use crate::vault::id::ProfileId;

/// The kinds of changes in an agent's log.
pub const OPS_OF_AGENT: &[&str] = &[
    "paste",
    "rotate",
    "edit",
    "import",
    "copy",
    "move",
    "relist",
    "salvage",
    "remove",
    "rename",
    "undo",
    "forget",
    "access-add",
    "access-remove",
    "rekey",
    "recover",
    "accept-rollback",
    "log-rotate",
    "log-restart",
];
/// The kinds of changes in the vault's own log.
pub const OPS_OF_VAULT: &[&str] = &[
    "init",
    "unlock-method-add",
    "unlock-method-replace",
    "unlock-method-remove",
    "settings",
    "rekey",
    "recover",
    "accept-rollback",
    "log-rotate",
    "log-restart",
];

/// A change, as the log records it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Event {
    /// What was done: `paste`, `import`, `rotate`, `remove`, `rename`, `rekey`, …
    pub op: String,
    /// The profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The profile's id before it was renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What was changed of the profile, apart from its secret: `hosts` or `helpers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What it had before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Vec<String>>,
    /// What it has now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Vec<String>>,
    /// The access to the proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// The unlock method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The setting that was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    /// The value before the change; `None` for the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// The value since the change; `None` for the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// The record's generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// The SHA-256 of everything before this line in this file, or of the file before, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
    /// The MAC of the line before, if that is in another file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// The number of problems that the lines before had when this line vouched for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<u64>,
}

impl Event {
    /// Returns an event that concerns a profile.
    #[must_use]
    pub fn of(op: &str, profile: &ProfileId, generation: Option<u64>) -> Self {
        Self { op: op.to_owned(), profile: Some(profile.to_string()), generation, ..Self::default() }
    }

    /// Returns an event about the hosts or the helpers of a profile.
    #[must_use]
    pub fn of_field(op: &str, profile: &ProfileId, field: &str, before: &[String], after: &[String]) -> Self {
        let field = Some(field.to_owned());
        Self {
            field,
            before: Some(before.to_vec()),
            after: Some(after.to_vec()),
            ..Self::of(op, profile, None)
        }
    }

    /// Returns an event that concerns an access to the proxy, with the providers and profiles that it is bound to.
    #[must_use]
    pub fn of_access(op: &str, access: &str, bound_to: Option<Vec<String>>) -> Self {
        Self { op: op.to_owned(), access: Some(access.to_owned()), after: bound_to, ..Self::default() }
    }

    /// Returns an event that concerns an unlock method.
    #[must_use]
    pub fn of_method(op: &str, method: &str) -> Self {
        Self { op: op.to_owned(), method: Some(method.to_owned()), ..Self::default() }
    }
}
