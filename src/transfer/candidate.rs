//! The contents of a source, before it is decided what becomes of them.

use std::fmt;

use super::value::Problem;
use crate::error::Code;
use crate::vault::credential::Credential;
use crate::vault::history::Version;
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::record::Details;

/// A credential in a source.
#[derive(Clone)]
pub struct Candidate {
    /// The agent that it belongs to, if the source says so.
    pub agent: Option<AgentName>,
    /// Its id.
    pub id: ProfileId,
    /// The credential itself.
    pub credential: Credential,
    /// What the source says of the profile apart from its credential.
    pub details: Details,
    /// When it was created, in Unix milliseconds, if the source says so.
    pub created: Option<i64>,
    /// When it was last changed, in Unix milliseconds, if the source says so.
    pub updated: Option<i64>,
    /// The earlier versions that the source has of it, the oldest first.
    pub versions: Vec<Version>,
    /// Its place in the source.
    pub place: String,
}

// Not derived, because the names of extra fields and the e-mail address come from the source unchecked.
impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate")
            .field("agent", &self.agent)
            .field("id", &self.id)
            .field("type", &self.credential.kind)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// A valid entry with nothing to import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// Its place in the source.
    pub place: String,
    /// Why it is skipped.
    pub reason: String,
}

/// An entry that cannot be imported as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invalid {
    /// Its place in the source.
    pub place: String,
    /// The error code.
    pub code: Code,
    /// What is wrong, without the value.
    pub reason: String,
}

impl Invalid {
    /// Makes it from its place and what is wrong with it.
    pub(super) fn new(place: String, problem: Problem) -> Self {
        let place = match problem.field {
            Some(field) => format!("{place}.{field}"),
            None => place,
        };
        Self { place, code: problem.code, reason: problem.reason.into_owned() }
    }
}

/// The order in which the profiles of a provider are used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProviderOrder {
    /// The agent whose order it is; `None` if the source names none.
    pub agent: Option<AgentName>,
    /// The provider.
    pub provider: Provider,
    /// The profiles, first choice first.
    pub ids: Vec<ProfileId>,
}

/// A parsed source.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// What can be imported.
    pub candidates: Vec<Candidate>,
    /// Entries with nothing to import.
    pub skipped: Vec<Skipped>,
    /// Entries that cannot be imported.
    pub invalid: Vec<Invalid>,
    /// The orders of use, with the ids of candidates only. Of two for the same provider, the first counts.
    pub orders: Vec<ProviderOrder>,
    /// What people should know about the others.
    pub warnings: Vec<String>,
}
