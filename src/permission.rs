//! Errors for what the system forbids, with a command that changes only what belongs to Strongroom or to the user.

use std::borrow::Cow;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{getegid, geteuid};
use strongroom_backends::fs::denial::Denial;

use crate::error::Error;
use crate::messages;
use crate::term::escape::shell_path;

/// The file that tells a vault's home from another directory.
const VAULT_FILE: &str = "vault.json";
/// The name of Strongroom's own directories.
const OWN: &str = "strongroom";

/// The remedy for a symlink without a target.
pub const OF_DANGLING: &str = messages::places::CREATE_TARGET;

/// Returns the error for a path that is denied because of the file or directory `at`.
#[must_use]
pub fn denied(path: &Path, at: &Path, why: Denial) -> Error {
    use messages::places;
    match why {
        Denial::Owner(uid) => places::denied_by_owner(at, name_of(uid)).with_remedy(of_owner(at)),
        Denial::Mode => {
            let own = own_directory(at);
            let word = shell_path(own.as_deref().unwrap_or(at));
            places::denied_by_mode(at).with_remedy(places::restore_mode(&word, own.is_some()))
        }
        Denial::Immutable => places::denied_by_attribute(at, &shell_path(at)),
        Denial::Unknown => places::denied(path, &shell_path(path)),
    }
}

/// Returns the remedy for a file or directory that belongs to another user.
///
/// The remedy is `chown` only in a directory of the user's own. What is elsewhere belongs to someone else.
#[must_use]
pub fn of_owner(at: &Path) -> String {
    let own = own_directory(at);
    let given = own.as_deref().unwrap_or(at);
    if is_ours_to_give(at) {
        return messages::places::take_ownership(&shell_path(given), &me(), own.is_some());
    }
    messages::places::run_as_that_user()
}

/// Returns whether a file or directory of another user is in a directory that belongs to this user.
#[must_use]
pub fn is_ours_to_give(at: &Path) -> bool {
    let own = own_directory(at);
    !geteuid().is_root() && own.as_deref().unwrap_or(at).parent().is_some_and(is_mine)
}

/// Returns the remedy for a file of another user in a home of one's own.
#[must_use]
pub fn give_back(home: &Path) -> String {
    messages::places::give_back(&shell_path(home), &me())
}

/// Returns the error for a path on a read-only file system.
#[must_use]
pub fn read_only(path: &Path) -> Error {
    messages::places::read_only(path, &mount_of(path))
}

/// Returns the error for a lock on a file system without locks.
#[must_use]
pub fn no_locks(path: &Path, reason: &str) -> Error {
    messages::places::no_locks(path, reason)
}

/// Returns the remedy for a limit of the process or the machine.
#[must_use]
pub fn limit(error: &io::Error) -> Option<&'static str> {
    use messages::places;
    Some(match Errno::from_io_error(error)? {
        Errno::MFILE => places::RAISE_OPEN_FILES,
        Errno::NFILE => places::FREE_OPEN_FILES,
        Errno::FBIG => places::RAISE_FILE_SIZE,
        Errno::NAMETOOLONG => places::SHORTEN_PATH,
        Errno::NOMEM => places::RAISE_MEMORY,
        Errno::AGAIN => places::RAISE_PROCESSES,
        Errno::STALE => places::REMOUNT,
        _ => return None,
    })
}

/// Returns a user's name if `/etc/passwd` has one, otherwise the number.
#[must_use]
pub fn name_of(uid: u32) -> String {
    known(uid).unwrap_or_else(|| format!("uid {uid}"))
}

fn known(uid: u32) -> Option<String> {
    let text = std::fs::read_to_string("/etc/passwd").ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        let fits = fields.nth(1)?.parse() == Ok(uid) && !name.is_empty() && name.bytes().all(plain);
        fits.then(|| name.to_owned())
    })
}

/// Returns this user and group as `chown` takes them.
fn me() -> Cow<'static, str> {
    let uid = geteuid().as_raw();
    // Without an entry in the password database there is no login group for the colon to stand for.
    known(uid).map_or_else(|| format!("{uid}:{}", getegid().as_raw()), |name| format!("{name}:")).into()
}

fn is_mine(directory: &Path) -> bool {
    directory.symlink_metadata().is_ok_and(|meta| meta.uid() == geteuid().as_raw())
}

/// Returns the directory of Strongroom's own that a path is in: a vault's home, or the directory of its keys or of its
/// state.
fn own_directory(at: &Path) -> Option<PathBuf> {
    let is_home = |at: &&Path| at.join(VAULT_FILE).symlink_metadata().is_ok();
    let is_named = |at: &&Path| at.file_name().is_some_and(|name| name == OWN);
    let up = || at.ancestors().filter(|at| at.is_dir());
    up().find(is_home).or_else(|| up().find(is_named)).map(Path::to_owned)
}

/// Returns where the read-only file system of a path is mounted, as far as that can be seen.
fn mount_of(path: &Path) -> PathBuf {
    let read_only = |at: &&Path| {
        rustix::fs::statvfs(*at).is_ok_and(|s| s.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
    };
    let there = path.ancestors().skip_while(|at| at.symlink_metadata().is_err());
    there.take_while(read_only).last().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_home_belongs_to_the_home() {
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path().join("v");
        std::fs::create_dir_all(home.join("agents/main")).unwrap();
        std::fs::write(home.join(VAULT_FILE), "").unwrap();
        std::fs::write(home.join("agents/main/ledger"), "").unwrap();
        assert_eq!(own_directory(&home.join("agents/main/ledger")), Some(home.clone()));
        assert_eq!(own_directory(&home), Some(home));
        // Not in a home: the ownership of a whole directory of the user's is never changed.
        assert_eq!(own_directory(temp.path()), None);
    }

    #[test]
    fn root_has_its_name() {
        assert_eq!(name_of(0), "root");
        assert_eq!(name_of(4_000_000_000), "uid 4000000000");
    }

    #[test]
    fn each_limit_has_its_remedy() {
        for (errno, part) in
            [(Errno::MFILE, "ulimit -n"), (Errno::FBIG, "ulimit -f"), (Errno::NOMEM, "ulimit -v")]
        {
            assert!(limit(&errno.into()).unwrap().contains(part), "{errno}");
        }
        assert_eq!(limit(&Errno::IO.into()), None);
    }
}
