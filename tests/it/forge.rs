//! What an attacker with the recovery key can make: a file under the file key of another file.

use std::cell::RefCell;

use age::secrecy::ExposeSecret;
use age_core::format::{FileKey, Stanza};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Remembers the file key that the recovery identity unwraps.
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

/// Returns the file key that the recovery key unwraps, and the plaintext.
fn opened(sealed: &[u8], recovery_key: &str) -> (Vec<u8>, String) {
    let capture = Capture { identity: recovery_key.trim().parse().unwrap(), file_key: RefCell::new(None) };
    let mut plain = String::new();
    let opened = age::Decryptor::new_buffered(sealed).unwrap().decrypt(std::iter::once(&capture as _));
    std::io::Read::read_to_string(&mut opened.unwrap(), &mut plain).unwrap();
    (capture.file_key.into_inner().unwrap(), plain)
}

/// Returns what stock age decrypts of a file with the recovery key.
pub fn shown(sealed: &[u8], recovery_key: &str) -> String {
    opened(sealed, recovery_key).1
}

/// Returns the MAC of a header up to and including its `---`.
fn header_mac(file_key: &[u8], unsigned: &[u8]) -> String {
    use base64::Engine;
    let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&derive(file_key, None, b"header")).unwrap();
    mac.update(unsigned);
    base64::prelude::BASE64_STANDARD_NO_PAD.encode(mac.finalize().into_bytes())
}

/// Returns the file with the same header, and another payload under the same file key.
pub fn rewritten(sealed: &[u8], recovery_key: &str, edit: impl Fn(&str) -> String) -> Vec<u8> {
    let (file_key, plain) = opened(sealed, recovery_key);

    // The MAC of the header can be computed again, because its key comes from the file key.
    let end = sealed.windows(5).position(|at| at == b"\n--- ").unwrap();
    let unsigned = &sealed[..end + 4];
    let mac = header_mac(&file_key, unsigned);
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

/// Returns the same file key and payload, with the recovery stanza for another recipient: the vault key still opens the
/// file, and the recovery key no longer does.
pub fn readdressed(sealed: &[u8], recovery_key: &str, recipient: &str) -> Vec<u8> {
    use age::Recipient;
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD_NO_PAD;
    let (file_key, _) = opened(sealed, recovery_key);
    let mut copied = [0; 16];
    copied.copy_from_slice(&file_key);
    let recipient: age::x25519::Recipient = recipient.parse().unwrap();
    let (stanzas, _) = recipient.wrap_file_key(&FileKey::new(Box::new(copied))).unwrap();

    let end = sealed.windows(5).position(|at| at == b"\n--- ").unwrap();
    let payload = end + 1 + sealed[end + 1..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let header = std::str::from_utf8(&sealed[..end]).unwrap();
    let before = &header[..header.find("\n-> X25519 ").unwrap()];
    let mut forged = format!("{before}\n");
    for stanza in &stanzas {
        let body = BASE64_STANDARD_NO_PAD.encode(&stanza.body);
        forged.push_str(&format!("-> {} {}\n{body}\n", stanza.tag, stanza.args.join(" ")));
    }
    forged.push_str("---");
    let mac = header_mac(&file_key, forged.as_bytes());
    forged.push_str(&format!(" {mac}\n"));
    [forged.as_bytes(), &sealed[payload..]].concat()
}
