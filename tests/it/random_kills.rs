//! A thousand SIGKILLs at random moments of overwrites of one profile.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::faults::{Random, leftovers, listed, resolve_all, say, two_at_a_time, vault};
use crate::session::Session;

const KILLS: usize = 1000;
const ID: &str = "openrouter:over";
const PASTE: [&str; 5] = ["paste-api-key", "--provider", "openrouter", "--profile-id", ID];

#[derive(Default, Debug)]
struct Seen {
    in_flight: usize,
    too_late: usize,
    old: usize,
    new: usize,
}

#[test]
fn a_thousand_kills_lose_nothing() {
    let begun = Instant::now();
    let seen = two_at_a_time(&[1, 2], |seed| worker(*seed));
    let sum = |pick: fn(&Seen) -> usize| seen.iter().map(pick).sum::<usize>();
    let (in_flight, too_late) = (sum(|s| s.in_flight), sum(|s| s.too_late));
    let (old, new) = (sum(|s| s.old), sum(|s| s.new));
    say(&format!(
        "random kills: {} sent, {in_flight} in flight, {too_late} after the end; {old} old, {new} new, 0 damaged, in {:.1} s",
        in_flight + too_late,
        begun.elapsed().as_secs_f64()
    ));
    assert_eq!((in_flight + too_late, old + new), (KILLS, KILLS));
    assert!(in_flight * 3 >= KILLS, "too few were killed in flight");
    assert!(old > 0 && new > 0);
}

fn worker(seed: u64) -> Seen {
    let session = vault();
    session.paste("anthropic:beside", "neighbour-one-1");
    let mut random = Random(seed);
    let mut counts = Seen::default();
    let (usual, mut held) = usual_time(&session);
    let mut reach = usual.mul_f64(1.5);
    for n in 0..KILLS / 2 {
        let secret = format!("made-up-{seed}-{n}");
        let delay = reach.mul_f64(random.fraction());
        let mut child = start(&session, &secret);
        // The delay is the fault itself; it waits for nothing.
        std::thread::sleep(delay);
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.signal() == Some(9) {
            counts.in_flight += 1;
            reach = reach.mul_f64(1.03);
        } else {
            assert!(status.success(), "{status}");
            counts.too_late += 1;
            // The load of the machine varies: about half of the kills should hit a running change.
            reach = reach.mul_f64(0.97);
        }
        let got = session.run(["get", ID]).ok();
        let got = got.stdout.trim_end_matches('\n');
        if got == secret {
            counts.new += 1;
            held = secret;
        } else {
            assert_eq!(got, held, "neither old nor new after {n} kills, the last after {delay:?}");
            assert!(!status.success(), "a paste that succeeded is not there");
            counts.old += 1;
        }
    }
    session.paste("groq:next", "made-up-next-key");
    let answers = resolve_all(&session, &[], [ID, "anthropic:beside", "groq:next"]);
    assert_eq!(answers[ID].as_ref(), Ok(&held));
    assert_eq!(answers["anthropic:beside"].as_deref(), Ok("neighbour-one-1"));
    assert_eq!(listed(&session).unwrap(), ["anthropic:beside", "groq:next", ID]);
    assert_eq!(leftovers(&session.home()), Vec::<std::path::PathBuf>::new());
    session.run(["verify"]).ok();
    counts
}

/// Returns the median time of several pastes on this machine, and what the last one stored.
fn usual_time(session: &Session) -> (Duration, String) {
    const RUNS: usize = 9;
    let secret = "made-up-usual".to_owned();
    let mut times: Vec<_> = (0..RUNS)
        .map(|_| {
            let mut child = start(session, &secret);
            let begun = Instant::now();
            assert!(child.wait().unwrap().success());
            begun.elapsed()
        })
        .collect();
    times.sort();
    (times[RUNS / 2], secret)
}

fn start(session: &Session, secret: &str) -> Child {
    let mut command = session.command(PASTE);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
    command.stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
    child
}
