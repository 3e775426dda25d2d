//! Earlier versions of profiles: what a change replaced or removed, encrypted under a label of its own, so that none is
//! ever read as a current record.
//!
//! They are files in the home, `history/<profile>/<generation>.age`, also for profiles in the keychain. A version
//! belongs to the change that replaces it: it is staged, committed and applied with it. The ledger says from which
//! generation on versions count, so a forgotten one that is put back does not.

mod offered;
pub mod prune;
mod versions;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strongroom_backends::file::ONE_BARRIER_FROM;
use strongroom_backends::fs::dir::Dir;

use super::agent::{Agent, HISTORY};
use super::id::ProfileId;
use super::log::Durable;
use super::reader::Found;
use super::record::Record;
use super::store::Store;
use super::transaction::operations::Ops;
use crate::error::Result;
use crate::messages::vault::records as messages;
use crate::seal::keys::Ring;
use crate::seal::record::{self, Purpose};

pub use offered::Held;
pub use versions::{InPlace, Versions, generations, in_place};

/// The suffix of an earlier version in a transaction or a journal.
const STAGED: &str = ".old";
/// The suffix of its file in place, and of a record's.
const SUFFIX: &str = ".age";

/// An earlier version of a profile.
#[derive(Clone, Debug)]
pub struct Version {
    /// The record as it was.
    pub record: Record,
    /// The store that it was in.
    pub store: Store,
    /// What a bundle says of it; `None` if this vault kept it.
    pub imported: Option<Imported>,
}

/// What a bundle says of an earlier version that it brought.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Imported {
    /// The change that wrote it, if the sender's log still had that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
}

impl From<Found> for Version {
    fn from(Found { record, store, .. }: Found) -> Self {
        Self { record, store, imported: None }
    }
}

#[derive(Deserialize)]
struct Rested {
    store: String,
    imported: Option<Imported>,
}

impl Version {
    /// Encrypts it.
    ///
    /// # Errors
    /// `TOO_LARGE`, `INTERNAL`.
    pub fn seal(&self, ring: &Ring) -> Result<Vec<u8>> {
        record::seal(ring, Purpose::History, self.record.plaintext(ring, Some(self))?.expose())
    }

    /// Decrypts the version of a profile with this generation.
    ///
    /// # Errors
    /// `CORRUPT`, `TAMPERED`, `NEWER_FORMAT`, `TOO_LARGE`.
    pub fn open(ring: &Ring, profile: &ProfileId, generation: u64, sealed: &[u8]) -> Result<Self> {
        let what = messages::version_of(profile);
        let plaintext = record::open(ring, Purpose::History, sealed, &what)?;
        let record = Record::parse_own(plaintext.expose(), ring, profile, &what)?;
        Self::of(record, plaintext.expose(), generation, &what)
    }

    /// Parses a version of an agent's profile that the recovery key decrypted.
    ///
    /// # Errors
    /// `CORRUPT`, `TAMPERED`, `NEWER_FORMAT`.
    pub fn parse(plaintext: &[u8], agent: &str, profile: &ProfileId, generation: u64) -> Result<Self> {
        let what = messages::version_of(profile);
        let (_, record) = Record::parse(plaintext, Some(agent), profile)?;
        Self::of(record, plaintext, generation, &what)
    }

    fn of(record: Record, plaintext: &[u8], generation: u64, what: &str) -> Result<Self> {
        if record.generation != generation {
            return Err(messages::version_misplaced(what));
        }
        let rested: Rested =
            serde_json::from_slice(plaintext).map_err(|_| messages::invalid_contents(what))?;
        Ok(Self { record, store: rested.store.parse()?, imported: rested.imported })
    }
}

/// Returns the name of a profile's directory in `history/`.
#[must_use]
pub fn dir_name(profile: &ProfileId) -> String {
    let name = profile.file_name();
    name.strip_suffix(SUFFIX).unwrap_or(&name).to_owned()
}

/// Returns the name of the record's file whose profile has this directory in `history/`.
#[must_use]
pub fn file_name_of(dir: &str) -> String {
    format!("{dir}{SUFFIX}")
}

/// Returns the name of the file of a version, in its profile's directory.
#[must_use]
pub fn file_name(generation: u64) -> String {
    format!("{generation}{SUFFIX}")
}

/// Returns the generation of a version by its file's name, if that is the name of one.
#[must_use]
pub fn generation_of(name: &str) -> Option<u64> {
    let generation = name.strip_suffix(SUFFIX)?.parse().ok()?;
    (file_name(generation) == name).then_some(generation)
}

/// Returns the name of a version in a transaction or a journal.
#[must_use]
pub fn staged_name(profile: &ProfileId, generation: u64) -> String {
    format!("{}.{generation}{STAGED}", dir_name(profile))
}

/// Returns the directory in `history/` and the file name of a staged version, if the name is that of one.
#[must_use]
pub fn place_of(staged: &str) -> Option<(&str, String)> {
    let (dir, generation) = staged.strip_suffix(STAGED)?.rsplit_once('.')?;
    Some((dir, file_name(generation.parse().ok()?)))
}

/// Opens a profile's directory in `history/` of an agent's directory, if it exists.
///
/// # Errors
/// Those of opening it.
pub fn dir_if_any(agent: &Dir, name: &str) -> Result<Option<Dir>> {
    match agent.dir_if_any(HISTORY)? {
        Some(history) => Ok(history.dir_if_any(name)?),
        None => Ok(None),
    }
}

/// Returns the names of the profiles' directories in `history/` of an agent's directory, sorted.
///
/// # Errors
/// Those of reading it.
pub fn dir_names(agent: &Dir) -> Result<Vec<String>> {
    agent.dir_if_any(HISTORY)?.map_or_else(|| Ok(Vec::new()), |history| Ok(history.names()?))
}

/// Opens a profile's directory in `history/` of an agent's directory, and creates it if it does not exist.
///
/// # Errors
/// Those of creating it.
pub fn dir_or_make(agent: &Dir, name: &str) -> Result<Dir> {
    Ok(agent.dir_or_make(HISTORY)?.dir_or_make(name)?)
}

/// Moves the versions of a committed transaction into place, and removes those that it drops. Repeatable.
///
/// # Errors
/// `NO_SPACE`, `IO`.
pub(super) fn apply(agent: &Agent, staged: &Dir, ops: &Ops, durable: Durable) -> Result<()> {
    let effects = ops.versions()?;
    if effects.is_empty() {
        return Ok(());
    }
    let history = match durable {
        Durable::Now => agent.dir.dir_or_create(HISTORY)?,
        Durable::Later => agent.dir.dir_or_make(HISTORY)?,
    };
    make_dirs(&history, &effects, durable)?;
    let mut touched: BTreeMap<String, Dir> = BTreeMap::new();
    for ((profile, generation), keeps) in effects {
        let name = dir_name(&profile);
        if !keeps {
            if let Some(dir) = history.dir_if_any(&name)? {
                dir.remove_file(&file_name(generation))?;
                touched.insert(name, dir);
            }
            continue;
        }
        let dir = history.dir(&name)?;
        match staged.rename(&staged_name(&profile, generation), &dir, &file_name(generation)) {
            // What is no longer staged was moved before.
            Err(error) if error.is_not_found() => {}
            moved => moved?,
        }
        touched.insert(name, dir);
    }
    if durable == Durable::Now {
        if touched.len() < ONE_BARRIER_FROM || !history.sync_all()? {
            touched.values().try_for_each(Dir::sync)?;
        }
        history.sync()?;
    }
    for (name, dir) in touched {
        if dir.names()?.is_empty() {
            history.remove_any(&name)?;
        }
    }
    Ok(())
}

/// Creates the directories that versions are moved into. The moved files are the only copies, so a loss of power must not
/// take the directories away.
fn make_dirs(history: &Dir, effects: &BTreeMap<(ProfileId, u64), bool>, durable: Durable) -> Result<()> {
    let mut made = false;
    for (profile, _) in effects.iter().filter(|(_, keeps)| **keeps).map(|(place, _)| place) {
        let name = dir_name(profile);
        if history.kind(&name)?.is_none() {
            history.dir_or_make(&name)?;
            made = true;
        }
    }
    if made && durable == Durable::Now {
        history.sync()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::seal::keys::Keys;
    use crate::secret::SecretString;
    use crate::vault::credential::{Credential, CredentialType};
    use crate::vault::record::Details;

    fn version(id: &str) -> Version {
        let profile: ProfileId = id.parse().unwrap();
        let credential =
            Credential::new(CredentialType::Token, profile.provider(), SecretString::from("canary"));
        let record = Record {
            profile,
            generation: 7,
            created: 1,
            updated: 2,
            rotated: None,
            replaces: None,
            by: None,
            credential,
            details: Details::default(),
        };
        Version { record, store: Store::Keychain, imported: None }
    }

    #[test]
    fn a_version_opens_as_itself_and_never_as_a_record() {
        let ring = Keys::of_bytes(&[1]).agent("main").unwrap();
        let (kept, other) = (version("a:b"), version("a:c"));
        let sealed = kept.seal(&ring).unwrap();
        let profile = &kept.record.profile;
        let back = Version::open(&ring, profile, 7, &sealed).unwrap();
        assert!(back.record.credential.same_as(&kept.record.credential));
        assert_eq!((back.store, back.imported), (Store::Keychain, None));
        let imported = Some(Imported { op: Some("paste".to_owned()) });
        let sealed_too = Version { imported: imported.clone(), ..kept.clone() }.seal(&ring).unwrap();
        assert_eq!(Version::open(&ring, profile, 7, &sealed_too).unwrap().imported, imported);
        assert_eq!(Record::open(&ring, profile, &sealed).unwrap_err().code(), Code::Corrupt);
        assert_eq!(Version::open(&ring, profile, 8, &sealed).unwrap_err().code(), Code::Tampered);
        assert_eq!(
            Version::open(&ring, &other.record.profile, 7, &sealed).unwrap_err().code(),
            Code::Tampered
        );
        let record = kept.record.seal(&ring).unwrap();
        assert_eq!(Version::open(&ring, profile, 7, &record).unwrap_err().code(), Code::Corrupt);
    }

    #[test]
    fn staged_names_lead_to_their_places() {
        for id in ["anthropic:default", "a.b:c.7.old", "openai-codex:Me@x.io"] {
            let id: ProfileId = id.parse().unwrap();
            let staged = staged_name(&id, 1_790_000_000_000);
            let (dir, file) = place_of(&staged).unwrap();
            assert_eq!((dir, file.as_str()), (dir_name(&id).as_str(), "1790000000000.age"));
            assert_eq!(file_name_of(dir), id.file_name());
            assert_eq!(generation_of(&file), Some(1_790_000_000_000));
        }
        for strange in ["07.age", "+7.age", "7.age~", "7", ".age", "7.old"] {
            assert_eq!(generation_of(strange), None, "{strange}");
        }
        assert_eq!(place_of("a_3ab.age"), None);
    }
}
