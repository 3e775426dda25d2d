//! Names: providers, profiles and agents, and the two encodings of a profile id.
//!
//! One escape serves both encodings: `_` and two lower-case hex digits. File names keep
//! `[a-z0-9.-]` as they are, so that ids which differ only in case stay apart on a file system
//! that folds it; reference ids keep `[A-Za-z0-9.:-]`, which every OpenClaw since 2026.2.26 takes.

use std::fmt;
use std::str::FromStr;

use crate::error::{Code, Error, Result, fail};

/// The longest profile id, in bytes.
pub const PROFILE_ID_MAX: usize = 80;
/// The longest agent name, in bytes.
pub const AGENT_MAX: usize = 32;
/// The longest reference id that OpenClaw accepts, in bytes.
pub const REFERENCE_MAX: usize = 256;
/// Names that a JavaScript client would read from, or write to, an object's prototype.
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

/// Whether a text is one of [`RESERVED`], in whatever case.
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
    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A provider as a client accepts its name: in whatever case, with spaces around it.
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
        // One byte for the colon and at least one for the name.
        if !shaped || text.len() + 2 > PROFILE_ID_MAX || is_reserved(text) {
            return fail(Code::InvalidId, format!("{} is not a provider name", quoted(text))).map_err(
                |e: Error| e.with_remedy("use lower-case letters, digits and . _ -, as in anthropic"),
            );
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
    /// The id of `name` at `provider`.
    ///
    /// # Errors
    /// `INVALID_ID` when the name is outside its grammar or the whole too long.
    pub fn new(provider: &Provider, name: &str) -> Result<Self> {
        format!("{provider}:{name}").parse()
    }

    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the colon. A record's own provider can differ; the record governs.
    #[must_use]
    pub fn provider(&self) -> Provider {
        Provider(self.text[..self.colon].to_owned())
    }

    /// The part behind the colon.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.text[self.colon + 1..]
    }

    /// The name of the file that holds this profile's record.
    #[must_use]
    pub fn file_name(&self) -> String {
        let mut name = escape(&self.text, is_literal_in_file_names);
        name.push_str(".age");
        name
    }

    /// The id that [`ProfileId::file_name`] was made from; only the canonical spelling is taken.
    #[must_use]
    pub fn from_file_name(name: &str) -> Option<Self> {
        let name = name.strip_suffix(".age")?;
        let text = unescape(name)?;
        // Everything that has to be escaped is, and nothing else.
        let is_escaped = name.bytes().all(|byte| byte == b'_' || is_literal_in_file_names(byte));
        let escapes = name.bytes().filter(|byte| *byte == b'_').count();
        let needed = text.bytes().filter(|byte| !is_literal_in_file_names(*byte)).count();
        if is_escaped && escapes == needed { text.parse().ok() } else { None }
    }
}

impl FromStr for ProfileId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::new(Code::InvalidId, format!("{} is not a profile id", quoted(text)));
        let (provider, name) = text.split_once(':').ok_or_else(invalid)?;
        let shaped = begins_and_holds(
            name,
            |b| b.is_ascii_alphanumeric(),
            |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'@' | b'+' | b'-'),
        );
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

/// A namespace of profiles: `[a-z0-9][a-z0-9-]{0,31}`; `providers` is reserved.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AgentName(String);

impl AgentName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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
        let shaped = begins_and_holds(text, lower_or_digit, |b| lower_or_digit(b) || b == b'-');
        if !shaped || text.len() > AGENT_MAX || text == "providers" || is_reserved(text) {
            return fail(Code::InvalidAgent, format!("{} is not an agent name", quoted(text)));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a reference id asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reference {
    /// One profile, of the given agent or of the default one. An id that can be read both as it
    /// stands and as escaped has two readings, and the first that exists is meant: with an agent,
    /// as an index writes it, the escaped one comes first; without, as a person does, the other.
    Profile(Option<AgentName>, Vec<ProfileId>),
    /// `providers/<provider>/apiKey`: the provider's best profile.
    BestOf(Provider),
}

impl Reference {
    /// The reference id of a profile as it stands in the index: `<agent>/<escaped id>`.
    #[must_use]
    pub fn id_of(agent: &AgentName, profile: &ProfileId) -> String {
        let literal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'-');
        format!("{agent}/{}", escape(profile.as_str(), literal))
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::new(Code::InvalidId, format!("{} is not a reference id", quoted(text)));
        if text.len() > REFERENCE_MAX {
            return Err(invalid());
        }
        // An id is taken in its escaped form and, where a person wrote it, in its plain one.
        let readings = |part: &str, escaped_first: bool| -> Result<Vec<ProfileId>> {
            let escaped = unescape(part).and_then(|plain| plain.parse::<ProfileId>().ok());
            let plain = part.parse::<ProfileId>().ok().filter(|plain| Some(plain) != escaped.as_ref());
            let mut both: Vec<_> = escaped.into_iter().chain(plain).collect();
            if !escaped_first {
                both.reverse();
            }
            if both.is_empty() { Err(invalid()) } else { Ok(both) }
        };
        match text.split('/').collect::<Vec<_>>().as_slice() {
            [id] => Ok(Self::Profile(None, readings(id, false)?)),
            [agent, id] => {
                Ok(Self::Profile(Some(agent.parse().map_err(|_| invalid())?), readings(id, true)?))
            }
            ["providers", provider, "apiKey"] => Ok(Self::BestOf(provider.parse().map_err(|_| invalid())?)),
            _ => Err(invalid()),
        }
    }
}

fn escape(text: &str, literal: impl Fn(u8) -> bool) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    if text.bytes().all(&literal) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if literal(byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['_', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
    }
    out
}

fn unescape(text: &str) -> Option<String> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'_' {
            out.push(digit(bytes.next()?)? << 4 | digit(bytes.next()?)?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// Names a user or a file supplied, made safe to show: at most 80 characters, in quotes, with
/// everything but printable ASCII escaped.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for (count, c) in text.chars().enumerate() {
        if count == PROFILE_ID_MAX {
            out.push('…');
            break;
        }
        match c {
            ' '..='~' if c != '"' && c != '\\' => out.push(c),
            _ => out.extend(c.escape_default()),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_both_encodings_stay_for_ever() {
        for (id, file, reference) in [
            ("anthropic:default", "anthropic_3adefault.age", "main/anthropic:default"),
            ("openai-codex:Me@x.io", "openai-codex_3a_4de_40x.io.age", "main/openai-codex:Me_40x.io"),
            ("a:b_c+d", "a_3ab_5fc_2bd.age", "main/a:b_5fc_2bd"),
            ("z.ai:K", "z.ai_3a_4b.age", "main/z.ai:K"),
        ] {
            let profile: ProfileId = id.parse().unwrap();
            assert_eq!(profile.file_name(), file);
            assert_eq!(ProfileId::from_file_name(file), Some(profile.clone()));
            assert_eq!(Reference::id_of(&AgentName::default(), &profile), reference);
            match reference.parse::<Reference>().unwrap() {
                Reference::Profile(agent, readings) => {
                    assert_eq!((agent, &readings[0]), (Some(AgentName::default()), &profile));
                }
                other @ Reference::BestOf(_) => panic!("{other:?}"),
            }
        }
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
            "a:b/c",
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
        assert!(format!("a:{}", "b".repeat(78)).parse::<ProfileId>().is_ok());
        assert!(format!("a:{}", "b".repeat(79)).parse::<ProfileId>().is_err());
    }

    #[test]
    fn agents_outside_the_grammar_are_refused() {
        for agent in ["", "-a", "A", "a_b", "a/b", "..", "providers", "a\n", "constructor"] {
            assert!(agent.parse::<AgentName>().is_err(), "{agent:?}");
        }
        assert!("a".repeat(32).parse::<AgentName>().is_ok());
        assert!("a".repeat(33).parse::<AgentName>().is_err());
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
    fn quoting_leaves_only_printable_ascii() {
        assert_eq!(quoted("a\u{1b}[2J\u{202e}\"\n"), r#""a\u{1b}[2J\u{202e}\"\n""#);
    }
}
