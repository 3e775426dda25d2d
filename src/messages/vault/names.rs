//! Messages about ids and names that are outside their grammar, and about agents that have a profile.

use crate::error::{Code, Error};

/// `shown` is the quoted text, or stands for one that may be a secret.
#[must_use]
pub fn not_a_provider(shown: &str) -> Error {
    Error::new(Code::InvalidId, format!("{shown} is not a provider name"))
        .with_remedy("use lower-case letters, digits and . _ -, as in anthropic")
}

/// As [`not_a_provider`], for the id of a profile.
#[must_use]
pub fn not_a_profile(shown: &str) -> Error {
    Error::new(Code::InvalidId, format!("{shown} is not a profile id"))
}

/// As [`not_a_provider`], for the name of an agent.
#[must_use]
pub fn not_an_agent(shown: &str) -> Error {
    Error::new(Code::InvalidAgent, format!("{shown} is not an agent name"))
}

/// As [`not_a_provider`], for the id of a reference.
#[must_use]
pub fn not_a_reference(shown: &str) -> Error {
    Error::new(Code::InvalidId, format!("{shown} is not a reference id"))
}

/// Stands for a text that may be a secret.
#[must_use]
pub fn withheld() -> String {
    "the given value".to_owned()
}

/// Which agents have what another one lacks: `agent ops has one`. `None` without agents.
#[must_use]
pub fn agents_have_one(agents: &[&str]) -> Option<String> {
    match agents {
        [] => None,
        [one] => Some(format!("agent {one} has one")),
        several => Some(format!("agents {} have one", several.join(", "))),
    }
}

/// An agent would have more profiles than it may.
#[must_use]
pub fn too_many_profiles(agent: &str, count: usize, max: usize) -> Error {
    let what = format!(
        "agent {agent} would have {count} profiles, more than the limit of {max}; nothing was changed"
    );
    Error::new(Code::TooLarge, what)
        .with_remedy("remove profiles that are no longer needed, or use another agent: `--agent NAME`")
}
