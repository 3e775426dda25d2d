//! Changes one of the client's stores: references take the place of secrets.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use strongroom_backends::shown;

use super::exclusive;
use super::profile::StoredProfile;
use super::references::{Addition, Becomes, add, refer};
use super::store::{Form, StoreFile};
use super::tables::{self, Rewrite};
use crate::client::edit::{Digest, write_config};
use crate::client::file;
use crate::error::{Code, Result};
use crate::messages::stores as messages;
use crate::secret::SecretString;

/// How an SQLite database begins (<https://www.sqlite.org/fileformat.html>, section 1.3).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

impl StoreFile {
    /// Makes sure that no other program has it open, if it is a database.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT` if one has; those of opening it.
    pub fn must_be_free(&self) -> Result<()> {
        let free = match self.form {
            Form::Json => Ok(()),
            Form::AgentDatabase | Form::SharedDatabase => exclusive::is_free(&self.path),
        };
        free.map_err(|error| messages::store_not_read(&shown(&self.path), &error))
    }

    /// Changes its profiles as `becomes` says, and removes the entries of the `store` source that are `named`, if they
    /// still have these values. In a database, nothing of what was there stays in free pages or in its log. `now` is in Unix milliseconds. The caller
    /// holds the client's lock of a file. Returns whether it changed.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT` if another program has a database open, `CHANGED` if a file was changed meanwhile; those of reading
    /// and writing it. Then it is as it was.
    pub fn refer(
        &self,
        becomes: &dyn Fn(&StoredProfile) -> Becomes,
        named: &[(&str, &SecretString)],
        now: i64,
    ) -> Result<bool> {
        let rewrite = Rewrite { document: &|document| refer(document, becomes), named, now };
        let done = match self.form {
            Form::Json => self.refer_in_file(becomes),
            Form::AgentDatabase => tables::rewrite_agent(&self.path, &rewrite),
            Form::SharedDatabase => tables::rewrite_shared(&self.path, &rewrite),
        };
        done.map_err(|error| messages::store_not_read(&shown(&self.path), &error))
    }

    /// Adds profiles to a database that has some, unless it has their ids already. Returns whether it changed.
    ///
    /// # Errors
    /// Those of [`StoreFile::refer`].
    pub fn add(&self, profiles: &[Addition], now: i64) -> Result<bool> {
        let rewrite = Rewrite { document: &|document| add(document, profiles), named: &[], now };
        let done = match self.form {
            Form::Json => Ok(false),
            Form::AgentDatabase => tables::rewrite_agent(&self.path, &rewrite),
            Form::SharedDatabase => tables::rewrite_shared(&self.path, &rewrite),
        };
        done.map_err(|error| messages::store_not_read(&shown(&self.path), &error))
    }

    fn refer_in_file(&self, becomes: &dyn Fn(&StoredProfile) -> Becomes) -> Result<bool> {
        let now = match file::read(&self.path, file::SOURCE_MAX) {
            Ok((now, _)) => now,
            Err(error) if error.code() == Code::NoInput => return Ok(false),
            Err(error) => return Err(error),
        };
        let text = now.expose_str().ok_or_else(messages::document_not_text)?;
        let Some(wanted) = refer(text, becomes)? else { return Ok(false) };
        write_config(&self.path, Some(&Digest::of(now.expose())), wanted.expose())?;
        Ok(true)
    }
}

/// Returns whether a file is an SQLite database.
#[must_use]
pub fn is_database(path: &Path) -> bool {
    let mut begins = [0; MAGIC.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut begins)).is_ok() && begins == *MAGIC
}

/// Empties the free pages and the log of a database of the client.
///
/// # Errors
/// `LOCK_TIMEOUT` if another program has it open; those of opening and writing it.
pub fn empty_database(path: &Path) -> Result<()> {
    exclusive::empty(path).map_err(|error| messages::store_not_read(&shown(path), &error))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{TABLES, database_at, machine_state};
    use super::*;
    use crate::vault::id::AgentName;

    const SHARED: &str = r#"{"version":1,"profiles":{"groq:one":{"type":"api_key","provider":"groq","key":"made-up-secret-one"},"groq:two":{"type":"api_key","provider":"groq","key":"made-up-secret-two"}}}"#;

    fn by_id(profile: &StoredProfile) -> Becomes {
        match profile.id.as_str() {
            "groq:one" => Becomes::Reference("main/groq:one".to_owned()),
            _ => Becomes::Same,
        }
    }

    fn holds(path: &Path, needle: &str) -> bool {
        let inside = |path: &Path| {
            let bytes = std::fs::read(path).unwrap_or_default();
            memchr::memmem::find(&bytes, needle.as_bytes()).is_some()
        };
        inside(path) || inside(Path::new(&format!("{}-wal", path.display())))
    }

    #[test]
    fn a_database_keeps_no_byte_of_what_gave_way_to_a_reference() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("openclaw.sqlite");
        let (path, writer) = database_at(&path, TABLES);
        writer.execute_batch("PRAGMA secure_delete = OFF;").unwrap();
        machine_state(&writer, "authProfiles.store", &SHARED.replace("one\"}", "old\"}"));
        machine_state(&writer, "authProfiles.store", SHARED);
        let entry =
            "INSERT INTO secret_store_entries VALUES ('team', '', ?1, ?2, 'secret', 1, 1, 'cli', NULL, NULL)";
        writer.execute(entry, ["EXAMPLE", "made-up-named"]).unwrap();
        let store = StoreFile { form: Form::SharedDatabase, path: path.clone(), agent: None };
        // The client has it open.
        let error = store.must_be_free().unwrap_err();
        assert_eq!(error.code(), Code::LockTimeout, "{error:?}");
        let (held, other) = (SecretString::from("made-up-named"), SecretString::from("made-up-other"));
        let named = [("EXAMPLE", &held)];
        assert_eq!(store.refer(&by_id, &named, 5).unwrap_err().code(), Code::LockTimeout);
        drop(writer);
        assert!(store.read().unwrap().unwrap().named[0].is_inert);
        store.must_be_free().unwrap();
        assert!(!store.refer(&|_| Becomes::Same, &[("EXAMPLE", &other)], 5).unwrap(), "it has another value");
        assert!(store.refer(&by_id, &named, 5).unwrap());
        for gone in ["made-up-secret-one", "made-up-secret-old", "made-up-named"] {
            assert!(!holds(&path, gone), "{gone}");
        }
        assert!(holds(&path, "made-up-secret-two"));
        let read = store.read().unwrap().unwrap();
        assert_eq!(read.profiles.len(), 2);
        assert!(read.profiles[0].secret_reference().is_some_and(|to| to.id == "main/groq:one"));
        assert!(read.named.is_empty());
        assert!(!store.refer(&by_id, &named, 5).unwrap(), "a second time changes nothing");
    }

    #[test]
    fn a_file_gets_references_and_keeps_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("auth-profiles.json");
        std::fs::write(&path, SHARED).unwrap();
        let store = StoreFile { form: Form::Json, path: path.clone(), agent: Some(AgentName::default()) };
        assert!(store.refer(&by_id, &[], 5).unwrap());
        assert!(!holds(&path, "made-up-secret-one") && holds(&path, "made-up-secret-two"));
        assert!(!store.refer(&by_id, &[], 5).unwrap());
    }
}
