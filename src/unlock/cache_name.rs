//! The names of caches in the kernel's keyring, and removing caches by name.
//!
//! A name is `strongroom:<vault id>:<digest of the home's path>`, followed by `:<agent>` if the cache is for one agent
//! only. So a cache is used only for the home at its path, but can be removed after the home was moved.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use strongroom_backends::fs::dir::Dir;
use strongroom_backends::fs::home;
use strongroom_backends::kernel_keyring::{self, KeyringError, Place};

use super::listing;
use crate::seal::keys::{VaultId, hex};
use crate::seal::signed;

/// The prefix of all names.
const PREFIX: &str = "strongroom:";
/// The file that states the vault's id, and its largest size in bytes.
const VAULT_FILE: (&str, usize) = ("vault.json", 16 * 1024);
/// The agents' directory in a home.
const AGENTS: &str = "agents";

/// What was removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ended {
    /// How many caches.
    pub caches: usize,
    /// Whether the vault's id could be read. Otherwise only caches made at this path were removed.
    pub knows_vault: bool,
}

/// Returns the name of a cache. `None` if the home does not exist.
pub(super) fn name(vault: &VaultId, home: &Path, agent: Option<&str>) -> Option<String> {
    Some(spelled(vault.as_str(), &digest(&home.canonicalize().ok()?), agent))
}

fn spelled(vault: &str, place: &str, agent: Option<&str>) -> String {
    let agent = agent.map_or_else(String::new, |agent| format!(":{agent}"));
    format!("{PREFIX}{vault}:{place}{agent}")
}

fn digest(path: &Path) -> String {
    hex(&Sha256::digest(path.as_os_str().as_encoded_bytes())[..16])
}

/// Splits a name into the vault, the digest of the path and the agent.
fn parts(name: &str) -> Option<(&str, &str, Option<&str>)> {
    let (vault, rest) = name.strip_prefix(PREFIX)?.split_once(':')?;
    let (place, agent) = rest.split_once(':').map_or((rest, None), |(place, agent)| (place, Some(agent)));
    Some((vault, place, agent))
}

/// Returns whether a text is a valid name of an agent: `[a-z0-9][a-z0-9_-]{0,63}`.
pub(super) fn is_agent(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(good) && !text.starts_with(['-', '_'])
}

/// Returns the agents that a home's caches are for, by the names of the caches.
pub(super) fn agents(vault: &VaultId, home: &Path) -> BTreeSet<String> {
    let Some(prefix) = name(vault, home, Some("")) else { return BTreeSet::new() };
    let names = Place::ALL.iter().filter_map(|place| kernel_keyring::names(*place, &prefix).ok()).flatten();
    names.filter_map(|name| Some(name.strip_prefix(&prefix)?.to_owned())).filter(|a| is_agent(a)).collect()
}

/// Returns the vault ids that the files of a home state. None of them is verified.
pub(super) fn claimed(home: &Path) -> Vec<VaultId> {
    #[derive(Deserialize)]
    struct Of {
        #[serde(alias = "vaultId")]
        vault: String,
    }
    let Ok(home) = home::open(home) else { return Vec::new() };
    let id = |json: &[u8]| serde_json::from_slice::<Of>(json).ok()?.vault.parse::<VaultId>().ok();
    let of_file = home.dir.read(VAULT_FILE.0, VAULT_FILE.1).ok().and_then(|bytes| id(&bytes));
    let ledger = home.dir.read(listing::LEDGER, listing::MAX).ok();
    let of_ledger = ledger.and_then(|bytes| id(signed::split(&bytes)?.json.as_bytes()));
    let mut ids: Vec<_> = of_file.into_iter().chain(of_ledger).collect();
    ids.dedup();
    ids
}

/// Removes the caches of a home, whatever state it is in: those of the vault that its files name, wherever the home was
/// when they were made, and those made at its path.
pub(super) fn forget(home: &Path) -> Result<Ended, KeyringError> {
    let ids = claimed(home);
    let here = digest(&nearest(home));
    let fits = |name: &str| {
        parts(name)
            .is_some_and(|(vault, place, _)| place == here || ids.iter().any(|id| id.as_str() == vault))
    };
    let caches = match forget_where(PREFIX, &fits) {
        // Without a list, only caches whose whole name is known can be removed.
        Err(KeyringError::NotListed) => {
            let agents = home::open(home).map(|home| agents_in(&home.dir)).unwrap_or_default();
            let agents = agents.iter().map(|agent| Some(agent.as_str()));
            let names = agents.chain([None]).flat_map(|agent| {
                let here = &here;
                ids.iter().map(move |id| spelled(id.as_str(), here, agent))
            });
            forget_names(names)?
        }
        done => done?,
    };
    Ok(Ended { caches, knows_vault: !ids.is_empty() })
}

/// Removes the caches of a vault, wherever its home was.
pub(super) fn forget_vault(vault: &VaultId) -> Result<usize, KeyringError> {
    forget_where(&format!("{PREFIX}{vault}:"), &|_| true)
}

/// Removes all caches.
pub(super) fn forget_all() -> Result<usize, KeyringError> {
    forget_where(PREFIX, &|_| true)
}

fn forget_where(prefix: &str, fits: &dyn Fn(&str) -> bool) -> Result<usize, KeyringError> {
    let mut names = BTreeSet::new();
    for place in Place::ALL {
        names.extend(kernel_keyring::names(place, prefix)?.into_iter().filter(|name| fits(name)));
    }
    forget_names(names.into_iter())
}

fn forget_names(names: impl Iterator<Item = String>) -> Result<usize, KeyringError> {
    let mut caches = 0;
    for name in names {
        for place in Place::ALL {
            caches += usize::from(kernel_keyring::forget(place, &name)?);
        }
    }
    Ok(caches)
}

fn agents_in(home: &Dir) -> Vec<String> {
    let names = home.dir_if_any(AGENTS).ok().flatten().and_then(|agents| agents.names().ok());
    names.unwrap_or_default().into_iter().filter(|name| is_agent(name)).collect()
}

/// Returns the real path of a home that may no longer exist.
fn nearest(home: &Path) -> PathBuf {
    home.canonicalize().unwrap_or_else(|_| match (home.parent().map(nearest), home.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => home.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_three_parts() {
        assert_eq!(parts("strongroom:v:p"), Some(("v", "p", None)));
        assert_eq!(parts("strongroom:v:p:main"), Some(("v", "p", Some("main"))));
        assert_eq!(parts("strongroom:v"), None);
        assert_eq!(parts(&spelled("v", "p", Some("main"))), Some(("v", "p", Some("main"))));
        assert!(is_agent("main") && is_agent("a_b-1"));
        for odd in ["", "-a", "_a", "A", "a:b", &"a".repeat(65)] {
            assert!(!is_agent(odd), "{odd}");
        }
    }

    #[test]
    fn a_home_that_is_gone_has_the_path_that_it_had() {
        let temp = tempfile::tempdir().unwrap();
        let home = temp.path().join("a/b");
        std::fs::create_dir_all(&home).unwrap();
        let real = home.canonicalize().unwrap();
        std::fs::remove_dir_all(temp.path().join("a")).unwrap();
        assert_eq!(nearest(&home), real);
    }

    #[test]
    fn each_file_that_names_the_vault_counts() {
        let temp = tempfile::tempdir().unwrap();
        let (one, two) = ("1".repeat(32), "2".repeat(32));
        assert_eq!(claimed(temp.path()), []);
        std::fs::write(temp.path().join("ledger"), format!("{{\"vault\":\"{two}\"}}\nmac x\n")).unwrap();
        assert_eq!(claimed(temp.path()), [two.parse().unwrap()]);
        std::fs::write(temp.path().join("vault.json"), format!("{{\"format\":9,\"vaultId\":\"{one}\"}}"))
            .unwrap();
        assert_eq!(claimed(temp.path()), [one.parse().unwrap(), two.parse().unwrap()]);
        std::fs::write(temp.path().join("vault.json"), "{\"vaultId\":\"..\"}").unwrap();
        assert_eq!(claimed(temp.path()).len(), 1);
    }
}
