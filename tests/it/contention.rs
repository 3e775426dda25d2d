//! Many writers of one agent at once, and holders of its lock that die or stay.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use strongroom_backends::fs::dir::Dir;
use strongroom_backends::fs::lock::{self, Holder, Mode};

use crate::faults::{leftovers, listed, resolve_all, say, vault};
use crate::session::{HANGS, Session, ran_within};

const WRITERS: usize = 64;
const WRITES: usize = 100;

#[test]
fn sixty_four_writers_lose_nothing() {
    let session = vault();
    let begun = Instant::now();
    let waits = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (session, waits) = (&session, &waits);
            scope.spawn(move || {
                for n in 0..WRITES {
                    let begun = Instant::now();
                    paste(session, &id(writer, n), &secret(writer, n));
                    waits.lock().unwrap().push(begun.elapsed());
                }
            });
        }
    });
    let took = begun.elapsed();
    let mut waits = waits.into_inner().unwrap();
    waits.sort();
    let ids: Vec<_> = (0..WRITERS).flat_map(|writer| (0..WRITES).map(move |n| id(writer, n))).collect();
    let answers = resolve_all(&session, &[], ids.iter().map(String::as_str));
    let lost: Vec<_> = (0..WRITERS)
        .flat_map(|writer| (0..WRITES).map(move |n| (id(writer, n), secret(writer, n))))
        .filter(|(id, secret)| answers[id].as_ref() != Ok(secret))
        .collect();
    say(&format!(
        "contention: {} writes by {WRITERS} processes in {:.1} s, {} lost; waited {} ms in the middle, {} ms at worst",
        waits.len(),
        took.as_secs_f64(),
        lost.len(),
        waits[waits.len() / 2].as_millis(),
        waits[waits.len() - 1].as_millis()
    ));
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(waits.len(), WRITERS * WRITES);
    assert_eq!(listed(&session).unwrap(), ids);
    assert_eq!(leftovers(&session.home()), Vec::<std::path::PathBuf>::new());
    session.run(["verify"]).ok();
}

/// Stores a key, however long it has to wait: the lock is had by whoever is awake when it is freed, so that
/// on a slow machine some wait for a long time.
fn paste(session: &Session, id: &str, secret: &str) {
    let patient = ["--lock-timeout", "15m", "paste-api-key", "--provider", "openrouter", "--profile-id", id];
    ran_within(Duration::from_secs(900), session.command(patient), secret.as_bytes()).ok();
}

fn id(writer: usize, n: usize) -> String {
    format!("openrouter:w{writer:02}n{n:02}")
}

fn secret(writer: usize, n: usize) -> String {
    format!("made-up-key-{writer}-{n}")
}

/// Not a test: a process that takes the lock of a directory, says so, and keeps it until its input
/// ends. Without a directory it does nothing.
#[test]
fn holder() {
    let Some(directory) = std::env::var_os(HOLD) else { return };
    let dir = Dir::open(directory.as_ref()).unwrap();
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let me = Holder {
        pid: std::process::id(),
        since: i64::try_from(since).unwrap(),
        command: "test-holder".to_owned(),
    };
    let _lock = lock::take(&dir, Mode::Exclusive, Duration::from_secs(30), &me).unwrap();
    println!("\n{HELD}");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

const HOLD: &str = "STRONGROOM_TEST_HOLD";
const HELD: &str = "the lock is held";

/// Starts a process that holds the lock of a directory in the home.
fn hold(session: &Session, directory: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "contention::holder", "--nocapture", "--test-threads=1"])
        .env(HOLD, session.home().join(directory))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == HELD), "the holder ended");
    child
}

/// Waits until the kernel says that a process waits for a lock.
fn until_waiting(process: u32) {
    let end = Instant::now() + Duration::from_secs(30);
    let waits = |line: &str| {
        let mut words = line.split_whitespace();
        words.any(|word| word == "->") && words.any(|word| word == process.to_string())
    };
    while !std::fs::read_to_string("/proc/locks").unwrap().lines().any(waits) {
        assert!(Instant::now() < end, "process {process} does not wait for a lock");
        std::thread::yield_now();
    }
}

#[test]
fn a_holder_that_is_killed_frees_the_lock_at_once() {
    let session = vault();
    session.paste("anthropic:beside", "neighbour-one-1");
    for directory in ["agents/main", ""] {
        let mut holder = hold(&session, directory);
        let waiting: Vec<_> = (0..4)
            .map(|n| {
                let id = format!("openrouter:n{n}");
                let arguments = ["paste-api-key", "--provider", "openrouter", "--profile-id", id.as_str()];
                let mut command = session.command(arguments);
                let input = session.write("secret", "made-up-waiting-key");
                command.stdin(std::fs::File::open(input).unwrap());
                let child = command.spawn().unwrap();
                until_waiting(child.id());
                child
            })
            .collect();
        // Readers wait for nobody.
        assert_eq!(session.get("anthropic:beside"), "neighbour-one-1");
        let begun = Instant::now();
        holder.kill().unwrap();
        holder.wait().unwrap();
        for child in waiting {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        let took = begun.elapsed();
        say(&format!(
            "contention: the holder of {directory:?}/lock was killed; 4 that waited were done {} ms later",
            took.as_millis()
        ));
        assert!(took < HANGS, "{took:?}");
        assert_eq!(listed(&session).unwrap().len(), 5);
        session.run(["verify"]).ok();
    }
}

#[test]
fn a_lock_that_stays_held_is_told_with_its_holder() {
    let session = vault();
    session.paste("openrouter:over", "made-up-old-key");
    let paste = ["--lock-timeout", "300ms", "paste-api-key", "--provider", "openrouter"];
    for directory in ["agents/main", ""] {
        let mut holder = hold(&session, directory);
        let begun = Instant::now();
        let refused = session.feed("made-up-new-key", paste.into_iter().chain(["--profile-id", "over"]));
        let took = begun.elapsed();
        let refused = refused.failed("LOCK_TIMEOUT", 75);
        let named = format!("by process {} (test-holder)", holder.id());
        assert!(refused.stderr.contains(&named), "{}", refused.stderr);
        assert!(took >= Duration::from_millis(300) && took < HANGS, "{took:?}");
        assert_eq!(session.get("openrouter:over"), "made-up-old-key");
        drop(holder.stdin.take());
        assert!(holder.wait().unwrap().success());
        session.paste("openrouter:next", "made-up-next-key");
    }
}

#[test]
fn a_vault_that_is_just_being_made_is_waited_for() {
    let session = vault();
    session.paste("openrouter:one", "made-up-key-1");
    let (settings, aside) = (session.home().join("vault.json"), session.path("aside"));
    for (command, waits) in [("doctor", Duration::from_millis(1500)), ("list", Duration::ZERO)] {
        let mut maker = hold(&session, "");
        std::fs::rename(&settings, &aside).unwrap();
        let child = session.command([command]).spawn().unwrap();
        until_waiting(child.id());
        // Forgetting waits for nobody, and the others for as long as they are told.
        session.run(["lock"]).ok();
        session.run(["--lock-timeout", "100ms", "list"]).ok();
        // However long its maker takes.
        std::thread::sleep(waits);
        std::fs::rename(&aside, &settings).unwrap();
        drop(maker.stdin.take());
        assert!(maker.wait().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && !said.contains("vault.json is missing"), "{command}: {said}");
    }
}
