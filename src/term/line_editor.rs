//! Interprets the bytes typed or pasted at a prompt. No I/O: bytes and lapses of time go in, a value comes out.
//!
//! A line break ends a secret only if nothing follows it immediately: a token copied from a wrapped display is pasted
//! as a burst of lines, and its end must not reach the shell. Within a bracketed paste, line breaks never end a secret.
//! An answer to a question ends at the first line break.

use crate::secret::Buffer;

/// The most that is read from a terminal, in bytes.
pub(super) const MAX: usize = 64 * 1024;

/// The number of lapses, of a fifth of a second each, after which a paste or an escape sequence without an end is
/// considered over. A slow connection can interrupt either; one lapse would be too early.
const TORN: u8 = 5;

const BACKSPACE: u8 = 0x08;
const CTRL_C: u8 = 0x03;
const CTRL_D: u8 = 0x04;
const CTRL_U: u8 = 0x15;
const CTRL_W: u8 = 0x17;
const CTRL_BACKSLASH: u8 = 0x1c;
const ESC: u8 = 0x1b;
const BELL: u8 = 0x07;
const DELETE: u8 = 0x7f;

/// What to do after a byte or a lapse.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Read more.
    More,
    /// The value is complete.
    Done,
    /// The user cancelled.
    Cancelled,
    /// The value has more than [`MAX`] bytes.
    TooLarge,
}

/// The position of the last byte in an escape sequence.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    Started,
    /// After `ESC [`, with the parameter read so far: paste markers are 200 and 201.
    Csi {
        parameter: u16,
        first: bool,
    },
    /// One more byte belongs to it.
    LastByte,
    /// After `ESC ]` and similar, up to BEL or `ESC \`.
    Text,
}

/// What is typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Secret,
    /// It ends at the first line break. The terminal defines the key that interrupts.
    Answer {
        interrupt: u8,
    },
}

impl Line {
    fn is_ended_by(self, key: u8) -> bool {
        match self {
            Self::Secret => matches!(key, CTRL_C | CTRL_BACKSLASH),
            Self::Answer { interrupt } => key == interrupt,
        }
    }
}

/// The value typed so far, and the state that decides what the next byte means.
pub(super) struct Editor {
    value: Buffer,
    escape: Escape,
    pasting: bool,
    /// The last thing typed was a line break.
    ends_when_idle: bool,
    after_cr: bool,
    lapses: u8,
    line: Line,
}

impl Editor {
    /// Returns an editor for a secret.
    pub(super) fn new() -> Self {
        Self {
            // Room for nearly every token, so that the buffer does not have to grow and move.
            value: Buffer::with_capacity(4096),
            escape: Escape::None,
            pasting: false,
            ends_when_idle: false,
            after_cr: false,
            lapses: 0,
            line: Line::Secret,
        }
    }

    /// Returns an editor for the answer to a question. `interrupt` is the terminal's key to interrupt.
    pub(super) fn for_answer(interrupt: u8) -> Self {
        Self { line: Line::Answer { interrupt }, ..Self::new() }
    }

    /// Returns the value typed so far.
    pub(super) fn value(&self) -> &[u8] {
        self.value.expose()
    }

    /// Returns whether a lapse of time without input matters.
    pub(super) fn minds_time(&self) -> bool {
        self.ends_when_idle || self.pasting || self.escape != Escape::None
    }

    /// Notes that no byte arrived for a while.
    pub(super) fn lapse(&mut self) -> Step {
        self.lapses = self.lapses.saturating_add(1);
        // A person who presses Escape and then types means the next character.
        let lone_escape = self.escape == Escape::Started && !self.pasting;
        if lone_escape || self.lapses >= TORN {
            self.escape = Escape::None;
        }
        if self.lapses >= TORN {
            self.pasting = false;
        }
        if self.ends_when_idle && !self.pasting { Step::Done } else { Step::More }
    }

    /// Takes the next byte.
    pub(super) fn feed(&mut self, byte: u8) -> Step {
        self.lapses = 0;
        let after_cr = std::mem::replace(&mut self.after_cr, byte == b'\r');
        match self.escape {
            Escape::None => {}
            Escape::Started => match byte {
                b'[' => return self.within(Escape::Csi { parameter: 0, first: true }),
                b'O' | b'N' => return self.within(Escape::LastByte),
                b']' | b'P' | b'X' | b'^' | b'_' => return self.within(Escape::Text),
                0..ESC | 0x1c..=0x1f => self.escape = Escape::None,
                ESC => return Step::More,
                _ => return self.within(Escape::None),
            },
            Escape::Csi { parameter, first } => match byte {
                b'0'..=b'9' => {
                    let parameter = parameter.saturating_mul(10).saturating_add(u16::from(byte - b'0'));
                    return self.within(Escape::Csi { parameter, first: false });
                }
                // Function keys of the Linux console: `ESC [ [ A`.
                b'[' if first => return self.within(Escape::LastByte),
                0x20..=0x3f => return self.within(Escape::Csi { parameter: u16::MAX, first: false }),
                0x40..=0x7e => {
                    match (byte, parameter) {
                        (b'~', 200) => self.pasting = true,
                        (b'~', 201) => self.pasting = false,
                        _ => {}
                    }
                    return self.within(Escape::None);
                }
                _ => self.escape = Escape::None,
            },
            Escape::LastByte => match byte {
                0x20..=0x7e => return self.within(Escape::None),
                _ => self.escape = Escape::None,
            },
            Escape::Text => match byte {
                BELL => return self.within(Escape::None),
                ESC => return self.within(Escape::Started),
                _ => return Step::More,
            },
        }
        self.character(byte, after_cr)
    }

    fn within(&mut self, escape: Escape) -> Step {
        self.escape = escape;
        Step::More
    }

    fn character(&mut self, byte: u8, after_cr: bool) -> Step {
        match byte {
            ESC => return self.within(Escape::Started),
            b'\n' if after_cr => return Step::More,
            b'\r' | b'\n' if self.line != Line::Secret => return Step::Done,
            b'\r' | b'\n' => {
                self.ends_when_idle = !self.pasting;
                self.value.push(b'\n');
            }
            byte if !self.pasting && self.line.is_ended_by(byte) => return Step::Cancelled,
            CTRL_D if !self.pasting => {
                let empty = self.value.expose().iter().all(|byte| *byte == b'\n');
                return if empty { Step::Cancelled } else { Step::Done };
            }
            CTRL_U if !self.pasting => {
                self.value.truncate(0);
                self.ends_when_idle = false;
            }
            CTRL_W if !self.pasting => self.erase_word(),
            BACKSPACE | DELETE if !self.pasting => self.erase(),
            // Other keys (Ctrl-Z, Ctrl-S, …) mean nothing here. Pasted control characters stay,
            // so that the caller can refuse the value: dropping them would change it.
            0..0x20 if !self.pasting && byte != b'\t' => {}
            _ => {
                self.ends_when_idle = false;
                self.value.push(byte);
            }
        }
        if self.value.len() > MAX { Step::TooLarge } else { Step::More }
    }

    /// Removes the last character, however many bytes it has.
    fn erase(&mut self) {
        self.ends_when_idle = false;
        let value = self.value.expose();
        let start = value.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0);
        self.value.truncate(start);
    }

    /// Removes the last word and the white space after it.
    fn erase_word(&mut self) {
        self.ends_when_idle = false;
        let value = self.value.expose();
        let is_space = |byte: &u8| byte.is_ascii_whitespace();
        let word = value.iter().rposition(|byte| !is_space(byte)).map_or(0, |last| last + 1);
        let start = value.iter().take(word).rposition(is_space).map_or(0, |space| space + 1);
        self.value.truncate(start);
    }

    /// Returns the value without the line breaks at its end. Line breaks inside are `\n`, however they were typed.
    pub(super) fn finish(mut self) -> Buffer {
        let value = self.value.expose();
        let len = value.iter().rposition(|byte| *byte != b'\n').map_or(0, |last| last + 1);
        self.value.truncate(len);
        self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the outcome of these bytes in one burst, followed by silence.
    fn burst(bytes: &[u8]) -> (Step, Vec<u8>) {
        let mut editor = Editor::new();
        let mut step = Step::More;
        for byte in bytes {
            step = editor.feed(*byte);
            if step != Step::More {
                break;
            }
        }
        if step == Step::More {
            step = editor.lapse();
        }
        (step, editor.finish().expose().to_vec())
    }

    fn done(bytes: &[u8]) -> Vec<u8> {
        let (step, value) = burst(bytes);
        assert_eq!(step, Step::Done);
        value
    }

    #[test]
    fn a_line_is_what_was_typed() {
        assert_eq!(done(b"abc def\r"), b"abc def");
        assert_eq!(done(b"abc\r\n"), b"abc");
        assert_eq!(done(b"abc\n\n\n"), b"abc");
        assert_eq!(done("pä\u{df}\r".as_bytes()), "pä\u{df}".as_bytes());
        assert_eq!(burst(b"abc"), (Step::More, b"abc".to_vec()));
        assert_eq!(done(b"\r"), b"");
    }

    #[test]
    fn lines_in_a_burst_are_one_value() {
        assert_eq!(done(b"abc\rdef\rghi\r"), b"abc\ndef\nghi");
        assert_eq!(done(b"abc\r\ndef\r\n"), b"abc\ndef");
    }

    #[test]
    fn a_line_break_ends_the_input_only_after_a_lapse() {
        let mut editor = Editor::new();
        assert_eq!(editor.feed(b'a'), Step::More);
        assert!(!editor.minds_time());
        assert_eq!(editor.feed(b'\r'), Step::More);
        assert!(editor.minds_time());
        assert_eq!(editor.lapse(), Step::Done);
    }

    #[test]
    fn a_bracketed_paste_is_ended_by_enter_alone() {
        let paste = b"\x1b[200~abc\r\ndef\r\x1b[201~";
        assert_eq!(burst(paste), (Step::More, b"abc\ndef".to_vec()));
        assert_eq!(done(&[&paste[..], b"\r"].concat()), b"abc\ndef");
        // Keys that would edit or cancel if typed are content if pasted.
        assert_eq!(done(b"\x1b[200~a\x03b\x15\x1b[201~\r"), b"a\x03b\x15");
    }

    #[test]
    fn a_paste_without_its_end_is_over_in_time() {
        let mut editor = Editor::new();
        for byte in b"\x1b[200~abc\r" {
            assert_eq!(editor.feed(*byte), Step::More);
        }
        for _ in 0..TORN {
            assert_eq!(editor.lapse(), Step::More);
        }
        assert!(!editor.minds_time());
        assert_eq!(editor.feed(b'\r'), Step::More);
        assert_eq!(editor.lapse(), Step::Done);
        assert_eq!(editor.finish().expose(), b"abc");
    }

    #[test]
    fn a_torn_paste_marker_leaves_nothing_behind() {
        let bytes = b"\x1b[200~abc\x1b[201~\r";
        for cut in 1..bytes.len() {
            let mut editor = Editor::new();
            let (before, after) = bytes.split_at(cut);
            for byte in before {
                assert_eq!(editor.feed(*byte), Step::More);
            }
            // Only a lone Escape outside a paste is certainly typed by a person.
            if cut != 1 {
                assert_eq!(editor.lapse(), Step::More);
            }
            for byte in after {
                assert_eq!(editor.feed(*byte), Step::More);
            }
            assert_eq!(editor.lapse(), Step::Done);
            assert_eq!(editor.finish().expose(), b"abc", "cut at {cut}");
        }
    }

    #[test]
    fn escape_sequences_are_swallowed() {
        for keys in [
            &b"\x1b[A"[..],
            b"\x1b[1;5C",
            b"\x1bOP",
            b"\x1b[[A",
            b"\x1b[15~",
            b"\x1bx",
            b"\x1b\x1b[D",
            b"\x1b]11;rgb:0/0/0\x07",
            b"\x1b]11;rgb:0/0/0\x1b\\",
            b"\x1b[?1;2c",
            b"\x1b[12;40R",
        ] {
            assert_eq!(done(&[b"ab", keys, b"cd\r"].concat()), b"abcd", "{keys:?}");
        }
    }

    #[test]
    fn a_lone_escape_takes_no_character_with_it() {
        let mut editor = Editor::new();
        editor.feed(ESC);
        assert!(editor.minds_time());
        assert_eq!(editor.lapse(), Step::More);
        editor.feed(b'a');
        assert_eq!(editor.finish().expose(), b"a");
    }

    #[test]
    fn editing() {
        assert_eq!(done(b"abx\x7fc\r"), b"abc");
        assert_eq!(done("ab\u{e9}\u{1f511}\x08\x08c\r".as_bytes()), b"abc");
        assert_eq!(done(b"\x7f\x7fabc\r"), b"abc");
        assert_eq!(done(b"wrong\x15abc\r"), b"abc");
        assert_eq!(done(b"a\x1ab\x13c\x00\r"), b"abc");
        assert_eq!(done(b"wrong\x17abc\r"), b"abc");
        assert_eq!(done(b"one two \x17three\r"), b"one three");
        assert_eq!(done(b"one two\x17\x17\x17three\r"), b"three");
        assert_eq!(done(b"\x17abc \tx\x17\x17\x17abc\r"), b"abc");
        assert_eq!(done("caf\u{e9} \u{1f511}\u{1f511}\x17t\r".as_bytes()), "caf\u{e9} t".as_bytes());
    }

    #[test]
    fn an_answer_ends_at_the_first_line_break() {
        for (typed, step, answer) in [
            (&b"abc\r"[..], Step::Done, &b"abc"[..]),
            (b"abc\n", Step::Done, b"abc"),
            (b"\r", Step::Done, b""),
            (b"a\x17b\x7fcd\r", Step::Done, b"cd"),
            (b"\x1b[200~abc\r", Step::Done, b"abc"),
            (b"ab\x18", Step::Cancelled, b"ab"),
            (b"ab\x03\x1c\r", Step::Done, b"ab"),
            (b"\x04", Step::Cancelled, b""),
            (b"ab\x04", Step::Done, b"ab"),
        ] {
            let mut editor = Editor::for_answer(0x18);
            let last = typed.iter().map(|byte| editor.feed(*byte)).last();
            assert_eq!((last, editor.value()), (Some(step), answer), "{typed:?}");
        }
    }

    #[test]
    fn ways_out() {
        assert_eq!(burst(b"abc\x03").0, Step::Cancelled);
        assert_eq!(burst(b"abc\x1c").0, Step::Cancelled);
        assert_eq!(burst(b"\x04").0, Step::Cancelled);
        assert_eq!(burst(b"abc\x04"), (Step::Done, b"abc".to_vec()));
        assert_eq!(burst(b"\x1b[\x03").0, Step::Cancelled);
    }

    #[test]
    fn size_is_bounded() {
        assert_eq!(done(&[&vec![b'x'; MAX - 1][..], b"\r"].concat()).len(), MAX - 1);
        assert_eq!(burst(&vec![b'x'; MAX + 1]).0, Step::TooLarge);
    }
}
