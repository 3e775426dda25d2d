//! `settings.json`: the user's choices, with a MAC of the vault key.
//!
//! Settings decide where a secret goes, so they count only if they verify: by their MAC, and by the vault's own ledger,
//! which has their SHA-256. Otherwise the safe defaults apply, and it is a finding.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strongroom_backends::StoreError;
use strongroom_backends::fs::dir::Dir;

use super::store::Store;
use crate::error::Result;
use crate::messages;
use crate::seal::keys::{Ring, hex, label};
use crate::seal::signed::{self, Use};

/// The file's name in the home.
pub const FILE: &str = "settings.json";
/// The largest such file, in bytes.
pub const MAX: usize = 16 * 1024;

const PURPOSE: Use<'static> = Use { salt: "settings", label: label::SETTINGS };

/// The settings of a vault.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    /// The store of new profiles.
    pub default_store: Store,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Text {
    format: u32,
    vault: String,
    key: String,
    default_store: String,
}

/// Returns the store of new profiles in the file, unverified: enough to tell whether a keychain may be in use.
#[must_use]
pub fn unverified(home: &Dir) -> Option<Store> {
    let bytes = home.read_if_any(FILE, MAX).ok()??;
    let text: Text = serde_json::from_str(signed::split(&bytes)?.json).ok()?;
    text.default_store.parse().ok()
}

impl Settings {
    /// Reads the settings in a home. `digest` is their SHA-256 in the ledger, in hex.
    ///
    /// # Errors
    /// `TAMPERED` if they are others, `IO` if they cannot be read. Then the defaults apply.
    pub fn read(home: &Dir, ring: &Ring, digest: &str) -> Result<Self> {
        let tampered = messages::vault::home::settings_altered;
        let read = |name: &str| -> Result<Option<Vec<u8>>> {
            let bytes = match home.read_if_any(name, MAX) {
                // The file may be the right one.
                Err(error @ (StoreError::Denied { .. } | StoreError::Io { .. })) => return Err(error.into()),
                read => read.ok().flatten(),
            };
            Ok(bytes.filter(|bytes| hex(&Sha256::digest(bytes)) == digest))
        };
        // The name of settings that are committed but not yet in place.
        let staged = format!("{FILE}{}", crate::unlock::listing::NEW);
        let bytes = match read(FILE)? {
            Some(bytes) => bytes,
            None => read(&staged)?.ok_or_else(tampered)?,
        };
        let parts = signed::split(&bytes).ok_or_else(tampered)?;
        let text: Text = serde_json::from_str(parts.json).map_err(|_| tampered())?;
        let key = ring.get(&text.key).ok_or_else(tampered)?;
        if text.vault != ring.vault.as_str() || !signed::verifies(key, PURPOSE, &parts)? {
            return Err(tampered());
        }
        Ok(Self { default_store: text.default_store.parse()? })
    }

    /// Returns the signed bytes of the file.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn to_bytes(&self, ring: &Ring) -> Result<Vec<u8>> {
        let text = Text {
            format: 1,
            vault: ring.vault.to_string(),
            key: ring.current().id().to_string(),
            default_store: self.default_store.to_string(),
        };
        let json =
            serde_json::to_string(&text).map_err(|_| messages::vault::home::settings_not_serialized())?;
        Ok(signed::sign(ring.current(), PURPOSE, &json)?.0.into_bytes())
    }
}
