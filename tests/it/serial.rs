//! Many processes add, update, rename and remove at once: a single order of their changes, that of the log, explains
//! every value and every answer.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use serde_json::Value;

use crate::faults::{Random, leftovers, listed, resolve_all, say, vault};
use crate::session::Session;

const WORKERS: usize = 32;
const COMMANDS: usize = 15;
const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A command that was run, and the state of the log before and after it.
#[derive(Debug)]
struct Done {
    verb: &'static str,
    id: String,
    to: String,
    secret: String,
    status: i32,
    error: String,
    generation: Option<u64>,
    /// How many complete lines the log had when it began, and when it ended.
    window: (usize, usize),
}

/// A change according to the log.
#[derive(Debug)]
struct Change {
    verb: String,
    id: String,
    from: String,
    generation: u64,
    /// How many lines it has in the log, and how many lines the log has up to its last one.
    lines: usize,
    end: usize,
}

/// What is stored: the secret and the generation of each id.
type State = BTreeMap<String, (String, u64)>;

#[test]
fn one_order_of_all_changes_explains_everything() {
    let session = vault();
    session.paste("groq:beside", "neighbour-one-1");
    let begun = Instant::now();
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (session, done) = (&session, &done);
            scope.spawn(move || {
                let mut random = Random(u64::try_from(worker).unwrap());
                for n in 0..COMMANDS {
                    let command = command(session, &mut random, &format!("made-up-{worker}-{n}"));
                    done.lock().unwrap().push(command);
                }
            });
        }
    });
    let took = begun.elapsed();
    let done = done.into_inner().unwrap();
    let changes = changes(&session);
    let states = replay(&changes, &done);
    for command in &done {
        explain(command, &changes, &states);
    }
    let (_, last) = states.last().unwrap();
    let answers = resolve_all(&session, &[], last.keys().map(String::as_str));
    for (id, (secret, _)) in last {
        assert_eq!(answers[id].as_ref(), Ok(secret), "{id}");
    }
    assert_eq!(listed(&session).unwrap(), last.keys().cloned().collect::<Vec<_>>());
    let document = session.run(["list", "--json"]).ok().json();
    for profile in document["agents"][0]["profiles"].as_array().unwrap() {
        assert_eq!(profile["generation"], last[profile["profileId"].as_str().unwrap()].1, "{profile}");
    }
    assert_eq!(leftovers(&session.home()), Vec::<std::path::PathBuf>::new());
    session.run(["verify"]).ok();
    let refused = done.iter().filter(|command| command.status != 0).count();
    say(&format!(
        "serial: {} commands by {WORKERS} processes in {:.1} s: {} changes, {refused} refused, all explained by the log's order",
        done.len(),
        took.as_secs_f64(),
        done.len() - refused
    ));
    assert!(refused > 20 && done.len() - refused > 100, "too little happened");
}

fn lines(session: &Session) -> usize {
    let log = std::fs::read(session.agent_file("log.jsonl")).unwrap();
    String::from_utf8_lossy(&log).matches('\n').count()
}

fn command(session: &Session, random: &mut Random, secret: &str) -> Done {
    let mut pick = |from: usize| random.below(from);
    let id = format!("openrouter:{}", NAMES[pick(NAMES.len())]);
    let to = format!("openrouter:{}", NAMES[pick(NAMES.len())]);
    let verb = match pick(10) {
        0..4 => "paste",
        4..6 => "rotate",
        6..8 if id != to => "rename",
        _ => "remove",
    };
    let arguments = match verb {
        "paste" => vec!["paste-api-key", "--provider", "openrouter", "--profile-id", &id, "--json"],
        "rotate" => vec!["rotate", &id, "--json"],
        "rename" => vec!["rename", &id, &to],
        _ => vec!["remove", &id, "--yes"],
    };
    let before = lines(session);
    let ran = session.feed(secret, arguments);
    let window = (before, lines(session));
    let answer: Option<Value> = serde_json::from_str(&ran.stdout).ok();
    Done {
        verb,
        generation: answer.and_then(|answer| answer["generation"].as_u64()),
        secret: secret.to_owned(),
        status: ran.status,
        error: ran.stderr,
        window,
        id,
        to,
    }
}

/// Returns the changes in the log, each once, although a rename has a line for each of its ids.
fn changes(session: &Session) -> Vec<Change> {
    let document = session.run(["log", "--json"]).ok().json();
    let mut changes: Vec<Change> = Vec::new();
    for (n, line) in document["lines"].as_array().unwrap().iter().enumerate() {
        let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
        let change = Change {
            verb: text("op"),
            id: text("profile"),
            from: text("from"),
            generation: line["generation"].as_u64().unwrap(),
            lines: 1,
            end: n + 1,
        };
        match changes.last_mut() {
            Some(last) if last.verb == "rename" && last.lines == 1 => {
                assert_eq!((change.verb.as_str(), &change.id), ("remove", &last.from));
                (last.lines, last.end) = (2, n + 1);
            }
            _ => changes.push(change),
        }
    }
    changes
}

/// Returns the state after each change, beginning with the empty state, and how many lines the log then has.
fn replay(changes: &[Change], done: &[Done]) -> Vec<(usize, State)> {
    let mut states = vec![(0, State::new())];
    let mut known: BTreeMap<&str, u64> = BTreeMap::new();
    for change in changes {
        let mut state = states.last().unwrap().1.clone();
        let id = change.id.clone();
        match change.verb.as_str() {
            "paste" | "rotate" => {
                let by: Vec<_> = done
                    .iter()
                    .filter(|c| c.status == 0 && c.id == id && c.generation == Some(change.generation))
                    .collect();
                let secret = match by.as_slice() {
                    [] if id == "groq:beside" => "neighbour-one-1",
                    [one] => {
                        assert_eq!(one.verb, change.verb);
                        &one.secret
                    }
                    other => panic!("{change:?} is by {other:?}"),
                };
                let before = state.insert(id, (secret.to_owned(), change.generation));
                assert!(change.verb == "paste" || before.is_some(), "{change:?} of what was not there");
            }
            "rename" => {
                let (secret, _) = state.remove(&change.from).expect("what is renamed is there");
                let before = state.insert(id, (secret, change.generation));
                assert_eq!(before, None, "{change:?} over another");
            }
            "remove" => assert!(state.remove(&id).is_some(), "{change:?} of what was not there"),
            _ => panic!("{change:?}"),
        }
        let last = known.insert(&change.id, change.generation);
        let grows = last.is_none_or(|last| last < change.generation || change.verb == "remove");
        assert!(grows, "{change:?} is not newer than {last:?}");
        states.push((change.end, state));
    }
    for verb in ["paste", "rotate", "rename", "remove"] {
        let told = changes.iter().filter(|c| c.verb == verb && c.id != "groq:beside").count();
        assert_eq!(told, done.iter().filter(|c| c.verb == verb && c.status == 0).count(), "{verb}");
    }
    states
}

/// Returns whether a command's answer was right at some moment while it ran.
fn explain(command: &Done, changes: &[Change], states: &[(usize, State)]) {
    let (begin, end) = command.window;
    let within = |line: usize| (begin..=end).contains(&line);
    let sometime =
        |holds: &dyn Fn(&State) -> bool| states.iter().any(|(line, state)| within(*line) && holds(state));
    let there = |state: &State| state.contains_key(&command.id);
    let change = |change: &Change| within(change.end) && change.end > begin;
    let explained = match command.status {
        0 => changes.iter().filter(|c| change(c)).any(|c| {
            let same = match command.verb {
                "rename" => c.from == command.id && c.id == command.to,
                _ => c.id == command.id,
            };
            c.verb == command.verb && same && command.generation.is_none_or(|g| g == c.generation)
        }),
        66 => {
            // A change is visible from its commit on; its line in the log follows.
            let next = states.iter().find(|(line, _)| *line > end);
            let not_there = |state: &State| !there(state);
            command.verb != "paste"
                && (sometime(&not_there) || next.is_some_and(|(_, state)| not_there(state)))
        }
        73 => command.verb == "rename" && sometime(&|state| there(state) && state.contains_key(&command.to)),
        75 => {
            let of_it = |c: &Change| c.id == command.id || c.from == command.id;
            command.verb == "rotate"
                && command.error.contains("CHANGED")
                && changes.iter().any(|c| change(c) && of_it(c))
        }
        _ => false,
    };
    let near: Vec<_> = changes.iter().filter(|c| c.end + 20 > begin && c.end < end + 5).collect();
    assert!(explained, "nothing explains {command:#?}\n{near:#?}");
}
