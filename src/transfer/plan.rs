//! What an import would do: one action for each candidate, decided before anything is written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::str::FromStr;

use super::{Candidate, Invalid, Parsed, ProviderOrder, Skipped};
use crate::error::{Code, Error, Result};
use crate::messages::transfer::{self as say, reason};
use crate::vault::credential::Credential;
use crate::vault::history::Version;
use crate::vault::id::{AgentName, PROFILE_ID_MAX, ProfileId, Provider};
use crate::vault::record::Details;

/// How many names are tried for a renamed copy. Each try decrypts a record.
const TWINS_MAX: u32 = 99;

/// What to do with a candidate whose id exists with different contents.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum OnConflict {
    /// Import nothing.
    #[default]
    Fail,
    /// Keep what exists.
    Skip,
    /// Replace it with the candidate.
    Replace,
    /// Import the candidate under another name.
    Rename,
}

impl OnConflict {
    /// All policies.
    pub const ALL: [Self; 4] = [Self::Fail, Self::Skip, Self::Replace, Self::Rename];

    /// Returns the policy's name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Skip => "skip",
            Self::Replace => "replace",
            Self::Rename => "rename",
        }
    }
}

impl FromStr for OnConflict {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match Self::ALL.into_iter().find(|policy| policy.name() == text) {
            Some(policy) => Ok(policy),
            None => Err(say::unknown_conflict_policy()),
        }
    }
}

/// What a vault has under an id.
pub enum Existing {
    /// Nothing.
    Absent,
    /// This credential, and what its record has apart from it.
    Present(Box<Credential>, Box<Details>),
    /// Something that cannot be decrypted, and so cannot be compared.
    Unreadable,
}

impl Existing {
    /// Returns whether a candidate would change nothing in its place. What the candidate does not say is kept, so that
    /// it makes no difference.
    fn is_same(&self, candidate: &Candidate) -> bool {
        let Self::Present(credential, details) = self else { return false };
        let kept = Details::kept(Some((credential, details)), &candidate.credential);
        credential.same_as(&candidate.credential) && kept.clone().overlaid(&candidate.details) == kept
    }
}

/// What becomes of a candidate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// It is new.
    Add,
    /// It replaces what exists.
    Replace,
    /// The vault already has it.
    Unchanged,
    /// What exists is kept.
    SkipExisting,
    /// It is added under this id.
    RenameTo(ProfileId),
    /// Its id exists with different contents, and the policy is to fail.
    Conflict,
}

impl Action {
    /// Returns the action's name in a summary.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Replace => "replace",
            Self::Unchanged => "unchanged",
            Self::SkipExisting => "skip",
            Self::RenameTo(_) => "rename",
            Self::Conflict => "conflict",
        }
    }

    /// Returns whether the action changes the vault.
    #[must_use]
    pub const fn writes(&self) -> bool {
        matches!(self, Self::Add | Self::Replace | Self::RenameTo(_))
    }
}

/// A candidate and what becomes of it.
#[derive(Clone, Debug)]
pub struct PlanEntry<'p> {
    /// The candidate.
    pub candidate: &'p Candidate,
    /// The agent that gets it.
    pub agent: &'p AgentName,
    /// What becomes of it.
    pub action: Action,
    /// The id that it will have in the vault: its own, or that of its renamed copy.
    pub target: ProfileId,
    /// The hosts that the profile would not have without the source.
    pub hosts: Vec<&'p str>,
    /// The helpers that the profile would not have without the source.
    pub helpers: Vec<&'p str>,
    /// The earlier versions that come with it, the oldest first.
    pub versions: Vec<Version>,
    /// How many earlier versions of the source do not come with it.
    pub left_out: usize,
}

/// What an import would do with a source.
#[derive(Debug)]
pub struct Plan<'p> {
    /// The candidates, by agent and id.
    pub entries: Vec<PlanEntry<'p>>,
    /// What holds nothing to import.
    pub skipped: &'p [Skipped],
    /// What cannot be imported.
    pub invalid: Vec<Invalid>,
    /// What people should know about the others.
    pub warnings: &'p [String],
    /// The orders of use to import, with the ids that the vault will have. The caller leaves out those of providers for
    /// which the vault has one.
    pub orders: Vec<PlanOrder<'p>>,
}

/// An order of use that an import would set.
#[derive(Debug)]
pub struct PlanOrder<'p> {
    /// The agent that gets it.
    pub agent: &'p AgentName,
    /// The provider.
    pub provider: &'p Provider,
    /// The profiles, first choice first.
    pub ids: Vec<ProfileId>,
}

impl PlanEntry<'_> {
    /// Sets which earlier versions of the candidate come with it. `takes` returns those of a list that the vault takes.
    pub fn bring(&mut self, takes: impl FnOnce(&[Version]) -> Vec<Version>) {
        self.versions = takes(&self.candidate.versions);
        for version in &mut self.versions {
            version.record.profile = self.target.clone();
        }
        self.left_out = self.candidate.versions.len() - self.versions.len();
    }
}

impl Plan<'_> {
    /// Counts the credentials that would be written.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.entries.iter().filter(|entry| entry.action.writes()).count()
    }

    /// Returns whether it would let a secret go to more places than its profile's record allows.
    #[must_use]
    pub fn widens(&self) -> bool {
        let widens = |entry: &&PlanEntry<'_>| !entry.hosts.is_empty() || !entry.helpers.is_empty();
        self.entries.iter().filter(|entry| entry.action.writes()).any(|entry| widens(&entry))
    }

    /// Counts the earlier versions that would be written.
    #[must_use]
    pub fn versions(&self) -> usize {
        self.entries.iter().map(|entry| entry.versions.len()).sum()
    }

    /// Checks whether the plan can be carried out.
    ///
    /// # Errors
    /// `IMPORT_INVALID` if entries are invalid and may not be skipped, or if all entries are invalid, because nothing
    /// would be imported; `CONFLICT` if an id exists with different contents. [`Plan::lines`] names each of them.
    pub fn check(&self, skip_invalid: bool) -> Result<()> {
        if !self.invalid.is_empty() && !skip_invalid {
            return Err(say::invalid_entries(self.invalid.len()));
        }
        if self.entries.is_empty() && !self.invalid.is_empty() {
            return Err(say::no_valid_entry());
        }
        match self.entries.iter().filter(|entry| entry.action == Action::Conflict).count() {
            0 => Ok(()),
            count => Err(say::conflicts(count)),
        }
    }
}

/// Decides what an import would do. The result does not depend on the order of the candidates.
///
/// Every candidate goes to `forced_agent` if that is given, otherwise to its own agent, otherwise to `default_agent`.
#[must_use]
pub fn plan<'p>(
    parsed: &'p Parsed,
    default_agent: &'p AgentName,
    forced_agent: Option<&'p AgentName>,
    existing: &dyn Fn(&AgentName, &ProfileId) -> Existing,
    policy: OnConflict,
) -> Plan<'p> {
    let Parsed { candidates, skipped, invalid, orders, warnings } = parsed;
    let mut invalid = invalid.clone();
    let mut groups: BTreeMap<(&AgentName, &ProfileId), Vec<&Candidate>> = BTreeMap::new();
    for candidate in candidates {
        let agent = forced_agent.or(candidate.agent.as_ref()).unwrap_or(default_agent);
        groups.entry((agent, &candidate.id)).or_default().push(candidate);
    }
    // A candidate's own id is not free for a renamed copy of another one, whichever comes first.
    let names = groups.keys().filter(|_| policy == OnConflict::Rename);
    let mut taken: HashSet<(AgentName, ProfileId)> =
        names.map(|(agent, id)| ((*agent).clone(), (*id).clone())).collect();
    let mut entries = Vec::with_capacity(groups.len());
    for ((agent, id), group) in groups {
        let candidate = match only(group) {
            Ok(candidate) => candidate,
            Err(contradiction) => {
                invalid.push(contradiction);
                continue;
            }
        };
        let held = existing(agent, id);
        let (action, target) = match &held {
            Existing::Absent => (Action::Add, id.clone()),
            held if held.is_same(candidate) => (Action::Unchanged, id.clone()),
            _ => match policy {
                OnConflict::Fail => (Action::Conflict, id.clone()),
                OnConflict::Skip => (Action::SkipExisting, id.clone()),
                OnConflict::Replace => (Action::Replace, id.clone()),
                OnConflict::Rename => twin(candidate, agent, existing, &taken),
            },
        };
        if let Action::RenameTo(to) = &action {
            taken.insert((agent.clone(), to.clone()));
        }
        let (hosts, helpers) = match action {
            Action::Unchanged | Action::SkipExisting => (Vec::new(), Vec::new()),
            Action::Add | Action::RenameTo(_) => added(&Existing::Absent, candidate),
            Action::Replace | Action::Conflict => added(&held, candidate),
        };
        let left_out = if action.writes() { candidate.versions.len() } else { 0 };
        let versions = Vec::new();
        entries.push(PlanEntry { candidate, agent, action, target, hosts, helpers, versions, left_out });
    }
    let to = |agent: Option<&'p AgentName>| forced_agent.or(agent).unwrap_or(default_agent);
    let orders = renamed_orders(orders, &entries, to);
    Plan { entries, skipped, invalid, warnings, orders }
}

/// Returns the hosts and helpers of a candidate that its profile would not have without the source.
fn added<'p>(held: &Existing, candidate: &'p Candidate) -> (Vec<&'p str>, Vec<&'p str>) {
    let before = match held {
        Existing::Present(credential, details) => Some((&**credential, &**details)),
        Existing::Absent | Existing::Unreadable => None,
    };
    let (given, kept) = (&candidate.details, Details::kept(before, &candidate.credential));
    (
        beyond(given.hosts.as_deref(), kept.hosts.as_deref()),
        beyond(given.helpers.as_deref(), kept.helpers.as_deref()),
    )
}

fn beyond<'p>(names: Option<&'p [String]>, kept: Option<&[String]>) -> Vec<&'p str> {
    let is_kept = |name: &String| kept.is_some_and(|kept| kept.contains(name));
    names.unwrap_or_default().iter().filter(|name| !is_kept(name)).map(String::as_str).collect()
}

/// Returns one of the candidates with the same id, if all of them are equal.
fn only(mut group: Vec<&Candidate>) -> std::result::Result<&Candidate, Invalid> {
    group.sort_by(|a, b| a.place.cmp(&b.place));
    let mut rest = group.into_iter();
    // A group always has a first member.
    let Some(first) = rest.next() else {
        return Err(Invalid {
            place: String::new(),
            code: Code::Internal,
            reason: reason::missing().to_owned(),
        });
    };
    let is_other = |other: &&Candidate| {
        !other.credential.same_as(&first.credential)
            || other.details != first.details
            || !same_versions(&other.versions, &first.versions)
    };
    match rest.find(is_other) {
        None => Ok(first),
        Some(other) => Err(Invalid {
            place: reason::two_places(&first.place, &other.place),
            code: Code::DuplicateKey,
            reason: reason::same_id(&first.id),
        }),
    }
}

fn same_versions(one: &[Version], other: &[Version]) -> bool {
    let same = |(one, other): (&Version, &Version)| {
        one.record.generation == other.record.generation
            && one.record.credential.same_as(&other.record.credential)
    };
    one.len() == other.len() && one.iter().zip(other).all(same)
}

/// Returns the id of a renamed copy: the first one that is free, or one under which an earlier import stored the same
/// credential.
fn twin(
    candidate: &Candidate,
    agent: &AgentName,
    existing: &dyn Fn(&AgentName, &ProfileId) -> Existing,
    taken: &HashSet<(AgentName, ProfileId)>,
) -> (Action, ProfileId) {
    for id in (2..=TWINS_MAX).filter_map(|number| numbered(&candidate.id, number)) {
        match existing(agent, &id) {
            held if held.is_same(candidate) => return (Action::Unchanged, id),
            Existing::Absent if !taken.contains(&(agent.clone(), id.clone())) => {
                return (Action::RenameTo(id.clone()), id);
            }
            _ => {}
        }
    }
    (Action::Conflict, candidate.id.clone())
}

/// Returns `<id>-<number>`, with the id shortened if the whole would be too long.
fn numbered(id: &ProfileId, number: u32) -> Option<ProfileId> {
    let suffix = format!("-{number}");
    let room = PROFILE_ID_MAX.checked_sub(suffix.len())?;
    let stem = id.as_str().get(..room.min(id.as_str().len()))?;
    format!("{stem}{suffix}").parse().ok()
}

/// Returns the orders with the ids that the vault will have. `to` returns the agent that gets what belongs to one.
fn renamed_orders<'p>(
    orders: &'p [ProviderOrder],
    entries: &[PlanEntry<'_>],
    to: impl Fn(Option<&'p AgentName>) -> &'p AgentName,
) -> Vec<PlanOrder<'p>> {
    let target =
        |entry: &PlanEntry<'_>| ((entry.agent.clone(), entry.candidate.id.clone()), entry.target.clone());
    let targets: HashMap<_, _> =
        if orders.is_empty() { HashMap::new() } else { entries.iter().map(target).collect() };
    let (mut renamed, mut seen) = (Vec::new(), HashSet::new());
    for order in orders {
        let (agent, provider) = (to(order.agent.as_ref()), &order.provider);
        let ids = order.ids.iter().filter_map(|id| targets.get(&(agent.clone(), id.clone())).cloned());
        let ids: Vec<_> = ids.collect();
        if !ids.is_empty() && seen.insert((agent, provider)) {
            renamed.push(PlanOrder { agent, provider, ids });
        }
    }
    renamed
}
