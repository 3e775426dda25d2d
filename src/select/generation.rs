//! Which rules apply to failures. The client changed them with its versions.

use std::str::FromStr;

use crate::error::Error;
use crate::messages;
use crate::time::{HOUR, MINUTE, SECOND};

/// A generation of the client's back-off rules, named by the month of the version from which they were read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub enum Generation {
    /// The rules of OpenClaw 2026.2.26: 1, 5, 25 and 60 minutes; a permanent refusal counts as billing.
    February,
    /// The rules of OpenClaw 2026.6.1: 30 s, 1 and 5 minutes. If the failure can concern only one model, only that one
    /// cools down.
    #[default]
    June,
    /// The rules of OpenClaw 2026.9.6: a rate limit doubles its cooldown from 30 s to 24 h, and its count outlives the
    /// other counters; billing begins at 10 minutes; `auth.cooldowns` no longer counts.
    September,
}

impl Generation {
    /// The environment variable that chooses it.
    pub const VARIABLE: &'static str = "STRONGROOM_BACKOFF";
    /// All of them, the oldest first.
    pub const ALL: [Self; 3] = [Self::February, Self::June, Self::September];

    /// Returns its name: the version of the client from which the rules were read.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::February => "2026.2.26",
            Self::June => "2026.6.1",
            Self::September => "2026.9.6",
        }
    }

    /// Returns how long a profile cools down after its `count`-th failure in a row, in milliseconds. Rate limits have a
    /// time of their own since [`Generation::September`].
    #[must_use]
    pub fn cooldown(self, count: u64) -> i64 {
        let steps: &[i64] = match self {
            Self::February => &[MINUTE, 5 * MINUTE, 25 * MINUTE, HOUR],
            Self::June | Self::September => &[30 * SECOND, MINUTE, 5 * MINUTE],
        };
        let step = usize::try_from(count.saturating_sub(1)).unwrap_or(usize::MAX);
        steps[step.min(steps.len() - 1)]
    }

    /// Returns whether the client sorts a provider's profiles for the requested model, so that a profile that is
    /// cooling down for another one keeps its place. Before, it sorted them for all models.
    #[must_use]
    pub const fn sorts_by_model(self) -> bool {
        matches!(self, Self::September)
    }
}

impl FromStr for Generation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|one| one.as_str() == text);
        known.ok_or_else(|| messages::select::unknown_generation(&Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// Why a generation applies.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum ChosenBy {
    /// A flag names it.
    Flag,
    /// [`Generation::VARIABLE`] names it.
    Variable,
    /// This version of the client is installed.
    Installed(String),
    /// No client was found, but the database that only newer clients have.
    Database,
    /// Nothing says which client there is.
    #[default]
    Default,
}

/// A generation, and why it applies.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Chosen {
    /// The generation.
    pub generation: Generation,
    /// Why it applies.
    pub by: ChosenBy,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_named_by_a_version_of_the_client() {
        for generation in Generation::ALL {
            assert_eq!(generation.as_str().parse::<Generation>().unwrap(), generation);
        }
        let error = "2026.9".parse::<Generation>().unwrap_err();
        assert_eq!(error.remedy(), "use one of: 2026.2.26, 2026.6.1, 2026.9.6");
        assert!(Generation::ALL.is_sorted());
    }

    #[test]
    fn each_generation_waits_as_published() {
        let seconds = |generation: Generation| (1..7).map(move |n| generation.cooldown(n) / SECOND);
        assert!(seconds(Generation::February).eq([60, 300, 1500, 3600, 3600, 3600]));
        for generation in [Generation::June, Generation::September] {
            assert!(seconds(generation).eq([30, 60, 300, 300, 300, 300]));
        }
    }
}
