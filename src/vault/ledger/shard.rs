//! Shards: files with the entries of a large ledger, which are named by their digest and never changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::{Entry, RecordState};
use crate::seal::keys::{hex, unhex};
use crate::vault::store::Store;

/// The largest shard, in bytes.
pub const MAX: usize = 1024 * 1024;
/// The most entries that a shard has on average.
const PER_SHARD: usize = 256;
/// The prefix of a shard's file name.
pub const PREFIX: &str = "ledger-";

/// The first 16 bytes of a shard's SHA-256.
pub type Digest = [u8; 16];

/// Entries by profile id.
pub type Entries = BTreeMap<String, Entry>;

/// Returns the digest of a shard's bytes.
#[must_use]
pub fn digest(bytes: &[u8]) -> Digest {
    let mut digest = Digest::default();
    digest.copy_from_slice(&Sha256::digest(bytes)[..16]);
    digest
}

/// Returns the name of a shard's file.
#[must_use]
pub fn file_name(digest: &Digest) -> String {
    format!("{PREFIX}{}", hex(digest))
}

/// Parses the digests in a ledger's text. Returns `None` unless their number is a power of two.
#[must_use]
pub fn digests(text: &str) -> Option<Vec<Digest>> {
    let found = text.as_bytes().chunks(32).map(|one| unhex(std::str::from_utf8(one).ok()?));
    let found: Vec<Digest> = found.collect::<Option<_>>()?;
    found.len().is_power_of_two().then_some(found)
}

/// Returns the number of shards of a ledger with this many entries.
#[must_use]
pub fn how_many(entries: usize) -> usize {
    entries.div_ceil(PER_SHARD).next_power_of_two()
}

/// Returns which shard has an id: the first bits of its SHA-256. `shards` is a power of two.
#[must_use]
pub fn place(id: &str, shards: usize) -> usize {
    let digest = Sha256::digest(id.as_bytes());
    let first = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    let bits = shards.trailing_zeros();
    usize::try_from(u64::from(first) >> (32 - bits)).unwrap_or(0)
}

/// Returns the bytes of a shard.
#[must_use]
pub fn write(entries: &Entries) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(entries).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Returns the entries in a shard's bytes, if they have this digest.
#[must_use]
pub fn read(bytes: &[u8], expected: &Digest) -> Option<Entries> {
    (digest(bytes) == *expected).then(|| serde_json::from_slice(bytes).ok()).flatten()
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    generation: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    removed: bool,
    #[serde(default, skip_serializing_if = "is_zero")]
    history_from: u64,
}

// Serde passes a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { generation, state, history_from } = *self;
        let (key, store, removed) = match state {
            RecordState::Stored(store, key) => (Some(key.to_string()), Some(store.to_string()), false),
            RecordState::Removed => (None, None, true),
        };
        Written { generation, key, store, removed, history_from }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let state = match (written.removed, &written.store, &written.key) {
            (true, None, None) => Some(RecordState::Removed),
            (false, Some(store), Some(key)) => store
                .parse::<Store>()
                .ok()
                .zip(key.parse().ok())
                .map(|(store, key)| RecordState::Stored(store, key)),
            _ => None,
        };
        let state = state.ok_or_else(|| serde::de::Error::custom("not a ledger entry"))?;
        Ok(Self { generation: written.generation, state, history_from: written.history_from })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_spread_over_all_shards_and_stay_where_they_are() {
        let mut seen = vec![0; 64];
        for n in 0..10_000 {
            let id = format!("openrouter:k{n}");
            let at = place(&id, 64);
            seen[at] += 1;
            assert_eq!(place(&id, 32), at / 2);
            assert_eq!(place(&id, 1), 0);
        }
        assert!(seen.iter().all(|many| (50..350).contains(many)), "{seen:?}");
        assert_eq!([0, 1, 256, 257, 512, 513, 10_000, 100_000].map(how_many), [1, 1, 1, 2, 2, 4, 64, 512]);
    }

    #[test]
    fn a_shard_is_read_by_its_digest_alone() {
        let key = "93b9ee991a283a23".parse().unwrap();
        let held = Entry::new(7, RecordState::Stored(Store::Keychain, key));
        let removed = Entry { history_from: 8, ..Entry::new(9, RecordState::Removed) };
        let entries = Entries::from([("a:b".to_owned(), held), ("a:c".to_owned(), removed)]);
        let bytes = write(&entries);
        assert_eq!(
            String::from_utf8(bytes.clone()).unwrap(),
            "{\"a:b\":{\"generation\":7,\"key\":\"93b9ee991a283a23\",\"store\":\"keychain\"},\"a:c\":{\"generation\":9,\"removed\":true,\"historyFrom\":8}}\n"
        );
        assert_eq!(read(&bytes, &digest(&bytes)), Some(entries));
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert_eq!(read(&altered, &digest(&bytes)), None);
        }
    }
}
