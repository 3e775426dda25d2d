//! What undoes a change of a client's configuration, whatever its format.

use serde::{Deserialize, Serialize};

use crate::client::edit::{EMPTY, InversePatch, Restored, diff, restore, shown};
use crate::client::insertion::{InsertedLines, Without};
use crate::error::Result;
use crate::messages::client::connectable as messages;
use crate::secret::Buffer;

/// What undoes a change. It holds no secret.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Undo {
    /// Of members of a JSON document.
    Members(InversePatch),
    /// Of lines in a text.
    Lines(InsertedLines),
}

/// A configuration after a change was undone.
#[derive(Debug)]
pub struct Undone {
    /// Its text; nothing if the change had made the file.
    pub text: Option<Buffer>,
    /// Whether it is what it was before, byte for byte.
    pub identical: bool,
    /// What was changed since, and stays.
    pub left: Vec<String>,
}

impl Undo {
    /// Undoes the change.
    ///
    /// # Errors
    /// `NEWER_FORMAT` if a newer version made it, `BAD_DATA` if the text cannot be read any more.
    pub fn undo(&self, text: &str) -> Result<Undone> {
        let same = || Buffer::from_vec(text.as_bytes().to_vec());
        let (text, identical, left) = match self {
            Self::Members(patch) => match restore(text, patch)? {
                Restored::Identical(text) => (Some(text), true, Vec::new()),
                Restored::NoFile => (None, true, Vec::new()),
                Restored::Partly { text, left } => (Some(text), false, left),
                Restored::Nothing { left } => (Some(same()), false, left),
            },
            Self::Lines(lines) => {
                let (text, identical, is_left) = match lines.taken_out_of(text)? {
                    Without::Identical(text) => (Some(text), true, false),
                    Without::NoFile => (None, true, false),
                    Without::Others(text) => (Some(text), false, false),
                    Without::Changed(text) => (Some(text), false, true),
                };
                let left = is_left.then(|| messages::lines_with(lines.mark())).into_iter().collect();
                return Ok(Undone { text, identical, left });
            }
        };
        Ok(Undone { text, identical, left: left.iter().map(|left| shown(&left.path)).collect() })
    }

    /// Returns whether a text is the one that the change wrote.
    #[must_use]
    pub fn wrote(&self, text: &str) -> bool {
        match self {
            Self::Members(patch) => patch.wrote(text),
            Self::Lines(lines) => lines.wrote(text),
        }
    }

    /// Returns the change as a person sees it. Of lines in a text, only these are shown: what is around them can be
    /// secret.
    ///
    /// # Errors
    /// `BAD_DATA` for a JSON document that cannot be read.
    pub fn diff(&self, before: &str, after: &str) -> Result<String> {
        match self {
            Self::Members(_) => diff(before, after),
            Self::Lines(lines) => Ok(lines.diff(after, '+')),
        }
    }

    /// Returns the same for a text from which the change was taken out.
    ///
    /// # Errors
    /// As [`Undo::diff`].
    pub fn undone_diff(&self, before: &str, after: Option<&str>) -> Result<String> {
        match self {
            Self::Members(_) => diff(before, after.unwrap_or(EMPTY)),
            Self::Lines(lines) => Ok(lines.diff(before, '-')),
        }
    }
}
