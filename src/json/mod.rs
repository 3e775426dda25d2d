//! Reads JSON without duplicate keys at any depth. Errors say where the mistake is and quote nothing.

pub mod fields;
pub mod json5;
pub mod scan;

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::{Code, Error, Result, fail};

/// Parses JSON, which messages call `what` ("the index", "the import file").
///
/// # Errors
/// `DUPLICATE_KEY` if an object names a key twice, `BAD_DATA` for everything else that is not JSON of the expected
/// form. Both give line and column, and quote nothing of the input.
pub fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8], what: &str) -> Result<T> {
    check(bytes, what)?;
    serde_json::from_slice(bytes).map_err(|error| located(&error, what))
}

/// Checks that bytes are one JSON document without duplicate keys.
///
/// # Errors
/// Those of [`parse`].
pub fn check(bytes: &[u8], what: &str) -> Result<()> {
    match std::str::from_utf8(bytes) {
        Ok(text) if scan::is_sound(text) => Ok(()),
        _ => check_slowly(bytes, what),
    }
}

/// Checks the same with `serde_json`, which can say what is wrong and where.
fn check_slowly(bytes: &[u8], what: &str) -> Result<()> {
    let mut duplicate = false;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let walked =
        Strict { duplicate: &mut duplicate }.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match walked {
        Ok(()) => Ok(()),
        Err(error) if duplicate => fail(
            Code::DuplicateKey,
            format!("{what} names a key twice (line {}, column {})", error.line(), error.column()),
        ),
        Err(error) => Err(located(&error, what)),
    }
}

/// Returns a parser's error with its position but without its text, which could quote a secret.
#[must_use]
pub fn located(error: &serde_json::Error, what: &str) -> Error {
    use serde_json::error::Category;
    let kind = match error.classify() {
        Category::Eof => "ends too early",
        Category::Syntax => "is not valid JSON",
        Category::Data => "does not have the expected form",
        Category::Io => "cannot be read",
    };
    Error::new(Code::BadData, format!("{what} {kind} (line {}, column {})", error.line(), error.column()))
}

struct Strict<'d> {
    duplicate: &'d mut bool,
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> std::result::Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> std::result::Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> std::result::Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> std::result::Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<(), A::Error> {
        while items.next_element_seed(Strict { duplicate: &mut *self.duplicate })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<(), A::Error> {
        let mut seen = Seen::default();
        while let Some(key) = entries.next_key()? {
            if !seen.insert(key) {
                *self.duplicate = true;
                return Err(de::Error::custom("duplicate key"));
            }
            entries.next_value_seed(Strict { duplicate: &mut *self.duplicate })?;
        }
        Ok(())
    }
}

/// The keys of one object. A few are compared one by one, many by hash.
#[derive(Default)]
struct Seen<'de> {
    few: Vec<Key<'de>>,
    many: HashSet<Key<'de>>,
}

impl<'de> Seen<'de> {
    const FEW: usize = 16;

    /// Adds a key. Returns whether it is new.
    fn insert(&mut self, key: Key<'de>) -> bool {
        if self.many.is_empty() {
            if self.few.contains(&key) {
                return false;
            }
            if self.few.len() < Self::FEW {
                self.few.push(key);
                return true;
            }
            self.many.extend(self.few.drain(..));
        }
        self.many.insert(key)
    }
}

/// A key, borrowed if it has no escapes.
#[derive(PartialEq, Eq, Hash)]
struct Key<'de>(std::borrow::Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> std::result::Result<Key<'de>, E> {
                Ok(Key(text.into()))
            }
            fn visit_str<E>(self, text: &str) -> std::result::Result<Key<'de>, E> {
                Ok(Key(text.to_owned().into()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Pseudo-random numbers that are the same in every run.
    pub struct Random(pub u64);

    impl Random {
        pub fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % bound as u64).unwrap()
        }
    }

    #[test]
    fn duplicate_keys_are_refused_at_any_depth() {
        for text in [r#"{"a":1,"a":2}"#, r#"{"a":[{"b":{"c":1,"c":1}}]}"#, r#"{"a":1,"\u0061":2}"#] {
            assert_eq!(check(text.as_bytes(), "it").unwrap_err().code(), Code::DuplicateKey, "{text}");
        }
        assert!(check(br#"{"a":{"b":1},"b":{"a":1}}"#, "it").is_ok());
        // Below and above the number of keys from which they are compared by hash.
        for keys in 1..40 {
            let members: Vec<_> = (0..keys).map(|n| format!("\"k{n}\":0")).collect();
            assert!(check(format!("{{{}}}", members.join(",")).as_bytes(), "it").is_ok());
            for again in 0..keys {
                let text = format!("{{{},\"k{again}\":0}}", members.join(","));
                assert_eq!(check(text.as_bytes(), "it").unwrap_err().code(), Code::DuplicateKey, "{text}");
            }
        }
    }

    #[test]
    fn errors_quote_nothing() {
        for text in [r#"{"key":canary}"#, r#"{"key":"canary"#, r#"{"key":"canary"} x"#, "canary", ""] {
            let error = check(text.as_bytes(), "the file").unwrap_err();
            assert!(!error.what().contains("canary"), "{error}");
            assert!(error.what().contains("line"), "{error}");
        }
        let error = parse::<u32>(br#""canary""#, "the file").unwrap_err();
        assert_eq!(error.what(), "the file does not have the expected form (line 1, column 8)");
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(100_000);
        assert_eq!(check(deep.as_bytes(), "it").unwrap_err().code(), Code::BadData);
    }
}
