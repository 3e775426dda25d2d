//! How to undo a program's settings of its terminal.

use std::borrow::Cow;

/// The most settings that are kept.
const MAX: usize = 64;

/// The sequences that undo a program's settings, in the order in which they were made.
#[derive(Default)]
pub(super) struct Settings(Vec<Cow<'static, str>>);

impl Settings {
    /// Returns the sequences that undo all settings.
    pub(super) fn undo(&self) -> String {
        self.0.concat()
    }

    /// Notes a private mode that was turned on or off.
    pub(super) fn mode(&mut self, mode: usize, on: bool) {
        match mode {
            // The cursor and wrapping are on in most terminals from the start.
            7 => self.note("\x1b[?7h", !on),
            25 => self.note("\x1b[?25h", !on),
            _ => self.note(format!("\x1b[?{mode}l"), on),
        }
    }

    /// Notes colours and other renditions, or that they were reset.
    pub(super) fn rendition(&mut self, numbers: &[usize]) {
        self.note("\x1b[0m", numbers.iter().any(|number| *number > 0));
    }

    /// Notes how keys with modifiers are encoded (xterm).
    pub(super) fn other_keys(&mut self, numbers: &[usize]) {
        if numbers.first() == Some(&4) {
            self.note("\x1b[>4m", numbers.get(1).is_some_and(|level| *level > 0));
        }
    }

    /// Notes a keyboard mode that was pushed or popped (kitty).
    pub(super) fn keyboard(&mut self, on: bool) {
        const OFF: &str = "\x1b[<u";
        if !on {
            if let Some(last) = self.0.iter().rposition(|undo| undo == OFF) {
                self.0.remove(last);
            }
        } else if self.0.len() < MAX {
            self.0.push(OFF.into());
        }
    }

    fn note(&mut self, undo: impl Into<Cow<'static, str>>, left: bool) {
        let undo = undo.into();
        self.0.retain(|known| *known != undo);
        if left && self.0.len() < MAX {
            self.0.push(undo);
        }
    }
}
