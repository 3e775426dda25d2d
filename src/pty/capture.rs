//! Takes a token out of another program's output, and returns what may be shown: the same output, with the token's
//! characters after its prefix replaced by asterisks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::screen::Screen;
pub use super::screen::Wanted;
use super::settings::Settings;
use crate::secret::Buffer;

/// The longest text of an operating system command (a title, a link) that is passed on, in bytes.
const TEXT_MAX: usize = 8 * 1024;
/// The longest control sequence that is interpreted, in bytes.
const CONTROL_MAX: usize = 64;

const ESC: u8 = 0x1b;
const BELL: u8 = 0x07;

/// The position of the last byte in an escape sequence.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ground,
    Escape,
    /// After `ESC (` and similar: one more byte.
    Charset,
    Control,
    /// After `ESC ]` and similar, up to BEL or `ESC \`.
    Text,
    TextEscape,
}

/// Filters a token out of a program's output.
pub struct Capture {
    wanted: Wanted,
    screen: Screen,
    state: State,
    control: Vec<u8>,
    text: Buffer,
    /// The bytes so far of a character of several bytes.
    utf8: Vec<u8>,
    best: Option<Buffer>,
    longest: usize,
    several: bool,
    /// Whether a part of a token was drawn since the whole screen was last searched.
    fresh: bool,
    settings: Settings,
}

/// What was found in a program's output.
pub struct Taken {
    /// The token, if a whole one was printed.
    pub token: Option<Buffer>,
    /// The length of the longest piece of a token, in characters.
    pub longest: usize,
    /// Whether different tokens of the usual length were printed; the last one is taken.
    pub several: bool,
}

impl Capture {
    /// Returns a filter for a terminal of this size, 0 if unknown.
    #[must_use]
    pub fn new(wanted: Wanted, rows: u16, cols: u16) -> Self {
        Self {
            wanted,
            screen: Screen::new(rows.into(), cols.into()),
            state: State::Ground,
            control: Vec::new(),
            text: Buffer::default(),
            utf8: Vec::new(),
            best: None,
            longest: 0,
            several: false,
            fresh: false,
            settings: Settings::default(),
        }
    }

    /// Changes the size of the terminal.
    pub fn resize(&mut self, rows: u16, cols: u16) {
        self.scan(true);
        self.screen.resize(rows.into(), cols.into());
    }

    /// Filters output, and appends what may be shown.
    pub fn feed(&mut self, bytes: &[u8], shown: &mut Vec<u8>) {
        for byte in bytes {
            self.byte(*byte, shown);
            if self.screen.scrolled >= 16 {
                self.scan(false);
            }
        }
        self.scan(false);
    }

    /// Returns whether the cursor is at the beginning of a line.
    #[must_use]
    pub fn at_line_start(&self) -> bool {
        self.screen.column() == 0
    }

    /// Returns the sequences that undo the program's settings of its terminal.
    #[must_use]
    pub fn undo(&self) -> String {
        // An unfinished sequence would swallow what comes next.
        let cut_short = if self.state == State::Control { "\x18" } else { "" };
        format!("{cut_short}{}", self.settings.undo())
    }

    /// Returns what was found.
    #[must_use]
    pub fn finish(mut self) -> Taken {
        self.scan(true);
        Taken { token: self.best, longest: self.longest, several: self.several }
    }

    fn byte(&mut self, byte: u8, shown: &mut Vec<u8>) {
        match self.state {
            State::Ground => match byte {
                // It is shown together with what follows, because some sequences are not passed on.
                ESC => self.state = State::Escape,
                0..0x20 | 0x7f => {
                    self.execute(byte);
                    shown.push(byte);
                }
                _ => self.character(byte, shown),
            },
            State::Escape => self.escape(byte, shown),
            State::Charset => {
                self.state = State::Ground;
                shown.push(byte);
            }
            State::Control if byte == ESC => self.state = State::Escape,
            State::Control => {
                shown.push(byte);
                match byte {
                    0x18 | 0x1a => self.state = State::Ground,
                    0..0x20 => self.execute(byte),
                    0x40..=0x7e => {
                        self.state = State::Ground;
                        self.control_end(byte);
                    }
                    _ if self.control.len() < CONTROL_MAX => self.control.push(byte),
                    _ => {}
                }
            }
            State::Text => match byte {
                BELL => self.text_end(b"\x07", shown),
                ESC => self.state = State::TextEscape,
                0x18 | 0x1a => self.text_drop(),
                _ if self.text.len() <= TEXT_MAX => self.text.push(byte),
                _ => {}
            },
            State::TextEscape => {
                if byte == b'\\' {
                    self.text_end(b"\x1b\\", shown);
                } else {
                    self.text_drop();
                    self.escape(byte, shown);
                }
            }
        }
    }

    fn escape(&mut self, byte: u8, shown: &mut Vec<u8>) {
        self.state = State::Ground;
        match byte {
            b'[' => {
                self.control.clear();
                self.state = State::Control;
            }
            b']' | b'P' | b'X' | b'^' | b'_' => {
                self.state = State::Text;
                self.text.truncate(0);
                self.text.extend(&[ESC, byte]);
                return;
            }
            b'(' | b')' | b'*' | b'+' | b'#' | b' ' | b'%' => self.state = State::Charset,
            b'7' => self.screen.save_cursor(),
            b'8' => self.screen.restore_cursor(),
            b'D' => self.line_feed(),
            b'E' => {
                self.screen.carriage_return();
                self.line_feed();
            }
            b'M' => {
                self.before_it_goes();
                self.screen.reverse_line_feed();
            }
            b'c' => {
                self.scan(true);
                self.screen.reset_region();
                self.screen.clear();
            }
            ESC => {
                self.state = State::Escape;
                shown.push(ESC);
                return;
            }
            _ => {}
        }
        shown.extend_from_slice(&[ESC, byte]);
    }

    fn execute(&mut self, byte: u8) {
        self.utf8.clear();
        match byte {
            b'\r' => self.screen.carriage_return(),
            b'\n' | 0x0b | 0x0c => self.line_feed(),
            0x08 => self.screen.backspace(),
            b'\t' => self.screen.tab(),
            _ => {}
        }
    }

    fn line_feed(&mut self) {
        if self.screen.loses_a_row() {
            self.before_it_goes();
        }
        self.screen.line_feed();
    }

    /// Searches for the token before a part of one is erased or moved off the screen.
    fn before_it_goes(&mut self) {
        if self.fresh {
            self.scan(true);
        }
    }

    fn character(&mut self, byte: u8, shown: &mut Vec<u8>) {
        if self.screen.is_at_edge() && self.screen.loses_a_row() {
            self.before_it_goes();
        }
        let mut masked = false;
        if byte.is_ascii() {
            self.utf8.clear();
            masked = self.screen.put(char::from(byte), &self.wanted);
        } else {
            if byte >= 0xc0 {
                self.utf8.clear();
            }
            self.utf8.push(byte);
            if let Some(character) = std::str::from_utf8(&self.utf8).ok().and_then(|text| text.chars().next())
            {
                self.utf8.clear();
                self.screen.put(character, &self.wanted);
            } else if self.utf8.len() >= 4 {
                self.utf8.clear();
            }
        }
        self.fresh |= masked;
        shown.push(if masked { b'*' } else { byte });
    }

    fn control_end(&mut self, last: u8) {
        if self.control.iter().any(|byte| (b' '..=b'/').contains(byte)) {
            // An intermediate byte makes it another sequence. Of these, only a soft reset matters.
            if self.control == b"!" && last == b'p' {
                self.screen.reset_region();
            }
            return;
        }
        let private = self.control.first().copied().filter(|byte| matches!(byte, b'<'..=b'?'));
        let numbers: Vec<usize> = self
            .control
            .split(|byte| *byte == b';')
            .map(|text| {
                let digits = text.iter().filter(|byte| byte.is_ascii_digit());
                digits.fold(0usize, |n, digit| n.saturating_mul(10).saturating_add(usize::from(digit - b'0')))
            })
            .collect();
        match (private, last) {
            (Some(b'?'), b'h' | b'l') => {
                for mode in numbers {
                    self.mode(mode, last == b'h');
                }
            }
            (Some(b'>'), b'u') => self.settings.keyboard(true),
            (Some(b'<'), b'u') => self.settings.keyboard(false),
            (Some(b'>'), b'm') => self.settings.other_keys(&numbers),
            (None, b'm') => self.settings.rendition(&numbers),
            (None, _) => {
                match last {
                    b'J' => self.scan(true),
                    b'K' | b'L' | b'M' | b'P' | b'S' | b'T' | b'X' | b'@' | b'^' => self.before_it_goes(),
                    _ => {}
                }
                self.screen.control(last, &numbers);
            }
            _ => {}
        }
    }

    fn mode(&mut self, mode: usize, on: bool) {
        self.settings.mode(mode, on);
        if matches!(mode, 47 | 1047 | 1049) {
            self.scan(true);
            self.screen.clear();
        }
    }

    /// Passes on a title, a link or a text for the clipboard, unless it contains a token.
    fn text_end(&mut self, end: &[u8], shown: &mut Vec<u8>) {
        let text = self.text.expose();
        let prefix = self.wanted.prefix.as_bytes();
        let holds = |text: &[u8]| text.windows(prefix.len()).any(|window| window == prefix);
        let copied = text.strip_prefix(b"\x1b]52;").map(|copied| {
            let encoded = copied.rsplit(|byte| *byte == b';').next().unwrap_or_default();
            STANDARD.decode(encoded).map(Zeroizing::new)
        });
        let secret = match copied {
            Some(Ok(copied)) => holds(&copied),
            Some(Err(_)) => true,
            None => holds(text),
        };
        if !secret && text.len() <= TEXT_MAX {
            shown.extend_from_slice(text);
            shown.extend_from_slice(end);
        }
        self.text_drop();
    }

    fn text_drop(&mut self) {
        self.text.truncate(0);
        self.state = State::Ground;
    }

    /// Searches for the token. A program that redraws its screen erases it piece by piece, so a part of an earlier
    /// token, or one of an unusual length, does not replace it.
    fn scan(&mut self, all: bool) {
        self.screen.scrolled = 0;
        // Without `all`, the row of the cursor is not searched.
        self.fresh &= !all;
        for token in self.screen.tokens(&self.wanted, all) {
            self.longest = self.longest.max(token.len());
            let usual = |token: &Buffer| token.len() == self.wanted.usual;
            let better = match &self.best {
                None => true,
                Some(best) => (usual(&token) || !usual(best)) && !best.expose().starts_with(token.expose()),
            };
            if token.len() >= self.wanted.min && better {
                self.several |= usual(&token) && self.best.as_ref().is_some_and(usual);
                self.best = Some(token);
            }
        }
    }
}

#[cfg(test)]
#[path = "capture_tests.rs"]
mod tests;
