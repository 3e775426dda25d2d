//! The name of an item in a keychain without attributes: `application=strongroom,home=/home/me`.
//!
//! No two lists of attributes have the same name, even if names are compared without case, as in Credential Manager:
//! every byte that is not a lower-case letter, a digit or one of `.-:/@+` is written as `_` and two hex digits. Commas
//! separate attributes.

use std::collections::HashMap;

use super::Attributes;

const LITERAL: &[u8] = b".-:/@+";

/// Returns the name of an item.
pub fn of(attributes: &Attributes) -> String {
    let mut name = String::new();
    for (attribute, value) in attributes {
        if !name.is_empty() {
            name.push(',');
        }
        escape(&mut name, attribute);
        name.push('=');
        escape(&mut name, value);
    }
    name
}

/// Returns whether the item with a name has all of these attributes.
pub fn has(name: &str, attributes: &Attributes) -> bool {
    parse(name)
        .is_some_and(|held| attributes.iter().all(|(attribute, value)| held.get(*attribute) == Some(value)))
}

/// Returns the attributes in a name, or `None` if the name does not have this form.
pub fn parse(name: &str) -> Option<HashMap<String, String>> {
    name.split(',')
        .map(|pair| {
            let (attribute, value) = pair.split_once('=')?;
            Some((unescape(attribute)?, unescape(value)?))
        })
        .collect()
}

fn is_literal(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || LITERAL.contains(&byte)
}

fn escape(into: &mut String, text: &str) {
    for byte in text.bytes() {
        if is_literal(byte) {
            into.push(char::from(byte));
        } else {
            into.push_str(&format!("_{byte:02x}"));
        }
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'_' => hex(rest.next()?)? * 16 + hex(rest.next()?)?,
            literal if is_literal(literal) => literal,
            _ => return None,
        });
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(pairs: &[(&'static str, &str)]) -> Attributes {
        pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    }

    #[test]
    fn names_stay_as_they_are() {
        let item = list(&[("home", "/home/me"), ("agent", "main"), ("profile", "openai-codex:Me_2@x.io")]);
        assert_eq!(of(&item), "home=/home/me,agent=main,profile=openai-codex:_4de_5f2@x.io");
        assert_eq!(of(&list(&[])), "");
    }

    #[test]
    fn a_name_gives_its_attributes_back() {
        for value in ["", "plain", "Me", "a,b=c", "_", "_4d", "é\u{1F511}", "a b\\c\"\n\0"] {
            let name = of(&list(&[("first", value), ("second", "x")]));
            let back = parse(&name).unwrap();
            assert_eq!((back.len(), back["first"].as_str(), back["second"].as_str()), (2, value, "x"));
            assert_eq!(name, name.to_ascii_lowercase());
            assert!(name.is_ascii(), "{name}");
        }
    }

    #[test]
    fn no_other_name_is_taken_for_ours() {
        for name in ["", "word", "a=b,", "a=B", "a=_", "a=_4", "a=_4D", "a=_zz", "a=_ff", "a=b=c", "a=b c"] {
            assert_eq!(parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_search_gives_whole_attributes() {
        let name = of(&list(&[("vault", "v1"), ("agent", "main")]));
        for first in
            [&[][..], &[("vault", "v1")], &[("agent", "main")], &[("agent", "main"), ("vault", "v1")]]
        {
            assert!(has(&name, &list(first)), "{first:?}");
        }
        for other in [
            &[("vault", "v")][..],
            &[("vault", "v1"), ("agent", "mai")],
            &[("agent", "v1")],
            &[("home", "main")],
        ] {
            assert!(!has(&name, &list(other)), "{other:?}");
        }
    }
}
