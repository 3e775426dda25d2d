//! What to do about a file with a secret that is refused: a key, a passphrase, an identity.
//!
//! What was named may be anything, by mistake: a directory, `/etc/passwd`, a device. A command that is given here is
//! typed as it is, so it names the file, and changes only what is the caller's own.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::geteuid;
use strongroom_backends::key_file::{DIRECTORY, FOREIGN, LOOSE, LOOSE_ABOVE, LOOSE_MOUNT, NO_FILE, SLASH};

use crate::permission;
use crate::term::escape::shell_path;

/// Where the system's own files lie. Root owns those, and other programs read them.
const SYSTEM: [&str; 12] =
    ["/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/var", "/run", "/dev", "/proc", "/sys"];
/// What a directory of Strongroom's own is called.
const OWN: &str = "strongroom";

const MOUNTED: &str = "in a container, mount it as a secret: below /run/secrets, read-only, or on a tmpfs";

/// What to do about a file that is refused. `why` is what `StoreError::Unsafe` said.
#[must_use]
pub fn remedy(path: &Path, why: &str) -> String {
    match why {
        LOOSE_MOUNT => "mount it read-only for others: `mode: 0400` in the secret's mount, with the `uid` of the user that runs strongroom (Kubernetes: `defaultMode: 0400`)".to_owned(),
        LOOSE_ABOVE => "mount it in a directory that only root or this user can write, as in /run/secrets".to_owned(),
        FOREIGN => format!("run the command as the file's owner, or {}; {}", copy(path), by_uid()),
        LOOSE if is_own(path) => {
            format!("if this is the key, keep others out: chmod 600 {}; {MOUNTED}", word(path))
        }
        LOOSE if is_in(path, &["/dev", "/proc", "/sys"]) => NAME_IT.to_owned(),
        LOOSE => format!("if this is the key, {}; {MOUNTED}", copy(path)),
        NO_FILE | DIRECTORY | SLASH | "is not a directory" => NAME_IT.to_owned(),
        _ => "name a regular file of your own with mode 0600".to_owned(),
    }
}

const NAME_IT: &str = "name the file itself, without a slash at its end; a pipe is given as - or by <(…)";

/// What to do about a file that its owner keeps this user from reading, as Docker and Kubernetes mount a secret
/// with mode 0400.
#[must_use]
pub fn unreadable(path: &Path, owner: u32) -> String {
    let (me, owner) = (geteuid().as_raw(), permission::name_of(owner));
    format!(
        "{}; elsewhere, run the command as {owner}, or let {owner} make a copy for you: install -o {me} -m 600 {} NEWFILE",
        by_uid(),
        word(path)
    )
}

fn by_uid() -> String {
    format!(
        "in a container, mount it with the `uid` of the user that runs strongroom ({}; Kubernetes: `fsGroup` and `defaultMode: 0440`)",
        geteuid().as_raw()
    )
}

fn copy(path: &Path) -> String {
    format!("make a copy of your own, and name that: install -m 600 {} NEWFILE", word(path))
}

fn word(path: &Path) -> String {
    shell_path(path)
}

/// Whether a file is the caller's own, and not one of the system's, of which root is the owner.
fn is_own(path: &Path) -> bool {
    let Ok(real) = path.canonicalize() else { return false };
    let mine = real.metadata().is_ok_and(|file| file.is_file() && file.uid() == geteuid().as_raw());
    let of_ours = real.components().any(|part| part.as_os_str() == OWN);
    mine && (of_ours || !is_in(&real, &SYSTEM)) && !is_in(path, &["/dev", "/proc", "/sys"])
}

fn is_in(path: &Path, directories: &[&str]) -> bool {
    directories.iter().any(|directory| path.starts_with(directory))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_an_own_file_is_given_another_mode() {
        let temp = tempfile::tempdir().unwrap();
        let own = temp.path().join("a key");
        std::fs::write(&own, "").unwrap();
        std::fs::set_permissions(&own, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(remedy(&own, LOOSE).contains(&format!("chmod 600 '{}'", own.display())));
        for path in ["/etc/passwd", "/etc", "/dev/null", "/dev/stdout", "/proc/self/status"] {
            for why in [LOOSE, NO_FILE, DIRECTORY, SLASH, FOREIGN, "is a symlink"] {
                let said = remedy(Path::new(path), why);
                assert!(!said.contains("chmod"), "{path} {why}: {said}");
            }
        }
        let said = remedy(Path::new("/etc/passwd"), LOOSE);
        assert!(said.contains("install -m 600 /etc/passwd NEWFILE"), "{said}");
        assert!(!remedy(Path::new("/dev/null"), LOOSE).contains("install"));
    }

    #[test]
    fn a_secret_that_root_keeps_is_mounted_for_its_user() {
        let said = unreadable(Path::new("/run/secrets/key"), 0);
        assert!(said.contains("with the `uid`") && said.contains("run the command as root"), "{said}");
        assert!(!said.contains("--home"), "{said}");
    }
}
