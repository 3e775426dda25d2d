//! Messages about files, directories, permissions and limits.
//!
//! `word` is a path as a shell takes it.

use std::fmt::Display;
use std::path::Path;

use strongroom_backends::shown;

use crate::error::{Code, Error};

// Files and directories.

/// A file or directory does not exist.
pub fn not_found(path: &Path) -> Error {
    Error::new(Code::Io, format!("{} does not exist", shown(path)))
}

/// A file or directory exists that should be created.
pub fn already_exists(path: &Path) -> Error {
    Error::new(Code::Exists, format!("{} already exists", shown(path)))
}

/// A path is not what it should be. `why` is the rest of the sentence.
pub fn unsafe_file(path: &Path, why: &str) -> Error {
    Error::new(Code::UnsafeFile, format!("{} {why}", shown(path)))
}

/// What to do about a symlink without a target.
pub const CREATE_TARGET: &str = "create the link's target (is a disk not mounted?), or remove the link";

/// What to do about a file where a directory should be.
pub const NEED_DIRECTORY: &str =
    "move it away, because a directory with that name is needed; or name another place";

/// A file is larger than it may be.
pub fn too_large(path: &Path, max: usize) -> Error {
    Error::new(Code::TooLarge, format!("{} is larger than {max} bytes", shown(path)))
}

/// The file system or the quota is full.
pub fn no_space(path: &Path) -> Error {
    Error::new(Code::NoSpace, format!("no space left to write {}", shown(path)))
}

/// Another failure of the system, in its own words.
pub fn failed(path: &Path, reason: &str) -> Error {
    Error::new(Code::Io, format!("{}: {reason}", shown(path)))
}

// Locks.

/// A lock was not free in time. `holder` says who has it.
pub fn lock_timeout(path: &Path, holder: &str, waited_ms: u128) -> Error {
    Error::new(Code::LockTimeout, format!("{} is locked {holder}; waited {waited_ms} ms", shown(path)))
}

/// The holder of a lock that did not say who it is.
pub fn unknown_holder() -> String {
    "by another process".to_owned()
}

/// The holder of a lock.
pub fn holder(pid: u32, command: &str, held_ms: i64) -> String {
    format!("by process {pid} ({command}), for {held_ms} ms")
}

/// The file system has no locks.
pub fn no_locks(path: &Path, reason: &str) -> Error {
    let what = format!("cannot lock {} ({reason}): its file system has no locks", shown(path));
    Error::new(Code::Io, what).with_remedy(
        "reading works; to change something, move the vault's home to a local file system and name it with `--home DIR` (on NFS, start its lock service)",
    )
}

// Permissions.

/// A path belongs to another user.
pub fn denied_by_owner(at: &Path, owner: impl Display) -> Error {
    Error::new(Code::Io, format!("permission denied: {} belongs to {owner}", shown(at)))
}

/// The mode of the user's own path denies access.
pub fn denied_by_mode(at: &Path) -> Error {
    Error::new(Code::Io, format!("permission denied: the mode of {} denies you access", shown(at)))
}

/// A path has the immutable or the append-only attribute.
pub fn denied_by_attribute(at: &Path, word: &str) -> Error {
    Error::new(Code::Io, format!("permission denied: {} is marked as immutable or append-only", shown(at)))
        .with_remedy(format!("remove the attribute: `sudo chattr -i -a {word}`"))
}

/// The system denies access for a reason that cannot be seen.
pub fn denied(path: &Path, word: &str) -> Error {
    Error::new(Code::Io, format!("permission denied: {}", shown(path))).with_remedy(format!(
        "owner and mode allow it: check for an access list (`getfacl {word}`), a security module, or a server that forbids it; or name another home with `--home DIR`"
    ))
}

/// What to do about a mode. `all` is for a directory with everything in it.
pub fn restore_mode(word: &str, all: bool) -> String {
    format!("give yourself access again: `chmod {}u+rwX {word}`", recursively(all))
}

/// What to do about a path that should belong to this user. `me` is as `chown` takes it.
pub fn take_ownership(word: &str, me: &str, all: bool) -> String {
    format!("if it should be yours: `sudo chown {}{me} {word}`", recursively(all))
}

/// What to do about a home in which something belongs to another user.
pub fn give_back(word: &str, me: &str) -> String {
    format!("make it yours again: `sudo chown -R {me} {word}`")
}

/// What to do about a path that is rightly another user's.
pub fn run_as_that_user() -> String {
    "run the command as that user (not under sudo), or name a home of your own with `--home DIR`".to_owned()
}

fn recursively(all: bool) -> &'static str {
    if all { "-R " } else { "" }
}

/// A path is on a file system that is mounted read-only.
pub fn read_only(path: &Path, mount: &Path) -> Error {
    let what = format!("cannot write {}: {} is mounted read-only", shown(path), shown(mount));
    Error::new(Code::Io, what).with_remedy(
        "reading works; to change something, mount it writable, or move the vault and name its place with `--home DIR`",
    )
}

// Limits.

/// The process has too many open files.
pub const RAISE_OPEN_FILES: &str = "raise the limit on open files: `ulimit -n 1024`";
/// The machine has too many open files.
pub const FREE_OPEN_FILES: &str =
    "the machine has too many open files: end the program that has them, or raise fs.file-max";
/// A file would be larger than the process may write.
pub const RAISE_FILE_SIZE: &str = "raise the limit on file sizes: `ulimit -f unlimited`";
/// A path is longer than the system takes.
pub const SHORTEN_PATH: &str = "use a shorter path: name one with `--home DIR`";
/// The process gets no memory.
pub const RAISE_MEMORY: &str = "give the command more memory: `ulimit -v unlimited`";
/// The process gets no thread.
pub const RAISE_PROCESSES: &str = "you have too many processes or threads: end some, or raise `ulimit -u`";
/// A network file system lost a file.
pub const REMOUNT: &str = "the server lost the file: mount its file system again, then try again";

// Paths in flags and variables. `place` is the flag, the argument or the variable.

/// A path ends with a line break.
pub fn path_with_line_break(place: &str) -> Error {
    Error::new(Code::Usage, format!("{place} ends with a line break"))
        .with_remedy("give the path without the line break: \"$(cat FILE)\" reads a path from a file")
}

/// A flag or variable contains something else than a path, which is not quoted. `what` is with its article.
pub fn not_a_path(place: &str, what: &str) -> Error {
    Error::new(Code::Usage, format!("{place} contains {what}, not a path")).with_remedy(format!(
        "give {place} a path (./NAME for a file with such a name); put a secret into a file that only you can read (chmod 600)"
    ))
}

/// A variable contains something that a shell would have expanded.
pub fn unexpanded_variable(part: &str, name: &str) -> Error {
    Error::new(Code::Config, unexpanded(part, name))
}

/// An argument contains something that a shell would have expanded.
pub fn unexpanded_argument(part: &str, name: &str) -> Error {
    Error::new(Code::Usage, unexpanded(part, name)).with_remedy(format!(
        "write the full path; for a file whose name begins with {part}, write ./{part}…"
    ))
}

fn unexpanded(part: &str, name: &str) -> String {
    format!("{part} in {name} was not expanded, because no shell read it")
}

/// What to do about a variable that no shell expanded.
pub fn write_full_path(name: &str, path: impl Display) -> String {
    format!("write the full path: {name}={path}")
}

/// A variable contains a relative path. `path` is the absolute one, if it may be shown.
pub fn relative_variable(name: &str, path: Option<&str>) -> Error {
    let full = path.map_or_else(|| ", beginning with /".to_owned(), |path| format!(": {name}={path}"));
    Error::new(Code::Config, format!("{name} is a relative path"))
        .with_remedy(format!("its meaning would depend on the working directory; write the full path{full}"))
}

// Text in files.

/// A file looks like UTF-16 without a byte order mark. `order` is its encoding as `iconv` names it.
pub fn unmarked_utf16(what: &str, order: &str) -> Error {
    Error::new(Code::BadData, format!("{what} looks like UTF-16 without a byte order mark"))
        .with_remedy(format!("save it as UTF-8, or convert a copy: `iconv -f {order} -t UTF-8 FILE > COPY`"))
}

/// A file begins like UTF-16, but is not.
pub fn damaged_utf16(what: &str) -> Error {
    Error::new(Code::BadData, format!("{what} begins like UTF-16, but is damaged"))
        .with_remedy("save it again as UTF-8; nothing was changed")
}
