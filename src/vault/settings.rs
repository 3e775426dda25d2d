//! `vault.json`: a copy of what the unlock files say.

use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result, fail};
use crate::json;
use crate::unlock::cache::Cache;
use crate::unlock::payload::Payload;

/// The file that repeats what the unlock files say.
pub const FILE: &str = "vault.json";
/// The largest such file, in bytes.
pub const MAX: usize = 16 * 1024;
const FORMAT: u32 = 1;

/// `vault.json`: nothing in it decides who can read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// The version of the home's format.
    pub format: u32,
    /// The vault's id.
    pub vault_id: String,
    /// The store that a new record goes to.
    pub default_store: String,
}

impl Settings {
    /// What a payload says.
    #[must_use]
    pub fn of(payload: &Payload) -> Self {
        Self { format: FORMAT, vault_id: payload.vault.to_string(), default_store: payload.store.clone() }
    }

    /// What a cached unlocking says.
    #[must_use]
    pub fn of_cache(cache: &Cache) -> Self {
        Self { format: FORMAT, vault_id: cache.vault.to_string(), default_store: cache.store.clone() }
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|_| Error::new(Code::Internal, "vault.json cannot be written"))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The settings in the file's bytes.
///
/// # Errors
/// `CORRUPT`, `NEWER_FORMAT`.
pub(super) fn parse(bytes: &[u8]) -> Result<Settings> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let damaged = |_| {
        Error::new(Code::Corrupt, "vault.json is damaged").with_remedy(
            "restore it, or remove it and run `strongroom doctor --repair`: no credential is lost",
        )
    };
    let version: Version = json::parse(bytes, FILE).map_err(damaged)?;
    if version.format > FORMAT {
        return fail(Code::NewerFormat, "the vault was made by a newer strongroom");
    }
    json::parse(bytes, FILE).map_err(damaged)
}
