//! Sealing: all of age, and Strongroom's own stanzas, for a cryptographer to read alone.
//!
//! Every sealed thing is an age v1 file (<https://c2sp.org/age>). What Strongroom adds is who may
//! *make* one: a record carries a stanza wrapped under the vault key with a MAC of its plaintext
//! ([`record`]), an unlock file a stanza wrapped under a secret of its method ([`unlock_file`]).
//! Readers open by these stanzas alone, so a file made by anyone who merely knows a public
//! recipient does not open. Records carry a second stanza to the recovery recipient, by which
//! stock age opens them too ([`recovery`]).
//!
//! All primitives are those of age itself: HKDF-SHA-256, ChaCha20-Poly1305 with a key used once,
//! HMAC-SHA-256; and Argon2id (RFC 9106) for passphrases.

pub mod argon2id;
pub mod armor;
pub mod bundle;
pub mod keys;
pub mod label;
pub mod received;
pub mod record;
pub mod recovery;
pub mod scan;
pub mod signed;
pub mod stanza;
pub mod unlock_file;
mod vault_key;

use std::io::{Read, Write};

use age::{DecryptError, Decryptor, Encryptor};

use crate::error::{Code, Error, Result};
use crate::secret::Buffer;

/// The largest sealed record, and the largest unlock file, in bytes.
pub const RECORD_MAX: usize = 16 * 1024;

fn encrypt<'a>(
    recipients: impl Iterator<Item = &'a dyn age::Recipient>,
    plaintext: &[u8],
) -> Result<Vec<u8>> {
    let failed = |_| Error::new(Code::Internal, "sealing failed");
    let encryptor =
        Encryptor::with_recipients(recipients).map_err(|_| Error::new(Code::Internal, "sealing failed"))?;
    let mut sealed = Vec::with_capacity(plaintext.len() + plaintext.len() / 1024 + 1024);
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(failed)?;
    writer.write_all(plaintext).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(sealed)
}

/// Decrypts a whole file whose header passed [`scan::scan`]. Nothing is released before the last
/// chunk was authenticated.
fn decrypt(sealed: &[u8], identity: &dyn age::Identity) -> std::result::Result<Buffer, DecryptError> {
    let mut reader = Decryptor::new_buffered(sealed)?.decrypt(std::iter::once(identity))?;
    // Room for one byte more than there can be, so that reading never moves the plaintext.
    let mut plaintext = Vec::with_capacity(sealed.len() + 64);
    let read = reader.read_to_end(&mut plaintext);
    let plaintext = Buffer::from_vec(plaintext);
    read.map_err(DecryptError::Io)?;
    Ok(plaintext)
}

/// Random bytes of the system.
///
/// # Errors
/// `INTERNAL` when the system has none to give.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| Error::new(Code::Internal, "the system gives no random bytes"))?;
    Ok(bytes)
}
