//! Lines that are put into a person's file, and can be taken out of it again.

use crate::secret::Buffer;

/// Lines that are put into a text, as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Insertion {
    /// Where, in bytes of the text before.
    pub at: usize,
    /// What is put there: whole lines, after a line end if the last line of the text has none.
    pub text: String,
}

impl Insertion {
    /// Returns a text with the insertion. A place beyond its end counts as its end.
    #[must_use]
    pub fn applied(&self, text: &str) -> Buffer {
        let (before, after) = text.as_bytes().split_at(self.at.min(text.len()));
        let mut out = Buffer::with_capacity(text.len() + self.text.len());
        for part in [before, self.text.as_bytes(), after] {
            out.extend(part);
        }
        out
    }
}
