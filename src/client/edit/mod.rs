//! Edits the client's configuration, `openclaw.json`: a list of changes becomes the same file with the lines changed
//! that had to change, and a patch that undoes it.
//!
//! - [`Connection`] says what connecting the client changes.
//! - [`edit`] applies [`Change`]s to a text, and [`restore`] undoes them. [`diff`] shows them to a person.
//! - [`write_config`] writes the result, if the file is still the one that was read.
//! - Inside: `wanted` is what the document should say, `walk` compares it with what it says, `rows` and `style` write
//!   what is added as the file is written, `splice` replaces, and `meaning` proves the result.

mod connection;
mod diff;
mod document;
mod inverse;
mod meaning;
mod rows;
mod splice;
mod style;
mod walk;
mod wanted;
mod write;

use jsonc_parser::ast::Object;
use serde_json::Value;

pub use connection::{Connection, ProfileStore, Served};
pub use diff::diff;
pub use inverse::{InversePatch, Left, Restored, WhyLeft, restore};
pub use write::{Digest, EDITED_MAX, write_config};

use self::document::{Document, Includes};
use self::inverse::{Before, Wrote};
use self::wanted::{Members, Wanted};
use crate::error::Result;
use crate::messages::client::edit as messages;
use crate::secret::Buffer;
use crate::vault::index::exposed::shown_name;

/// A configuration that says nothing, with which a missing file begins.
pub const EMPTY: &str = "{}\n";

/// A change that is wanted.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// The member has this value. Objects on the way are made if they do not exist. What an existing value has in
    /// common with the new one stays as it is written.
    Set {
        /// The names that lead to it.
        path: Vec<String>,
        /// Its value.
        value: Value,
    },
    /// The member does not exist.
    Remove {
        /// The names that lead to it.
        path: Vec<String>,
    },
}

impl Change {
    /// Returns a change that sets a member.
    #[must_use]
    pub fn set(path: &[&str], value: impl Into<Value>) -> Self {
        Self::Set { path: owned(path), value: value.into() }
    }

    /// Returns a change that removes a member.
    #[must_use]
    pub fn remove(path: &[&str]) -> Self {
        Self::Remove { path: owned(path) }
    }
}

fn owned(path: &[&str]) -> Vec<String> {
    path.iter().map(|name| (*name).to_owned()).collect()
}

/// Returns a path in a configuration as it may be shown: its names with dots between them.
#[must_use]
pub fn shown(path: &[String]) -> String {
    path.iter().map(|name| shown_name(name)).collect::<Vec<_>>().join(".")
}

/// An edited configuration.
#[derive(Debug)]
pub struct Edited {
    /// Its text. It can hold secrets of the client's.
    pub text: Buffer,
    /// What changed. It is empty if everything was already as it should be.
    pub changed: Vec<Changed>,
    /// What undoes the edit.
    pub inverse: InversePatch,
}

/// A member that changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Changed {
    /// The names that lead to it.
    pub path: Vec<String>,
    /// How it changed.
    pub how: How,
}

/// How a member changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// It is new.
    Added,
    /// It has another value.
    Replaced,
    /// It is gone.
    Removed,
}

/// Applies changes to the text of a configuration; without a text, to one that does not exist yet.
///
/// # Errors
/// `BAD_DATA` if it is not a JSON5 object or a member on the way is not an object, `DUPLICATE_KEY` if one on the way is
/// there twice, `CONFIG` if one includes other files or if a secret would be written, `TOO_LARGE`.
pub fn edit(text: Option<&str>, changes: &[Change]) -> Result<Edited> {
    let wanted = Members::of(changes).ok_or_else(messages::not_edited)?;
    must_hold_no_secret(&wanted, &mut Vec::new())?;
    let before = text.unwrap_or(EMPTY);
    let rewritten = Document::of(before)?.rewritten(&wanted, Includes::Refused)?;
    let after = rewritten.text.expose_str().unwrap_or_default();
    let noted = (rewritten.own, rewritten.made);
    let inverse = InversePatch::of((before, after), &rewritten.splices, noted, text.is_none());
    let done = inverse.own().iter().map(|own| Changed {
        path: own.path.clone(),
        how: match (&own.wrote, &own.before) {
            (Wrote::Nothing, _) => How::Removed,
            (Wrote::Value(_), Before::Absent) => How::Added,
            (Wrote::Value(_), _) => How::Replaced,
        },
    });
    Ok(Edited { changed: done.collect(), inverse, text: rewritten.text })
}

/// Returns whether two texts of a configuration say the same, apart from members at the top that are named here. Texts
/// that are not JSON5 do not.
#[must_use]
pub fn says_same(one: &str, other: &str, but: &[&str]) -> bool {
    let says = |text: &str| -> Option<Value> {
        let others = |root: &Object<'_>| {
            let members = root.properties.iter().filter(|member| !but.contains(&member.name.as_str()));
            members.map(|member| (member.name.as_str().to_owned(), meaning::to_json(&member.value))).collect()
        };
        Document::of(text).ok()?.with_root(others).ok().map(Value::Object)
    };
    says(one).is_some_and(|one| Some(one) == says(other))
}

/// Returns whether a configuration has a member.
///
/// # Errors
/// `BAD_DATA` if it is not JSON5.
pub fn has(text: &str, path: &[String]) -> Result<bool> {
    Document::of(text)?.with_root(|root| meaning::at(root, path).is_some())
}

fn must_hold_no_secret(wanted: &Members, path: &mut Vec<String>) -> Result<()> {
    for (name, wanted) in wanted.iter() {
        path.push(name.to_owned());
        match wanted {
            Wanted::Value(value) if meaning::is_secret(path, value) => {
                return Err(messages::would_write_secret(&shown(path)));
            }
            Wanted::Object(inner) => must_hold_no_secret(inner, path)?,
            _ => {}
        }
        path.pop();
    }
    Ok(())
}

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
