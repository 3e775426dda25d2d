//! What undoes a change of a client's configuration, whatever its format.

use serde::{Deserialize, Serialize};

use crate::client::edit::{InversePatch, Restored, restore, shown};
use crate::client::insertion::{InsertedLines, Without};
use crate::client::yaml;
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
    /// Of lines in a document in YAML.
    Yaml {
        /// The lines.
        lines: InsertedLines,
        /// What they are, if another program has written them in another way since.
        place: Place,
    },
}

/// A part of a document in YAML.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// An item of a list at the root, and its name.
    Item(String, String),
    /// A member, by the names that lead to it.
    Member(Vec<String>),
}

impl Place {
    /// Returns the document without it, if it still names this program.
    fn out_of(&self, text: &str, program: &str) -> Option<Buffer> {
        match self {
            Self::Item(list, name) => yaml::without_item(text, list, name, program),
            Self::Member(path) => yaml::without_member(text, path, program),
        }
    }
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

/// Undoes several changes, the last one first.
///
/// # Errors
/// Those of [`Undo::undo`].
pub fn undo_all<'u>(changes: impl DoubleEndedIterator<Item = &'u Undo>, text: &str) -> Result<Undone> {
    let mut done =
        Undone { text: Some(Buffer::from_vec(text.as_bytes().to_vec())), identical: true, left: Vec::new() };
    for change in changes.rev() {
        let Some(now) = &done.text else { break };
        let Undone { text, identical, mut left } = change.undo(now.expose_str().unwrap_or_default())?;
        left.extend(done.left);
        done = Undone { text, identical: identical && done.identical, left };
    }
    Ok(done)
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
            Self::Lines(lines) => return of_lines(lines, text, None),
            Self::Yaml { lines, place } => return of_lines(lines, text, Some(place)),
        };
        Ok(Undone { text, identical, left: left.iter().map(|left| shown(&left.path)).collect() })
    }

    /// Returns what was put into a text, as it is shown after a sign, apart from what is in another text too. Nothing else of
    /// the text is shown, because what is around it can be secret.
    #[must_use]
    pub fn shown(&self, text: &str, sign: char, but_of: &str) -> String {
        match self {
            Self::Members(patch) => patch.shown(text, sign, but_of),
            Self::Lines(lines) | Self::Yaml { lines, .. } => lines.diff(text, sign, but_of),
        }
    }
}

fn of_lines(lines: &InsertedLines, text: &str, place: Option<&Place>) -> Result<Undone> {
    let (text, identical, is_left) = match lines.taken_out_of(text)? {
        Without::Identical(text) => (Some(text), true, false),
        Without::NoFile => (None, true, false),
        Without::Others(text) => (Some(text), false, false),
        Without::Changed(text) => {
            let out = place.and_then(|place| place.out_of(text.expose_str()?, lines.mark()));
            let is_left = out.is_none();
            (Some(out.unwrap_or(text)), false, is_left)
        }
    };
    let left = is_left.then(|| messages::lines_with(lines.mark())).into_iter().collect();
    Ok(Undone { text, identical, left })
}
