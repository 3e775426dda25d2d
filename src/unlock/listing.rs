//! The unlock files that the vault's ledger lists, by their SHA-256.
//!
//! Before the vault is open nothing of the ledger can be verified: until then the list only says which
//! of two files of a method is meant. Whoever opened the vault verifies it.

use std::collections::BTreeMap;

use serde::Deserialize;
use strongroom_backends::fs::dir::Dir;

use crate::seal::signed;

/// The name of the vault's own ledger in the home.
pub const LEDGER: &str = "ledger";
/// The largest such ledger, in bytes.
pub const MAX: usize = 1024 * 1024;
/// What is added to the name of an unlock file until the change that it belongs to is in place.
pub const NEW: &str = ".new";

/// The SHA-256 of each method's unlock file, in hex.
pub type Methods = BTreeMap<String, String>;

/// The list in a home's ledger, not verified. None if there is none, or it cannot be read.
#[must_use]
pub fn unverified(home: &Dir) -> Option<Methods> {
    #[derive(Deserialize)]
    struct Text {
        methods: Methods,
    }
    let bytes = home.read(LEDGER, MAX).ok()?;
    serde_json::from_str::<Text>(signed::split(&bytes)?.json).ok().map(|text| text.methods)
}
