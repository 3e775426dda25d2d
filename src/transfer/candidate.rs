//! What a source holds, before it is known what will become of it.

use std::fmt;

use indexmap::IndexMap;

use super::value::Problem;
use crate::error::Code;
use crate::vault::credential::Credential;
use crate::vault::id::{AgentName, ProfileId, Provider};

/// A credential that a source offers.
#[derive(Clone)]
pub struct Candidate {
    /// The agent it belongs to, where the source says so.
    pub agent: Option<AgentName>,
    /// Its id.
    pub id: ProfileId,
    /// What it is worth.
    pub credential: Credential,
    /// When it was made, in Unix milliseconds, where the source says so.
    pub created: Option<i64>,
    /// When it was last changed, in Unix milliseconds, where the source says so.
    pub updated: Option<i64>,
    /// Where in the source it stands.
    pub place: String,
}

// Not derived: the names of further fields and the address come from the source unchecked.
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

/// An entry that is sound but holds nothing to import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    /// Where in the source it stands.
    pub place: String,
    /// Why it is passed over.
    pub reason: String,
}

/// An entry that cannot be imported as it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invalid {
    /// Where in the source it stands.
    pub place: String,
    /// The code of what is wrong.
    pub code: Code,
    /// What is wrong, without the value.
    pub reason: String,
}

impl Invalid {
    /// The entry of a place, by what is wrong with it.
    pub(super) fn new(place: String, problem: Problem) -> Self {
        let place = match problem.field {
            Some(field) => format!("{place}.{field}"),
            None => place,
        };
        Self { place, code: problem.code, reason: problem.reason.into_owned() }
    }
}

/// A source taken apart.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// What can be imported.
    pub candidates: Vec<Candidate>,
    /// What holds nothing to import.
    pub skipped: Vec<Skipped>,
    /// What is wrong with the others.
    pub invalid: Vec<Invalid>,
    /// The order of use for each provider, of the ids among the candidates.
    pub order: IndexMap<Provider, Vec<ProfileId>>,
    /// What should be said besides.
    pub warnings: Vec<String>,
}
