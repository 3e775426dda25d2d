//! `doctor`: looks for problems, one file for each check, and repairs those that can be repaired.

pub mod checkup;
pub mod client;
mod client_exposed;
mod client_leftovers;
mod client_locks;
mod client_migration;
mod client_mirror;
mod client_references;
mod client_shadows;
mod client_stores;
mod client_units;
pub mod client_version;
pub mod explain;
pub mod home;
pub mod indexed;
pub mod kernel;
pub mod keychain;
pub mod leftovers;
pub mod message;
pub mod process;
pub mod profiles;
pub mod proxy;
pub mod resolver;
pub mod sources;
pub mod state;
pub mod unlock;
pub mod writable;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::messages::doctor::{FindingCode, Problem};

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
    /// Its stable code, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<FindingCode>,
    /// How it ended.
    pub level: Level,
    /// What was found.
    pub what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Whether `--repair` fixed it.
    pub repaired: bool,
}

impl Finding {
    /// Returns a finding that all is well.
    #[must_use]
    pub fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, code: None, level: Level::Ok, what: what.into(), remedy: None, repaired: false }
    }

    /// Returns something worth knowing.
    #[must_use]
    pub fn note(check: &'static str, what: impl Into<String>) -> Self {
        Self { level: Level::Note, ..Self::ok(check, what) }
    }

    /// Returns something worth knowing, with what to do about it.
    #[must_use]
    pub fn advice(check: &'static str, problem: Problem) -> Self {
        Self { level: Level::Note, ..Self::wrong(check, problem) }
    }

    /// Returns something that is wrong.
    #[must_use]
    pub fn wrong(check: &'static str, problem: Problem) -> Self {
        let Problem { what, remedy, code } = problem;
        Self { level: Level::Wrong, code, remedy: Some(remedy), ..Self::ok(check, what) }
    }

    /// Returns an error that a check met as something that is wrong; the other checks go on.
    #[must_use]
    pub fn met(check: &'static str, error: &Error) -> Self {
        Self::wrong(check, Problem::new(error.what(), error.remedy()))
    }

    /// Returns what a check found, or the error that it met.
    #[must_use]
    pub fn or_met(check: &'static str, found: Result<Vec<Self>>) -> Vec<Self> {
        found.unwrap_or_else(|error| vec![Self::met(check, &error)])
    }

    /// Gives the finding a stable code.
    #[must_use]
    pub fn coded(self, code: FindingCode) -> Self {
        Self { code: Some(code), ..self }
    }

    /// Marks the finding as repaired.
    #[must_use]
    pub fn as_repaired(mut self) -> Self {
        self.repaired = true;
        self.level = Level::Note;
        self
    }
}
