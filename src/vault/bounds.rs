//! The limit of profiles of an agent.

use super::id::AgentName;
use crate::error::Result;
use crate::messages;

/// The most profiles of one agent.
pub const PROFILES_MAX: usize = 100_000;

/// Refuses a change by which an agent would exceed the limit of profiles. An agent that exceeds it already can still
/// lose some.
///
/// # Errors
/// `TOO_LARGE`.
pub fn check_profiles(agent: &AgentName, before: usize, after: usize) -> Result<()> {
    if after <= PROFILES_MAX || after <= before {
        return Ok(());
    }
    Err(messages::vault::names::too_many_profiles(agent.as_str(), after, PROFILES_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_grows_up_to_the_bound_and_may_shrink_above_it() {
        let refused = |before, after| check_profiles(&AgentName::default(), before, after).is_err();
        assert!(!refused(0, PROFILES_MAX));
        assert!(refused(PROFILES_MAX, PROFILES_MAX + 1));
        assert!(!refused(PROFILES_MAX + 2, PROFILES_MAX + 1));
        assert!(!refused(PROFILES_MAX + 2, PROFILES_MAX + 2));
    }
}
