//! Which earlier versions a change drops.
//!
//! A version goes if it is old and not among the last few, or if there are too many. Age is counted in intervals
//! between versions. No interval counts for more than a third of the time that versions are kept, and the longest one
//! does not count at all. Generations only grow, so a clock that jumps makes one interval, and ages nothing.
//!
//! A version that a bundle brought never makes one go that this vault kept: those are judged as if no other were there.

use std::collections::BTreeSet;

use super::{Version, dir_if_any, dir_name, generations, in_place};
use crate::error::Result;
use crate::secret::ExposeSecret;
use crate::time;
use crate::vault::transaction::staging::Place;

/// The number of versions with different secrets that stay whatever their age.
const LAST: usize = 5;
/// The most versions of a profile.
pub const MAX: usize = 64;

const DAY: u64 = time::DAY.unsigned_abs();

/// Returns the generations that give way if another version of a profile is kept. The caller holds the agent's lock.
///
/// # Errors
/// Those of reading the directory.
pub(in crate::vault) fn due(place: Place<'_>, kept: &Version) -> Result<BTreeSet<u64>> {
    let profile = &kept.record.profile;
    let there = generations(place.agent, profile)?;
    // Most profiles have few versions, and then nothing is decrypted.
    if there.len() < LAST {
        return Ok(BTreeSet::new());
    }
    let Some(dir) = dir_if_any(place.agent.dir(), &dir_name(profile))? else { return Ok(BTreeSet::new()) };
    let older = in_place(&dir, place.ring, profile)?;
    let older = older.into_iter().filter(|there| there.generation < kept.record.generation);
    // One that cannot be decrypted is a finding, and stays.
    let mut versions: Vec<Version> = older.filter_map(|there| there.opened.ok()).collect();
    versions.push(kept.clone());
    Ok(due_among(&versions, place.now, place.history_days))
}

/// Returns the generations of the versions that give way. `versions` are those that can be decrypted, the oldest first;
/// `now` is the time at which the last one is replaced, in Unix milliseconds. They are kept for `days` at least.
pub(super) fn due_among(versions: &[Version], now: i64, days: u32) -> BTreeSet<u64> {
    let now = u64::try_from(now).unwrap_or(0);
    let all: Vec<&Version> = versions.iter().collect();
    let (own, imported): (Vec<&Version>, Vec<&Version>) =
        all.iter().copied().partition(|version| version.imported.is_none());
    let mut due = due_of(&own, now, days);
    if imported.is_empty() {
        return due;
    }
    let due_with_all = due_of(&all, now, days);
    let generation = |version: &&Version| version.record.generation;
    due.extend(imported.iter().map(generation).filter(|generation| due_with_all.contains(generation)));
    // There may still be too many, if the rule for all of them would take one that this vault kept.
    let too_many = (versions.len() - due.len()).saturating_sub(MAX);
    let left = imported.iter().map(generation).filter(|generation| !due.contains(generation));
    let oldest: Vec<u64> = left.take(too_many).collect();
    due.extend(oldest);
    due
}

fn due_of(versions: &[&Version], now: u64, days: u32) -> BTreeSet<u64> {
    let mut due = BTreeSet::new();
    if versions.len() <= LAST {
        return due;
    }
    let keeps = u64::from(days) * DAY;
    let until = |at: usize| {
        let next = versions.get(at + 1).map_or(now, |next| next.record.generation);
        next.saturating_sub(versions[at].record.generation)
    };
    let secret = |at: usize| versions[at].record.credential.secret.expose_secret();
    let (mut age, mut longest, mut secrets) = (0_u64, 0, BTreeSet::new());
    for at in (0..versions.len()).rev() {
        let is_last = secrets.len() < LAST || (secrets.len() == LAST && secrets.contains(secret(at)));
        if is_last {
            secrets.insert(secret(at));
        } else if age - longest >= keeps {
            due.insert(versions[at].record.generation);
        }
        let interval = until(at).min(keeps / 3);
        age = age.saturating_add(interval);
        longest = longest.max(interval);
    }
    // Too many: first those whose secret a later version has too, then those that were current for the shortest time.
    // A loop that pastes does not push out the version that was in use for days.
    let mut left: Vec<usize> =
        (0..versions.len()).filter(|at| !due.contains(&versions[*at].record.generation)).collect();
    while left.len() > MAX {
        let last = left.len() - 1;
        let again =
            left[..last].iter().position(|at| left.iter().any(|l| l > at && secret(*l) == secret(*at)));
        let shortest = || (0..last).min_by_key(|at| until(left[*at]));
        let Some(goes) = again.or_else(shortest) else { break };
        due.insert(versions[left.remove(goes)].record.generation);
    }
    due
}

#[cfg(test)]
mod tests {
    use super::super::Imported;
    use super::*;
    use crate::secret::SecretString;
    use crate::vault::credential::{Credential, CredentialType};
    use crate::vault::id::ProfileId;
    use crate::vault::record::{Details, Record};
    use crate::vault::settings::HISTORY_DAYS;
    use crate::vault::store::Store;

    const START: u64 = 1_790_000_000_000;

    /// Returns versions with these secrets, written on these days.
    fn versions(of: &[(u64, &str)]) -> Vec<Version> {
        let version = |(day, secret): &(u64, &str)| {
            let profile: ProfileId = "a:b".parse().unwrap();
            let credential =
                Credential::new(CredentialType::ApiKey, profile.provider(), SecretString::from(*secret));
            let record = Record {
                profile,
                generation: START + day * DAY,
                created: 0,
                updated: 0,
                rotated: None,
                replaces: None,
                by: None,
                credential,
                details: Details::default(),
            };
            Version { record, store: Store::File, imported: None }
        };
        of.iter().map(version).collect()
    }

    fn days(of: &[(u64, &str)], now: u64) -> Vec<u64> {
        due_among(&versions(of), i64::try_from(START + now * DAY).unwrap(), HISTORY_DAYS)
            .into_iter()
            .map(|g| (g - START) / DAY)
            .collect()
    }

    #[test]
    fn what_is_old_goes_if_it_is_not_among_the_last() {
        let weekly: Vec<(u64, String)> = (0..9).map(|n| (n * 7, format!("s{n}"))).collect();
        let weekly: Vec<(u64, &str)> = weekly.iter().map(|(day, s)| (*day, s.as_str())).collect();
        assert_eq!(days(&weekly, 63), [0, 7, 14]);
        assert_eq!(days(&weekly[..5], 900), [0; 0]);
        // A loop of pastes in one day drops nothing.
        let looped: Vec<(u64, &str)> = [(0, "good")].into_iter().chain((1..8).map(|_| (1, "bad"))).collect();
        assert_eq!(days(&looped, 1), [0; 0]);
    }

    #[test]
    fn a_clock_that_jumps_drops_nothing() {
        let of: Vec<(u64, String)> = (0..8).map(|n| (0, format!("s{n}"))).collect();
        let mut of: Vec<(u64, &str)> = of.iter().map(|(day, s)| (*day, s.as_str())).collect();
        assert_eq!(days(&of, 26_000), [0; 0]);
        of.extend([
            (26_000, "x1"),
            (26_000, "x2"),
            (26_000, "x3"),
            (26_000, "x4"),
            (26_000, "x5"),
            (26_000, "x6"),
        ]);
        assert_eq!(days(&of, 26_000), [0; 0]);
        // Nor a version that is nearly old enough.
        let of: Vec<(u64, String)> = (0..7).map(|n| (n * 5, format!("s{n}"))).collect();
        let of: Vec<(u64, &str)> = of.iter().map(|(day, s)| (*day, s.as_str())).collect();
        assert_eq!(days(&of, 31), [0; 0]);
        assert_eq!(days(&of, 26_000), [0; 0]);
    }

    #[test]
    fn the_same_secret_counts_once() {
        let of = [(0, "a"), (20, "b"), (40, "c"), (60, "d"), (80, "e"), (100, "e"), (120, "e"), (140, "f")];
        assert_eq!(days(&of, 160), [0]);
    }

    #[test]
    fn too_many_versions_cost_the_shortest_lived() {
        let mut of = vec![(0, "good".to_owned())];
        of.extend((0..MAX as u64).map(|n| (20, format!("bad{n}"))));
        let of: Vec<(u64, &str)> = of.iter().map(|(day, s)| (*day, s.as_str())).collect();
        let mut looped = versions(&of);
        for (n, version) in looped.iter_mut().enumerate() {
            version.record.generation += n as u64;
        }
        let now = i64::try_from(START + 20 * DAY + 100).unwrap();
        let due = due_among(&looped, now, HISTORY_DAYS);
        assert_eq!(due.len(), 1);
        assert!(!due.contains(&START));
    }

    /// Returns versions with these secrets, written on these days, as if a bundle had brought them.
    fn imported(of: &[(u64, &str)]) -> Vec<Version> {
        let mut all = versions(of);
        for version in &mut all {
            version.imported = Some(Imported::default());
        }
        all
    }

    fn together(own: &[(u64, &str)], brought: &[(u64, &str)], now: u64) -> Vec<u64> {
        let mut all = [versions(own), imported(brought)].concat();
        all.sort_by_key(|version| version.record.generation);
        let due = due_among(&all, i64::try_from(START + now * DAY).unwrap(), HISTORY_DAYS);
        due.into_iter().map(|generation| (generation - START) / DAY).collect()
    }

    #[test]
    fn what_a_bundle_brought_makes_no_version_of_this_vault_go() {
        let own: Vec<(u64, String)> = (0..5).map(|n| (n * 10 + 10, format!("own{n}"))).collect();
        let own: Vec<(u64, &str)> = own.iter().map(|(day, s)| (*day, s.as_str())).collect();
        let others: Vec<(u64, String)> = (0..9).map(|n| (81 + n, format!("other{n}"))).collect();
        let others: Vec<(u64, &str)> = others.iter().map(|(day, s)| (*day, s.as_str())).collect();
        assert_eq!(together(&own, &others, 100), [0; 0]);
        // Those that a bundle brought go by age like others.
        assert_eq!(together(&own, &[(0, "old"), (1, "older")], 100), [0, 1]);
        // Together they are too many: of those that a bundle brought, the oldest give way.
        let mut all = imported(&[(10, "a"), (11, "b"), (12, "c"), (13, "d"), (14, "e")]);
        let mut looped = versions(&vec![(20, "own"); 60]);
        for (n, version) in looped.iter_mut().enumerate() {
            version.record.generation += n as u64;
            version.record.credential.secret = SecretString::from(format!("own{n}"));
        }
        all.extend(looped);
        let now = i64::try_from(START + 21 * DAY).unwrap();
        assert_eq!(due_among(&all, now, HISTORY_DAYS), BTreeSet::from([START + 10 * DAY]));
    }
}
