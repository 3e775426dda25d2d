//! A document in memory: parsed, rewritten, and checked.

use jsonc_parser::ast::Object;

use super::inverse::Own;
use super::meaning;
use super::splice::{self, Splice};
use super::walk::Walk;
use super::wanted::Members;
use super::write::EDITED_MAX;
use crate::error::Result;
use crate::json::json5::with_root;
use crate::messages::client as of_client;
use crate::messages::client::edit as messages;
use crate::secret::Buffer;

/// A byte order mark, which the client's parser accepts as a space.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text of a configuration.
#[derive(Clone, Copy)]
pub(super) struct Document<'t> {
    whole: &'t str,
    /// The text after a byte order mark.
    body: &'t str,
}

/// Whether an object that includes other files may be changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Includes {
    /// What is added to it could contradict what the other files say. The client does not write to such an object
    /// either (`docs/gateway/configuration-reference.md` of OpenClaw 2026.6.1).
    Refused,
    /// Only members that are in the document itself are changed.
    Allowed,
}

/// A document after an edit.
pub(super) struct Rewritten {
    /// Its text.
    pub text: Buffer,
    /// What was replaced in the text before, in order.
    pub splices: Vec<Splice>,
    /// The members that changed.
    pub own: Vec<Own>,
    /// The objects that were made.
    pub made: Vec<Vec<String>>,
}

impl<'t> Document<'t> {
    /// Returns the document of a text.
    ///
    /// # Errors
    /// `TOO_LARGE` if it is larger than what is read of a configuration.
    pub fn of(text: &'t str) -> Result<Self> {
        must_fit(text.len())?;
        Ok(Self { whole: text, body: text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text) })
    }

    /// Returns the text after a byte order mark, to which positions in the parsed document refer.
    pub fn body(&self) -> &'t str {
        self.body
    }

    /// Parses it, and passes its root to `read`.
    ///
    /// # Errors
    /// `BAD_DATA` if it is not JSON5; the message quotes nothing.
    pub fn with_root<T>(&self, read: impl FnOnce(&Object<'_>) -> T) -> Result<T> {
        with_root(self.body, of_client::CONFIG, read)
            .map_err(|error| error.with_remedy(of_client::FIX_CONFIG))
    }

    /// Returns it with the wanted members. The result is parsed again and compared, so that a mistake in an edit
    /// touches nothing.
    ///
    /// # Errors
    /// Those of [`Document::with_root`] and [`Walk::through`], `TOO_LARGE`, and `INTERNAL` if the result does not say
    /// what was wanted.
    pub fn rewritten(&self, wanted: &Members, includes: Includes) -> Result<Rewritten> {
        let mark = self.whole.len() - self.body.len();
        self.with_root(|root| {
            let walk = Walk::through(self.body, root, wanted, includes == Includes::Allowed)?;
            let mut splices = splice::in_order(walk.splices).ok_or_else(messages::not_edited)?;
            for splice in &mut splices {
                splice.range.start += mark;
                splice.range.end += mark;
            }
            let replaced = splices.iter().map(|splice| (splice.range.clone(), splice.text.as_str()));
            let text = splice::apply(self.whole, replaced).ok_or_else(messages::not_edited)?;
            must_fit(text.len())?;
            let after = text.expose_str().ok_or_else(messages::not_edited)?;
            let became = Document::of(after)?.with_root(|after| meaning::became(Some(root), wanted, after));
            if !became.unwrap_or_default() {
                return Err(messages::not_edited());
            }
            Ok(Rewritten { text, splices, own: walk.own, made: walk.made })
        })?
    }
}

fn must_fit(length: usize) -> Result<()> {
    match u64::try_from(length) {
        Ok(length) if length <= EDITED_MAX => Ok(()),
        _ => Err(of_client::too_large(of_client::CONFIG, EDITED_MAX)),
    }
}
