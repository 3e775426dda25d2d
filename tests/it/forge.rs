//! What an attacker can make who holds the recovery key: a file under the file key of another.

use std::cell::RefCell;

use age::secrecy::ExposeSecret;
use age_core::format::{FileKey, Stanza};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Keeps the file key that the recovery identity unwraps.
struct Capture {
    identity: age::x25519::Identity,
    file_key: RefCell<Option<Vec<u8>>>,
}

impl age::Identity for Capture {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        let unwrapped = self.identity.unwrap_stanza(stanza)?;
        if let Ok(key) = &unwrapped {
            *self.file_key.borrow_mut() = Some(key.expose_secret().to_vec());
        }
        Some(unwrapped)
    }
}

fn derive(file_key: &[u8], salt: Option<&[u8]>, info: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(salt, file_key).expand(info, &mut key).unwrap();
    key
}

/// The file with its header as it is, and another payload under the same file key.
pub fn rewritten(sealed: &[u8], recovery_key: &str, edit: impl Fn(&str) -> String) -> Vec<u8> {
    use base64::Engine;
    let capture = Capture { identity: recovery_key.trim().parse().unwrap(), file_key: RefCell::new(None) };
    let mut plain = String::new();
    let opened = age::Decryptor::new_buffered(sealed).unwrap().decrypt(std::iter::once(&capture as _));
    std::io::Read::read_to_string(&mut opened.unwrap(), &mut plain).unwrap();
    let file_key = capture.file_key.into_inner().unwrap();

    // The header's own MAC can be made anew: its key comes from the file key.
    let end = sealed.windows(5).position(|at| at == b"\n--- ").unwrap();
    let unsigned = &sealed[..end + 4];
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&derive(&file_key, None, b"header")).unwrap();
    mac.update(unsigned);
    let mac = base64::prelude::BASE64_STANDARD_NO_PAD.encode(mac.finalize().into_bytes());
    let mut forged = unsigned.to_vec();
    forged.extend_from_slice(format!(" {mac}\n").as_bytes());
    assert!(sealed.starts_with(&forged), "the header is the same, MAC and all");

    let nonce = [7; 16];
    let cipher = ChaCha20Poly1305::new(&derive(&file_key, Some(&nonce), b"payload").into());
    let last_chunk = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    forged.extend_from_slice(&nonce);
    forged.extend(cipher.encrypt(Nonce::from_slice(&last_chunk), edit(&plain).as_bytes()).unwrap());
    forged
}
