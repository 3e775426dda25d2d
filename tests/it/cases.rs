//! One change under a fault at every system call that changes something: each profile is wholly old
//! or wholly new, and the next change succeeds as if nothing had happened.

use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt;
use std::time::Instant;

use crate::faults::{
    Answers, Moment, copy, error_at, kill_at, leftovers, listed, moments, resolve_all, say, table,
    two_at_a_time, vault,
};
use crate::session::{Ran, Session, snapshot};

/// The fault at a moment of a change.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The process dies on entering the call.
    Kill,
    /// The call fails with this error, and the process lives on.
    Error(&'static str),
}

/// For each profile that a command touches: its value before and after.
type Affected = BTreeMap<String, Values>;
type Values = (Option<String>, Option<String>);

pub struct Case {
    name: &'static str,
    pub template: Session,
    arguments: Vec<&'static str>,
    pub input: Vec<u8>,
    affected: Affected,
    /// Profiles that do not change.
    pub neighbours: BTreeMap<String, String>,
    /// The name of the change in the log, and how often the log has it.
    logged: (&'static str, usize),
    /// How often the log has it without the change.
    logged_before: usize,
    /// Whether an undo brings back what the change replaced or removed.
    can_be_undone: bool,
    /// How many earlier versions the change brings to each profile that it replaces.
    brings: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Old,
    New,
}

const NOT_DELIVERED: &str = "the fault did not come";
const OTHERS_AGENT: &str = "other/openrouter:theirs";

/// Adds other profiles to a vault, in the same agent and in another.
fn settle(session: &Session) -> BTreeMap<String, String> {
    let mut neighbours = BTreeMap::new();
    for (id, secret) in [
        ("anthropic:beside", "neighbour-one-1"),
        ("openrouter:k", "neighbour-two-2"),
        ("openrouter:zz", "neighbour-three-3"),
    ] {
        session.paste(id, secret);
        neighbours.insert(id.to_owned(), secret.to_owned());
    }
    let theirs = [
        "--agent",
        "other",
        "paste-api-key",
        "--provider",
        "openrouter",
        "--profile-id",
        "openrouter:theirs",
    ];
    session.feed("neighbour-four-4", theirs).ok();
    neighbours.insert(OTHERS_AGENT.to_owned(), "neighbour-four-4".to_owned());
    neighbours
}

fn paste_next(session: &Session) -> Ran {
    session.feed("made-up-next-key", ["paste-api-key", "--provider", "groq", "--profile-id", "groq:next"])
}

impl Case {
    pub fn new(
        name: &'static str,
        arguments: &[&'static str],
        input: &str,
        logged: (&'static str, usize),
    ) -> Self {
        let template = vault();
        Self {
            name,
            neighbours: settle(&template),
            template,
            arguments: arguments.to_vec(),
            input: input.as_bytes().to_vec(),
            affected: Affected::new(),
            logged,
            logged_before: 0,
            can_be_undone: false,
            brings: 0,
        }
    }

    fn told(&self, session: &Session) -> usize {
        let log = std::fs::read_to_string(session.agent_file("log.jsonl")).unwrap();
        log.matches(&format!("\"op\":\"{}\"", self.logged.0)).count()
    }

    pub fn affects(mut self, id: &str, old: Option<&str>, new: Option<&str>) -> Self {
        if let Some(old) = old {
            self.template.paste(id, old);
        }
        self.affected.insert(id.to_owned(), (old.map(str::to_owned), new.map(str::to_owned)));
        self
    }

    /// A profile is disabled when the command begins.
    fn disables(self, id: &str) -> Self {
        let usage = serde_json::json!({ "errorCount": 2, "disabledUntil": 4_102_444_800_000_i64 });
        let state = serde_json::json!({ "version": 1, "usageStats": { id: usage } });
        std::fs::write(self.template.agent_file("auth-state.json"), state.to_string()).unwrap();
        self
    }

    /// An undo after the change brings back what it replaced or removed.
    fn can_be_undone(mut self) -> Self {
        self.can_be_undone = true;
        self
    }

    /// Undoes the change to each profile, after checking that no version is there if nothing was changed.
    fn undo(&self, session: &Session, state: State) -> Result<(), String> {
        for (id, (old, _)) in &self.affected {
            let Some(old) = old else { continue };
            let versions = session.run(["history", id, "--json"]).ok().json();
            let kept =
                versions.as_array().unwrap().iter().filter(|version| version["current"] == false).count();
            if kept != if state == State::New { 1 + self.brings } else { 0 } {
                return Err(format!("{state:?}, and {kept} versions of {id} are kept"));
            }
            if state == State::New {
                let undone = session.run(["undo", id, "--yes"]);
                if undone.status != 0 || session.get(id) != *old {
                    return Err(format!("undo {id}: {}", undone.stderr));
                }
            }
        }
        Ok(())
    }

    /// Runs the command once for each moment, with the fault at it.
    pub fn run(mut self, fault: Fault) {
        let begun = Instant::now();
        let unkilled = copy(&self.template);
        paste_next(&unkilled).ok();
        self.logged_before = self.told(&unkilled);
        let mut moments = moments(&copy(&self.template), &self.arguments, &self.input);
        if let Fault::Error(_) = fault {
            // A failed write to standard output or error is not a fault of the change.
            moments.retain(|moment| !moment.tells);
        }
        let results = two_at_a_time(&moments, |moment| self.at(moment, fault));
        let bad: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
        let seen = |state| results.iter().filter(|result| matches!(result, Ok(s) if *s == state)).count();
        let (old, new) = (seen(State::Old), seen(State::New));
        say(&format!(
            "{fault:?}: {}: {} planned ({}), {} delivered; {old} old, {new} new, {} bad, in {:.1} s",
            self.name,
            moments.len(),
            table(&moments),
            old + new + bad.iter().filter(|what| !what.contains(NOT_DELIVERED)).count(),
            bad.len(),
            begun.elapsed().as_secs_f64(),
        ));
        assert!(bad.is_empty(), "{bad:#?}");
        assert!(old + new == moments.len() && old > 9 && new > 9, "{old} old, {new} new");
    }

    fn at(&self, moment: &Moment, fault: Fault) -> Result<State, String> {
        let session = copy(&self.template);
        let place = |what: String| format!("{} at {} {}: {what}", self.name, moment.call, moment.n);
        let exit = match fault {
            Fault::Kill => kill_at(&session, &self.arguments, &self.input, moment).then_some(None),
            Fault::Error(error) => {
                error_at(&session, &self.arguments, &self.input, moment, error).map(|ran| Some(ran.status))
            }
        };
        let exit = exit.ok_or_else(|| place(NOT_DELIVERED.to_owned()))?;
        let home = snapshot(&session.home());
        let state = self.read(&session, &[]).map_err(|what| place(format!("before recovery: {what}")))?;
        if snapshot(&session.home()) != home {
            return Err(place("reading wrote".to_owned()));
        }
        if exit.is_some_and(|exit| (exit == 0) != (state == State::New)) {
            return Err(place(format!("exit {exit:?}, and what is read is {state:?}")));
        }
        let pasted = paste_next(&session);
        if pasted.status != 0 {
            return Err(place(format!("the next write fails: {}", pasted.stderr)));
        }
        let left = leftovers(&session.home());
        if !left.is_empty() {
            return Err(place(format!("not removed: {left:?}")));
        }
        let after = self.read(&session, &["groq:next"]);
        let after = after.map_err(|what| place(format!("after recovery: {what}")))?;
        if after != state {
            return Err(place(format!("{state:?} before recovery, {after:?} after it")));
        }
        let verified = session.run(["verify"]);
        if verified.status != 0 {
            return Err(place(format!("verify: {}", verified.stdout)));
        }
        let due = self.logged_before + if state == State::New { self.logged.1 } else { 0 };
        if self.told(&session) != due {
            return Err(place(format!("{state:?}, and the log tells of it {} times", self.told(&session))));
        }
        if self.can_be_undone {
            self.undo(&session, state).map_err(place)?;
        }
        Ok(state)
    }

    /// Returns what readers see: all of them see the same, and it is all old or all new.
    fn read(&self, session: &Session, more: &[&str]) -> Result<State, String> {
        let ids = self.affected.keys().chain(self.neighbours.keys()).map(String::as_str);
        let answers = resolve_all(session, &[], ids);
        for (id, secret) in &self.neighbours {
            if answers[id].as_ref() != Ok(secret) {
                return Err(format!("the neighbour {id}: {:?}", answers[id]));
            }
        }
        let state = self.state_of(&answers)?;
        let due = |(old, new): &Values| match state {
            State::Old => old.clone(),
            State::New => new.clone(),
        };
        // One process per profile is slow: the first, the last and one between stand for all.
        let some = [0, self.affected.len() / 2, self.affected.len() - 1];
        for (n, (id, values)) in self.affected.iter().enumerate() {
            if !some.contains(&n) {
                continue;
            }
            let got = session.run(["get", id]);
            let agrees = match due(values) {
                Some(secret) => got.status == 0 && got.stdout.trim_end_matches('\n') == secret,
                None => got.status == 66 && got.stderr.contains("[NOT_FOUND]"),
            };
            if !agrees {
                return Err(format!("resolve says {state:?}; get {id}: {} {}", got.status, got.stderr));
            }
        }
        let mut expected: Vec<_> = self
            .affected
            .iter()
            .filter(|(_, values)| due(values).is_some())
            .map(|(id, _)| id.as_str())
            .chain(self.neighbours.keys().map(String::as_str).filter(|id| *id != OTHERS_AGENT))
            .chain(more.iter().copied())
            .collect();
        expected.sort_unstable();
        let listed = listed(session)?;
        if listed != expected {
            return Err(format!("resolve says {state:?}; list: {listed:?}"));
        }
        Ok(state)
    }

    fn state_of(&self, answers: &Answers) -> Result<State, String> {
        let is = |pick: fn(&Values) -> &Option<String>| {
            self.affected.iter().all(|(id, values)| match pick(values) {
                Some(secret) => answers[id].as_ref() == Ok(secret),
                None => answers[id] == Err("NOT_FOUND".to_owned()),
            })
        };
        if is(|values| &values.0) {
            Ok(State::Old)
        } else if is(|values| &values.1) {
            Ok(State::New)
        } else {
            Err(format!("neither old nor new: {answers:?}"))
        }
    }
}

const PASTE: [&str; 5] = ["paste-api-key", "--provider", "openrouter", "--profile-id", "openrouter:over"];

/// A profile gets a new secret, and the cooldown of the old one is cleared.
pub fn overwrite() -> Case {
    Case::new("overwrite", &PASTE, "made-up-new-key", ("paste", 1))
        .affects("openrouter:over", Some("made-up-old-key"), Some("made-up-new-key"))
        .disables("openrouter:over")
        .can_be_undone()
}

/// A profile is removed.
pub fn remove() -> Case {
    Case::new("remove", &["remove", "openrouter:over", "--yes"], "", ("remove", 1))
        .affects("openrouter:over", Some("made-up-old-key"), None)
        .can_be_undone()
}

/// A profile gets its earlier secret back.
pub fn undo() -> Case {
    Case::new("undo", &["undo", "openrouter:over", "--yes"], "", ("undo", 1))
        .affects("openrouter:over", Some("made-up-old-key"), None)
        .affects("openrouter:over", Some("made-up-new-key"), Some("made-up-old-key"))
}

/// The earlier versions of a profile are removed, and the current one stays.
pub fn rotate_revoked() -> Case {
    let rotate = ["rotate", "openrouter:over", "--revoked"];
    Case::new("rotate --revoked", &rotate, "made-up-new-key", ("rotate", 1))
        .affects("openrouter:over", Some("made-up-first-key"), None)
        .affects("openrouter:over", Some("made-up-old-key"), Some("made-up-new-key"))
}

/// A profile gets another id: exactly one of the two can be read.
pub fn rename() -> Case {
    Case::new("rename", &["rename", "openrouter:from", "openrouter:to"], "", ("rename", 1))
        .affects("openrouter:from", Some("made-up-moved-key"), None)
        .affects("openrouter:to", None, Some("made-up-moved-key"))
}

/// Imports that many entries at once; every fifth replaces an existing profile.
pub fn import(entries: usize) -> Case {
    let mut profiles = serde_json::Map::new();
    let mut case = Case::new("import", &["import", "-", "--on-conflict", "replace"], "", ("import", entries));
    for n in 0..entries {
        let id = format!("openrouter:k{n:02}");
        let secret = format!("made-up-imported-{n}");
        let entry = serde_json::json!({ "type": "api_key", "provider": "openrouter", "key": secret });
        profiles.insert(id.clone(), entry);
        let old = format!("made-up-old-{n}");
        case = case.affects(&id, (n % 5 == 0).then_some(old.as_str()), Some(&secret));
    }
    case.input = serde_json::json!({ "version": 1, "profiles": profiles }).to_string().into_bytes();
    case.disables("openrouter:k00")
}

/// Imports a bundle with earlier versions: they come with the profile that they belong to, or not at all.
pub fn import_with_history(form: Form) -> Case {
    let import = ["import", "-", "--yes", "--on-conflict", "replace"];
    let mut case = Case::new("import with history", &import, "", ("import", 1))
        .affects("openrouter:over", Some("made-up-old-key"), Some("made-up-new-key"))
        .can_be_undone();
    form.prepare(&case.template);
    case.brings = 3;
    let version = |generation: usize| {
        serde_json::json!({ "generation": generation, "op": "paste", "provider": "openrouter",
            "type": "api_key", "secret": format!("made-up-earlier-{generation}") })
    };
    let history: Vec<_> = (1..=case.brings).map(version).collect();
    let profile = serde_json::json!({ "profile": "openrouter:over", "provider": "openrouter", "type": "api_key",
        "secret": "made-up-new-key", "generation": 4, "history": history });
    let plain = serde_json::json!({ "format": "strongroom-bundle", "version": 1, "profiles": [profile] });
    let recipient = case.template.run(["recipient"]).ok().stdout;
    let recipient: age::x25519::Recipient = recipient.trim().parse().unwrap();
    case.input = age::encrypt(&recipient, plain.to_string().as_bytes()).unwrap();
    case
}

/// The very first change also creates the agent's directory and its files.
pub fn first() -> Case {
    let mut case = Case::new("first paste", &PASTE, "made-up-new-key", ("paste", 1)).affects(
        "openrouter:over",
        None,
        Some("made-up-new-key"),
    );
    (case.template, case.neighbours) = (vault(), BTreeMap::new());
    case
}

/// How a change is committed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// As a journal.
    Journal,
    /// As a directory, like changes to records in the keychain.
    Directory,
}

impl Form {
    /// Makes later changes of a session commit in this form.
    pub fn prepare(self, session: &Session) {
        if self == Self::Directory {
            let pending = session.agent_file("pending");
            std::fs::DirBuilder::new().mode(0o700).create(pending).unwrap();
        }
    }

    /// The path of a change that is committed but not in place yet.
    pub fn committed(self, session: &Session) -> std::path::PathBuf {
        session.agent_file(if self == Self::Directory { "txn/ops" } else { "journal" })
    }
}

/// A change was killed after its commit point; another one finishes it before its own.
pub fn finishing(form: Form) -> Case {
    let other = ["paste-api-key", "--provider", "openrouter", "--profile-id", "openrouter:more"];
    let mut case = Case::new("paste that finishes another", &other, "made-up-more-key", ("paste", 1))
        .affects("openrouter:more", None, Some("made-up-more-key"));
    case.template.paste("openrouter:over", "made-up-old-key");
    form.prepare(&case.template);
    let commit = Moment { call: "renameat".to_owned(), n: 2, tells: false };
    assert!(kill_at(&case.template, &PASTE, b"made-up-new-key", &commit), "{NOT_DELIVERED}");
    assert!(form.committed(&case.template).exists());
    case.neighbours.insert("openrouter:over".to_owned(), "made-up-new-key".to_owned());
    case
}
