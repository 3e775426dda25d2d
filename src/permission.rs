//! What a person can do if the system forbids something: the error, and a command that changes nothing but what
//! is Strongroom's or the user's own.

use std::borrow::Cow;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{getegid, geteuid};
use strongroom_backends::fs::denial::Denial;
use strongroom_backends::shown;

use crate::error::{Code, Error};
use crate::term::escape::shell_path;

/// The file that tells a vault's home from another directory.
const VAULT_FILE: &str = "vault.json";
/// What Strongroom's own directories are called.
const OWN: &str = "strongroom";

/// What to do about a link that leads nowhere.
pub const OF_DANGLING: &str = "make what it names (is a disk not mounted?), or remove the link";

/// The error of a path that is denied because of what lies at `at`.
#[must_use]
pub fn denied(path: &Path, at: &Path, why: Denial) -> Error {
    let place = shown(at);
    let what = match why {
        Denial::Owner(uid) => format!("permission denied: {place} belongs to {}", name_of(uid)),
        Denial::Mode => format!("permission denied: the mode of {place} keeps you out"),
        Denial::Immutable => format!("permission denied: {place} is marked as not to be changed"),
        Denial::Unknown => format!("permission denied: {}", shown(path)),
    };
    let word = shell_path;
    let remedy = match why {
        Denial::Owner(_) => of_owner(at),
        Denial::Mode => match own_directory(at) {
            Some(own) => format!("give yourself the right back: chmod -R u+rwX {}", word(&own)),
            None => format!("give yourself the right back: chmod u+rwX {}", word(at)),
        },
        Denial::Immutable => format!("remove the attribute: sudo chattr -i -a {}", word(at)),
        Denial::Unknown => format!(
            "owner and mode allow it: look for an access list (getfacl {0}), a security module, or a server that forbids it; or name a home elsewhere with --home",
            word(path)
        ),
    };
    Error::new(Code::Io, what).with_remedy(remedy)
}

/// What to do about a file or directory that belongs to another user.
///
/// It is given to this user only if it lies in a directory of this user's own. What lies elsewhere is someone else's.
#[must_use]
pub fn of_owner(at: &Path) -> String {
    let word = shell_path;
    let own = own_directory(at);
    let given = own.as_deref().unwrap_or(at);
    if is_ours_to_give(at) {
        let all = if own.is_some() { "-R " } else { "" };
        return format!("if it should be yours: sudo chown {all}{} {}", me(), word(given));
    }
    "run the command as that user (not under sudo), or name a home of your own with --home".to_owned()
}

/// Whether something of another user lies in a directory of this user's own.
#[must_use]
pub fn is_ours_to_give(at: &Path) -> bool {
    let own = own_directory(at);
    !geteuid().is_root() && own.as_deref().unwrap_or(at).parent().is_some_and(is_mine)
}

/// What to do about a file in a home of one's own that belongs to another user.
#[must_use]
pub fn give_back(home: &Path) -> String {
    format!("give it back to yourself: sudo chown -R {} {}", me(), shell_path(home))
}

/// The error of a path on a file system that cannot be written.
#[must_use]
pub fn read_only(path: &Path) -> Error {
    let mount = mount_of(path);
    let what = format!("{} cannot be written: {} is mounted read-only", shown(path), shown(&mount));
    Error::new(Code::Io, what).with_remedy(
        "reading works; to change something, mount it writable, or move the vault and name its place with --home",
    )
}

/// The error of a lock on a file system that has none.
#[must_use]
pub fn no_locks(path: &Path, reason: &str) -> Error {
    let what = format!("{} cannot be locked ({reason}): its file system has no locks", shown(path));
    Error::new(Code::Io, what).with_remedy(
        "reading works; to change something, move the vault's home to a local file system and name it with --home (on NFS, start its lock service)",
    )
}

/// What to do about a limit of the process or the machine.
#[must_use]
pub fn limit(error: &io::Error) -> Option<&'static str> {
    Some(match Errno::from_io_error(error)? {
        Errno::MFILE => "raise the limit of open files: ulimit -n 1024",
        Errno::NFILE => {
            "the machine has too many open files: end the program that has them, or raise fs.file-max"
        }
        Errno::FBIG => "raise the limit of a file's size: ulimit -f unlimited",
        Errno::NAMETOOLONG => "use a shorter path: name one with --home",
        Errno::NOMEM => "give the command more memory: ulimit -v unlimited",
        Errno::AGAIN => "the user has too many processes or threads: end some, or raise ulimit -u",
        Errno::STALE => "the server lost the file: mount its file system again, and try again",
        _ => return None,
    })
}

/// A user by name if `/etc/passwd` has one, else by number.
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

/// This user as `chown` takes it, with its group.
fn me() -> Cow<'static, str> {
    let uid = geteuid().as_raw();
    // Without an entry in the password database there is no login group that the colon could stand for.
    known(uid).map_or_else(|| format!("{uid}:{}", getegid().as_raw()), |name| format!("{name}:")).into()
}

fn is_mine(directory: &Path) -> bool {
    directory.symlink_metadata().is_ok_and(|meta| meta.uid() == geteuid().as_raw())
}

/// The directory of Strongroom's own in which a path lies: a vault's home, or where it keeps the key or what it
/// remembers.
fn own_directory(at: &Path) -> Option<PathBuf> {
    let is_home = |at: &&Path| at.join(VAULT_FILE).symlink_metadata().is_ok();
    let is_named = |at: &&Path| at.file_name().is_some_and(|name| name == OWN);
    let up = || at.ancestors().filter(|at| at.is_dir());
    up().find(is_home).or_else(|| up().find(is_named)).map(Path::to_owned)
}

/// Where the read-only file system of a path begins, as far as that can be seen.
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
    fn what_lies_in_a_home_is_the_homes() {
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path().join("v");
        std::fs::create_dir_all(home.join("agents/main")).unwrap();
        std::fs::write(home.join(VAULT_FILE), "").unwrap();
        std::fs::write(home.join("agents/main/ledger"), "").unwrap();
        assert_eq!(own_directory(&home.join("agents/main/ledger")), Some(home.clone()));
        assert_eq!(own_directory(&home), Some(home));
        // Nothing of a home: a whole directory of the user's is never given away or taken.
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
