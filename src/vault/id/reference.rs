//! Reference ids: what an index has in place of a secret, and what a client asks `resolve` for.

use std::str::FromStr;

use super::{AGENT_MAX, AgentName, ProfileId, Provider, escape, repeated, short, short_of, unescape};
use crate::error::{Error, Result};
use crate::messages;

/// The longest reference id that OpenClaw accepts, in bytes.
pub const REFERENCE_MAX: usize = 256;

/// What a reference id asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reference {
    /// One profile. An id that is valid both as it is and unescaped has several readings; the first that exists is
    /// meant. With an agent, as an index writes it, the unescaped readings come first; without, as a person writes it,
    /// the plain one does.
    Profile(Vec<Reading>),
    /// `providers/<provider>/apiKey`: the provider's best profile.
    BestOf(Provider),
}

/// One way to read a reference id.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Reading {
    /// The agent; `None` if the id names none.
    pub agent: Option<AgentName>,
    /// The profile.
    pub profile: Named,
}

/// How a reference names a profile.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Named {
    /// By its id.
    Id(ProfileId),
    /// By the short form of an id that is too long for a reference.
    Short(ShortId),
}

/// The short form of an id: its provider, and digits of the id's SHA-256. To find the id, one has to search all ids.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ShortId {
    provider: Provider,
    name: String,
}

impl ShortId {
    /// Returns the short form of an id.
    #[must_use]
    pub fn of(id: &ProfileId) -> Self {
        Self { provider: id.provider(), name: short(id.as_str()) }
    }

    /// Returns whether an id may be long enough to need a short form; most are not.
    #[must_use]
    pub fn may_be_of(id: &ProfileId) -> bool {
        3 * (AGENT_MAX + id.as_str().len()) + 1 > REFERENCE_MAX
    }
}

impl Named {
    /// Returns the name for a message.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Id(id) => id.to_string(),
            Self::Short(short) => format!("{}:{}", short.provider, short.name),
        }
    }
}

fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b':' | b'-')
}

impl Reference {
    /// Returns the reference id of a profile for the index: `<agent>/<id>`, both escaped. If that exceeds
    /// [`REFERENCE_MAX`], it has the short form of the id; if that still exceeds it, the agent is not escaped.
    #[must_use]
    pub fn id_of(agent: &AgentName, profile: &ProfileId) -> String {
        let agent = agent.as_str();
        let of = |agent: &str, id: &str| format!("{agent}/{id}");
        let escaped = escape(agent, is_literal);
        let whole = of(&escaped, &escape(profile.as_str(), is_literal));
        if whole.len() <= REFERENCE_MAX {
            return whole;
        }
        let short = format!("{}:{}", escape(profile.provider_part(), is_literal), short(profile.as_str()));
        let whole = of(&escaped, &short);
        if whole.len() <= REFERENCE_MAX { whole } else { of(agent, &short) }
    }
}

/// Parses a profile in its escaped form.
fn escaped(part: &str) -> Option<Named> {
    if let Some(plain) = unescape(part) {
        return plain.parse().ok().map(Named::Id);
    }
    let (provider, name) = part.split_once(':')?;
    short_of(name)?;
    let provider = unescape(provider)?.parse().ok()?;
    Some(Named::Short(ShortId { provider, name: name.to_owned() }))
}

/// Returns the readings of a part without duplicates, the escaped one first.
fn readings<T: PartialEq>(escaped: Option<T>, plain: Option<T>) -> Vec<T> {
    let plain = plain.filter(|plain| Some(plain) != escaped.as_ref());
    escaped.into_iter().chain(plain).collect()
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = || messages::vault::names::not_a_reference(&repeated(text));
        if text.len() > REFERENCE_MAX {
            return Err(invalid());
        }
        if let Some(provider) = text.strip_prefix("providers/").and_then(|rest| rest.strip_suffix("/apiKey"))
        {
            return Ok(Self::BestOf(provider.parse().map_err(|_| invalid())?));
        }
        // Agents have no colon, and providers have no slash.
        let slash = text.find('/').filter(|slash| text.find(':').is_none_or(|colon| *slash < colon));
        let (agents, id) = match slash {
            None => (vec![None], text),
            Some(slash) => {
                let agent = &text[..slash];
                let escaped = unescape(agent).and_then(|plain| plain.parse::<AgentName>().ok());
                let agents = readings(escaped, agent.parse().ok());
                (agents.into_iter().map(Some).collect(), &text[slash + 1..])
            }
        };
        let mut profiles = readings(escaped(id), id.parse().ok().map(Named::Id));
        if slash.is_none() {
            profiles.reverse();
        }
        let both = agents.iter().flat_map(|agent: &Option<AgentName>| {
            profiles.iter().map(|profile| Reading { agent: agent.clone(), profile: profile.clone() })
        });
        let both: Vec<_> = both.collect();
        if both.is_empty() { Err(invalid()) } else { Ok(Self::Profile(both)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings_of(text: &str) -> Vec<(Option<String>, String)> {
        match text.parse::<Reference>().unwrap() {
            Reference::Profile(readings) => readings
                .iter()
                .map(|reading| (reading.agent.as_ref().map(ToString::to_string), reading.profile.shown()))
                .collect(),
            other @ Reference::BestOf(_) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_is_read_escaped_and_plain_the_agent_too() {
        let main = || Some("main".to_owned());
        for (text, due) in [
            ("main/a:b_5fc", vec![(main(), "a:b_c".into()), (main(), "a:b_5fc".into())]),
            ("a:b_5fc", vec![(None, "a:b_5fc".into()), (None, "a:b_c".into())]),
            ("main/a:b_c", vec![(main(), "a:b_c".into())]),
            ("main/a:b_2fc/d", vec![(main(), "a:b/c/d".into()), (main(), "a:b_2fc/d".into())]),
            ("a:b/c", vec![(None, "a:b/c".into())]),
            ("a:main/a:b", vec![]),
            (
                "my_5fagent/a:b",
                vec![(Some("my_agent".into()), "a:b".into()), (Some("my_5fagent".into()), "a:b".into())],
            ),
            ("my_agent/a:b", vec![(Some("my_agent".into()), "a:b".into())]),
        ] {
            if due.is_empty() {
                assert!(text.parse::<Reference>().is_err(), "{text}");
            } else {
                assert_eq!(readings_of(text), due, "{text}");
            }
        }
        assert_eq!(
            "providers/z.ai/apiKey".parse::<Reference>().unwrap(),
            Reference::BestOf("z.ai".parse().unwrap())
        );
        for text in [
            "",
            "/",
            "main/",
            "/a:b",
            "providers/a:b",
            "Main/a:b",
            "../a:b",
            "main/a:_x12",
            "providers//apiKey",
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_reference_is_one_that_the_client_takes_and_leads_back() {
        let agents = ["main".to_owned(), format!("a{}", "_".repeat(63)), "a_5fb".to_owned(), "b-".repeat(32)];
        let providers = ["a".to_owned(), "p".repeat(148), format!("p{}", "_".repeat(49))];
        let names = ["b".to_owned(), "b_'/`$#{|}~".to_owned(), "B".repeat(160), "b/".repeat(80)];
        for agent in &agents {
            let agent: AgentName = agent.parse().unwrap();
            for id in providers.iter().flat_map(|p| names.iter().map(move |n| format!("{p}:{n}"))) {
                let Ok(id) = id.parse::<ProfileId>() else { continue };
                let reference = Reference::id_of(&agent, &id);
                assert!(reference.len() <= REFERENCE_MAX, "{reference}");
                let taken = |b: u8| b.is_ascii_alphanumeric() || b"._:/-".contains(&b);
                assert!(reference.bytes().all(taken), "{reference}");
                let Reference::Profile(readings) = reference.parse().unwrap() else { panic!("{reference}") };
                let leads = |reading: &Reading| {
                    reading.agent.as_ref() == Some(&agent)
                        && match &reading.profile {
                            Named::Id(found) => *found == id,
                            Named::Short(short) => ShortId::may_be_of(&id) && *short == ShortId::of(&id),
                        }
                };
                assert!(readings.iter().any(leads), "{reference}");
            }
        }
    }
}
