//! Changes what a record says apart from its secret: hosts, user name, helpers, note, display name, expiry.

use super::destinations;
use super::ids::not_found;
use super::open::Open;
use super::save::End;
use crate::error::Result;
use crate::vault::credential::Credential;
use crate::vault::generation::next_record;
use crate::vault::id::ProfileId;
use crate::vault::record::{Details, Record};
use crate::vault::transaction::change::Change;

/// A new value of a text that a record may have.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Text {
    /// As it is.
    #[default]
    Kept,
    /// None.
    Removed,
    /// This one.
    Set(String),
}

impl Text {
    fn apply(&self, to: &mut Option<String>) {
        match self {
            Self::Kept => {}
            Self::Removed => *to = None,
            Self::Set(text) => *to = Some(text.clone()),
        }
    }
}

/// What is changed of a list of names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Names {
    /// Whether all names are removed first.
    pub clear: bool,
    /// The names that are removed.
    pub remove: Vec<String>,
    /// The names that are added.
    pub add: Vec<String>,
}

impl Names {
    fn apply(&self, to: &mut Option<Vec<String>>) {
        if *self == Self::default() {
            return;
        }
        // An empty list stays one: without a list, a known provider's own hosts would count.
        let mut names = to.take().filter(|_| !self.clear).unwrap_or_default();
        names.retain(|name| !self.remove.contains(name));
        for name in &self.add {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        *to = Some(names);
    }
}

/// What is changed of a profile. Every text has passed the checks of [`crate::vault::details`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Edit {
    /// The name of the account.
    pub username: Text,
    /// The note.
    pub note: Text,
    /// The name for people.
    pub display_name: Text,
    /// The expiry.
    pub end: End,
    /// The hosts.
    pub hosts: Names,
    /// The helpers.
    pub helpers: Names,
}

impl Edit {
    /// Returns whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether it lets the secret go to more places, which needs an unlock method and not only the cache.
    #[must_use]
    pub fn widens(&self) -> bool {
        !self.hosts.add.is_empty() || !self.helpers.add.is_empty()
    }

    fn apply(&self, credential: &mut Credential, details: &mut Details) {
        self.username.apply(&mut details.username);
        self.note.apply(&mut details.note);
        self.display_name.apply(&mut credential.display_name);
        if self.end != End::Unsaid {
            credential.expires = self.end.instant();
        }
        self.hosts.apply(&mut details.hosts);
        self.helpers.apply(&mut details.helpers);
    }
}

/// What an edit did.
#[derive(Debug)]
pub struct Edited {
    /// The record as it is now.
    pub record: Record,
    /// The names of the fields that changed, as JSON documents spell them. An empty list means that nothing was
    /// written.
    pub changed: Vec<&'static str>,
}

/// Changes a profile's metadata, as a new generation with the same secret.
///
/// # Errors
/// `NOT_FOUND`, `TOO_LARGE` for too many hosts, and those of writing.
pub fn edit(open: &mut Open<'_>, profile: &ProfileId, edit: &Edit) -> Result<Edited> {
    let writer = open.writer("edit")?;
    let reader = writer.reader()?;
    let found = reader.found(profile)?.ok_or_else(|| not_found(open.vault, &open.agent, profile))?;
    let current = &found.record;
    let was = current.details.clone().with_own_hosts(&current.credential);
    let (mut credential, mut details) = (current.credential.clone(), was.clone());
    edit.apply(&mut credential, &mut details);
    destinations::check(&details)?;
    let before = (&current.credential, &was);
    let changed = changes(before, (&credential, &details));
    if changed.is_empty() {
        return Ok(Edited { record: found.record, changed });
    }
    let generations = writer.generations()?;
    let mut record = next_record(profile, credential, Some(&found), &generations, writer.now())?;
    // These belong to the secret, which stays.
    details.revoked = current.details.revoked;
    details.restores = None;
    record.details = details;
    let mut change = Change::default();
    let place = reader.store_of(profile).unwrap_or(found.store);
    change.put_given("edit", record.clone(), place, Some(found));
    for event in destinations::events("edit", profile, &was, &record.details) {
        change.note(event);
    }
    let outcome = writer.commit(change)?;
    drop(writer);
    open.committed(&outcome);
    Ok(Edited { record, changed })
}

fn changes(
    (was, before): (&Credential, &Details),
    (is, after): (&Credential, &Details),
) -> Vec<&'static str> {
    let names = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    [
        ("username", before.username != after.username),
        ("hosts", names(&before.hosts) != names(&after.hosts)),
        ("helpers", names(&before.helpers) != names(&after.helpers)),
        ("note", before.note != after.note),
        ("displayName", was.display_name != is.display_name),
        ("expires", was.expires != is.expires),
    ]
    .into_iter()
    .filter_map(|(name, changed)| changed.then_some(name))
    .collect()
}
