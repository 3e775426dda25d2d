//! Secrets in every form, in writes of every size.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::*;
use crate::patterns::Value;

const LONG: &str = "sk-made-up/key+with \"all\"?&\\~ and\nlines-ü";
const TOKEN: &str = "sk-ant-MADEUP-0123456789abcdef";
const SHORT: &str = "hunter22";

fn patterns(values: &[(&str, &str)]) -> Patterns {
    let value = |(name, bytes): &(&str, &str)| Value {
        name: (*name).to_owned(),
        bytes: Zeroizing::new(bytes.as_bytes().to_vec()),
    };
    Patterns::new(values.iter().map(value)).unwrap()
}

fn through(patterns: &Patterns, pieces: &[&[u8]]) -> String {
    let mut masker = Masker::new(patterns);
    let mut out = Vec::new();
    for piece in pieces {
        masker.push(piece, &mut out);
    }
    masker.finish(&mut out);
    String::from_utf8(out).unwrap()
}

/// Returns the text masked in one piece, after checking that every other way to cut it gives the same.
#[track_caller]
fn masked(patterns: &Patterns, text: &str) -> String {
    let text = text.as_bytes();
    let whole = through(patterns, &[text]);
    for at in 0..text.len() {
        assert_eq!(through(patterns, &[&text[..at], &text[at..]]), whole, "cut at {at}");
    }
    let bytes: Vec<_> = text.chunks(1).collect();
    assert_eq!(through(patterns, &bytes), whole, "byte by byte");
    whole
}

#[test]
fn each_form_is_masked_whole() {
    let patterns = patterns(&[("a:long", LONG), ("a:token", TOKEN), ("a:short", SHORT)]);
    for (name, value) in [("a:long", LONG), ("a:token", TOKEN), ("a:short", SHORT)] {
        for form in printed(value) {
            let expected = format!("before [masked:{name}] after");
            assert_eq!(masked(&patterns, &format!("before {form} after")), expected, "{form}");
        }
    }
}

/// Returns a value as programs print it.
fn printed(value: &str) -> Vec<String> {
    let percent = |keep: &str, upper: bool| {
        value.bytes().fold(String::new(), |mut text, byte| {
            if byte.is_ascii_alphanumeric() || keep.as_bytes().contains(&byte) {
                text.push(char::from(byte));
            } else if upper {
                write!(text, "%{byte:02X}").unwrap();
            } else {
                write!(text, "%{byte:02x}").unwrap();
            }
            text
        })
    };
    let json = |all: bool, slash: bool| {
        value.encode_utf16().fold(String::new(), |mut text, unit| {
            match char::from_u32(u32::from(unit)) {
                Some('"') if !all => text.push_str("\\\""),
                Some('\\') if !all => text.push_str("\\\\"),
                Some('\n') if !all => text.push_str("\\n"),
                Some('/') if slash => text.push_str("\\/"),
                Some(plain) if plain.is_ascii() && !all => text.push(plain),
                _ if slash => write!(text, "\\u{unit:04X}").unwrap(),
                _ => write!(text, "\\u{unit:04x}").unwrap(),
            }
            text
        })
    };
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let wrapped: Vec<String> = STANDARD
        .encode(value)
        .as_bytes()
        .chunks(7)
        .map(|line| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    let middle = value.char_indices().nth(5).unwrap().0;
    vec![
        value.to_owned(),
        value.replace('\n', "\r\n"),
        STANDARD.encode(value),
        STANDARD_NO_PAD.encode(value),
        URL_SAFE.encode(value),
        URL_SAFE_NO_PAD.encode(value),
        hex.to_uppercase(),
        hex,
        percent("-_.!~*'()", true),
        percent("-_.!~*'()", false),
        percent("", true),
        percent("*-._ ", true).replace(' ', "+"),
        json(false, false),
        json(false, true),
        json(true, false),
        json(true, true),
        // As a string in a document in a string.
        json(false, true).replace('\\', "\\\\").replace('"', "\\\""),
        json(true, true).replace('\\', "\\\\"),
        STANDARD.encode(value).replace('/', "\\/"),
        STANDARD.encode(value).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"),
        wrapped.join("\n"),
        wrapped.join("\r\n    "),
        wrapped.join("\\n"),
        format!("{}\n{}", &value[..middle], &value[middle..]),
    ]
}

#[test]
fn base64_in_the_middle_of_other_text_leaves_at_most_one_character() {
    let patterns = patterns(&[("a:b", TOKEN)]);
    for before in 0..6 {
        for after in 0..6 {
            let text = STANDARD.encode(format!("{}{TOKEN}{}", "<".repeat(before), ">".repeat(after)));
            let shown = masked(&patterns, &text);
            let kept = shown.replace("[masked:a:b]", "").replace('=', "");
            assert!(shown.contains("[masked:a:b]"), "{text}: {shown}");
            assert!(kept.len() * 6 <= (before + after) * 8 + 6, "{text}: {shown}");
        }
    }
}

#[test]
fn colours_within_a_secret_are_kept() {
    let patterns = patterns(&[("a:b", TOKEN)]);
    let text = "key=\x1b[01;31m\x1b[Ksk-ant\x1b[m\x1b[K-MADEUP-0123456789abcdef\n";
    assert_eq!(masked(&patterns, text), "key=\x1b[01;31m\x1b[K[masked:a:b]\x1b[m\x1b[K\n");
}

#[test]
fn the_edge_of_the_screen_does_not_hide_a_secret() {
    let patterns = patterns(&[("a:b", TOKEN)]);
    for at in 1..TOKEN.len() {
        let (before, after) = TOKEN.split_at(at);
        let again = &before[at - 1..];
        for (wrapped, expected) in [
            // As vim, less, and programs that move the cursor wrap a line.
            (format!("<{before}{again}\x1b[2;1H{after}>"), "<[masked:a:b]\x1b[2;1H>"),
            (format!("<{before} \x08{after}>"), "<[masked:a:b]>"),
            (format!("<{before}\x1b[2;1H{after}>"), "<[masked:a:b]\x1b[2;1H>"),
            (format!("<{before}\x1b(B\x1b[m{after}>"), "<[masked:a:b]\x1b(B\x1b[m>"),
        ] {
            assert_eq!(masked(&patterns, &wrapped), expected, "{wrapped:?}");
        }
    }
}

#[test]
fn overlapping_secrets_leave_nothing() {
    let patterns = patterns(&[
        ("one", "abcdefgh12345678"),
        ("two", "12345678ABCDEFGH"),
        ("all", "zz-abcdefgh12345678-zz"),
        ("same", "abcdefgh12345678"),
    ]);
    for (text, expected) in [
        ("<abcdefgh12345678ABCDEFGH>", "<[masked:one]>"),
        ("<abcdefgh12345678>", "<[masked:one]>"),
        ("<zz-abcdefgh12345678-zz>", "<[masked:all]>"),
        ("<zz-abcdefgh12345678-z>", "<zz-[masked:one]-z>"),
        ("<zz-abcdefgh12345678ABCDEFGH>", "<zz-[masked:one]>"),
        ("abcdefgh12345678abcdefgh12345678", "[masked:one][masked:one]"),
        ("abcdefgh1234567", "abcdefgh1234567"),
    ] {
        assert_eq!(masked(&patterns, text), expected, "{text}");
    }
}

#[test]
fn what_is_no_secret_comes_out_byte_for_byte() {
    let patterns = patterns(&[("a:long", LONG), ("a:token", TOKEN), ("a:tiny", "1234567")]);
    for text in [
        "",
        "s",
        "sk-ant-MADEUP-0123456789abcde",
        "1234567",
        "\\\\\\\\\\u00",
        "100 %\r\n%s %2",
        "sk-ant-\n\n\n\n\n\n\n\n\n",
        "\x1b[1;31msk\x1b[0m",
    ] {
        assert_eq!(masked(&patterns, text), text);
    }
    assert_eq!(masked(&Patterns::new([]).unwrap(), "anything\\u0041"), "anything\\u0041");
}

#[test]
fn only_the_beginning_of_a_secret_waits() {
    let patterns = patterns(&[("a:b", TOKEN)]);
    let mut masker = Masker::new(&patterns);
    let mut out = Vec::new();
    masker.push(b"$ echo s", &mut out);
    assert_eq!((out.as_slice(), masker.held()), (&b"$ echo "[..], 1));
    // After a pause it is shown, and the rest is masked.
    masker.release(&mut out);
    assert_eq!((out.as_slice(), masker.held()), (&b"$ echo s"[..], 0));
    masker.push(&TOKEN.as_bytes()[1..12], &mut out);
    masker.release(&mut out);
    assert_eq!((out.as_slice(), masker.held()), (&b"$ echo s"[..], 11));
    masker.push(&TOKEN.as_bytes()[12..], &mut out);
    masker.push(b"!", &mut out);
    assert_eq!(String::from_utf8_lossy(&out), "$ echo s[masked:a:b]!");
    assert_eq!(masker.held(), 0);
    // What is complete does not wait for a longer one.
    masker.push(TOKEN.as_bytes(), &mut out);
    masker.release(&mut out);
    assert!(out.ends_with(b"![masked:a:b]"), "{}", String::from_utf8_lossy(&out));
}

#[test]
fn text_made_to_be_held_back_does_not_grow_what_is_held() {
    let patterns = patterns(&[("a:b", TOKEN), ("a:c", "aaaaaaaaaaaaaaaa\\\\%%%%")]);
    for text in ["\\", "%25", "s\n", "a\n", "\n", "a\\", "\\u005c", "s\x1b[m", "aa\\u0061%61\n  ", "%5c"] {
        let mut masker = Masker::new(&patterns);
        let mut out = Vec::new();
        for _ in 0..200 {
            masker.push(text.repeat(50).as_bytes(), &mut out);
            assert!(masker.held() < 20_000, "{text:?}: {}", masker.held());
        }
        masker.finish(&mut out);
        if !String::from_utf8_lossy(&out).contains("[masked") {
            assert_eq!(out, text.repeat(10_000).as_bytes(), "{text:?}");
        }
    }
}

#[test]
fn there_are_bounds() {
    let value = |length| Value { name: String::new(), bytes: Zeroizing::new(vec![b'x'; length]) };
    assert!(Patterns::new([value(crate::TOTAL_MAX + 1)]).is_err());
    assert!(Patterns::new((0..=crate::VALUES_MAX).map(|_| value(8))).is_err());
    assert!(Patterns::new([value(16 * 1024)]).is_ok());
}

/// A generator of numbers that are the same at every run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }

    fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }
}

/// Ten thousand texts of clean pieces and secrets in all forms. The oracle knows which piece is what.
#[test]
fn random_programs_leak_nothing_and_change_nothing_else() {
    let values = [("a:long", LONG), ("a:token", TOKEN), ("a:short", SHORT)];
    let patterns = patterns(&values);
    let forms: Vec<(&str, Vec<String>)> =
        values.iter().map(|(name, value)| (*name, printed(value))).collect();
    // Beginnings of secrets and of escape sequences; none can end in what begins one that comes next.
    let clean = [
        "<",
        "sk-ant-MADE<",
        "\\<",
        "%2<",
        "%",
        "\n",
        "hunter2<",
        "\\u00<",
        "c2stYW50L<",
        "ü",
        "736b<",
        "\x1b[1m<",
    ];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut secrets, mut cuts) = (0, 0);
    for turn in 0..10_000 {
        let (mut text, mut expected) = (String::new(), String::new());
        for _ in 0..random.below(6) {
            let piece = random.pick(&clean);
            text.push_str(piece);
            expected.push_str(piece);
            if random.below(2) == 0 {
                let (name, forms) = random.pick(&forms);
                text.push('<');
                text.push_str(random.pick(forms.as_slice()).as_str());
                text.push('>');
                write!(expected, "<[masked:{name}]>").unwrap();
                secrets += 1;
            }
        }
        let bytes = text.as_bytes();
        assert_eq!(through(&patterns, &[bytes]), expected, "{turn}");
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(through(&patterns, &single), expected, "{turn}: byte by byte");
        // Every cut of every text would take a quarter of a minute.
        for at in (turn % 8..bytes.len()).step_by(8) {
            assert_eq!(through(&patterns, &[&bytes[..at], &bytes[at..]]), expected, "{turn}: cut at {at}");
            cuts += 1;
        }
        let mut pieces = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, others) = rest.split_at(1 + random.below(rest.len().min(9)));
            pieces.push(piece);
            rest = others;
        }
        assert_eq!(through(&patterns, &pieces), expected, "{turn}");
        for (_, forms) in &forms {
            assert!(!forms.iter().any(|form| expected.contains(form.as_str())), "{turn}");
        }
    }
    println!("{secrets} secrets in 10,000 texts, {cuts} cuts, 0 leaks");
    assert!(secrets > 10_000 && cuts > 90_000, "{secrets} {cuts}");
}
