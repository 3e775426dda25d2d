//! A line of a log, and where a log ends.

use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::event::Event;
use crate::error::Result;
use crate::seal::keys::{Ring, RingKey, label};
use crate::seal::signed::{self, Use};

/// The beginning of the last member of a line, which its MAC does not cover.
pub(super) const MAC_FIELD: &str = ",\"mac\":\"";

/// The end of a log, as the ledger records it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Head {
    /// The number of the last line.
    pub seq: u64,
    /// Its MAC, in Base64.
    pub mac: String,
    /// The length of the file, in bytes.
    pub len: u64,
}

impl Head {
    /// Returns whether a log whose last line has this number and this MAC ends here.
    #[must_use]
    pub fn is_at(&self, seq: u64, mac: &str) -> bool {
        self.seq == seq && signed::same(&self.mac, mac)
    }
}

/// A line of the log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Its number, from 1.
    pub seq: u64,
    /// When it was written, in Unix milliseconds.
    pub at: i64,
    /// The change.
    #[serde(flatten)]
    pub event: Event,
    /// The id of the vault key of its MAC.
    pub key: String,
    /// The MAC.
    pub mac: String,
}

/// Parses a line, and returns it with the part that its MAC covers.
pub(in crate::vault) fn parse_line(raw: &[u8]) -> Option<(Line, &str)> {
    let text = std::str::from_utf8(raw).ok()?;
    let line = serde_json::from_str(text).ok()?;
    Some((line, &text[..text.rfind(MAC_FIELD)?]))
}

pub(in crate::vault) fn mac_of(
    key: &RingKey,
    ring: &Ring,
    previous: &str,
    line: &str,
) -> Result<hmac::Hmac<Sha256>> {
    let salt = ring.machine_salt();
    let what = Use { salt: &salt, label: label::LOG };
    signed::mac(key, what, &[previous.as_bytes(), b"\n", line.as_bytes()])
}
