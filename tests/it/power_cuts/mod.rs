//! Power loss: from the recorded calls of commands, every state of the disk that a power loss may leave is created and
//! opened. Confirmed changes are there, others are there completely or not at all, nothing is reported as damaged, and
//! the next command succeeds.

mod disk;
mod recorded;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::time::Instant;

use disk::{Disk, Fate, State, lay};
use recorded::{Event, record};

use crate::session::Session;

/// Profiles and their secrets. A profile with [`VERSIONS`] after it has the number of its earlier versions.
type Held = BTreeMap<String, String>;

const VERSIONS: &str = " versions";

/// Up to this many uncovered events, every combination of their fates is tried.
const ALL_FATES: usize = 4;
/// How many combinations are drawn at random otherwise.
const DRAWN: usize = 6;
/// How many events are tried by themselves at a moment.
const SINGLES: usize = 8;
/// How many records a journal holds, and how many barriers a paste needs.
const JOURNAL_RECORDS: usize = 16;
const PASTE_BARRIERS: usize = 3;

struct Run {
    session: Session,
    events: Vec<Event>,
    before: Disk,
    /// The contents before the first command, and after each one.
    held: Vec<Held>,
    next: Next,
}

/// What is expected of a state.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Nothing is wrong with it, and a paste succeeds.
    Paste,
    /// An interrupted change of keys is reported, and another one finishes it.
    Rekey,
}

impl Run {
    fn new() -> Self {
        // In memory, because barriers cost nothing there: only the calls matter.
        let session = Session { temp: tempfile::tempdir_in("/dev/shm").unwrap() };
        session.run(["init"]).ok();
        let before = Disk::read(session.temp.path());
        Self { session, events: Vec::new(), before, held: vec![Held::new()], next: Next::Paste }
    }

    /// Makes everything that was done so far durable.
    fn then_durable(self) -> Self {
        let held = vec![self.held.last().unwrap().clone()];
        let before = Disk::read(self.session.temp.path());
        Self { events: Vec::new(), before, held, ..self }
    }

    fn command(mut self, arguments: &[&str], input: &str, change: impl Fn(&mut Held)) -> Self {
        record(&self.session, arguments, input, &mut self.events);
        let mut held = self.held.last().unwrap().clone();
        change(&mut held);
        self.held.push(held);
        self
    }

    fn paste(self, id: &str, secret: &str) -> Self {
        let provider = id.split(':').next().unwrap();
        let arguments = ["paste-api-key", "--provider", provider, "--profile-id", id];
        self.command(&arguments, secret, |held| {
            held.insert(id.to_owned(), secret.to_owned());
        })
    }

    fn remove(self, id: &str) -> Self {
        self.command(&["remove", id, "--yes"], "", |held| {
            held.remove(id);
        })
    }

    fn rename(self, from: &str, to: &str) -> Self {
        self.command(&["rename", from, to], "", |held| {
            let secret = held.remove(from).unwrap();
            held.insert(to.to_owned(), secret);
        })
    }

    fn import(self, name: &str, many: usize) -> Self {
        let ids: Vec<_> =
            (0..many).map(|n| (format!("groq:{name}{n}"), format!("made-up-{name}-{n}"))).collect();
        let profiles: serde_json::Map<_, _> = ids
            .iter()
            .map(|(id, key)| {
                (id.clone(), serde_json::json!({"type": "api_key", "provider": "groq", "key": key}))
            })
            .collect();
        let source = serde_json::json!({ "version": 1, "profiles": profiles }).to_string();
        self.command(&["import", "-", "--yes"], &source, |held| held.extend(ids.iter().cloned()))
    }

    /// Imports a bundle over a profile, with that many earlier versions.
    fn import_versions(self, id: &str, many: usize) -> Self {
        let version = |generation: usize| {
            serde_json::json!({ "generation": generation, "provider": "groq", "type": "api_key",
                "secret": format!("made-up-earlier-{generation}") })
        };
        let history: Vec<_> = (1..=many).map(version).collect();
        let profile = serde_json::json!({ "profile": id, "provider": "groq", "type": "api_key",
            "secret": "made-up-bundle", "generation": many + 1, "history": history });
        let plain = serde_json::json!({ "format": "strongroom-bundle", "version": 1, "profiles": [profile] });
        let recipient: age::x25519::Recipient =
            self.session.run(["recipient"]).ok().stdout.trim().parse().unwrap();
        let bundle = age::encrypt_and_armor(&recipient, plain.to_string().as_bytes()).unwrap();
        self.command(&["import", "-", "--yes", "--on-conflict", "replace"], &bundle, |held| {
            held.insert(id.to_owned(), "made-up-bundle".to_owned());
            held.insert(format!("{id}{VERSIONS}"), (many + 1).to_string());
        })
    }

    /// Opens every state and returns the bad ones; only the first if a barrier was left out on purpose.
    fn cut(&self, name: &str, mistake: Option<&dyn Fn(usize) -> bool>) -> Vec<String> {
        let begun = Instant::now();
        let mut disk = self.before.clone();
        disk.follow(&self.events);
        if let Some(left_out) = mistake {
            disk = disk.without_barriers(left_out);
        }
        let ids: Vec<String> =
            self.held.iter().flat_map(Held::keys).cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let mut seen = HashSet::new();
        let (mut bad, mut cuts) = (Vec::new(), 0);
        'cuts: for moment in 0..=disk.len() {
            let answered = disk.answered(moment);
            let allowed = &self.held[answered..self.held.len().min(answered + 2)];
            for fates in fates(&disk.open_at(moment), moment) {
                cuts += 1;
                let state = disk.state(moment, &fates);
                let mut hasher = DefaultHasher::new();
                (answered, &state).hash(&mut hasher);
                if !seen.insert(hasher.finish()) {
                    continue;
                }
                if let Err(why) = open(&self.session, &state, &ids, allowed, self.next) {
                    bad.push(format!("after {moment} of {} events, {fates:?}: {why}", disk.len()));
                    if mistake.is_some() {
                        break 'cuts;
                    }
                }
            }
        }
        println!(
            "power cut: {name}: {} events, {cuts} cuts made, {} states told apart and opened, {} bad, in {:.1?}",
            disk.len(),
            seen.len(),
            bad.len(),
            begun.elapsed()
        );
        bad
    }

    #[track_caller]
    fn check(&self, name: &str) {
        let bad = self.cut(name, None);
        assert!(bad.is_empty(), "{name}: {} bad, the first: {:#?}", bad.len(), &bad[..bad.len().min(5)]);
    }

    fn barriers(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Sync(_) | Event::SyncAll)).count()
    }

    /// Checks that leaving out any barrier breaks some state.
    #[track_caller]
    fn needs_each_barrier(&self) {
        let barriers = self.barriers();
        for barrier in 0..barriers {
            let name = format!("without barrier {} of {barriers}", barrier + 1);
            assert!(!self.cut(&name, Some(&|n| n == barrier)).is_empty(), "{name}: nothing is missed");
        }
    }
}

/// Returns the possible fates of events that no barrier covers: of all of them, of one alone, of all but one; every
/// combination of a few, and random combinations of many.
fn fates(open: &[(usize, bool)], moment: usize) -> Vec<HashMap<usize, Fate>> {
    let ways = |is_write: bool| -> &[Fate] {
        if is_write { &[Fate::Kept, Fate::Lost, Fate::Zeros, Fate::Half] } else { &[Fate::Kept, Fate::Lost] }
    };
    let all = |fate: Fate| -> HashMap<usize, Fate> { open.iter().map(|(n, _)| (*n, fate)).collect() };
    let mut found = vec![all(Fate::Kept), all(Fate::Lost)];
    if open.len() <= ALL_FATES {
        let mut every = vec![HashMap::new()];
        for (n, is_write) in open {
            every = every
                .into_iter()
                .flat_map(|fates| {
                    ways(*is_write).iter().map(move |fate| {
                        let mut fates = fates.clone();
                        fates.insert(*n, *fate);
                        fates
                    })
                })
                .collect();
        }
        found.extend(every);
        return found;
    }
    // If there are very many, only a sample is tried by itself at each moment, beginning with the newest.
    let singles = open.iter().rev().step_by(open.len().div_ceil(SINGLES));
    for (n, is_write) in singles {
        for fate in ways(*is_write) {
            for others in [Fate::Kept, Fate::Lost] {
                let mut fates = all(others);
                fates.insert(*n, *fate);
                found.push(fates);
            }
        }
    }
    // The same random numbers in every run.
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64 ^ moment as u64;
    for _ in 0..DRAWN {
        let fates = open.iter().map(|(n, is_write)| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let ways = ways(*is_write);
            (*n, ways[usize::try_from(seed >> 33).unwrap() % ways.len()])
        });
        found.push(fates.collect());
    }
    found
}

/// Opens a state, and returns what is wrong with it.
fn open(
    session: &Session,
    state: &State,
    ids: &[String],
    allowed: &[Held],
    next: Next,
) -> Result<(), String> {
    lay(session.temp.path(), &of_another_boot(state));
    let held = || -> Result<Held, String> {
        let (counted, ids): (Vec<&String>, Vec<&String>) = ids.iter().partition(|id| id.ends_with(VERSIONS));
        let asked: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        let answer = session.resolve(&asked);
        let mut held = Held::new();
        for name in counted {
            let listed = session.run(["history", name.trim_end_matches(VERSIONS), "--json"]).ok().json();
            let earlier = listed.as_array().unwrap().iter().filter(|version| version["current"] == false);
            match earlier.count() {
                0 => None,
                versions => held.insert(name.clone(), versions.to_string()),
            };
        }
        for id in ids {
            if let Some(secret) = answer["values"][id.as_str()].as_str() {
                held.insert(id.clone(), secret.to_owned());
            } else if answer["errors"][id.as_str()]["code"] != "NOT_FOUND" {
                return Err(format!("{id}: {}", answer["errors"][id.as_str()]));
            }
        }
        Ok(held)
    };
    let before = held()?;
    if !allowed.contains(&before) {
        return Err(format!("it holds {before:?}"));
    }
    let clean = |command: &str| {
        let ran = session.run([command]);
        if ran.status == 0 { Ok(()) } else { Err(format!("{command}: {}", ran.stdout)) }
    };
    let next = match next {
        Next::Paste => {
            clean("verify")?;
            clean("doctor")?;
            session.feed(
                "made-up-next",
                ["paste-api-key", "--provider", "mistral", "--profile-id", "mistral:next"],
            )
        }
        Next::Rekey => session.run(["rekey", "--yes"]),
    };
    if next.status != 0 {
        return Err(format!("the next change: {}", next.stderr));
    }
    if held()? != before {
        return Err(format!("a paste later it holds {:?}", held()?));
    }
    clean("verify")
}

/// After a power loss, the machine reads its disk in another boot.
fn of_another_boot(state: &State) -> State {
    let mut state = state.clone();
    for (path, contents) in &mut state {
        if path.ends_with("journal")
            && let Some(bytes) = contents
            && let Some(digit) = bytes.get_mut("strongroom-journal/v1 ".len())
        {
            *digit = b'x';
        }
    }
    state
}

#[test]
fn a_first_paste_and_the_next() {
    Run::new().paste("groq:a", "made-up-1").paste("groq:b", "made-up-2").check("first and second paste");
}

#[test]
fn an_overwrite_a_removal_and_a_rename() {
    let run = Run::new().paste("groq:a", "made-up-1").paste("groq:b", "made-up-2").then_durable();
    let run = run.paste("groq:a", "made-up-3").remove("groq:b").rename("groq:a", "groq:c");
    run.check("overwrite, remove, rename");
}

/// A rename before its barrier is such a mistake.
#[test]
fn each_barrier_of_a_paste_is_needed() {
    let run = Run::new().paste("groq:a", "made-up-1").then_durable().paste("groq:b", "made-up-2");
    run.needs_each_barrier();
}

/// Files that earlier changes put in place are made durable before the journal that contains them is removed.
#[test]
fn a_paste_for_which_the_journal_is_too_small() {
    let run = Run::new().import("k", JOURNAL_RECORDS);
    let before = run.barriers();
    let run = run.paste("groq:next", "made-up-next");
    run.check("full journal, and a paste");
    let settling = before..run.barriers() - PASTE_BARRIERS;
    assert!(!run.cut("without what makes it durable", Some(&|n| settling.contains(&n))).is_empty());
}

#[test]
fn an_import_and_what_comes_next() {
    let run = Run::new().paste("groq:a", "made-up-1").then_durable();
    run.import("m", JOURNAL_RECORDS + 1)
        .paste("groq:a", "made-up-2")
        .check("import in a directory, and a paste");
}

#[test]
fn an_import_of_earlier_versions() {
    let run = || Run::new().paste("groq:a", "made-up-1");
    run().then_durable().import_versions("groq:a", 2).check("import of versions in a journal");
    let run = run();
    // A new secret ends this, and a change of the state is committed as a directory.
    run.session.run(["report", "groq:a", "--failure", "billing"]).ok();
    run.then_durable().import_versions("groq:a", 2).check("import of versions in a directory");
}

/// The next change finishes the interrupted one, and may be interrupted itself.
#[test]
fn a_change_after_a_loss_of_power() {
    let run = Run::new().paste("groq:a", "made-up-1").paste("groq:b", "made-up-2");
    let mut disk = run.before.clone();
    disk.follow(&run.events);
    // Everything that no barrier covers was lost.
    let lost = disk.open_at(disk.len()).into_iter().map(|(n, _)| (n, Fate::Lost)).collect();
    lay(run.session.temp.path(), &of_another_boot(&disk.state(disk.len(), &lost)));
    run.then_durable().paste("groq:c", "made-up-3").check("paste after a power cut");
}

#[test]
fn a_change_of_the_key() {
    let run = Run::new().paste("groq:a", "made-up-1").paste("groq:b", "made-up-2").then_durable();
    let run = Run { next: Next::Rekey, ..run };
    run.command(&["rekey", "--yes"], "", |_| ()).check("rekey");
}

/// A journal is applied again after a boot, and undoes nothing that was done since.
#[test]
fn an_order_that_was_set_later_outlives_a_boot() {
    let session = Session::new();
    for id in ["groq:a", "groq:b", "groq:c"] {
        session.paste(id, "made-up-1");
    }
    session.run(["remove", "groq:a", "--yes"]).ok();
    session.paste("groq:a", "made-up-2");
    session.run(["rename", "groq:b", "groq:d"]).ok();
    session.paste("groq:b", "made-up-3");
    let order = ["groq:b", "groq:a", "groq:d"];
    session.run([&["order", "set", "--provider", "groq"], &order[..]].concat()).ok();
    let journal = session.agent_file("journal");
    let mut bytes = std::fs::read(&journal).unwrap();
    bytes["strongroom-journal/v1 ".len()] = b'x';
    std::fs::write(&journal, bytes).unwrap();
    session.paste("mistral:next", "made-up-4");
    let index: serde_json::Value =
        serde_json::from_slice(&std::fs::read(session.agent_file("auth-profiles.json")).unwrap()).unwrap();
    assert_eq!(index["order"]["groq"], serde_json::json!(order));
    for (id, secret) in
        [("groq:a", "made-up-2"), ("groq:b", "made-up-3"), ("groq:c", "made-up-1"), ("groq:d", "made-up-1")]
    {
        assert_eq!(session.get(id), secret);
    }
    session.run(["verify"]).ok();
}
