//! The profile that last served each session, so that the provider's prompt cache stays warm. Kept in memory alone: the
//! names come from requests.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::vault::access::AccessName;
use crate::vault::id::ProfileId;

/// How many sessions are remembered at least.
const MOST: usize = 2048;

type Name = (AccessName, Arc<str>, String);

/// Sessions by access, provider and name. If there are many, those that asked longest ago are forgotten.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Two>);

#[derive(Debug, Default)]
struct Two {
    recent: HashMap<Name, ProfileId>,
    older: HashMap<Name, ProfileId>,
}

impl Sessions {
    /// Returns the profile that last served a session.
    pub fn profile(&self, access: &AccessName, provider: &Arc<str>, session: &str) -> Option<ProfileId> {
        let name = (access.clone(), Arc::clone(provider), session.to_owned());
        let two = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        two.recent.get(&name).or_else(|| two.older.get(&name)).cloned()
    }

    /// Remembers the profile that serves a session.
    pub fn remember(&self, access: &AccessName, provider: &Arc<str>, session: &str, profile: &ProfileId) {
        let name = (access.clone(), Arc::clone(provider), session.to_owned());
        let mut two = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
    fn a_session_that_asks_often_is_remembered_and_the_others_are_bounded() {
        let sessions = Sessions::default();
        let (access, provider): (AccessName, Arc<str>) = ("a".parse().unwrap(), "openai".into());
        let profile: ProfileId = "openai:one".parse().unwrap();
        sessions.remember(&access, &provider, "first", &profile);
        for number in 0..10 * MOST {
            sessions.remember(&access, &provider, "often", &profile);
            sessions.remember(&access, &provider, &number.to_string(), &profile);
        }
        assert_eq!(sessions.profile(&access, &provider, "often"), Some(profile));
        assert_eq!(sessions.profile(&access, &provider, "first"), None);
        let two = sessions.0.lock().unwrap();
        assert!(two.recent.len() + two.older.len() <= 2 * MOST);
    }
}
