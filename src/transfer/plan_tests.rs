//! Plans: conflicts, twins, duplicates, and that no order of entries matters.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Action, Candidate, Existing, OnConflict, Parsed, Plan, ProviderOrder, plan};
use crate::error::Code;
use crate::secret::{ExposeSecret, SecretString};
use crate::vault::credential::{Credential, CredentialType};
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::record::Details;

fn id(text: &str) -> ProfileId {
    text.parse().unwrap()
}

fn credential(id: &ProfileId, secret: &str) -> Credential {
    Credential::new(CredentialType::ApiKey, id.provider(), SecretString::from(secret))
}

fn candidate(profile: &str, secret: &str, place: &str) -> Candidate {
    let id = id(profile);
    let credential = credential(&id, secret);
    let (details, place) = (Details::default(), place.to_owned());
    Candidate {
        agent: None,
        id,
        credential,
        details,
        created: None,
        updated: None,
        versions: Vec::new(),
        place,
    }
}

/// A vault in memory, of the agent `main`: id to secret, `?` for one that cannot be opened.
#[derive(Clone, Default)]
struct Held(HashMap<String, String>);

impl Held {
    fn of(entries: &[(&str, &str)]) -> Self {
        Self(entries.iter().map(|(id, secret)| ((*id).to_owned(), (*secret).to_owned())).collect())
    }

    fn look(&self, agent: &AgentName, id: &ProfileId) -> Existing {
        match self.0.get(id.as_str()).map(String::as_str).filter(|_| *agent == AgentName::default()) {
            None => Existing::Absent,
            Some("?") => Existing::Unreadable,
            Some(secret) => Existing::Present(Box::new(credential(id, secret)), Box::default()),
        }
    }

    fn plan<'p>(&self, parsed: &'p Parsed, policy: OnConflict) -> Plan<'p> {
        static MAIN: LazyLock<AgentName> = LazyLock::new(AgentName::default);
        plan(parsed, &MAIN, None, &|agent, id| self.look(agent, id), policy)
    }

    fn carry_out(&mut self, plan: &Plan<'_>) {
        for entry in plan.entries.iter().filter(|entry| entry.action.writes()) {
            let secret = entry.candidate.credential.secret.expose_secret();
            self.0.insert(entry.target.to_string(), secret.to_owned());
        }
    }
}

fn of(candidates: &[Candidate]) -> Parsed {
    Parsed { candidates: candidates.to_vec(), ..Parsed::default() }
}

fn actions(plan: &Plan<'_>) -> Vec<String> {
    plan.entries.iter().map(|e| format!("{} {} {}", e.action.name(), e.candidate.id, e.target)).collect()
}

#[test]
fn every_policy_does_what_it_says() {
    let held = Held::of(&[("a:same", "1"), ("a:other", "2"), ("a:shut", "?")]);
    let candidates = [
        candidate("a:new", "1", ""),
        candidate("a:same", "1", ""),
        candidate("a:other", "1", ""),
        candidate("a:shut", "1", ""),
    ];
    for (policy, said) in [
        (OnConflict::Fail, ["conflict a:other a:other", "conflict a:shut a:shut"]),
        (OnConflict::Skip, ["skip a:other a:other", "skip a:shut a:shut"]),
        (OnConflict::Replace, ["replace a:other a:other", "replace a:shut a:shut"]),
        (OnConflict::Rename, ["rename a:other a:other-2", "rename a:shut a:shut-2"]),
    ] {
        let parsed = of(&candidates);
        let plan = held.plan(&parsed, policy);
        // Entries stand by id.
        assert_eq!(actions(&plan), ["add a:new a:new", said[0], "unchanged a:same a:same", said[1]]);
        let refused = plan.check(false).err().map(|error| error.code());
        assert_eq!(refused, (policy == OnConflict::Fail).then_some(Code::Conflict));
    }
}

#[test]
fn importing_twice_changes_nothing_the_second_time() {
    let long = |end: &str| format!("a:{}{end}", "n".repeat(317));
    let (long_x, long_y) = (long("x"), long("y"));
    let candidates = [
        candidate("a:x", "new", ""),
        candidate("a:x-2", "new-2", ""),
        candidate("a:x-3", "new-3", ""),
        candidate("a:free", "1", ""),
        candidate(&long_x, "lx", ""),
        candidate(&long_y, "ly", ""),
    ];
    for policy in [OnConflict::Replace, OnConflict::Rename] {
        let mut held = Held::of(&[
            ("a:x", "old"),
            ("a:x-3", "old-3"),
            ("a:x-4", "?"),
            (long_x.as_str(), "o"),
            (long_y.as_str(), "o"),
        ]);
        let parsed = of(&candidates);
        let first = held.plan(&parsed, policy);
        assert_eq!(first.writes(), 6, "{:?}", actions(&first));
        held.carry_out(&first);
        let second = held.plan(&parsed, policy);
        assert_eq!(second.writes(), 0, "{:?}", actions(&second));
        if policy == OnConflict::Rename {
            assert_eq!(held.0["a:x"], "old");
            assert_eq!(held.0["a:x-5"], "new");
            assert_eq!(held.0["a:x-3-2"], "new-3");
            assert!(held.0.keys().all(|id| id.len() <= 320));
        }
    }
}

#[test]
fn twins_never_take_a_name_of_the_same_source() {
    let held = Held::of(&[("a:x", "old")]);
    let parsed = of(&[candidate("a:x", "1", ""), candidate("a:x-2", "2", "")]);
    let plan = held.plan(&parsed, OnConflict::Rename);
    assert_eq!(actions(&plan), ["rename a:x a:x-3", "add a:x-2 a:x-2"]);
}

#[test]
fn the_same_id_twice_is_one_or_a_contradiction() {
    let held = Held::default();
    let parsed = of(&[
        candidate("a:x", "1", "entry 2"),
        candidate("a:x", "1", "entry 1"),
        candidate("a:y", "1", "entry 4"),
        candidate("a:y", "2", "entry 3"),
    ]);
    let plan = held.plan(&parsed, OnConflict::Replace);
    assert_eq!(actions(&plan), ["add a:x a:x"]);
    assert_eq!(plan.entries[0].candidate.place, "entry 1");
    assert_eq!(plan.invalid.len(), 1);
    assert_eq!(plan.invalid[0].place, "entry 3 and entry 4");
    assert_eq!(plan.invalid[0].code, Code::DuplicateKey);
    assert_eq!(plan.check(false).unwrap_err().code(), Code::ImportInvalid);
}

#[test]
fn no_order_of_entries_matters() {
    let held = Held::of(&[("a:x", "old"), ("a:x-2", "old"), ("a:z", "old")]);
    let mut candidates: Vec<_> = ["a:x", "a:x-2", "a:x-3", "a:y", "a:z", "b:x", "a:y", "b:x"]
        .iter()
        .enumerate()
        .map(|(n, id)| candidate(id, &format!("secret {}", n % 6), &format!("entry {n}")))
        .collect();
    for policy in OnConflict::ALL {
        let parsed = of(&candidates);
        let expected = held.plan(&parsed, policy);
        for turn in 0..candidates.len() {
            candidates.rotate_left(1);
            candidates.swap(0, turn / 2);
            let turned = of(&candidates);
            let plan = held.plan(&turned, policy);
            assert_eq!(plan.summary(), expected.summary());
        }
    }
}

#[test]
fn agents_are_forced_or_taken_from_the_source() {
    let (main, ops): (AgentName, AgentName) = (AgentName::default(), "ops".parse().unwrap());
    let candidates = {
        let mut of_ops = candidate("a:x", "1", "entry 1");
        of_ops.agent = Some(ops.clone());
        Parsed { candidates: vec![of_ops, candidate("a:x", "2", "entry 2")], ..Parsed::default() }
    };
    let held = Held::of(&[("a:x", "2")]);
    let look = |agent: &AgentName, id: &ProfileId| held.look(agent, id);
    let free = plan(&candidates, &main, None, &look, OnConflict::Fail);
    let said: Vec<_> = free.entries.iter().map(|e| (e.agent.as_str(), e.action.name())).collect();
    assert_eq!(said, [("main", "unchanged"), ("ops", "add")]);
    // Into one agent the two contradict each other.
    let forced = plan(&candidates, &main, Some(&ops), &look, OnConflict::Fail);
    assert_eq!((forced.entries.len(), forced.invalid.len()), (0, 1));
}

#[test]
fn the_order_of_use_follows_the_renamed() {
    let held = Held::of(&[("a:x", "old")]);
    let parsed = Parsed {
        candidates: vec![candidate("a:x", "1", ""), candidate("a:y", "1", "")],
        orders: vec![ProviderOrder {
            agent: None,
            provider: "a".parse().unwrap(),
            ids: vec![id("a:y"), id("a:x"), id("a:gone")],
        }],
        ..Parsed::default()
    };
    let plan = held.plan(&parsed, OnConflict::Rename);
    assert_eq!(plan.orders[0].ids, [id("a:y"), id("a:x-2")]);
}

#[test]
fn a_chain_of_twins_ends_in_a_conflict() {
    let mut held = Held::of(&[("a:x", "old")]);
    for number in 2..200 {
        held.0.insert(format!("a:x-{number}"), "?".to_owned());
    }
    let parsed = of(&[candidate("a:x", "1", "")]);
    let plan = held.plan(&parsed, OnConflict::Rename);
    assert_eq!(plan.entries[0].action, Action::Conflict);
}

#[test]
fn policies_are_read_by_name() {
    for policy in OnConflict::ALL {
        assert_eq!(policy.name().parse::<OnConflict>().unwrap(), policy);
    }
    assert_eq!("merge".parse::<OnConflict>().unwrap_err().code(), Code::Usage);
}

#[test]
fn ten_thousand_entries_are_planned_in_no_time() {
    let held = Held::of(&[("a:n5", "old")]);
    let candidates: Vec<_> =
        (0..10_000).map(|n| candidate(&format!("a:n{n}"), &format!("s{n}"), &format!("entry {n}"))).collect();
    let parsed = of(&candidates);
    let plan = held.plan(&parsed, OnConflict::Rename);
    assert_eq!(plan.writes(), 10_000);
    assert_eq!(plan.lines().len(), 10_001);
}

#[test]
fn hosts_and_helpers_make_a_difference_only_if_the_source_has_them() {
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let with = |details: Details| Candidate { details, ..candidate("groq:a", "s", "x") };
    let held = Details { hosts: names(&["https://a.x.io"]), note: Some("mine".into()), ..Details::default() };
    let wide = Details {
        hosts: names(&["https://a.x.io", "https://b.x.io"]),
        helpers: names(&["git"]),
        ..Details::default()
    };
    let look = |_: &AgentName, id: &ProfileId| match id.as_str() {
        "groq:a" => Existing::Present(Box::new(credential(id, "s")), Box::new(held.clone())),
        _ => Existing::Absent,
    };
    let (main, replace) = (AgentName::default(), OnConflict::Replace);
    for same in [Details::default(), held.clone(), Details { note: None, ..held.clone() }] {
        let parsed = of(&[with(same)]);
        assert_eq!(plan(&parsed, &main, None, &look, replace).entries[0].action, Action::Unchanged);
    }
    let parsed = of(&[with(wide)]);
    let wider = plan(&parsed, &main, None, &look, replace);
    assert_eq!(wider.lines()[1], "           adds hosts https://b.x.io; helpers git");
    let json = serde_json::to_string(&wider.summary()).unwrap();
    assert!(json.contains(r#""hosts":["https://b.x.io"],"helpers":["git"]"#), "{json}");
    assert_eq!(wider.entries[0].action, Action::Replace);
    let kept = plan(&parsed, &main, None, &look, OnConflict::Skip);
    assert_eq!(kept.lines().len(), 2);
    let two = of(&[with(Details::default()), with(held.clone())]);
    assert_eq!(plan(&two, &main, None, &look, replace).invalid[0].code, Code::DuplicateKey);
}
