//! Remedies for a file with a secret (a key, a passphrase, an identity) that is refused.
//!
//! People name anything by mistake: a directory, `/etc/passwd`, a device. The commands here are pasted as they are, so
//! they name the file, and change only what belongs to the caller.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::geteuid;
use strongroom_backends::key_file::{DIRECTORY, FOREIGN, LOOSE, LOOSE_ABOVE, LOOSE_MOUNT, NO_FILE, SLASH};

use crate::messages::unlock as say;
use crate::permission;
use crate::term::escape::shell_path;

/// The directories of the system's own files, which root owns and other programs read.
const SYSTEM: [&str; 12] =
    ["/etc", "/usr", "/bin", "/sbin", "/lib", "/lib64", "/boot", "/var", "/run", "/dev", "/proc", "/sys"];
/// The name of Strongroom's own directories.
const OWN: &str = "strongroom";

/// Returns the remedy for a file that is refused. `why` is that of `StoreError::Unsafe`.
#[must_use]
pub fn remedy(path: &Path, why: &str) -> String {
    let word = shell_path(path);
    match why {
        LOOSE_MOUNT => say::mount_privately(),
        LOOSE_ABOVE => say::mount_elsewhere(),
        FOREIGN => say::run_as_owner(&word, geteuid().as_raw()),
        LOOSE if is_own(path) => say::make_private(&word),
        LOOSE if is_in(path, &["/dev", "/proc", "/sys"]) => say::name_the_file_or_pipe(),
        LOOSE => say::copy_if_key(&word),
        NO_FILE | DIRECTORY | SLASH | "is not a directory" => say::name_the_file_or_pipe(),
        _ => say::name_own_file(),
    }
}

/// Returns the remedy for a file that this user may not read, such as a secret that Docker or Kubernetes mounts with
/// mode 0400 for another user.
#[must_use]
pub fn unreadable(path: &Path, owner: u32) -> String {
    say::unreadable(&shell_path(path), geteuid().as_raw(), permission::name_of(owner))
}

/// Returns whether a file belongs to the caller and is not one of the system's files, which matters for root.
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
