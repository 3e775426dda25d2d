//! Reports files that are not Strongroom's: left by file systems, file managers, editors and sync programs. They are
//! never used or changed. One may be a copy of a record with a newer secret.

use strongroom_backends::fs::dir::Dir;
use strongroom_backends::fs::{lock, queue};

use super::Verified;
use crate::error::Result;
use crate::messages::vault::strays as messages;
use crate::seal::RECORD_MAX;
use crate::seal::keys::Ring;
use crate::secret::ExposeSecret;
use crate::term::escape::shell_path;
use crate::unlock::unlock_files;
use crate::vault::agent::{Agent, HISTORY, PENDING, RECORDS, STAGED_INDEX, STAGED_STATE, TXN, TXN_STAGE};
use crate::vault::id::{AgentName, quoted};
use crate::vault::ledger::{self, shard};
use crate::vault::record::Record;
use crate::vault::transaction::journal;
use crate::vault::{index, log, serving};

/// The most of them that are named in one place.
const TOLD: usize = 20;

/// Reports other files among the unlock files.
pub(super) fn in_unlock(unlock: &Dir, verified: &mut Verified) -> Result<()> {
    let names = unlock.names()?;
    let strange: Vec<&String> = names.iter().filter(|name| !unlock_files::is_ours(name)).collect();
    tell_own("unlock", &strange, verified);
    Ok(())
}

/// Reports what is among the agents and is not an agent.
pub(super) fn in_agents(agents: &Dir, verified: &mut Verified) -> Result<()> {
    let names = agents.names()?;
    let strange: Vec<&String> = names.iter().filter(|name| name.parse::<AgentName>().is_err()).collect();
    tell_own("agents", &strange, verified);
    Ok(())
}

/// Reports the files of other programs in an agent's directory.
pub(super) fn in_agent(agent: &Agent, verified: &mut Verified) -> Result<()> {
    const OURS: [&str; 17] = [
        HISTORY,
        serving::DIR,
        RECORDS,
        PENDING,
        TXN_STAGE,
        STAGED_INDEX,
        STAGED_STATE,
        ledger::FILE,
        log::FILE,
        journal::FILE,
        journal::STAGE,
        index::FILE,
        "auth-state.json",
        "ledger.tmp",
        lock::FILE,
        lock::HOLDER,
        queue::FILE,
    ];
    let names = agent.dir.names()?;
    let begins = |name: &str| {
        [TXN, shard::PREFIX, "log-"].iter().any(|ours| name.starts_with(ours)) && foreign(name).is_none()
    };
    let strange = names.iter().filter(|name| !OURS.contains(&name.as_str()) && !begins(name));
    for (count, name) in strange.enumerate() {
        if count == TOLD {
            verified.note("strange", agent, None, messages::more());
            break;
        }
        verified.note("strange", agent, None, told("the agent's directory", name));
    }
    Ok(())
}

/// Reports files among the records that do not have the name of one. If it can be decrypted as a record, it is a copy.
pub(super) fn in_records(agent: &Agent, ring: &Ring, strange: &[String], verified: &mut Verified) {
    for name in strange.iter().take(TOLD) {
        match copy_of(agent, ring, name) {
            Some(copy) => {
                let (what, remedy) = copy.told(agent, ring, name);
                verified.note("copy", agent, Some(copy.record.profile.as_str()), what);
                verified.remedy(remedy);
            }
            None => verified.note("strange", agent, None, told(RECORDS, name)),
        }
    }
    if let Some(more @ 1..) = strange.len().checked_sub(TOLD) {
        verified.note("strange", agent, None, messages::more_in(RECORDS, more));
    }
}

/// A record in a file that does not have the name of one.
struct StrayCopy {
    /// The directory that holds it.
    place: &'static str,
    record: Record,
}

fn copy_of(agent: &Agent, ring: &Ring, name: &str) -> Option<StrayCopy> {
    [RECORDS, PENDING].into_iter().find_map(|place| {
        let sealed = agent.dir.dir_if_any(place).ok()??.read_if_any(name, RECORD_MAX).ok()??;
        Some(StrayCopy { place, record: Record::open_any(ring, &sealed).ok()? })
    })
}

impl StrayCopy {
    /// Returns a sentence that compares the copy with the profile's own record, and a remedy.
    fn told(&self, agent: &Agent, ring: &Ring, name: &str) -> (String, String) {
        let Self { place, record: copy } = self;
        let id = &copy.profile;
        let current = || {
            let sealed =
                agent.dir.dir_if_any(place).ok()??.read_if_any(&id.file_name(), RECORD_MAX).ok()??;
            Record::open(ring, id, &sealed).ok()
        };
        let (compared, same) = match current() {
            None => (messages::ONLY_COPY, false),
            Some(current) if secret_is_same(&current, copy) => (messages::SAME_SECRET, true),
            Some(current) if current.generation < copy.generation => (messages::NEWER_COPY, false),
            Some(_) => (messages::OLDER_COPY, false),
        };
        let path = shell_path(&agent.dir.path_of(place).join(name));
        let remedy =
            if same { messages::remove_copy(&path) } else { messages::look_at_copy(&path, &id.word()) };
        (messages::copy(place, id, &quoted(name), compared), remedy)
    }
}

fn secret_is_same(one: &Record, other: &Record) -> bool {
    one.credential.secret.expose_secret() == other.credential.secret.expose_secret()
}

fn tell_own(place: &str, strange: &[&String], verified: &mut Verified) {
    for name in strange.iter().take(TOLD) {
        verified.note_own("strange", told(place, name));
    }
}

fn told(place: &str, name: &str) -> String {
    messages::foreign_file(place, &quoted(name), foreign(name))
}

/// Returns which program a file is from, if its name tells.
fn foreign(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    let begins = |starts: &[&str]| starts.iter().any(|start| lower.starts_with(start));
    let ends = |ends: &[&str]| ends.iter().any(|end| lower.ends_with(end));
    if begins(&[".nfs", ".fuse_hidden", ".smbdelete", ".panfs"]) {
        return Some(messages::KEPT_OPEN);
    }
    if lower.contains("conflict") || lower.contains("sync-conflict") {
        return Some(messages::CONFLICT_COPY);
    }
    let of_system =
        [".ds_store", "thumbs.db", "desktop.ini", "lost+found", ".directory", ".stfolder", ".stignore"];
    if of_system.contains(&lower.as_str()) || begins(&["._", ".trash", ".spotlight", ".dropbox", ".sync"]) {
        return Some(messages::OF_FILE_MANAGER);
    }
    let backup = ends(&["~", ".swp", ".swo", ".bak", ".orig", ".rej", ".old", ".part", ".partial", ".tmp"]);
    if backup || begins(&[".#", "#", "~$", ".~"]) || is_of_rsync(name) {
        return Some(messages::OF_EDITOR);
    }
    None
}

/// Returns whether a name is `.NAME.XXXXXX`, as rsync calls a file while it copies it.
fn is_of_rsync(name: &str) -> bool {
    let tail = name.strip_prefix('.').and_then(|name| name.rsplit_once('.')).map(|(_, tail)| tail);
    tail.is_some_and(|tail| tail.len() == 6 && tail.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_whose_a_file_is() {
        for name in [
            ".nfs000000000001a2b300000001",
            ".fuse_hidden0000002a00000001",
            ".DS_Store",
            "._a_3ab.age",
            "Thumbs.db",
            "lost+found",
            "a_3ab (Jane's conflicted copy 2026-11-20).age",
            "a_3ab.sync-conflict-20261120-101500-ABCDEF2.age",
            "a_3ab (Case Conflict 1).age",
            "a_3ab.age~",
            ".a_3ab.age.swp",
            ".#a_3ab.age",
            "~$a_3ab.age",
            ".a_3ab.age.Ab12Cd",
        ] {
            assert!(foreign(name).is_some(), "{name}");
        }
        for name in ["a_3ab.age", "ledger-0a", "notes", "a_3ab-DESKTOP.age"] {
            assert!(foreign(name).is_none(), "{name}");
        }
    }
}
