//! What undoes an edit: byte for byte while the document is still the one that was written, and member by member after
//! others have changed it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::document::{self, Document};
use super::meaning::{at, equals};
use super::splice::{Splice, apply};
use super::wanted::{Members, Wanted};
use crate::error::Result;
use crate::hex::hex;
use crate::messages::client::edit as messages;
use crate::secret::Buffer;

/// The version of the form that is written.
const VERSION: u32 = 1;

/// What undoes an edit. It holds no secret: what held one is named, and cannot be restored.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InversePatch {
    version: u32,
    /// Whether the file was made.
    made_file: bool,
    /// The SHA-256 of the text that was written, in hex.
    after: String,
    /// The replacements in that text that restore the one before, in order.
    spans: Vec<Span>,
    /// The members that were changed.
    own: Vec<Own>,
    /// The objects that were made, each one before those in it.
    made: Vec<Vec<String>>,
}

/// A part of the text that was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Span {
    /// Its position, in bytes.
    at: usize,
    /// How long it is, in bytes.
    length: usize,
    /// What was there before; nothing if that held a secret.
    before: Option<String>,
}

/// A member that was changed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Own {
    /// The names that lead to it.
    pub path: Vec<String>,
    /// What was written.
    pub wrote: Wrote,
    /// What was there before.
    pub before: Before,
}

/// What a member became. `null` is a value too.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Wrote {
    /// It got this value.
    Value(Value),
    /// It was removed.
    Nothing,
}

/// What a member was before it was changed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Before {
    /// It did not exist.
    Absent,
    /// It had this value, as it was written.
    Was(String),
    /// It held a secret, which is not kept.
    Withheld,
}

/// The outcome of an undone edit.
#[derive(Debug)]
pub enum Restored {
    /// The text as it was before the edit, byte for byte.
    Identical(Buffer),
    /// The edit made the file, and no one has changed it since: it did not exist before.
    NoFile,
    /// The text without what the edit had written; other changes stay.
    Partly {
        /// The text.
        text: Buffer,
        /// What could not be restored.
        left: Vec<Left>,
    },
    /// Nothing is to be written: what the edit had written is not there, or is in `left`.
    Nothing {
        /// What could not be restored.
        left: Vec<Left>,
    },
}

/// A member that an undone edit leaves as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Left {
    /// The names that lead to it.
    pub path: Vec<String>,
    /// Why.
    pub why: WhyLeft,
}

/// Why a member is left as it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WhyLeft {
    /// Someone has changed it since.
    Changed,
    /// It held a secret before, which was not kept.
    HeldSecret,
}

impl InversePatch {
    /// Returns what undoes replacements, which are in order, in the text before them.
    pub(super) fn of(
        (before, after): (&str, &str),
        splices: &[Splice],
        (own, made): (Vec<Own>, Vec<Vec<String>>),
        made_file: bool,
    ) -> Self {
        let mut shift = 0_isize;
        let mut spans = Vec::new();
        for splice in splices {
            let at = splice.range.start.saturating_add_signed(shift);
            let removed = before.get(splice.range.clone()).unwrap_or_default();
            let hides = splice.hides || crate::looks::looks_known(removed);
            let hides = hides && !removed.trim_matches([' ', '\t', '\r', '\n', ',']).is_empty();
            spans.push(Span { at, length: splice.text.len(), before: (!hides).then(|| removed.to_owned()) });
            shift += signed(splice.text.len()) - signed(removed.len());
        }
        let spans = if made_file { Vec::new() } else { spans };
        Self { version: VERSION, made_file, after: digest(after), spans, own, made }
    }

    /// Returns whether a text is the one that the edit wrote.
    #[must_use]
    pub fn wrote(&self, text: &str) -> bool {
        digest(text) == self.after
    }

    /// Returns the members that have the values that were written, as they are shown, each in a line after a sign, apart
    /// from those of another text.
    #[must_use]
    pub fn shown(&self, text: &str, sign: char, but_of: &str) -> String {
        let has = |text: &str, own: &Own, value: &Value| {
            let read = |root: &jsonc_parser::ast::Object<'_>| {
                at(root, &own.path).is_some_and(|now| equals(now, value))
            };
            Document::of(text).and_then(|document| document.with_root(read)).unwrap_or_default()
        };
        let mut out = String::new();
        for own in &self.own {
            let Wrote::Value(value) = &own.wrote else { continue };
            if has(text, own, value) && !has(but_of, own, value) {
                out.push_str(&format!("{sign}{}: {value}\n", super::shown(&own.path)));
            }
        }
        out
    }

    /// Returns whether there is nothing to undo.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && !self.made_file
    }

    /// Returns the members whose values before cannot be restored, because they held a secret.
    pub fn not_restorable(&self) -> impl Iterator<Item = &[String]> {
        self.own.iter().filter(|own| own.before == Before::Withheld).map(|own| own.path.as_slice())
    }

    /// Returns the members that were changed, in the order of the changes.
    pub(super) fn own(&self) -> &[Own] {
        &self.own
    }
}

fn signed(length: usize) -> isize {
    isize::try_from(length).unwrap_or(isize::MAX)
}

/// Returns the SHA-256 of a text in hex.
fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Undoes an edit.
///
/// # Errors
/// `NEWER_FORMAT` for a patch of a newer version, `BAD_DATA` if the text is not JSON5 any more, `TOO_LARGE`.
pub fn restore(text: &str, patch: &InversePatch) -> Result<Restored> {
    if patch.version > VERSION {
        return Err(messages::newer_patch(patch.version, VERSION));
    }
    if digest(text) == patch.after {
        if patch.made_file {
            return Ok(Restored::NoFile);
        }
        let spans = patch.spans.iter();
        let before: Option<Vec<_>> = spans
            .map(|span| Some((span.at..span.at.checked_add(span.length)?, span.before.as_deref()?)))
            .collect();
        if let Some(text) = before.and_then(|spans| apply(text, spans.into_iter())) {
            return Ok(Restored::Identical(text));
        }
    }
    let document = Document::of(text)?;
    let (wanted, left) = document.with_root(|root| {
        let (mut wanted, mut left) = (Members::default(), Vec::new());
        for own in &patch.own {
            match undone(own, at(root, &own.path)) {
                Ok(None) => {}
                Ok(Some(undone)) => {
                    if wanted.put(&own.path, undone).is_none() {
                        left.push(Left { path: own.path.clone(), why: WhyLeft::Changed });
                    }
                }
                Err(why) => left.push(Left { path: own.path.clone(), why }),
            }
        }
        for path in patch.made.iter().rev() {
            let Some(jsonc_parser::ast::Value::Object(object)) = at(root, path) else { continue };
            let is_gone = |name: &str| {
                let inner: Vec<_> = path.iter().cloned().chain([name.to_owned()]).collect();
                matches!(wanted.at(&inner), Some(Wanted::Absent))
            };
            if object.properties.iter().all(|entry| is_gone(entry.name.as_str())) {
                if object.properties.is_empty() {
                    let _ = wanted.put(path, Wanted::Absent);
                } else {
                    wanted.put_over(path, Wanted::Absent);
                }
            }
        }
        (wanted, left)
    })?;
    if wanted.is_empty() {
        return Ok(Restored::Nothing { left });
    }
    let written = document.rewritten(&wanted, document::Includes::Allowed)?;
    Ok(Restored::Partly { text: written.text, left })
}

/// Returns what a member should become, if anything.
fn undone(
    own: &Own,
    now: Option<&jsonc_parser::ast::Value<'_>>,
) -> std::result::Result<Option<Wanted>, WhyLeft> {
    let is_ours = match (&own.wrote, now) {
        (Wrote::Value(wrote), Some(now)) => equals(now, wrote),
        (Wrote::Nothing, None) => true,
        // It is gone already.
        (Wrote::Value(_), None) => return Ok(None),
        (Wrote::Nothing, Some(_)) => false,
    };
    match &own.before {
        _ if !is_ours => Err(WhyLeft::Changed),
        Before::Absent => Ok(Some(Wanted::Absent)),
        Before::Was(text) => Ok(Some(Wanted::Text(text.clone()))),
        Before::Withheld => Err(WhyLeft::HeldSecret),
    }
}
