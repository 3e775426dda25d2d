//! Failures that this server knows of beside the state: those that count for one access and one model alone, and those
//! that are not in the state yet.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use strongroom_proxy::Failure;

use crate::time::MINUTE;
use crate::vault::access::AccessName;
use crate::vault::id::ProfileId;

/// How long a profile rests for an access after a refusal that the request itself may have caused, in milliseconds.
const REST: i64 = 5 * MINUTE;
/// How long such a refusal is remembered, so that another access can confirm it, in milliseconds.
const REMEMBERED: i64 = 60 * MINUTE;
/// The most refusals that are remembered of one profile: more come only from requests that vary the model.
const MOST: usize = 256;

/// Failures by profile.
#[derive(Debug, Default)]
pub(super) struct Waits(Mutex<HashMap<ProfileId, Vec<Wait>>>);

#[derive(Debug)]
struct Wait {
    /// The version of the record that failed.
    generation: u64,
    /// The access that it counts for; `None` for all.
    alone: Option<AccessName>,
    /// The model that was asked for, if it is known.
    model: Option<String>,
    failure: Failure,
    at: i64,
    until: i64,
}

impl Waits {
    fn of<T>(&self, profile: &ProfileId, work: impl FnOnce(&mut Vec<Wait>) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(all.entry(profile.clone()).or_default())
    }

    /// Notes a refusal that the request may have caused. Returns whether another access met the same one of this
    /// version of the profile, so that it is laid to the profile itself.
    pub fn refused(
        &self,
        profile: &ProfileId,
        generation: u64,
        failure: Failure,
        (access, model): (&AccessName, Option<&str>),
        now: i64,
    ) -> bool {
        self.of(profile, |waits| {
            waits.retain(|wait| wait.generation == generation && now - wait.at < REMEMBERED);
            // One that asks for a model that the account lacks says nothing of the others.
            let is_of_another = |wait: &Wait| {
                wait.failure == failure
                    && wait.model.as_deref() == model
                    && wait.alone.as_ref().is_some_and(|of| of != access)
            };
            if waits.iter().any(is_of_another) {
                return true;
            }
            if waits.len() >= MOST {
                waits.remove(0);
            }
            let (alone, model) = (Some(access.clone()), model.map(str::to_owned));
            waits.push(Wait { generation, alone, model, failure, at: now, until: now + REST });
            false
        })
    }

    /// Notes that a profile rests for all until an instant, in Unix milliseconds, because the state does not say so yet.
    /// Returns whether that was noted already, of the same failure with the same model: of requests that ran at the same
    /// time.
    pub fn rests(
        &self,
        profile: &ProfileId,
        generation: u64,
        (failure, model): (Failure, Option<&str>),
        now: i64,
        until: i64,
    ) -> bool {
        self.of(profile, |waits| {
            waits.retain(|wait| wait.generation == generation && (wait.alone.is_some() || wait.until > now));
            let is_same = |wait: &&mut Wait| {
                wait.alone.is_none() && wait.failure == failure && wait.model.as_deref() == model
            };
            if let Some(wait) = waits.iter_mut().find(is_same) {
                wait.until = wait.until.max(until);
                return true;
            }
            let model = model.map(str::to_owned);
            waits.push(Wait { generation, alone: None, model, failure, at: now, until });
            false
        })
    }

    /// Notes that the state says now what [`Waits::rests`] said.
    pub fn told(&self, profile: &ProfileId) {
        self.of(profile, |waits| waits.retain(|wait| wait.alone.is_some()));
    }

    /// Returns until when a profile rests for an access, in Unix milliseconds, if it does. The model of a request is not
    /// known when its profile is chosen, so that a refusal of any model counts.
    pub fn until(&self, profile: &ProfileId, generation: u64, access: &AccessName, now: i64) -> Option<i64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = all.get_mut(profile)?;
        let counts = |wait: &&Wait| {
            wait.generation == generation
                && wait.until > now
                && wait.alone.as_ref().is_none_or(|of| of == access)
        };
        waits.iter().filter(counts).map(|wait| wait.until).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> AccessName {
        text.parse().unwrap()
    }

    #[test]
    fn a_refusal_counts_for_its_access_alone_until_another_meets_it_too() {
        let (waits, id): (_, ProfileId) = (Waits::default(), "openai:one".parse().unwrap());
        let (one, two) = (name("one"), name("two"));
        assert!(!waits.refused(&id, 1, Failure::Forbidden, (&one, Some("m")), 0));
        assert!(!waits.refused(&id, 1, Failure::Forbidden, (&one, Some("n")), 0));
        assert_eq!(waits.until(&id, 1, &one, 1), Some(REST));
        assert_eq!(waits.until(&id, 1, &two, 1), None);
        assert_eq!(waits.until(&id, 2, &one, 1), None, "a new secret");
        assert!(!waits.refused(&id, 1, Failure::Billing, (&two, None), 1), "another failure");
        assert!(!waits.refused(&id, 1, Failure::Forbidden, (&two, Some("other")), 1), "another model");
        assert!(waits.refused(&id, 1, Failure::Forbidden, (&two, Some("m")), 1));
        assert!(!waits.refused(&id, 2, Failure::Forbidden, (&two, None), 2), "a new secret");
    }

    #[test]
    fn a_failure_that_the_state_does_not_say_yet_counts_for_all() {
        let (waits, id): (_, ProfileId) = (Waits::default(), "openai:one".parse().unwrap());
        assert!(!waits.rests(&id, 1, (Failure::Auth, None), 0, 40));
        assert!(waits.rests(&id, 1, (Failure::Auth, None), 0, 50), "the same one");
        assert!(!waits.rests(&id, 1, (Failure::Auth, Some("m")), 0, 50), "another model");
        assert!(!waits.rests(&id, 1, (Failure::Billing, None), 0, 50), "another failure");
        assert_eq!(waits.until(&id, 1, &name("any"), 49), Some(50));
        assert_eq!(waits.until(&id, 1, &name("any"), 50), None);
        waits.told(&id);
        assert_eq!(waits.until(&id, 1, &name("any"), 1), None);
    }

    #[test]
    fn requests_that_vary_the_model_take_no_memory_without_end() {
        let (waits, id): (_, ProfileId) = (Waits::default(), "openai:one".parse().unwrap());
        for number in 0..10_000 {
            waits.refused(&id, 1, Failure::Forbidden, (&name("one"), Some(&number.to_string())), 0);
        }
        assert_eq!(waits.of(&id, |waits| waits.len()), MOST);
    }
}
