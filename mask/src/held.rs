//! Bytes that are held back, in memory that is wiped.

use zeroize::Zeroize;

/// Bytes that are wiped when they go, and in their old place when growing moves them.
#[derive(Default)]
pub struct Held(Vec<u8>);

impl Held {
    pub fn push(&mut self, byte: u8) {
        if self.0.len() == self.0.capacity() {
            let mut bigger = Vec::with_capacity((self.0.len() * 2).max(256));
            bigger.extend_from_slice(&self.0);
            self.0.zeroize();
            self.0 = bigger;
        }
        self.0.push(byte);
    }

    /// Returns the first bytes.
    pub fn first(&self, count: usize) -> &[u8] {
        self.0.get(..count).unwrap_or(&self.0)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Drops and wipes the first bytes.
    pub fn drop_first(&mut self, count: usize) {
        let gone = count.min(self.0.len());
        let left = self.0.len() - gone;
        self.0.copy_within(gone.., 0);
        if let Some(rest) = self.0.get_mut(left..) {
            rest.zeroize();
        }
        self.0.truncate(left);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
