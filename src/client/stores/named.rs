//! Values that people store by name with `openclaw secrets store set`, from 2026.9 on.

use std::fmt;

use super::profile::shown;
use crate::secret::SecretString;

/// A value of the client's `store` source. The client keeps it in plain text.
#[derive(Clone)]
pub struct NamedSecret {
    /// Who may use it.
    pub scope: Scope,
    /// Its name, as the client has it.
    pub name: String,
    /// The value; nothing if it is not text.
    pub value: Option<SecretString>,
    /// Whether it was removed, and only its row is left.
    pub deleted: bool,
    /// Whether only references use it: no command that an agent runs gets it (kind `secret`, without hosts).
    pub is_inert: bool,
}

/// Who may use a value of the `store` source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Everyone.
    Team,
    /// One identity, by its id.
    Identity(String),
}

impl NamedSecret {
    /// Returns its name for people, or its place if the name may contain a secret.
    #[must_use]
    pub fn shown(&self, index: usize) -> String {
        shown(&self.name, "entry", index)
    }
}

// Not derived, because the name comes from the file unchecked.
impl fmt::Debug for NamedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedSecret").field("deleted", &self.deleted).finish_non_exhaustive()
    }
}
