//! What is known of an agent's profiles at one time. Requests read it in memory; it is read again after a change.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use strongroom_proxy::{Key, KeyError, known};

use super::choice::serves;
use crate::client::state;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::ops::helper::{hosts_of, view_of};
use crate::ops::resolve::Pool;
use crate::secret::ExposeSecret;
use crate::select::profile::ProfileView;
use crate::vault::access::Access;
use crate::vault::agent::TXN;
use crate::vault::id::ProfileId;
use crate::vault::index;
use crate::vault::ledger::{self, Entry};
use crate::vault::reader::Reader;
use crate::vault::record::Record;
use crate::vault::transaction::journal;

/// The files in an agent's directory that say what is current.
const FILES: [&str; 5] = [ledger::FILE, journal::FILE, TXN, index::FILE, state::FILE];

/// Which version of each of those files was read.
pub(super) type Stamps = [Option<Stamp>; FILES.len()];

/// Tells a file from its next version: a replaced file is another inode, and one that was written in place has another
/// time of change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

/// Returns which versions of the files are there now.
pub(super) fn stamps(dir: &Path) -> Stamps {
    FILES.map(|name| {
        let meta = fs::symlink_metadata(dir.join(name)).ok()?;
        let changed = (meta.ctime(), meta.ctime_nsec());
        Some(Stamp { inode: meta.ino(), size: meta.size(), changed })
    })
}

/// How long what was found to be current counts as current: a request asks twice, and the second time would cost as much
/// as the first.
const RECENT: Duration = Duration::from_micros(200);

/// When the files were found to be those that were read.
#[derive(Debug, Default)]
pub(super) struct Checked(Mutex<Option<Instant>>);

impl Checked {
    /// Notes that they were, at this time.
    pub fn at(&self, at: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// Returns whether they were just now.
    pub fn is_recent(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|at| at.elapsed() < RECENT)
    }
}

/// An agent's profiles, and who may ask for them.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// Who may ask.
    pub accesses: Vec<Access>,
    /// What decides among the profiles.
    pub pool: Pool,
    /// The profiles whose records could be read, in the order of the index.
    pub profiles: Vec<Arc<Served>>,
    /// Why some could not be read.
    pub failures: Vec<(ProfileId, Error)>,
    /// The versions of the files that it was read from.
    pub stamps: Stamps,
    /// When it was read.
    pub at: Instant,
}

/// A profile whose record was decrypted.
#[derive(Debug)]
pub(super) struct Served {
    /// What selection has to know of it.
    pub view: ProfileView,
    /// Its id, as the proxy's log has it.
    pub tag: Arc<str>,
    /// The hosts that its secret may be sent to, as origins.
    pub hosts: Vec<String>,
    /// When it was created, in Unix milliseconds.
    pub created: i64,
    /// The version of its record.
    pub generation: u64,
    /// Its secret, unless a header cannot hold it.
    pub key: std::result::Result<Arc<Key>, KeyError>,
    /// Why its provider does not allow it here, if it does not.
    pub refused: Option<&'static str>,
    /// What the ledger has of it.
    entry: Entry,
}

impl Served {
    fn of(record: &Record, entry: Entry) -> Self {
        let key = Key::new(record.profile.as_str(), record.credential.secret.clone()).map(Arc::new);
        let refused = refused(record);
        Self {
            view: view_of(record),
            tag: record.profile.as_str().into(),
            hosts: hosts_of(record).into_iter().map(str::to_owned).collect(),
            created: record.created,
            generation: record.generation,
            key,
            refused,
            entry,
        }
    }

    /// Returns a made-up profile with these hosts.
    #[cfg(test)]
    pub fn made_up(id: &str, hosts: &[&str]) -> Self {
        use crate::vault::credential::CredentialType;
        use crate::vault::ledger::RecordState;
        let view = ProfileView::new(id.parse().unwrap(), CredentialType::ApiKey);
        Self {
            view,
            tag: id.into(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            created: 1,
            generation: 1,
            key: Key::new(id, "made-up-key-0123456789".into()).map(Arc::new),
            refused: None,
            entry: Entry::new(1, RecordState::Removed),
        }
    }

    /// Returns its id.
    pub fn id(&self) -> &ProfileId {
        &self.view.id
    }
}

/// Returns why a provider does not allow a credential here.
fn refused(record: &Record) -> Option<&'static str> {
    let secret = record.credential.secret.expose_secret();
    let routes = known().into_iter().filter(|route| serves(route, &record.credential.provider));
    let refused = routes.flat_map(|route| route.api.refused);
    refused.into_iter().find(|(prefix, _)| secret.starts_with(prefix)).map(|(_, why)| *why)
}

impl Snapshot {
    /// Reads it. Records that did not change since `before` are not decrypted again.
    ///
    /// # Errors
    /// `TAMPERED`, and those of reading the agent's directory.
    pub fn read(reader: &Reader<'_>, env: &Env, before: Option<&Self>) -> Result<Self> {
        // What changes while it is read is read again.
        let stamps = stamps(reader.agent().dir().path());
        let pool = Pool::of(reader, env)?;
        let known: HashMap<_, _> =
            before.iter().flat_map(|before| &before.profiles).map(|served| (served.id(), served)).collect();
        let (mut profiles, mut failures) = (Vec::new(), Vec::new());
        let ids: Vec<_> = pool.ids().collect();
        let mut missing = Vec::new();
        for id in &ids {
            let entry = reader.entry(id)?;
            let served = known.get(*id).filter(|served| Some(served.entry) == entry);
            if served.is_none() {
                missing.push(*id);
            }
            profiles.push(served.map(|served| Arc::clone(served)));
        }
        // A failure happens again for each record.
        let _ = reader.fetch(&missing);
        for (place, id) in profiles.iter_mut().zip(ids) {
            if place.is_some() {
                continue;
            }
            let read = reader.record(id).map(|record| record.zip(reader.entry(id).ok().flatten()));
            match read {
                Ok(found) => *place = found.map(|(record, entry)| Arc::new(Served::of(&record, entry))),
                Err(error) => failures.push((id.clone(), error)),
            }
        }
        let accesses = reader.book()?.ledger.accesses.iter().filter_map(Access::read).collect();
        let profiles = profiles.into_iter().flatten().collect();
        Ok(Self { accesses, pool, profiles, failures, stamps, at: Instant::now() })
    }

    /// Returns a profile by its id.
    pub fn profile(&self, id: &str) -> Option<&Arc<Served>> {
        self.profiles.iter().find(|served| &*served.tag == id)
    }
}
