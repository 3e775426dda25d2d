//! Passes over text in which no secret begins, which is most of it.

use crate::escape::{BACKSPACE, ESC, Escape, Step};
use crate::forms::Form;

/// How the forms begin.
pub struct Beginnings {
    /// The first two bytes of each form.
    forms: Pairs,
    /// The same, and two bytes that may stand for them: with line breaks, escapes and sequences for a terminal.
    any: Pairs,
    /// The first three bytes of each form, in order.
    three: Vec<[u8; 3]>,
}

/// What an escape sequence at the beginning of a text stands for.
enum Stands {
    For(u8),
    ForNothing,
    /// The text ends before it does.
    Open,
}

impl Beginnings {
    /// Learns how forms begin.
    pub fn of(forms: &[Form]) -> Self {
        let mut known = Self { forms: Pairs::none(), any: Pairs::none(), three: Vec::new() };
        for form in forms {
            let [first, second, third, ..] = *form.as_slice() else { continue };
            known.three.push([first, second, third]);
            known.forms.add(first, second);
            for second in [second, first, b' ', b'\\', b'%', b'\r', b'\n', ESC] {
                known.any.add(first, second);
            }
        }
        if !forms.is_empty() {
            (0..=255).for_each(|second| known.any.add(b'\\', second));
            b"0123456789abcdefABCDEF".iter().for_each(|second| known.any.add(b'%', *second));
        }
        known.three.sort_unstable();
        known.three.dedup();
        known
    }

    /// Returns how many bytes at the beginning of a text are certainly not part of a secret.
    pub fn plain(&self, text: &[u8]) -> usize {
        let mut begun = 0;
        // Most bytes take one look.
        while let Some(at) = text[begun..].windows(2).position(|pair| self.any.have(pair[0], pair[1])) {
            if self.may_begin(&text[begun + at..]) {
                return begun + at;
            }
            begun += at + 1;
        }
        match text.last() {
            Some(last) if self.any.have_first(*last) => text.len() - 1,
            _ => text.len(),
        }
    }

    /// Returns whether a secret may begin at the beginning of a text.
    fn may_begin(&self, text: &[u8]) -> bool {
        let Some((first, rest)) = text.split_first() else { return true };
        if self.forms.have_first(*first) && self.may_go_on(*first, rest) {
            return true;
        }
        match stands(text) {
            Stands::For(byte) => self.forms.have_first(byte) || matches!(byte, b'\\' | b'%'),
            Stands::ForNothing => false,
            Stands::Open => true,
        }
    }

    /// Returns whether a form that begins with this byte may go on with a text.
    fn may_go_on(&self, first: u8, text: &[u8]) -> bool {
        let Some(second) = text.first().copied() else { return true };
        let is_second = |byte| self.forms.have(first, byte);
        if is_second(second)
            && text.get(1).is_none_or(|third| {
                let may_come_between = may_be_more(*third) || *third == b' ' || *third == second;
                may_come_between || self.three.binary_search(&[first, second, *third]).is_ok()
            })
        {
            return true;
        }
        match second {
            ESC => true,
            b'\r' | b'\n' => {
                let next = text.iter().find(|byte| !matches!(byte, b'\r' | b'\n' | b' ' | b'\t'));
                next.is_none_or(|next| is_second(*next) || may_be_more(*next))
            }
            b'\\' | b'%' => match stands(text) {
                Stands::For(byte) => is_second(byte) || may_be_more(byte),
                Stands::ForNothing => false,
                Stands::Open => true,
            },
            // As less and vim wrap a line.
            _ if second == b' ' || second == first => matches!(text.get(1), None | Some(&ESC | &BACKSPACE)),
            _ => false,
        }
    }
}

/// Returns whether a byte may begin what stands for another one.
fn may_be_more(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'\r' | b'\n' | ESC)
}

/// Returns what the escape sequence at the beginning of a text stands for.
fn stands(text: &[u8]) -> Stands {
    let mut bytes = text.iter();
    let Some(mut escape) = bytes.next().and_then(|byte| Escape::begun_by(*byte)) else {
        return Stands::ForNothing;
    };
    for byte in bytes {
        match escape.step(*byte) {
            Step::More(more) => escape = more,
            Step::Bytes(bytes, _) => return Stands::For(bytes[0]),
            Step::Nothing | Step::Broken => return Stands::ForNothing,
        }
    }
    Stands::Open
}

/// A set of pairs of bytes, one bit each.
struct Pairs {
    bits: Vec<u64>,
    firsts: [bool; 256],
}

impl Pairs {
    fn none() -> Self {
        Self { bits: vec![0; 1024], firsts: [false; 256] }
    }

    fn add(&mut self, first: u8, second: u8) {
        let (word, bit) = place(first, second);
        if let Some(word) = self.bits.get_mut(word) {
            *word |= bit;
        }
        self.firsts[usize::from(first)] = true;
    }

    #[inline]
    fn have(&self, first: u8, second: u8) -> bool {
        let (word, bit) = place(first, second);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    fn have_first(&self, first: u8) -> bool {
        self.firsts[usize::from(first)]
    }
}

#[inline]
fn place(first: u8, second: u8) -> (usize, u64) {
    let pair = usize::from(first) << 8 | usize::from(second);
    (pair >> 6, 1 << (pair & 63))
}
