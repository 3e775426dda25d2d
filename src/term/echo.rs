//! What a question shows of its answer while that is typed.

use zeroize::Zeroizing;

use super::escape::safe;
use super::tty::Tty;
use crate::error::Result;

/// What stands in the place of what may be a secret.
const HIDDEN: &str = "[not shown]";

/// What is shown of an answer so far.
#[derive(Default)]
pub(super) struct Echo {
    shown: Zeroizing<String>,
    hidden: bool,
    /// Shown after it.
    end: String,
}

impl Echo {
    /// Shows what the answer is now. Of one that may be a secret it shows nothing.
    pub(super) fn update(
        &mut self,
        tty: &Tty,
        value: &[u8],
        may_be_secret: &dyn Fn(&str) -> bool,
    ) -> Result<()> {
        // Of a character that is not yet whole nothing.
        let valid = std::str::from_utf8(value).map_or_else(|error| error.valid_up_to(), str::len);
        let text = value.get(..valid).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
        self.hidden = may_be_secret(text);
        let mut next = Zeroizing::new(if self.hidden { HIDDEN.to_owned() } else { safe(text).into_owned() });
        next.push_str(&self.end);
        let same = self.shown.chars().zip(next.chars()).take_while(|(old, new)| old == new).count();
        let back = self.shown.chars().count() - same;
        let change: Zeroizing<String> =
            Zeroizing::new("\x08 \x08".repeat(back).chars().chain(next.chars().skip(same)).collect());
        self.shown = next;
        if change.is_empty() { Ok(()) } else { tty.write_raw(change.as_bytes()) }
    }

    /// Has the key that interrupted shown after the answer.
    pub(super) fn interrupt(&mut self, key: u8) {
        if let Some(letter @ b'@'..=b'_') = key.checked_add(b'@') {
            self.end = format!("^{}", char::from(letter));
        }
    }

    /// Whether the answer is shown.
    pub(super) fn is_shown(&self) -> bool {
        !self.hidden
    }
}
