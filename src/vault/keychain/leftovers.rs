//! Keychain items of homes that are gone: deleted, or replaced by another vault.
//!
//! An item names its vault and the path of its home. A home that was moved still reads the items of its old path, and a
//! recovery reads those of the vault that was in the home before. So items count as left over only if nothing may read
//! them: there is no home at that path, and no known home of that vault. A disk that is not mounted looks like a
//! deleted directory; only a person can tell.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::keychain::{Keychain, is_home_of};
use crate::unlock::unlock_files;
use crate::vault::anchor;
use crate::vault::home::{AGENTS, VAULT_FILE};
use crate::vault::ledger;

/// The keychain items of one home.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Leftover {
    /// The vault's id, from the items.
    pub vault: String,
    /// The home's path, from the items.
    pub home: String,
    /// The profiles, as `<agent>/<profile>`, sorted.
    pub profiles: Vec<String>,
    /// The number of unlock keys.
    pub keys: usize,
    /// The number of all items; several can be of one profile.
    pub items: usize,
    /// The existing homes that may read these items.
    pub readers: Vec<PathBuf>,
    /// Whether the directory that contained the home is missing too: a disk may not be mounted.
    pub without_parent: bool,
}

/// Returns the items of homes that are no longer at the path in the items.
///
/// # Errors
/// Those of the keychain.
pub fn look(keychain: &Keychain, anchors: &anchor::Setup) -> Result<Vec<Leftover>> {
    let mut found: BTreeMap<(String, String), Leftover> = BTreeMap::new();
    for mut item in keychain.all()? {
        // An item without these belongs to no known home.
        let (Some(vault), Some(home)) = (item.remove("vault"), item.remove("home")) else { continue };
        let one = found.entry((vault, home)).or_default();
        one.items += 1;
        match (item.remove("agent"), item.remove("profile")) {
            (Some(agent), Some(profile)) => one.profiles.push(format!("{agent}/{profile}")),
            _ => one.keys += usize::from(item.get("kind").is_some_and(|kind| kind == "unlock")),
        }
    }
    let mut homes: BTreeMap<String, BTreeSet<PathBuf>> = BTreeMap::new();
    for (vault, home) in found.keys() {
        let of_vault = homes.entry(vault.clone()).or_insert_with(|| anchor::homes(anchors, vault));
        of_vault.extend(paths_of(home));
        // No anchor may know yet that the home was moved here.
        of_vault.extend(paths_of(keychain.home()));
    }
    for (vault, of_vault) in &mut homes {
        of_vault.retain(|home| is_home_of(home, vault));
    }
    let left = found.into_iter().filter_map(|((vault, home), mut one)| {
        let paths = paths_of(&home);
        let living = homes.get(&vault).into_iter().flatten();
        if paths.iter().any(|path| is_home_of(path, &vault)) {
            return None;
        }
        let taken = paths.iter().filter(|path| is_home(path)).cloned();
        one.readers = living.cloned().chain(taken).collect();
        one.readers.sort_unstable();
        one.readers.dedup();
        one.without_parent = paths.iter().all(|path| path.parent().is_some_and(|above| !above.exists()));
        one.profiles.sort_unstable();
        one.profiles.dedup();
        Some(Leftover { vault, home, ..one })
    });
    Ok(left.collect())
}

/// Removes the items of a home. Returns their number: 0, without removing any, if the home exists by now.
///
/// # Errors
/// Those of the keychain.
pub fn remove(keychain: &Keychain, left: &Leftover) -> Result<usize> {
    if paths_of(&left.home).iter().any(|path| is_home_of(path, &left.vault)) {
        return Ok(0);
    }
    keychain.remove_of(&left.vault, &left.home)
}

/// Returns whether there is a vault, or the remains of one, at a path.
fn is_home(path: &Path) -> bool {
    let parts = [VAULT_FILE, unlock_files::DIR, AGENTS, ledger::FILE];
    parts.iter().any(|name| path.join(name).symlink_metadata().is_ok())
}

/// Returns the paths that an item may mean: a path that is not UTF-8 is escaped in it.
fn paths_of(home: &str) -> Vec<PathBuf> {
    let mut paths = vec![PathBuf::from(home)];
    #[cfg(unix)]
    if home.contains('\\') {
        use std::os::unix::ffi::OsStringExt;
        paths.push(std::ffi::OsString::from_vec(unescaped(home)).into());
    }
    paths
}

/// Undoes [`u8::escape_ascii`].
#[cfg(unix)]
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let (byte, taken) = match (first, after) {
            (b'\\', [b'x', high, low, ..]) => {
                match u8::from_str_radix(&format!("{}{}", *high as char, *low as char), 16) {
                    Ok(byte) => (byte, 3),
                    Err(_) => (*first, 0),
                }
            }
            (b'\\', [b't', ..]) => (b'\t', 1),
            (b'\\', [b'r', ..]) => (b'\r', 1),
            (b'\\', [b'n', ..]) => (b'\n', 1),
            (b'\\', [quoted @ (b'\\' | b'\'' | b'"'), ..]) => (*quoted, 1),
            _ => (*first, 0),
        };
        bytes.push(byte);
        rest = &rest[taken..];
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_home_that_is_no_text_is_found_where_it_is() {
        for bytes in
            [&b"/a\xff b"[..], b"/\x01\t\r\n\\'\"x", b"/plain", "/\u{fc}\u{ff}".as_bytes(), b"/a\\xzz"]
        {
            let escaped = bytes.escape_ascii().to_string();
            assert_eq!(unescaped(&escaped), bytes, "{escaped}");
        }
        for text in ["\\", "\\x", "\\x1", "/a\\q"] {
            assert_eq!(unescaped(text), text.as_bytes());
        }
    }

    #[test]
    fn what_is_left_of_a_vault_is_a_home_still() {
        let temp = tempfile::tempdir().unwrap();
        assert!(!is_home(temp.path()));
        assert!(!is_home(&temp.path().join("nothing")));
        for part in ["agents", "unlock"] {
            let home = temp.path().join(part);
            std::fs::create_dir_all(home.join(part)).unwrap();
            assert!(is_home(&home), "{part}");
        }
    }
}
