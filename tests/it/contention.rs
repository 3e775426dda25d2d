//! Many writers of one agent at once, and lock holders that die or never let go.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use strongroom_backends::fs::dir::Dir;
use strongroom_backends::fs::lock::{self, Holder, Mode};
use strongroom_backends::fs::queue;

use crate::faults::{leftovers, listed, resolve_all, say, vault};
use crate::session::{HANGS, Session, ran_within};

const WRITERS: usize = 64;
/// How often each one writes, unless the variable says otherwise: `scripts/test.sh --all` makes it 100.
const WRITES: usize = 10;
const WRITES_VARIABLE: &str = "STRONGROOM_TEST_WRITES";
/// The longest wait that is allowed, as a multiple of the mean.
const UNFAIR: f64 = 3.0;

#[test]
fn sixty_four_writers_lose_nothing_and_wait_in_turn() {
    let writes = std::env::var(WRITES_VARIABLE).map_or(WRITES, |text| text.parse().unwrap());
    let session = vault();
    let begun = Instant::now();
    let waits = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (session, waits) = (&session, &waits);
            scope.spawn(move || {
                for n in 0..writes {
                    let from = begun.elapsed();
                    paste(session, &id(writer, n), &secret(writer, n));
                    waits.lock().unwrap().push(Wait { from, to: begun.elapsed() });
                }
            });
        }
    });
    let took = begun.elapsed();
    let waits = waits.into_inner().unwrap();
    let ids: Vec<_> = (0..WRITERS).flat_map(|writer| (0..writes).map(move |n| id(writer, n))).collect();
    let answers = resolve_all(&session, &[], ids.iter().map(String::as_str));
    let lost: Vec<_> = (0..WRITERS)
        .flat_map(|writer| (0..writes).map(move |n| (id(writer, n), secret(writer, n))))
        .filter(|(id, secret)| answers[id].as_ref() != Ok(secret))
        .collect();
    say(&format!(
        "contention: {} writes by {WRITERS} processes in {:.1} s, {} lost",
        waits.len(),
        took.as_secs_f64(),
        lost.len()
    ));
    told(
        "milliseconds of a wait",
        waits.iter().map(|wait| wait.to.saturating_sub(wait.from).as_secs_f64() * 1e3).collect(),
    );
    let worst = told("writes of others during a wait", turns(&waits));
    assert!(lost.is_empty(), "{lost:?}");
    assert_eq!(waits.len(), WRITERS * writes);
    // Waits are counted in turns, because a slow disk delays everyone and makes no wait unfair.
    assert!(worst <= UNFAIR, "the worst wait is {worst:.1} × the mean");
    assert_eq!(listed(&session).unwrap(), ids);
    assert_eq!(leftovers(&session.home()), Vec::<std::path::PathBuf>::new());
    session.run(["verify"]).ok();
}

/// The start and the end of a process, since the beginning of the test.
struct Wait {
    from: Duration,
    to: Duration,
}

/// Returns how many other processes ended during each wait.
fn turns(waits: &[Wait]) -> Vec<f64> {
    let mut ends: Vec<_> = waits.iter().map(|wait| wait.to).collect();
    ends.sort_unstable();
    let ended = |by: Duration| u32::try_from(ends.partition_point(|end| *end < by)).unwrap();
    waits.iter().map(|wait| f64::from(ended(wait.to) - ended(wait.from))).collect()
}

/// Prints a distribution, and returns its maximum as a multiple of its mean.
fn told(what: &str, mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let mean = values.iter().sum::<f64>() / f64::from(u32::try_from(values.len()).unwrap());
    let at = |percent: usize| values[(values.len() * percent / 100).min(values.len() - 1)];
    let worst = at(100) / mean;
    say(&format!(
        "contention: {what}: least {:.0}, mean {mean:.0}, median {:.0}, p90 {:.0}, p99 {:.0}, most {:.0} = {worst:.2} × the mean",
        at(0),
        at(50),
        at(90),
        at(99),
        at(100)
    ));
    worst
}

/// Stores a key without a limit on the wait: on a slow machine, 64 turns take a long time.
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
    let mode = if std::env::var_os(SHARED).is_some() { Mode::Shared } else { Mode::Exclusive };
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let me = Holder {
        pid: std::process::id(),
        since: i64::try_from(since).unwrap(),
        command: "test-holder".to_owned(),
    };
    let _lock = lock::take(&dir, mode, Duration::from_secs(60), &me).unwrap();
    println!("\n{HELD}");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

const HOLD: &str = "STRONGROOM_TEST_HOLD";
const SHARED: &str = "STRONGROOM_TEST_SHARED";
const HELD: &str = "the lock is held";

/// A process that takes the lock of a directory in the home.
struct Taker(Child);

impl Taker {
    fn start(session: &Session, directory: &str, mode: Mode) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "contention::holder", "--nocapture", "--test-threads=1"]);
        command.env(HOLD, session.home().join(directory)).env_remove(SHARED);
        if mode == Mode::Shared {
            command.env(SHARED, "");
        }
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    /// Waits until it has the lock.
    fn until_held(mut self) -> Self {
        let mut lines = BufReader::new(self.0.stdout.as_mut().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == HELD), "the process ended without the lock");
        self
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Makes it release the lock.
    fn end(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

/// Starts a process that holds the lock of a directory in the home.
fn hold(session: &Session, directory: &str) -> Taker {
    Taker::start(session, directory, Mode::Exclusive).until_held()
}

/// Returns how many processes wait for the lock of a directory or for their turn, according to the kernel.
fn waiting(session: &Session, directory: &str) -> usize {
    use std::os::unix::fs::MetadataExt;
    let files = [lock::FILE, queue::FILE].map(|name| session.home().join(directory).join(name));
    let files: Vec<_> =
        files.iter().filter_map(|file| Some(format!(":{}", file.metadata().ok()?.ino()))).collect();
    let waits = |line: &&str| {
        let mut words = line.split_whitespace();
        words.any(|word| word == "->")
            && words.any(|word| files.iter().any(|file| word.ends_with(file.as_str())))
    };
    std::fs::read_to_string("/proc/locks").unwrap().lines().filter(waits).count()
}

/// Waits until that many processes wait for the lock of a directory.
fn until_waiting(session: &Session, directory: &str, due: usize) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let now = waiting(session, directory);
        if now == due {
            return;
        }
        assert!(Instant::now() < end, "{now} wait for the lock, and not {due}");
        std::thread::yield_now();
    }
}

/// Starts a process that waits for the lock of a directory, the last of that many in the queue.
fn wait_for(session: &Session, directory: &str, mode: Mode, last: usize) -> Taker {
    let taker = Taker::start(session, directory, mode);
    until_waiting(session, directory, last);
    taker
}

#[test]
fn a_waiter_that_is_killed_costs_nobody_its_turn() {
    let session = vault();
    session.paste("openrouter:first", "made-up-first-key");
    for directory in ["agents/main", ""] {
        let held = hold(&session, directory);
        let mut line: Vec<_> =
            (1..=6).map(|last| Some(wait_for(&session, directory, Mode::Exclusive, last))).collect();
        // The first, which waits for the lock itself, and two in a row after one that stays.
        for (killed, left) in [(0, 5), (2, 4), (3, 3)] {
            line[killed].take().unwrap().kill();
            until_waiting(&session, directory, left);
        }
        held.end();
        for (left, next) in [2, 1, 0].into_iter().zip(line.into_iter().flatten()) {
            let next = next.until_held();
            until_waiting(&session, directory, left);
            next.end();
        }
        session.paste("openrouter:next", "made-up-next-key");
    }
}

#[test]
fn who_waits_alone_and_who_waits_with_others_take_turns() {
    let session = vault();
    let first = Taker::start(&session, "", Mode::Shared).until_held();
    let alone = wait_for(&session, "", Mode::Exclusive, 1);
    // It waits although it could hold the lock together with the first.
    let (second, third) = (wait_for(&session, "", Mode::Shared, 2), wait_for(&session, "", Mode::Shared, 3));
    let last = wait_for(&session, "", Mode::Exclusive, 4);
    first.end();
    let alone = alone.until_held();
    until_waiting(&session, "", 3);
    alone.end();
    let (second, third) = (second.until_held(), third.until_held());
    until_waiting(&session, "", 1);
    third.end();
    second.end();
    last.until_held().end();
}

/// Writers share the vault's lock, so that without a queue a change of keys would never get it.
#[test]
fn a_change_of_keys_among_writers_has_its_turn() {
    const AT_ONCE: usize = 8;
    let session = vault();
    let (done, written) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for writer in 0..AT_ONCE {
            let (session, done, written) = (&session, &done, &written);
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    paste(session, &id(writer, 0), &secret(writer, 0));
                    written.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let mut turns = Vec::new();
        for _ in 0..5 {
            let before = written.load(Ordering::SeqCst);
            session.run(["--lock-timeout", "15m", "rekey", "--yes"]).ok();
            turns.push(written.load(Ordering::SeqCst) - before);
        }
        done.store(true, Ordering::SeqCst);
        say(&format!("contention: writes of {AT_ONCE} during each change of keys: {turns:?}"));
        // Those that queued before it, and those that came while its process started and ended: up to 21 on a busy
        // machine. In the kernel's own order there were up to 139.
        assert!(turns.iter().all(|turns| *turns <= 6 * AT_ONCE), "{turns:?}");
    });
    session.run(["verify"]).ok();
}

#[test]
fn a_holder_that_is_killed_frees_the_lock_at_once() {
    let session = vault();
    session.paste("anthropic:beside", "neighbour-one-1");
    for directory in ["agents/main", ""] {
        let holder = hold(&session, directory);
        let children: Vec<_> = (0..4)
            .map(|n| {
                let id = format!("openrouter:n{n}");
                let arguments = ["paste-api-key", "--provider", "openrouter", "--profile-id", id.as_str()];
                let mut command = session.command(arguments);
                let input = session.write("secret", "made-up-waiting-key");
                command.stdin(std::fs::File::open(input).unwrap());
                let child = command.spawn().unwrap();
                until_waiting(&session, directory, n + 1);
                child
            })
            .collect();
        // Readers never wait.
        assert_eq!(session.get("anthropic:beside"), "neighbour-one-1");
        let begun = Instant::now();
        holder.kill();
        for child in children {
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
        let holder = hold(&session, directory);
        let begun = Instant::now();
        let refused = session.feed("made-up-new-key", paste.into_iter().chain(["--profile-id", "over"]));
        let took = begun.elapsed();
        let refused = refused.failed("LOCK_TIMEOUT", 75);
        let named = format!("by process {} (test-holder)", holder.0.id());
        assert!(refused.stderr.contains(&named), "{}", refused.stderr);
        assert!(took >= Duration::from_millis(300) && took < HANGS, "{took:?}");
        assert_eq!(session.get("openrouter:over"), "made-up-old-key");
        holder.end();
        session.paste("openrouter:next", "made-up-next-key");
    }
}

#[test]
fn who_looks_waits_two_seconds_for_a_change_of_keys_and_reports_what_can_be_read() {
    let session = vault();
    session.paste("openrouter:one", "made-up-key-1");
    // As a change of keys holds them.
    let (all, agent) = (hold(&session, ""), hold(&session, "agents/main"));
    for (look, told) in [("verify", "Verified 1 profile of 1 agent"), ("doctor", "No problems found.")] {
        let begun = Instant::now();
        let ran = session.run([look]).ok();
        let took = begun.elapsed();
        let by = format!("the vault is being changed by process {} (test-holder)", all.0.id());
        assert!(ran.stdout.contains(&by) && ran.stdout.contains(told), "{}", ran.stdout);
        assert!(took >= Duration::from_secs(2) && took < HANGS, "{took:?}");
    }
    let sooner = session.run(["--lock-timeout", "50ms", "verify", "--json"]).ok().json();
    assert_eq!((&sooner["findings"][0]["kind"], &sooner["records"]), (&"busy".into(), &1.into()), "{sooner}");
    all.end();
    // The wait for a writer of one agent has the same limit as for any lock.
    let writer = session.run(["--lock-timeout", "50ms", "verify", "--json"]).ok().json();
    let first = &writer["findings"][0];
    assert_eq!((&first["kind"], &first["agent"]), (&"busy".into(), &"main".into()), "{writer}");
    agent.end();
    assert_eq!(session.run(["verify", "--json"]).ok().json()["findings"], serde_json::json!([]));
}

#[test]
fn a_vault_that_is_just_being_made_is_waited_for() {
    let session = vault();
    session.paste("openrouter:one", "made-up-key-1");
    let (settings, aside) = (session.home().join("vault.json"), session.path("aside"));
    for (command, waits) in [("doctor", Duration::from_millis(1500)), ("list", Duration::ZERO)] {
        let maker = hold(&session, "");
        std::fs::rename(&settings, &aside).unwrap();
        let child = session.command([command]).spawn().unwrap();
        until_waiting(&session, "", 1);
        // `lock` does not wait; the other commands wait for as long as they are told.
        session.run(["lock"]).ok();
        session.run(["--lock-timeout", "100ms", "list"]).ok();
        // The command waits however long the process that creates the vault takes.
        std::thread::sleep(waits);
        std::fs::rename(&aside, &settings).unwrap();
        maker.end();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && !said.contains("vault.json is missing"), "{command}: {said}");
    }
}
