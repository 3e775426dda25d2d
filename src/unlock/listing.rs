//! The unlock files that the vault's ledger lists, by their SHA-256.
//!
//! The ledger cannot be verified before the vault is unlocked. Until then the list only tells which of two files of a
//! method is the current one; once the vault is unlocked, the list is verified.

use std::collections::BTreeMap;

use serde::Deserialize;
use strongroom_backends::fs::dir::Dir;

use crate::seal::signed;

/// The name of the vault's own ledger in the home.
pub const LEDGER: &str = "ledger";
/// The largest such ledger, in bytes.
pub const MAX: usize = 1024 * 1024;
/// The suffix of a new unlock file until the change that it belongs to is finished.
pub const NEW: &str = ".new";

/// The SHA-256 of each method's unlock file, in hex.
pub type Methods = BTreeMap<String, String>;

/// Returns the unverified list in a home's ledger. `None` if the ledger does not exist or cannot be read.
#[must_use]
pub fn unverified(home: &Dir) -> Option<Methods> {
    #[derive(Deserialize)]
    struct Text {
        methods: Methods,
    }
    let bytes = home.read(LEDGER, MAX).ok()?;
    serde_json::from_str::<Text>(signed::split(&bytes)?.json).ok().map(|text| text.methods)
}
