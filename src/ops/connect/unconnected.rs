//! The client's configuration as it would be without the connection.

use super::Link;
use crate::client::edit::{self, Change, Left, Restored, WhyLeft, restore};
use crate::error::Result;
use crate::secret::Buffer;
use crate::vault::index::EXEC_PROVIDER;

/// The member that says how to run this program. It goes as a whole, also after someone has changed its limits.
const PROVIDER: [&str; 3] = ["secrets", "providers", EXEC_PROVIDER];

/// A configuration without the connection.
#[derive(Debug)]
pub(super) struct Unconnected {
    /// What becomes of it.
    pub becomes: Becomes,
    /// Whether it is what it was before connecting, byte for byte.
    pub identical: bool,
    /// What stays of the connection.
    pub left: Vec<Left>,
}

/// What becomes of a configuration.
#[derive(Debug)]
pub(super) enum Becomes {
    /// It stays as it is.
    Same,
    /// This text.
    Text(Buffer),
    /// It did not exist before connecting.
    Nothing,
}

impl Unconnected {
    /// Returns it from the text of the configuration as it is now.
    ///
    /// # Errors
    /// Those of [`restore`] and of [`edit::edit`].
    pub fn of(now: &str, link: &Link) -> Result<Self> {
        let (becomes, identical, left) = match restore(now, &link.undo)? {
            Restored::Identical(text) => (Becomes::Text(text), !link.changed_by_others, Vec::new()),
            Restored::NoFile => (Becomes::Nothing, !link.changed_by_others, Vec::new()),
            Restored::Partly { text, left } => (Becomes::Text(text), false, left),
            Restored::Nothing { left } => (Becomes::Same, false, left),
        };
        let mut restored = Self { becomes, identical, left };
        let is_provider = |left: &Left| left.why == WhyLeft::Changed && left.path == PROVIDER;
        if restored.left.iter().any(is_provider) {
            restored.left.retain(|left| !is_provider(left));
            let text = restored.text(Some(now));
            restored.becomes = Becomes::Text(edit::edit(text, &[Change::remove(&PROVIDER)])?.text);
        }
        Ok(restored)
    }

    /// Returns its text; `now` is the one as it is.
    pub fn text<'t>(&'t self, now: Option<&'t str>) -> Option<&'t str> {
        match &self.becomes {
            Becomes::Same => now,
            Becomes::Text(text) => text.expose_str(),
            Becomes::Nothing => None,
        }
    }
}
