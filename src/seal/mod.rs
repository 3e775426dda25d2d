//! Encryption: all use of age, and Strongroom's own stanzas. A cryptographer can review this room alone.
//!
//! Every encrypted file is an age v1 file (<https://c2sp.org/age>). What Strongroom adds is control over who
//! can *make* one: a record carries a stanza wrapped under the vault key with a MAC of its plaintext
//! ([`record`]), an unlock file a stanza wrapped under a secret of its method ([`unlock_file`]).
//! Readers use only these stanzas, so a file made by someone who merely knows a public recipient is refused.
//! Records carry a second stanza to the recovery recipient, with which stock age decrypts them too
//! ([`recovery`]).
//!
//! All primitives are age's own: HKDF-SHA-256, ChaCha20-Poly1305 with single-use keys and HMAC-SHA-256;
//! and Argon2id (RFC 9106) for passphrases.

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

use crate::error::Result;
use crate::messages;
use crate::secret::Buffer;

/// The largest encrypted record, and the largest unlock file, in bytes.
pub const RECORD_MAX: usize = 16 * 1024;

fn encrypt<'a>(
    recipients: impl Iterator<Item = &'a dyn age::Recipient>,
    plaintext: &[u8],
) -> Result<Vec<u8>> {
    let failed = |_| messages::seal::encryption_failed();
    let encryptor =
        Encryptor::with_recipients(recipients).map_err(|_| messages::seal::encryption_failed())?;
    let mut sealed = Vec::with_capacity(plaintext.len() + plaintext.len() / 1024 + 1024);
    let mut writer = encryptor.wrap_output(&mut sealed).map_err(failed)?;
    writer.write_all(plaintext).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(sealed)
}

/// Decrypts a whole file whose header passed [`scan::scan`]. Returns nothing before the last chunk is
/// authenticated.
fn decrypt(sealed: &[u8], identity: &dyn age::Identity) -> std::result::Result<Buffer, DecryptError> {
    let mut reader = Decryptor::new_buffered(sealed)?.decrypt(std::iter::once(identity))?;
    // More room than the plaintext can take, so that reading never moves it and leaves a copy.
    let mut plaintext = Vec::with_capacity(sealed.len() + 64);
    let read = reader.read_to_end(&mut plaintext);
    let plaintext = Buffer::from_vec(plaintext);
    read.map_err(DecryptError::Io)?;
    Ok(plaintext)
}

/// Returns `N` random bytes from the system.
///
/// # Errors
/// `INTERNAL` if the system has none.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| messages::seal::no_random_bytes())?;
    Ok(bytes)
}
