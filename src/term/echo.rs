//! Shows an answer while it is typed.

use zeroize::Zeroizing;

use super::escape::safe;
use super::tty::Tty;
use crate::error::Result;

/// Shown in place of what may be a secret.
const HIDDEN: &str = "[not shown]";

/// The part of an answer that is shown so far.
#[derive(Default)]
pub(super) struct Echo {
    shown: Zeroizing<String>,
    hidden: bool,
    /// Shown after the answer.
    end: String,
}

impl Echo {
    /// Shows the answer as it is now, unless it may be a secret.
    pub(super) fn update(
        &mut self,
        tty: &Tty,
        value: &[u8],
        may_be_secret: &dyn Fn(&str) -> bool,
    ) -> Result<()> {
        // An incomplete character is not shown.
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

    /// Makes the next update show the key that interrupted, after the answer.
    pub(super) fn interrupt(&mut self, key: u8) {
        if let Some(letter @ b'@'..=b'_') = key.checked_add(b'@') {
            self.end = format!("^{}", char::from(letter));
        }
    }

    /// Returns whether the answer is shown.
    pub(super) fn is_shown(&self) -> bool {
        !self.hidden
    }
}
