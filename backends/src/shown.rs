//! Paths in messages: escaped, and not quoted if they were given by hand and may be a secret.
//!
//! By mistake, people give a key, a passphrase, an identity or the text of a file instead of a path. A path that exists
//! is shown; otherwise messages name the flag or variable that gave it. Messages about paths are made in many places,
//! far from the command line, so paths given by hand are noted once, at the start, and looked up here.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::escape::safe_bytes;

/// A path that was given by hand.
#[derive(Clone, Debug)]
pub struct Given {
    /// The path as it was given.
    pub path: PathBuf,
    /// The flag, argument or variable that gave it.
    pub place: String,
    /// Whether that is a variable.
    pub is_variable: bool,
    /// Whether the command may create it. Then it was checked before, and is always shown.
    pub is_made: bool,
}

static GIVEN: OnceLock<Vec<Given>> = OnceLock::new();

/// Notes the paths that were given by hand. Only the first call in a process counts.
pub fn note_given(given: Vec<Given>) {
    let _ = GIVEN.set(given);
}

/// Returns a path for people. If it was given by hand and may be a secret, names only the flag or variable.
#[must_use]
pub fn shown(path: &Path) -> String {
    match hidden(path) {
        Some((given, rest)) => {
            let rest = escaped(rest);
            let slash = if rest.is_empty() { "" } else { "/" };
            if given.is_variable {
                format!("${}{slash}{rest}", given.place)
            } else {
                format!("({}){slash}{rest}", given.place)
            }
        }
        None => escaped(path),
    }
}

/// Returns a path for programs, without escapes. Bytes that are not UTF-8 are replaced.
#[must_use]
pub fn as_data(path: &Path) -> String {
    if is_hidden(path) { shown(path) } else { path.to_string_lossy().into_owned() }
}

/// Returns whether a path may be a secret and was given by hand, or is below one that was.
#[must_use]
pub fn is_hidden(path: &Path) -> bool {
    hidden(path).is_some()
}

/// Returns the flag, argument or variable that gave a path which must not be shown.
#[must_use]
pub fn place_of(path: &Path) -> Option<&'static str> {
    hidden(path).filter(|(_, rest)| rest.as_os_str().is_empty()).map(|(given, _)| given.place.as_str())
}

/// Returns the variable that gave a path.
#[must_use]
pub fn variable_of(path: &Path) -> Option<&'static str> {
    let named = GIVEN.get()?.iter().find(|given| given.is_variable && given.path == path)?;
    Some(named.place.as_str())
}

fn hidden(path: &Path) -> Option<(&'static Given, &Path)> {
    let given = GIVEN.get()?;
    let find = |path| {
        let mut outer = given.iter().filter(|given| !given.is_made).filter_map(|given| within(given, path));
        outer.find(|(given, _)| !may_be_shown(&given.path))
    };
    // Some paths are made absolute before they are used.
    let relative = || path.strip_prefix(std::env::current_dir().ok()?).ok();
    find(path).or_else(|| {
        let is_relative = |given: &Given| !given.is_made && given.path.is_relative();
        given.iter().any(is_relative).then(relative).flatten().and_then(find)
    })
}

/// Returns the part of a path below one that was given.
fn within<'p>(given: &'static Given, path: &'p Path) -> Option<(&'static Given, &'p Path)> {
    let (outer, inner) = (given.path.as_os_str().as_encoded_bytes(), path.as_os_str().as_encoded_bytes());
    // Most paths have nothing in common, and parsing paths costs more than this comparison.
    // It compares the first word only, because `https://…` may have lost one of its slashes.
    let first = outer.iter().skip(1).take(7).take_while(|byte| **byte != b'/').count() + 1;
    if outer.is_empty() || !inner.starts_with(outer.get(..first)?) {
        return None;
    }
    path.strip_prefix(&given.path).ok().map(|rest| (given, rest))
}

/// Returns whether a path that was given by hand is certainly a path: it exists, or a directory of it does.
#[must_use]
pub fn may_be_shown(path: &Path) -> bool {
    let is_there = |path: &Path| path.symlink_metadata().is_ok();
    if is_there(path) || is_file_name(path) {
        return true;
    }
    let mut missing = path;
    while let Some(parent) = missing.parent() {
        let rest = path.strip_prefix(parent).unwrap_or(path).to_string_lossy();
        if parent.as_os_str().is_empty() || !is_plain(&rest) {
            return false;
        }
        // `./x` and `/x` were meant as paths; a word without a directory may be anything.
        if is_there(parent) {
            return parent != Path::new("/") || !rest.contains(char::is_whitespace);
        }
        missing = parent;
    }
    false
}

/// Returns whether a path is a word with one of the extensions of files that flags take.
fn is_file_name(path: &Path) -> bool {
    const EXTENSIONS: [&str; 7] = ["age", "env", "json", "json5", "key", "pem", "txt"];
    let text = path.to_string_lossy();
    let known = path.extension().is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known));
    known && is_plain(&text) && !text.contains(char::is_whitespace)
}

fn is_plain(text: &str) -> bool {
    text.split('/').all(|part| part.len() <= 64)
        && !is_opaque(text)
        && !text.contains("://")
        && !text.contains(|c: char| c.is_control() || c == '=')
}

/// Returns whether a word looks random, as keys do: Base64 with both cases and digits, hexadecimal digits, or
/// lower-case letters mixed with digits. Names of several words, dates and UUIDs do not.
#[must_use]
pub fn is_opaque(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/' | '=')))
        .filter(|word| !is_of_words(word))
        .any(|word| is_random(word) || word.split(['-', '_', '/']).any(is_random))
}

/// Returns whether a text consists of several words, as file names do: `backup-laptop-2026-11-28T10-00-00-strongroom`.
/// Each word has letters in the usual case, or digits only, or is as short as `v2`. At least one part of 32 random
/// bytes in Base64 is not such a word.
#[must_use]
pub fn is_of_words(text: &str) -> bool {
    const LONGEST: usize = 14;
    const SHORT: usize = 5;
    let is_word = |part: &str| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        let letters = part.bytes().filter(u8::is_ascii_alphabetic).count();
        let rest = part.get(1..).unwrap_or_default();
        let is_cased = rest.bytes().all(|b| b.is_ascii_lowercase())
            || part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        // `28T10`, `20261128T100000Z`.
        let is_date = digits >= 3 && part.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'T' | b'Z'));
        digits + letters == part.len()
            && (is_date && part.len() <= LONGEST + 2
                || part.len() <= LONGEST && (digits == 0 && is_cased || letters == 0)
                || part.len() <= SHORT && is_cased)
    };
    let parts = text.split(['-', '_']);
    parts.clone().filter(|part| part.len() >= 2).count() >= 3
        && parts.filter(|part| !part.is_empty()).all(is_word)
}

fn is_random(word: &str) -> bool {
    let class = |b: u8| match b {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let classes: Vec<_> = word.bytes().map(class).collect();
    let count = |wanted| classes.iter().filter(|class| **class == wanted).count();
    let (digits, small, large) = (count(0), count(1), count(2));
    let letters = small + large;
    if word.len() >= 32 && digits > 0 && letters > 0 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
        return true;
    }
    let pairs = || classes.windows(2).filter(|pair| !pair.contains(&3));
    let (all, changes) = (pairs().count(), pairs().filter(|pair| pair[0] != pair[1]).count());
    let mixed = digits > 0 && small > 0 && large > 0 && digits + letters >= 20 && changes * 5 >= all * 2;
    let one_case = letters > 0 && digits >= 4 && digits + letters >= 24 && word.len() == digits + letters;
    mixed || (one_case && changes * 5 >= all)
}

fn escaped(path: &Path) -> String {
    safe_bytes(path.as_os_str().as_encoded_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_names() {
        for text in [
            "3q2-7wAbCdEfGh1jKlMn0pQrStUvWxYz4567890aB-_",
            "3q2+7wAbC/EfGh1jKlMn0pQrStU/WxYz4567890aBcE=",
            "0123456789abcdef0123456789abcdef",
            "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
            "k3jx9q2m7wz4b8n1c6v5t0ya",
            "aB3dE5gH7jK9mN1pQ3sT",
        ] {
            assert!(is_opaque(text), "{text}");
        }
        for text in [
            "auth-profiles.json",
            "550e8400-e29b-41d4-a716-446655440000",
            "My-Project-Backup-2026-Key",
            "MyProjectBackupKey2026",
            "2026-11-28T15_04_05Z-backup-Main",
            "strongroom-key",
            "anthropic_3adefault.age.former",
            "CorrectHorseBatteryStaple",
            "Documents/Projects2026/strongroom/Key1",
            "backup-laptop-2026-11-28T10-00-00-strongroom.age",
            "Strongroom-Backup-of-my-Laptop-2026-11-28-final.age",
            "strongroom_backup_20261128T100000Z_Laptop_v2.age",
        ] {
            assert!(!is_opaque(text), "{text}");
        }
    }

    #[test]
    fn a_path_is_shown_if_a_part_of_it_exists() {
        let temp = tempfile::tempdir().unwrap();
        let there = temp.path().join("0123456789abcdef0123456789abcdef");
        std::fs::create_dir(&there).unwrap();
        let absolute = "/none-of-these/key".into();
        assert!(may_be_shown(Path::new("none.json")));
        for path in [temp.path().join("none"), there.clone(), there.join("a/key"), "./none".into(), absolute]
        {
            assert!(may_be_shown(&path), "{}", path.display());
        }
        for path in [
            "none",
            "correct horse battery staple",
            "correct horse.key",
            "/correct horse battery staple",
            "/3q2+7wAbC/EfGh1jKlMn0pQrStU/WxYz4567890aBcE=",
            "none-of-these/key",
            "./0123456789abcdef0123456789abcdef",
            "/tmp/NAME=value",
        ] {
            assert!(!may_be_shown(Path::new(path)), "{path}");
        }
        let text = temp.path().join("a\nb");
        assert!(!may_be_shown(&text));
    }
}
