//! Takes secrets out of a store's document: each gives way to a reference, and nothing else of the document changes.

use serde_json::value::RawValue;

use super::profile::{self, Kept, StoredProfile};
use super::store::STATE;
use crate::client::edit::{self, Change};
use crate::error::Result;
use crate::json::fields::object;
use crate::messages::stores as messages;
use crate::secret::Buffer;
use crate::vault::credential::CredentialType;
use crate::vault::index::EXEC_PROVIDER;

/// The members of an entry that can hold its secret, or what refers to it.
const MEMBERS: [&str; 6] = ["key", "apiKey", "api_key", "token", "keyRef", "tokenRef"];
const PROFILES: &str = "profiles";
const VERSION: &str = "version";

/// What becomes of a profile in a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Becomes {
    /// It stays as it is.
    Same,
    /// Its secret gives way to a reference to this program, with this id.
    Reference(String),
    /// It is removed; only its secret, and what refers to it, if its entry has members that are not known.
    Nothing,
}

/// Returns the document with what `becomes` says of each profile; nothing if it is the same.
///
/// # Errors
/// `BAD_DATA` and `DUPLICATE_KEY` if it is not a store, `TOO_LARGE`; the message quotes nothing.
pub fn refer(document: &str, becomes: &dyn Fn(&StoredProfile) -> Becomes) -> Result<Option<Buffer>> {
    let is_flat = serde_json::from_str::<&RawValue>(document)
        .ok()
        .and_then(object)
        .is_some_and(|root| !root.contains_key(PROFILES));
    let mut changes = Vec::new();
    for one in profile::parse(document.as_bytes())? {
        let path = |member: Option<&'static str>| -> Vec<String> {
            let names = (!is_flat).then_some(PROFILES).into_iter().chain([one.id.as_str()]).chain(member);
            names.map(str::to_owned).collect()
        };
        match becomes(&one) {
            Becomes::Same => {}
            Becomes::Nothing if one.has_more => {
                changes.extend(MEMBERS.into_iter().map(|name| Change::Remove { path: path(Some(name)) }));
            }
            Becomes::Nothing => changes.push(Change::Remove { path: path(None) }),
            Becomes::Reference(id) => {
                let own = own_reference(one.kind);
                let others = MEMBERS.into_iter().filter(|name| *name != own);
                changes.extend(others.map(|name| Change::Remove { path: path(Some(name)) }));
                changes.push(Change::Set { path: path(Some(own)), value: reference_to(&id) });
            }
        }
    }
    edited(document, &changes)
}

fn own_reference(kind: Option<CredentialType>) -> &'static str {
    if kind == Some(CredentialType::Token) { "tokenRef" } else { "keyRef" }
}

fn reference_to(id: &str) -> serde_json::Value {
    serde_json::json!({ "source": "exec", "provider": EXEC_PROVIDER, "id": id })
}

fn edited(document: &str, changes: &[Change]) -> Result<Option<Buffer>> {
    let edited = edit::edit(Some(document), changes)?;
    if edited.changed.is_empty() {
        return Ok(None);
    }
    // The client reads it as JSON.
    let is_json = serde_json::from_slice::<&RawValue>(edited.text.expose()).is_ok();
    if is_json { Ok(Some(edited.text)) } else { Err(messages::document_not_edited()) }
}

/// A profile that is added to a store: a reference to this program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Addition {
    /// Its id.
    pub id: String,
    /// Its provider.
    pub provider: String,
    /// Its type.
    pub kind: CredentialType,
    /// The id by which the client asks for its secret.
    pub reference: String,
}

/// Returns the document with further profiles; nothing if it has a profile of each of these ids. One
/// without a secret gets the reference.
///
/// # Errors
/// Those of [`refer`].
pub(super) fn add(document: &str, profiles: &[Addition]) -> Result<Option<Buffer>> {
    let there = profile::parse(document.as_bytes())?;
    let is_used = |other: &StoredProfile| !matches!(other.secret, Kept::Nowhere);
    let new = profiles.iter().filter(|one| there.iter().all(|other| other.id != one.id || !is_used(other)));
    let changes: Vec<_> = new
        .flat_map(|one| {
            let set = |member, value: serde_json::Value| Change::set(&[PROFILES, &one.id, member], value);
            [
                set("type", one.kind.as_str().into()),
                set("provider", one.provider.as_str().into()),
                set(own_reference(Some(one.kind)), reference_to(&one.reference)),
            ]
        })
        .collect();
    edited(document, &changes)
}

/// Returns the profiles of a document.
///
/// # Errors
/// `BAD_DATA` and `DUPLICATE_KEY` if it is not a store; the message quotes nothing.
pub fn profiles_of(document: &str) -> Result<Vec<StoredProfile>> {
    profile::parse(document.as_bytes())
}

/// Returns whether nothing is lost with a document: it has no entries, and nothing else but its version and state.
///
/// # Errors
/// `BAD_DATA` and `DUPLICATE_KEY` if it is not a store; the message quotes nothing.
pub fn is_bare(document: &str) -> Result<bool> {
    profile::parse(document.as_bytes())?;
    let root = serde_json::from_str::<&RawValue>(document).ok().and_then(object).unwrap_or_default();
    let has_entries =
        root.get(PROFILES).and_then(|profiles| object(profiles)).is_some_and(|all| !all.is_empty());
    let is_known = |name: &String| name == PROFILES || name == VERSION || STATE.contains(&name.as_str());
    Ok(!has_entries && root.keys().all(is_known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(document: &str, becomes: &dyn Fn(&StoredProfile) -> Becomes) -> Option<String> {
        refer(document, becomes).unwrap().map(|text| text.expose_str().unwrap().to_owned())
    }

    fn by_id(profile: &StoredProfile) -> Becomes {
        match profile.id.as_str() {
            "groq:one" => Becomes::Reference("main/groq:one".to_owned()),
            "groq:gone" => Becomes::Nothing,
            _ => Becomes::Same,
        }
    }

    #[test]
    fn a_secret_gives_way_to_a_reference_and_the_rest_stays_as_it_is_written() {
        for (before, after) in [
            (
                r#"{"version":1,"profiles":{"groq:one":{"type":"api_key","provider":"groq","key":"made-up"},"x:y":{"type":"oauth","access":"made-up-2","n":12345678901234567890.10}}}"#,
                r#"{"version":1,"profiles":{"groq:one":{"type":"api_key","provider":"groq","keyRef":{"id":"main/groq:one","provider":"strongroom","source":"exec"}},"x:y":{"type":"oauth","access":"made-up-2","n":12345678901234567890.10}}}"#,
            ),
            (
                r#"{"profiles":{"groq:gone":{"type":"api_key","key":"made-up"},"groq:one":{"mode":"token","token":"made-up","expires":5}}}"#,
                r#"{"profiles":{"groq:one":{"mode":"token","expires":5,"tokenRef":{"id":"main/groq:one","provider":"strongroom","source":"exec"}}}}"#,
            ),
            (
                r#"{"groq:one":{"type":"api_key","apiKey":"made-up"},"other":1}"#,
                r#"{"groq:one":{"type":"api_key","keyRef":{"id":"main/groq:one","provider":"strongroom","source":"exec"}},"other":1}"#,
            ),
        ] {
            assert_eq!(told(before, &by_id).as_deref(), Some(after));
            assert_eq!(told(after, &by_id), None, "a second time changes nothing");
        }
    }

    #[test]
    fn what_is_no_store_is_refused() {
        for bad in ["", "[]", "{\"profiles\":[]}", "{profiles:{}}"] {
            assert!(refer(bad, &by_id).is_err(), "{bad}");
        }
    }
}
