//! Names: providers, profiles and agents, and the name of a profile's file.
//!
//! Both encodings of a profile id use the same escape (`escape`). File names keep `[a-z0-9.-]`, so that ids that
//! differ only in case stay apart on a file system that ignores case. Reference ids (`reference`) keep
//! `[A-Za-z0-9.:-]`, which every OpenClaw since 2026.2.26 accepts.

mod escape;
mod quoted;
mod reference;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

pub use quoted::{quoted, quoted_in_full, repeated};
pub use reference::{Named, Reading, Reference, ShortId};

use crate::error::{Error, Result};
use crate::messages;
use crate::term::escape::shell_word;
use escape::{escape, short, short_of, unescape};

/// The longest profile id, in bytes.
pub const PROFILE_ID_MAX: usize = 320;
/// The longest provider in its escaped form, in bytes, where `_` takes three. Up to this, the short form of an id fits
/// a file name and a reference, whatever the agent.
const PROVIDER_ESCAPED_MAX: usize = 148;
/// The longest agent name, in bytes.
pub const AGENT_MAX: usize = 64;
/// The longest name of a record's file, in bytes. File systems take 255, and suffixes are added to the name.
const FILE_NAME_MAX: usize = 200;
/// The suffix of a record's file.
const SUFFIX: &str = ".age";
/// Names that are refused because a JavaScript client would use them as members of an object's prototype.
pub const RESERVED: [&str; 11] = [
    "__proto__",
    "constructor",
    "prototype",
    "hasownproperty",
    "isprototypeof",
    "propertyisenumerable",
    "tolocalestring",
    "tostring",
    "valueof",
    "__definegetter__",
    "__definesetter__",
];

/// Returns whether a text is one of [`RESERVED`], ignoring case.
pub(super) fn is_reserved(part: &str) -> bool {
    RESERVED.iter().any(|name| part.eq_ignore_ascii_case(name))
}

fn begins_and_holds(text: &str, first: fn(u8) -> bool, rest: fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    bytes.first().copied().is_some_and(first) && bytes.iter().copied().all(rest)
}

fn lower_or_digit(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn is_literal_in_file_names(byte: u8) -> bool {
    lower_or_digit(byte) || matches!(byte, b'.' | b'-')
}

/// A provider's slug: `[a-z0-9][a-z0-9._-]*`, for example `anthropic`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Provider(String);

impl Provider {
    /// Returns the slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses a provider as a client does: ignoring case and surrounding spaces.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        text.trim().to_ascii_lowercase().parse().ok()
    }
}

impl FromStr for Provider {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let shaped =
            begins_and_holds(text, lower_or_digit, |b| lower_or_digit(b) || matches!(b, b'.' | b'_' | b'-'));
        let escaped = text.len() + 2 * text.bytes().filter(|byte| *byte == b'_').count();
        if !shaped || escaped > PROVIDER_ESCAPED_MAX || is_reserved(text) {
            return Err(messages::vault::names::not_a_provider(&repeated(text)));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A profile's id: `<provider>:<name>`, ASCII, at most [`PROFILE_ID_MAX`] bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProfileId {
    text: String,
    colon: usize,
}

impl ProfileId {
    /// Returns the id of `name` at `provider`.
    ///
    /// # Errors
    /// `INVALID_ID` if the name is outside its grammar or the id is too long.
    pub fn new(provider: &Provider, name: &str) -> Result<Self> {
        format!("{provider}:{name}").parse()
    }

    /// Returns the whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the part before the colon.
    #[must_use]
    pub fn provider(&self) -> Provider {
        Provider(self.provider_part().to_owned())
    }

    fn provider_part(&self) -> &str {
        &self.text[..self.colon]
    }

    /// Returns the part after the colon.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.text[self.colon + 1..]
    }

    /// Returns the id as one word of a shell, for a command that is pasted.
    #[must_use]
    pub fn word(&self) -> Cow<'_, str> {
        shell_word(&self.text)
    }

    /// Returns the name of the file of this profile's record.
    #[must_use]
    pub fn file_name(&self) -> String {
        let mut name = escape(&self.text, is_literal_in_file_names);
        if name.len() + SUFFIX.len() > FILE_NAME_MAX {
            name = escape(&self.text[..=self.colon], is_literal_in_file_names);
            name.push_str(&short(&self.text));
        }
        name.push_str(SUFFIX);
        name
    }

    /// Returns the name of its file if the id is too long for it, so that the name has the short form.
    #[must_use]
    pub fn short_file_name(&self) -> Option<String> {
        // Most ids are short enough even with every byte escaped.
        let may_be = 3 * self.text.len() + SUFFIX.len() > FILE_NAME_MAX;
        may_be.then(|| self.file_name()).filter(|name| Self::is_short_file_name(name))
    }

    /// Returns the id that [`ProfileId::file_name`] makes this name of; only the canonical spelling is accepted.
    ///
    /// Returns `None` for the short form of a long id: only the record or a list of ids tells which one it is
    /// ([`ProfileId::of_file`]).
    #[must_use]
    pub fn from_file_name(name: &str) -> Option<Self> {
        let id: Self = unescape(name.strip_suffix(SUFFIX)?)?.parse().ok()?;
        (id.file_name() == name).then_some(id)
    }

    /// Returns whether a file name has the short form of a long id.
    #[must_use]
    pub fn is_short_file_name(name: &str) -> bool {
        let parts = name.strip_suffix(SUFFIX).and_then(|name| name.split_once("_3a"));
        parts.is_some_and(|(provider, name)| {
            let of_provider = unescape(provider).and_then(|plain| plain.parse::<Provider>().ok());
            short_of(name).is_some()
                && of_provider
                    .is_some_and(|plain| escape(plain.as_str(), is_literal_in_file_names) == provider)
        })
    }

    /// Returns the id of the profile whose record a file holds. `held` returns the id in the record, and is called only
    /// if the name does not contain the id.
    #[must_use]
    pub fn of_file(name: &str, held: impl FnOnce() -> Option<Self>) -> Option<Self> {
        if Self::is_short_file_name(name) {
            held().filter(|id| id.file_name() == name)
        } else {
            Self::from_file_name(name)
        }
    }

    /// Parses an id as the client does: ignoring the case of the provider.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        let (provider, name) = text.split_once(':')?;
        format!("{}:{name}", Provider::named(provider)?).parse().ok()
    }
}

/// Returns whether a byte may be part of a profile's name: the atext of RFC 5322, the dot and the at sign, so that
/// every e-mail address in its usual form is a name.
#[must_use]
pub fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.@".contains(&byte)
}

impl FromStr for ProfileId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = || messages::vault::names::not_a_profile(&repeated(text));
        let (provider, name) = text.split_once(':').ok_or_else(invalid)?;
        let shaped = begins_and_holds(name, |b| b.is_ascii_alphanumeric(), is_of_name);
        if !shaped || text.len() > PROFILE_ID_MAX || is_reserved(name) {
            return Err(invalid());
        }
        provider.parse::<Provider>().map_err(|_| invalid())?;
        Ok(Self { colon: provider.len(), text: text.to_owned() })
    }
}

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The name of an agent, a namespace of profiles: `[a-z0-9][a-z0-9_-]{0,63}`, as in the client. `providers` is
/// reserved.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AgentName(String);

impl AgentName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the option that names the agent in a command to paste, with a space before it: ` --agent ops`. The
    /// default agent needs none.
    #[must_use]
    pub fn option(&self) -> String {
        if *self == Self::default() { String::new() } else { format!(" --agent {self}") }
    }
}

impl Default for AgentName {
    fn default() -> Self {
        Self("main".to_owned())
    }
}

impl FromStr for AgentName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let shaped =
            begins_and_holds(text, lower_or_digit, |b| lower_or_digit(b) || matches!(b, b'_' | b'-'));
        if !shaped || text.len() > AGENT_MAX || text == "providers" || is_reserved(text) {
            return Err(messages::vault::names::not_an_agent(&repeated(text)));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_both_encodings_stay_for_ever() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../docs/vectors.json")).unwrap();
        let names = vectors["names"].as_array().unwrap();
        assert!(names.len() >= 12);
        for one in names {
            let text = |member: &str| one[member].as_str().unwrap();
            let id: ProfileId = text("profile").parse().unwrap();
            let agent: AgentName = one["agent"].as_str().unwrap_or("main").parse().unwrap();
            assert_eq!(id.file_name(), text("fileName"));
            assert_eq!(ProfileId::of_file(text("fileName"), || Some(id.clone())), Some(id.clone()));
            let short = ProfileId::is_short_file_name(text("fileName"));
            assert_eq!(ProfileId::from_file_name(text("fileName")), (!short).then(|| id.clone()));
            assert_eq!(Reference::id_of(&agent, &id), text("reference"));
        }
    }

    #[test]
    fn every_address_in_its_usual_form_is_a_name() {
        for address in [
            "me@x.io",
            "o'brien@example.org",
            "a!#$%&'*+-/=?^_`{|}~z@x.io",
            "customer/department=shipping@example.com",
            "user%example.com@example.org",
            "x@[203.0.113.4]",
            "\"john.doe\"@x.io",
            "jörg@x.io",
        ] {
            let due = address.is_ascii() && !address.contains(['[', '"']);
            let id = format!("openai-codex:{address}").parse::<ProfileId>();
            assert_eq!(id.is_ok(), due, "{address}");
            let Ok(id) = id else { continue };
            let file = id.file_name();
            assert!(!file.contains('/') && ProfileId::from_file_name(&file) == Some(id), "{file}");
        }
    }

    #[test]
    fn a_long_id_has_a_short_file_name_that_its_record_explains() {
        let at = |length: usize| format!("a:{}", "b".repeat(length)).parse::<ProfileId>().unwrap();
        let (longest, long) = (at(200 - ".age".len() - "a_3a".len()), at(193));
        assert_eq!((longest.file_name().len(), long.file_name().len()), (200, "a_3a_x.age".len() + 40));
        assert!(ProfileId::is_short_file_name(&long.file_name()));
        assert!(!ProfileId::is_short_file_name(&longest.file_name()));
        assert_eq!(ProfileId::from_file_name(&format!("a_3a{}.age", "b".repeat(193))), None);
        assert_eq!(ProfileId::of_file(&long.file_name(), || Some(at(194))), None);
        assert_eq!(ProfileId::of_file(&long.file_name(), || Some(long.clone())), Some(long.clone()));
        assert_eq!(ProfileId::of_file(&longest.file_name(), || None), Some(longest));
        let widest = format!("p{}:{}", "_".repeat(49), "'".repeat(269).replacen('\'', "b", 1));
        let widest: ProfileId = widest.parse().unwrap();
        assert_eq!(widest.as_str().len(), PROFILE_ID_MAX);
        assert!(widest.file_name().len() <= FILE_NAME_MAX);
        for name in ["a_3a_x.age", "A_3a_x0000000000000000000000000000000000000000.age", "_x00.age"] {
            assert!(!ProfileId::is_short_file_name(name), "{name}");
        }
    }

    #[test]
    fn capitals_of_a_provider_are_lowered() {
        assert_eq!(ProfileId::named("OpenAI:Me").unwrap().as_str(), "openai:Me");
        assert_eq!(ProfileId::named(" Z.AI :k").unwrap().as_str(), "z.ai:k");
        assert_eq!(ProfileId::named("OpenAI: me"), None);
        assert_eq!(ProfileId::named("OpenAI"), None);
    }

    #[test]
    fn ids_outside_the_grammar_are_refused() {
        for id in [
            "",
            ":",
            "a:",
            ":a",
            "a",
            "A:b",
            "a:-b",
            "a:b c",
            "a:../b",
            "../a:b",
            "a/b:c",
            "a:/b",
            "a:b\\c",
            "a:b\"c",
            "a:b,c",
            "a:b;c",
            "a:b<c>",
            "a:b(c)",
            "a:b[c]",
            "a:b\n",
            "a:b\r",
            "a:b\0",
            "\u{202e}a:b",
            "а:b",
            "a:__proto__",
            "__proto__:a",
            "constructor:a",
            "a:constructor",
            "a:b:c",
            "a:\u{1b}[2J",
            ".a:b",
        ] {
            assert!(id.parse::<ProfileId>().is_err(), "{id:?}");
        }
        assert!(format!("a:{}", "b".repeat(318)).parse::<ProfileId>().is_ok());
        assert!(format!("a:{}", "b".repeat(319)).parse::<ProfileId>().is_err());
        assert!(format!("{}:b", "a".repeat(148)).parse::<ProfileId>().is_ok());
        assert!(format!("{}:b", "a".repeat(149)).parse::<ProfileId>().is_err());
    }

    #[test]
    fn agents_outside_the_grammar_are_refused() {
        for agent in ["", "-a", "_a", "A", "a b", "a/b", "..", "providers", "a\n", "constructor"] {
            assert!(agent.parse::<AgentName>().is_err(), "{agent:?}");
        }
        for agent in ["a_b", "a__", "0-_"] {
            assert!(agent.parse::<AgentName>().is_ok(), "{agent:?}");
        }
        assert!("a".repeat(64).parse::<AgentName>().is_ok());
        assert!("a".repeat(65).parse::<AgentName>().is_err());
    }

    #[test]
    fn other_spellings_of_a_file_name_are_refused() {
        for name in [
            "anthropic_3Adefault.age",
            "anthropic:default.age",
            "a_3ab",
            "a_3a_62.age",
            "a:b_62.age",
            "a_3aB_62.age",
            "_.age",
        ] {
            assert_eq!(ProfileId::from_file_name(name), None, "{name}");
        }
    }

    #[test]
    fn quoting_leaves_letters_and_nothing_that_deceives() {
        assert_eq!(quoted("a\u{1b}[2J\u{202e}\"\n"), r#""a\u{1b}[2J\u{202e}\"\u{a}""#);
    }
}
