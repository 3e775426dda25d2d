//! What a memory search looks for: secrets, in every form in which a program may keep them.

use strongroom::secret::ExposeSecret;
use strongroom::unlock::{MethodSecret, key_text, unlock_files};
use strongroom_backends::fs::dir::Dir;

use crate::session::Session;

/// Pieces of secrets, each with the name of its secret.
#[derive(Default, Clone)]
pub struct Needles(pub Vec<(String, Vec<u8>)>);

impl Needles {
    /// A text, whole or in part: its beginning, middle and end.
    pub fn text(mut self, name: &str, secret: &str) -> Self {
        let bytes = secret.as_bytes();
        let piece = 12.min(bytes.len());
        for at in [0, (bytes.len() - piece) / 2, bytes.len() - piece] {
            self.piece(name, &bytes[at..at + piece]);
        }
        self.encoded(name, bytes);
        self
    }

    /// Bytes of a key.
    pub fn key(mut self, name: &str, key: &[u8]) -> Self {
        for piece in key.chunks(12).filter(|piece| piece.len() == 12) {
            self.piece(name, piece);
        }
        self.encoded(name, key);
        self
    }

    /// An age identity: its text without the common prefix, and the key that it encodes.
    pub fn identity(self, name: &str, text: &str) -> Self {
        let text = text.trim();
        let spelled = text.strip_prefix("AGE-SECRET-KEY-1").unwrap();
        let alphabet = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
        let mut bits = (0u32, 0u32);
        let mut key = Vec::new();
        for c in spelled.chars().take(52) {
            let value = u32::try_from(alphabet.find(c).unwrap()).unwrap();
            bits = (bits.0 << 5 | value, bits.1 + 5);
            if bits.1 >= 8 {
                bits.1 -= 8;
                key.push(u8::try_from(bits.0 >> bits.1 & 0xff).unwrap());
            }
        }
        assert_eq!(key.len(), 32);
        self.text(name, spelled).text(name, &spelled.to_lowercase()).key(name, &key)
    }

    fn encoded(&mut self, name: &str, bytes: &[u8]) {
        use base64::Engine;
        use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
        let hex = strongroom::hex::hex(bytes);
        self.piece(name, &hex.as_bytes()[..24.min(hex.len())]);
        for shift in 0..3 {
            let shifted = [&[0; 3][..shift], bytes].concat();
            for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
                // The part that the bytes before and after do not change.
                let text = engine.encode(&shifted);
                self.piece(name, &text.as_bytes()[4..20.min(text.len() - 2)]);
            }
        }
    }

    pub fn and(mut self, others: &Self) -> Self {
        for (name, piece) in &others.0 {
            self.piece(name, piece);
        }
        self
    }

    fn piece(&mut self, name: &str, piece: &[u8]) {
        if !self.0.iter().any(|(_, known)| known == piece) {
            self.0.push((name.to_owned(), piece.to_vec()));
        }
    }

    /// Returns every secret of a vault that a key file opens.
    pub fn vault(self, session: &Session) -> Self {
        let text = std::fs::read(session.key_file()).unwrap();
        let key = key_text::parse(&text, "it").unwrap();
        let needles = self.key("unlock key", key.expose_secret());
        needles.payload(session, MethodSecret::Key(key))
    }

    pub fn payload(mut self, session: &Session, secret: MethodSecret) -> Self {
        let slots = unlock_files::list(&Dir::open(&session.home()).unwrap()).unwrap();
        let payload = unlock_files::open(&slots, secret, "it").unwrap().payload;
        for key in &payload.keys {
            self = self.key("vault key", key.expose());
        }
        self.identity("recovery key", payload.recovery.expose_secret())
            .identity("transfer identity", payload.transfer.expose_secret())
    }
}
