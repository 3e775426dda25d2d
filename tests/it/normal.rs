//! Replaces the parts of a message that differ from run to run with names.

use std::path::Path;

/// The text before the used part of a user's quota of kernel keys.
const QUOTA: &str = "your quota: ";

/// Returns the text with names instead of paths, times, keys and process numbers.
pub fn normalise(text: &str, home: &Path) -> String {
    let text = text.replace(home.to_str().unwrap(), "~");
    let remaining = "\"remainingMs\": ";
    let text: String = text
        .split_inclusive('\n')
        .map(|line| match line.split_once(remaining) {
            Some((before, _)) => format!("{before}{remaining}[N]\n"),
            None => match line.split_once(QUOTA) {
                Some((before, after)) => format!("{before}{QUOTA}{}", numbers_named(after)),
                None => line.to_owned(),
            },
        })
        .collect();
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    let mut boundary = true;
    while let Some(next) = rest.chars().next() {
        if let Some((length, name)) = boundary.then(|| token(rest)).flatten() {
            out.push_str(name);
            rest = &rest[length..];
            boundary = false;
        } else {
            out.push(next);
            rest = &rest[next.len_utf8()..];
            boundary = !next.is_ascii_alphanumeric();
        }
    }
    // Fractions of seconds have different lengths, and tables are aligned to them.
    if out.contains("[TIME]") { out.lines().map(|line| single_spaced(line) + "\n").collect() } else { out }
}

/// Replaces every number with a name.
fn numbers_named(text: &str) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    for word in &mut words {
        if !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()) {
            *word = "[N]";
        }
    }
    words.join(" ")
}

fn run_of(text: &str, is: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| is(*byte)).count()
}

/// Returns the length of a variable part at the beginning of a text, and its name.
fn token(text: &str) -> Option<(usize, &'static str)> {
    let digits = run_of(text, |b| b.is_ascii_digit());
    let hex = run_of(text, |b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let word = run_of(text, |b| b.is_ascii_alphanumeric());
    let base64 = run_of(text, |b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/');
    if text.starts_with("age1") && word == 62 {
        return Some((word, "[RECIPIENT]"));
    }
    let identity = run_of(text, |b| b.is_ascii_alphanumeric() || b == b'-');
    if text.starts_with("AGE-SECRET-KEY-1") && identity == 74 {
        return Some((identity, "[IDENTITY]"));
    }
    if digits == 4 && text.starts_with("20") && text.as_bytes().get(10) == Some(&b'T') {
        let time = run_of(text, |b| b.is_ascii_digit() || b"-:.TZ".contains(&b));
        return text[..time].ends_with('Z').then_some((time, "[TIME]"));
    }
    if digits == 4 && is_local_time(text) {
        let seconds = text.as_bytes().get(16) == Some(&b':');
        return Some((if seconds { 19 } else { 16 }, "[TIME]"));
    }
    if digits > 0 && [" ms", "d ago"].iter().any(|unit| text[digits..].starts_with(unit)) {
        return Some((digits, "[N]"));
    }
    match (hex == word, word, digits) {
        (true, 64, _) => Some((64, "[SHA256]")),
        (true, 32, _) => Some((32, "[VAULT-ID]")),
        (true, 16, _) => Some((16, "[KEY-ID]")),
        (true, 13, 13) if text.starts_with('1') => Some((13, "[MS]")),
        _ if base64 == 43 => Some((43, "[MAC]")),
        _ => None,
    }
}

/// Returns whether a text begins with a time such as `2027-11-21 07:53`.
fn is_local_time(text: &str) -> bool {
    let form = b"20dd-dd-dd dd:dd";
    let fits = |(byte, form): (u8, &u8)| if *form == b'd' { byte.is_ascii_digit() } else { byte == *form };
    text.len() >= form.len() && text.bytes().zip(form).all(fits)
}

fn single_spaced(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let words: Vec<&str> = line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
    format!("{}{}", &line[..indent], words.join("  "))
}

#[test]
fn what_differs_is_named() {
    let text =
        "/tmp/x/key at 2026-11-21T00:49:28.337Z, 12 ms, 1795222168337, 2027-11-21 07:53, 0123456789abcdef";
    assert_eq!(normalise(text, Path::new("/tmp/x")), "~/key at [TIME], [N] ms, [MS], [TIME], [KEY-ID]\n");
}
