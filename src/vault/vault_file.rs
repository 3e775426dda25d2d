//! `vault.json`: a copy of what the unlock files say. Nothing in it decides who can read.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::json;
use crate::messages::vault::home as messages;
use crate::seal::keys::VaultId;
use crate::unlock::payload::old_format;

/// The file's name in the home.
pub const FILE: &str = "vault.json";
/// The largest such file, in bytes.
pub const MAX: usize = 16 * 1024;
const FORMAT: u32 = 1;

/// The contents of `vault.json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VaultFile {
    /// The version of the home's format.
    pub format: u32,
    /// The vault's id.
    pub vault_id: String,
}

impl VaultFile {
    /// Returns the contents for a vault.
    #[must_use]
    pub fn of(vault: &VaultId) -> Self {
        Self { format: FORMAT, vault_id: vault.to_string() }
    }

    /// Returns the bytes of the file.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(|_| messages::vault_file_not_serialized())?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// Parses the file.
///
/// # Errors
/// `CORRUPT`, `NEWER_FORMAT`, `OLD_FORMAT`.
pub(super) fn parse(bytes: &[u8]) -> Result<VaultFile> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        format: u32,
        #[serde(default)]
        default_store: Option<serde_json::Value>,
    }
    let damaged = |_| messages::vault_file_damaged();
    let version: Version = json::parse(bytes, FILE).map_err(damaged)?;
    if version.format > FORMAT {
        return Err(messages::vault_is_newer());
    }
    if version.default_store.is_some() {
        return Err(old_format());
    }
    json::parse(bytes, FILE).map_err(damaged)
}
