//! Text that is authenticated but not secret: a line of JSON, and a line with its MAC.
//!
//! ```text
//! {"format":1,…}
//! mac 5x0au4OI8nDW6Xe75K70gl0On9ez5U96xUsLHs35oJU
//! ```
//!
//! The MAC is HMAC-SHA-256 over the first line without its line break, under a key derived for this
//! use. Ledgers, anchors and settings have this form.

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::keys::RingKey;
use crate::error::Result;
use crate::messages;

const MAC_LINE: &str = "\nmac ";

/// The use that a text is signed for. It does not verify for any other use.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// The salt of the derived key.
    pub salt: &'a str,
    /// The label of the derived key.
    pub label: &'static [u8],
}

/// A signed text that was split but not verified.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The line of JSON.
    pub json: &'a str,
    /// The MAC, in Base64.
    pub mac: &'a str,
}

/// Computes the MAC of some bytes.
///
/// # Errors
/// `INTERNAL`.
pub fn mac(key: &RingKey, what: Use<'_>, bytes: &[&[u8]]) -> Result<Hmac<Sha256>> {
    let derived = key.derive(what.salt.as_bytes(), what.label);
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(derived.as_slice())
        .map_err(|_| messages::seal::hmac_refused())?;
    for bytes in bytes {
        mac.update(bytes);
    }
    Ok(mac)
}

/// Returns a finished MAC in Base64.
#[must_use]
pub fn encoded(mac: Hmac<Sha256>) -> String {
    BASE64_STANDARD_NO_PAD.encode(mac.finalize().into_bytes())
}

/// Returns whether a MAC in Base64 is the computed one. The comparison takes constant time.
#[must_use]
pub fn is(mac: Hmac<Sha256>, claimed: &str) -> bool {
    BASE64_STANDARD_NO_PAD.decode(claimed).is_ok_and(|claimed| mac.verify_slice(&claimed).is_ok())
}

/// Returns whether two MACs in Base64 are equal. The comparison takes constant time, so that its duration does not
/// reveal the right one.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// Signs a line of JSON, and returns the whole text and its MAC.
///
/// # Errors
/// `INTERNAL`.
pub fn sign(key: &RingKey, what: Use<'_>, json: &str) -> Result<(String, String)> {
    let mac = encoded(mac(key, what, &[json.as_bytes()])?);
    Ok((format!("{json}{MAC_LINE}{mac}\n"), mac))
}

/// Splits a signed text. Returns `None` if it does not have exactly this form.
#[must_use]
pub fn split(bytes: &[u8]) -> Option<Parts<'_>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (json, mac) = text.strip_suffix('\n')?.split_once(MAC_LINE)?;
    (!mac.contains('\n')).then_some(Parts { json, mac })
}

/// Returns whether the text was signed for this use with the key.
///
/// # Errors
/// `INTERNAL`.
pub fn verifies(key: &RingKey, what: Use<'_>, parts: &Parts<'_>) -> Result<bool> {
    Ok(is(mac(key, what, &[parts.json.as_bytes()])?, parts.mac))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::keys::{VaultKey, label};

    #[test]
    fn every_altered_byte_and_every_other_use_is_refused() {
        let key = VaultKey::from_bytes(&[1; 32]);
        let key = RingKey::from_bytes(key.id(), key.expose());
        let what = Use { salt: "machine:1", label: label::LEDGER };
        let (text, _) = sign(&key, what, r#"{"number":7}"#).unwrap();
        let good = |bytes: &[u8], what: Use<'_>| {
            split(bytes).is_some_and(|parts| verifies(&key, what, &parts).unwrap())
        };
        assert!(good(text.as_bytes(), what));
        for at in 0..text.len() {
            let mut altered = text.clone().into_bytes();
            altered[at] ^= 1;
            assert!(!good(&altered, what), "{at}");
            assert!(!good(&text.as_bytes()[..at], what), "{at}");
        }
        assert!(!good(text.as_bytes(), Use { salt: "machine:2", ..what }));
        assert!(!good(text.as_bytes(), Use { label: label::ANCHOR, ..what }));
    }
}
