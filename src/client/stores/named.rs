//! Values that people store by name with `openclaw secrets store set`, from 2026.9 on.

use std::fmt;

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
}

/// Who may use a value of the `store` source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Everyone.
    Team,
    /// One identity, by its id.
    Identity(String),
}

// Not derived, because the name comes from the file unchecked.
impl fmt::Debug for NamedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedSecret").field("deleted", &self.deleted).finish_non_exhaustive()
    }
}
