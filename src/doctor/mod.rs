//! `doctor`: looks for what is wrong, one file for each check, and repairs what can be repaired.

pub mod checkup;
pub mod explain;
pub mod home;
pub mod indexed;
pub mod kernel;
pub mod keychain;
pub mod leftovers;
pub mod message;
pub mod process;
pub mod profiles;
pub mod resolver;
pub mod sources;
pub mod state;
pub mod unlock;
pub mod writable;

use serde::Serialize;

use crate::error::{Error, Result};

/// How a check ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// Wrong, or about to be.
    Wrong,
}

/// What a check found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// Which check.
    pub check: &'static str,
    /// How it ended.
    pub level: Level,
    /// What was found.
    pub what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Whether `--repair` mended it.
    pub repaired: bool,
}

impl Finding {
    /// All is well.
    #[must_use]
    pub fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, what: what.into(), remedy: None, repaired: false }
    }

    /// Worth knowing.
    #[must_use]
    pub fn note(check: &'static str, what: impl Into<String>) -> Self {
        Self { level: Level::Note, ..Self::ok(check, what) }
    }

    /// Wrong.
    #[must_use]
    pub fn wrong(check: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Wrong, remedy: Some(remedy.into()), ..Self::ok(check, what) }
    }

    /// An error that a check met: it is wrong, and the other checks go on.
    #[must_use]
    pub fn met(check: &'static str, error: &Error) -> Self {
        Self::wrong(check, error.what(), error.remedy().to_owned())
    }

    /// What a check found, or the error that it met.
    #[must_use]
    pub fn or_met(check: &'static str, found: Result<Vec<Self>>) -> Vec<Self> {
        found.unwrap_or_else(|error| vec![Self::met(check, &error)])
    }

    /// The same, mended.
    #[must_use]
    pub fn mended(mut self) -> Self {
        self.repaired = true;
        self.level = Level::Note;
        self
    }

    /// The same with what to do.
    #[must_use]
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}
