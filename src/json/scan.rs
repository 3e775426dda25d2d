//! Scans a JSON text once: finds values in place, and refuses duplicate keys.
//!
//! Nothing is built from the values. A scan that ends with `None` says only that the text is invalid; [`super::check`]
//! says why.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

/// How deep arrays and objects may be nested, as in `serde_json`.
const DEPTH_MAX: usize = 127;
/// Up to this many keys of an object are compared one by one, more by hash.
const FEW: usize = 16;

/// A position in a JSON text.
pub struct Scan<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// The keys so far of the objects around this position that have only a few.
    keys: Vec<Cow<'a, str>>,
    /// Whether the text was scanned before, so that duplicate keys need not be checked again.
    is_sound: bool,
}

/// Returns whether a text is one JSON document without duplicate keys.
#[must_use]
pub fn is_sound(text: &str) -> bool {
    let mut scan = Scan::new(text);
    scan.skip().is_some() && scan.is_at_end()
}

impl<'a> Scan<'a> {
    /// Returns the beginning of a text.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, keys: Vec::new(), is_sound: false }
    }

    /// Returns whether only white space is left.
    pub fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Returns the next byte that is not white space.
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = self.byte()?;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Passes over an object. `member` gets the key of each member, must pass over the value, and must check whether
    /// the key is new.
    pub fn object(&mut self, mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Option<()>) -> Option<()> {
        self.open(b'{')?;
        if self.peek()? != b'}' {
            loop {
                let key = self.key()?;
                member(self, key)?;
                if !self.goes_on(b'}')? {
                    break;
                }
            }
        }
        self.close();
        Some(())
    }

    /// Passes over a value, and returns its position.
    pub fn value(&mut self) -> Option<Range<usize>> {
        self.peek()?;
        let from = self.at;
        self.skip()?;
        Some(from..self.at)
    }

    /// Passes over a value, and returns its text.
    pub fn raw(&mut self) -> Option<&'a str> {
        let place = self.value()?;
        self.text.get(place)
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn open(&mut self, bracket: u8) -> Option<()> {
        if self.peek()? != bracket || self.depth == DEPTH_MAX {
            return None;
        }
        self.at += 1;
        self.depth += 1;
        Some(())
    }

    fn close(&mut self) {
        self.at += 1;
        self.depth -= 1;
    }

    /// Returns whether another element follows, which a comma requires, instead of the end.
    fn goes_on(&mut self, end: u8) -> Option<bool> {
        match self.peek()? {
            b',' => {
                self.at += 1;
                Some(true)
            }
            byte => (byte == end).then_some(false),
        }
    }

    fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' | b'[' if self.is_sound => self.pass_brackets(),
            b'{' => self.checked_object(),
            b'[' => self.array(),
            b'"' => self.string().map(drop),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => None,
        }
    }

    fn checked_object(&mut self) -> Option<()> {
        let first = self.keys.len();
        let mut many = HashSet::new();
        self.object(|scan, key| {
            if many.is_empty() {
                let few = scan.keys.get(first..)?;
                if few.contains(&key) {
                    return None;
                }
                if few.len() < FEW {
                    scan.keys.push(key);
                    return scan.skip();
                }
                many.extend(scan.keys.drain(first..));
            }
            if many.insert(key) { scan.skip() } else { None }
        })?;
        self.keys.truncate(first);
        Some(())
    }

    fn array(&mut self) -> Option<()> {
        self.open(b'[')?;
        if self.peek()? != b']' {
            loop {
                self.skip()?;
                if !self.goes_on(b']')? {
                    break;
                }
            }
        }
        self.close();
        Some(())
    }

    /// Passes over a key and its colon, and returns its text.
    fn key(&mut self) -> Option<Cow<'a, str>> {
        if self.peek()? != b'"' {
            return None;
        }
        let from = self.at;
        let has_escapes = self.string()?;
        let key = if has_escapes {
            Cow::Owned(serde_json::from_str(self.text.get(from..self.at)?).ok()?)
        } else {
            Cow::Borrowed(self.text.get(from + 1..self.at - 1)?)
        };
        if self.peek()? != b':' {
            return None;
        }
        self.at += 1;
        Some(key)
    }

    /// Passes over the string that begins here. Returns whether it has escapes.
    fn string(&mut self) -> Option<bool> {
        let bytes = self.text.as_bytes();
        let from = self.at;
        let mut end = from + 1;
        let mut has_escapes = false;
        loop {
            end += plain_bytes(bytes.get(end..)?);
            match bytes.get(end)? {
                b'"' => break,
                b'\\' => {
                    has_escapes = true;
                    end += 2;
                }
                _ => return None,
            }
        }
        self.at = end + 1;
        if has_escapes {
            serde_json::from_str::<String>(self.text.get(from..self.at)?).ok()?;
        }
        Some(has_escapes)
    }

    /// Passes over an array or an object that was scanned before, up to its last bracket.
    fn pass_brackets(&mut self) -> Option<()> {
        let mut open = 0_usize;
        loop {
            match self.byte()? {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.checked_sub(1)?,
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                return Some(());
            }
        }
    }

    fn number(&mut self) -> Option<()> {
        let from = self.at;
        let rest = self.text.as_bytes().get(from..)?;
        let in_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
        let len = rest.iter().position(|byte| !in_number(byte)).unwrap_or(rest.len());
        self.at += len;
        let number = self.text.get(from..self.at)?;
        // Integers of a usual size are always valid; the others are parsed.
        let plain = (1..=18).contains(&len) && number.bytes().all(|byte| byte.is_ascii_digit());
        if plain && (len == 1 || !number.starts_with('0')) {
            return Some(());
        }
        serde_json::from_str::<serde_json::Number>(number).ok().map(drop)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text.get(self.at..)?.starts_with(word).then(|| self.at += word.len())
    }
}

/// Returns how many bytes at the beginning are plain characters of a string: no quote, no backslash and no control
/// character. It checks eight at a time, because most of an index is strings.
fn plain_bytes(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    // Sets the highest bit of the lowest byte that is zero, and no bit below it.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let mut plain = 0;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let found = zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\'))) | control;
        let found = found & (ONES * 0x80);
        if found != 0 {
            return plain + (found.trailing_zeros() / 8) as usize;
        }
        plain += 8;
    }
    plain + rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f)).count()
}

/// The members of an object in a text that was scanned before: each key, and the text of its value.
pub struct Members<'a> {
    scan: Scan<'a>,
}

impl<'a> Members<'a> {
    /// Returns the members of a text, or nothing if it is not an object.
    #[must_use]
    pub fn of(text: &'a str) -> Option<Self> {
        let mut scan = Scan { is_sound: true, ..Scan::new(text) };
        scan.open(b'{').map(|()| Self { scan })
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.scan.peek()? == b',' {
            self.scan.at += 1;
        }
        // At the end there is a bracket instead of a key.
        let key = self.scan.key()?;
        Some((key, self.scan.raw()?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{check_slowly, tests::Random};
    use super::*;

    const TEXTS: [&str; 12] = [
        r#"{"version":1,"profiles":{"a:b":{"type":"token","expires":1826725287117,"x":[1,2.5e3,-0,true,null]}}}"#,
        "{\n  \"a\": {\"b\\u0041\": [\"\\ud83d\\ude00\", \"\\n\\\"\"], \"bA\": false},\n\t\"Zürich\": \"東京\"\r\n}\n",
        r#"[[],{},[{}],"",0,-1,10,0.1,1e5,1E+5,123456789012345678901234567890]"#,
        r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":1,"k":2,"l":3,"m":4,"n":5,"o":6,"p":7,"q":8,"r":9,"q":1}"#,
        r#"{"a":{"b":1},"b":{"a":1},"c":[{"a":1},{"a":1}]}"#,
        r#""\ud83d""#,
        r#"{"a":1,"\u0061":2}"#,
        "1e999",
        "-",
        " 01 ",
        "truefalse",
        "\u{feff}{}",
    ];

    #[test]
    fn texts_are_sound_by_the_same_rules_as_with_serde() {
        let mut random = Random(7);
        let mut sound = 0;
        for text in TEXTS {
            for round in 0..4_000 {
                let mut bytes = text.as_bytes().to_vec();
                for _ in 0..random.below(4).min(round) {
                    let at = random.below(bytes.len().max(1));
                    let byte = br#"{}[]:,"\ue01-+.E trflan"#[random.below(23)];
                    match random.below(3) {
                        0 if at < bytes.len() => bytes[at] = byte,
                        1 if at < bytes.len() => drop(bytes.remove(at)),
                        _ => bytes.insert(at.min(bytes.len()), byte),
                    }
                }
                let Ok(text) = std::str::from_utf8(&bytes) else { continue };
                assert_eq!(is_sound(text), check_slowly(&bytes, "it").is_ok(), "{text}");
                sound += usize::from(is_sound(text));
            }
        }
        assert!(sound > 5_000, "{sound}");
    }

    #[test]
    fn a_string_ends_at_the_same_byte_at_any_offset() {
        for byte in 0..=0xff_u8 {
            for at in 0..18 {
                let mut bytes = *b"abc\xc5\xbcdefgh~ !#[]{}";
                bytes[at] = byte;
                let plain = bytes.iter().take_while(|b| !matches!(b, b'"' | b'\\' | 0..=0x1f)).count();
                assert_eq!(plain_bytes(&bytes), plain, "{byte} at {at}");
            }
        }
    }

    #[test]
    fn depth_is_bounded_as_with_serde() {
        for depth in 120..135 {
            let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(is_sound(&text), check_slowly(text.as_bytes(), "it").is_ok(), "{depth}");
        }
    }

    #[test]
    fn members_are_given_as_written() {
        let text = r#" { "a" : [1, {"b":"}]"}] , "c\u0064":"x" } "#;
        let found: Vec<_> = Members::of(text).unwrap().map(|(key, raw)| (key.into_owned(), raw)).collect();
        assert_eq!(found, [("a".to_owned(), r#"[1, {"b":"}]"}]"#), ("cd".to_owned(), r#""x""#)]);
    }
}
