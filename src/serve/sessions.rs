//! The profile that last served each session, so that the provider's prompt cache stays warm. Kept in memory alone: the
//! names come from requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::vault::access::AccessName;
use crate::vault::id::ProfileId;

/// How many sessions of an access are remembered at least.
const MOST: usize = 512;
/// How many accesses have sessions that are remembered. An agent has 64 at most, but they come and go.
const ACCESSES: usize = 256;

type Name = (Arc<str>, String);

/// Sessions by access, provider and name. Of an access that has many, those that asked longest ago are forgotten: one that makes
/// up names pushes out its own alone.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<AccessName, Two>>);

#[derive(Debug, Default)]
struct Two {
    recent: HashMap<Name, ProfileId>,
    older: HashMap<Name, ProfileId>,
}

impl Sessions {
    /// Returns the profile that last served a session.
    pub fn profile(&self, access: &AccessName, provider: &Arc<str>, session: &str) -> Option<ProfileId> {
        let name = (Arc::clone(provider), session.to_owned());
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let two = all.get(access)?;
        two.recent.get(&name).or_else(|| two.older.get(&name)).cloned()
    }

    /// Remembers the profile that serves a session.
    pub fn remember(&self, access: &AccessName, provider: &Arc<str>, session: &str, profile: &ProfileId) {
        let name = (Arc::clone(provider), session.to_owned());
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ACCESSES && !all.contains_key(access) {
            all.clear();
        }
        let two = all.entry(access.clone()).or_default();
        if two.recent.len() >= MOST {
            two.older = std::mem::take(&mut two.recent);
        }
        two.recent.insert(name, profile.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_asks_often_is_remembered_and_the_others_of_its_access_are_bounded() {
        let sessions = Sessions::default();
        let (access, provider): (AccessName, Arc<str>) = ("a".parse().unwrap(), "openai".into());
        let other: AccessName = "other".parse().unwrap();
        let profile: ProfileId = "openai:one".parse().unwrap();
        sessions.remember(&access, &provider, "first", &profile);
        sessions.remember(&other, &provider, "first", &profile);
        for number in 0..10 * MOST {
            sessions.remember(&access, &provider, "often", &profile);
            sessions.remember(&access, &provider, &number.to_string(), &profile);
        }
        assert_eq!(sessions.profile(&access, &provider, "often").as_ref(), Some(&profile));
        assert_eq!(sessions.profile(&access, &provider, "first"), None);
        assert_eq!(sessions.profile(&other, &provider, "first").as_ref(), Some(&profile));
        for number in 0..2 * ACCESSES {
            sessions.remember(&format!("a{number}").parse().unwrap(), &provider, "first", &profile);
        }
        let all = sessions.0.lock().unwrap();
        assert!(all.len() <= ACCESSES);
        assert!(all.values().all(|two| two.recent.len() + two.older.len() <= 2 * MOST));
    }
}
