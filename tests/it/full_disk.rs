//! A file system that fills up at every stage of a change: the change is made completely or not at all.
//!
//! The file system is a tmpfs of 1 MiB in a mount namespace of its own, which an ordinary user gets
//! with a user namespace. A limit on the size of files also cuts every write at a chosen byte; on a machine
//! that forbids namespaces, only that is tested.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::faults::{Moment, copy_tree, kill_at, leftovers, listed, need, resolve_all, say, under, vault};
use crate::session::{Ran, Session, ran};

/// Where the test that was started in a namespace finds its file system.
const PLACE: &str = "STRONGROOM_TEST_FULL_DISK";
const SIZE: u64 = 1024 * 1024;
/// The block size of a tmpfs on the usual machines, in bytes.
const BLOCK: u64 = 4096;
/// Smaller than a line of the log, and larger than what one more line would leave of a block.
const LINE: u64 = 150;

struct Change {
    arguments: Vec<&'static str>,
    input: String,
    /// For each id, its value before and after.
    affected: Vec<(String, Option<String>, Option<String>)>,
}

fn changes() -> Vec<Change> {
    let over = "openrouter:over".to_owned();
    let old = Some("made-up-old-key".to_owned());
    let new = Some("made-up-new-key".to_owned());
    let paste = ["paste-api-key", "--provider", "openrouter", "--profile-id", "openrouter:over"];
    let mut profiles = serde_json::Map::new();
    let mut imported = Vec::new();
    for n in 0..12 {
        let (id, secret) = (format!("groq:k{n}"), format!("made-up-imported-{n}"));
        let entry = serde_json::json!({ "type": "api_key", "provider": "groq", "key": secret });
        profiles.insert(id.clone(), entry);
        imported.push((id, None, Some(secret)));
    }
    vec![
        Change {
            arguments: paste.to_vec(),
            input: "made-up-new-key".to_owned(),
            affected: vec![(over.clone(), old.clone(), new)],
        },
        Change {
            arguments: vec!["rename", "openrouter:over", "openrouter:to"],
            input: String::new(),
            affected: vec![
                (over.clone(), old.clone(), None),
                ("openrouter:to".to_owned(), None, old.clone()),
            ],
        },
        Change {
            arguments: vec!["remove", "openrouter:over", "--yes"],
            input: String::new(),
            affected: vec![(over, old, None)],
        },
        Change {
            arguments: vec!["import", "-"],
            input: serde_json::json!({ "version": 1, "profiles": profiles }).to_string(),
            affected: imported,
        },
    ]
}

fn template() -> Session {
    let session = vault();
    session.paste("anthropic:beside", "neighbour-one-1");
    session.paste("openrouter:over", "made-up-old-key");
    // The next line of the log should need a block of its own.
    let log = session.agent_file("log.jsonl");
    while log.metadata().unwrap().len() % BLOCK < BLOCK - LINE {
        session.paste("openrouter:over", "made-up-old-key");
    }
    session
}

/// Checks what a change under a fault left, and returns whether it was made.
fn check(session: &Session, change: &Change, ran: &Ran, place: &str) -> bool {
    let done = match ran.status {
        0 => true,
        74 => false,
        other => panic!("{place}: exit {other}: {}{}", ran.stdout, ran.stderr),
    };
    let read = |more: &[&str]| {
        let ids = change.affected.iter().map(|(id, ..)| id.as_str()).chain(["anthropic:beside"]);
        let answers = resolve_all(session, &[], ids);
        assert_eq!(answers["anthropic:beside"].as_deref(), Ok("neighbour-one-1"), "{place}");
        let mut expected = vec!["anthropic:beside".to_owned()];
        expected.extend(more.iter().map(|id| (*id).to_owned()));
        if change.affected[0].0 != "openrouter:over" {
            expected.push("openrouter:over".to_owned());
        }
        for (id, old, new) in &change.affected {
            let due = if done { new } else { old };
            let due = due.clone().ok_or_else(|| "NOT_FOUND".to_owned());
            assert_eq!(answers[id], due, "{place}: {id}, exit {}: {}", ran.status, ran.stderr);
            expected.extend(due.is_ok().then(|| id.clone()));
        }
        expected.sort();
        assert_eq!(listed(session).as_ref(), Ok(&expected), "{place}");
    };
    read(&[]);
    if !done || !ran.stderr.contains("committed") {
        assert_eq!(leftovers(&session.home()), Vec::<PathBuf>::new(), "{place}");
    }
    free(session);
    session.paste("mistral:next", "made-up-next-key");
    assert_eq!(leftovers(&session.home()), Vec::<PathBuf>::new(), "{place}");
    read(&["mistral:next"]);
    session.run(["verify"]).ok();
    done
}

fn filler(session: &Session) -> PathBuf {
    session.path("filler")
}

fn free(session: &Session) {
    let _ = std::fs::remove_file(filler(session));
}

/// Fills the file system of a session except for that many blocks.
fn fill(session: &Session, blocks: u64) {
    let stat = rustix::fs::statvfs(session.temp.path()).unwrap();
    let size = (stat.f_bavail - blocks) * stat.f_frsize;
    let mut file = File::create(filler(session)).unwrap();
    file.write_all(&vec![0; usize::try_from(size).unwrap()]).unwrap();
    let left = rustix::fs::statvfs(session.temp.path()).unwrap().f_bavail;
    assert_eq!(left, blocks);
}

/// Returns what could not be written according to an error, without the directory of the test.
fn victim(session: &Session, ran: &Ran) -> Option<String> {
    let agent = session.agent_file("");
    let at = ran.stderr.find(agent.to_str()?)?;
    let rest = &ran.stderr[at + agent.to_str()?.len()..];
    let name = rest.split([':', '\n', ' ', ')']).next()?;
    Some(if name.contains("/records/") { "a record".to_owned() } else { name.to_owned() })
}

#[test]
fn a_full_file_system_makes_a_change_or_leaves_it() {
    need("unshare", "util-linux");
    let name = "full_disk::in_a_namespace";
    let mut denied = String::new();
    for namespaces in ["-m", "-Urm"] {
        let mut command = Command::new("unshare");
        command.args([namespaces, "--"]).arg(std::env::current_exe().unwrap());
        command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
        let place = tempfile::tempdir().unwrap();
        command.env(PLACE, place.path());
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        if text.contains(MOUNTED) {
            say(error.trim_end());
            assert!(output.status.success(), "{text}{error}");
            return;
        }
        denied = error;
    }
    say(&format!(
        "full disk: this machine gives no mount namespace ({}): tested with limits on file sizes alone",
        denied.trim()
    ));
}

const MOUNTED: &str = "the file system is mounted";

/// Not a test by itself: the test above runs it in a namespace. Without a place it does nothing.
#[test]
fn in_a_namespace() {
    let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
    need("mount", "mount");
    let size = format!("size={SIZE}");
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&place).status();
    if !mount.unwrap().success() {
        return;
    }
    println!("{MOUNTED}");
    let template = template();
    for change in changes() {
        let (mut made, mut full, mut victims) = (0, 0, BTreeSet::new());
        let session = Session { temp: tempfile::tempdir_in(&place).unwrap() };
        // In steps of a block, up to more than a change and its journal take.
        for blocks in 0..=29 {
            copy_tree(template.temp.path(), session.temp.path());
            fill(&session, blocks);
            let ran = session.feed(&change.input, &change.arguments);
            let what = format!("{} with {blocks} blocks left", change.arguments[0]);
            if ran.status == 74 {
                assert!(ran.stderr.contains("[NO_SPACE]"), "{what}: {}", ran.stderr);
                victims.extend(victim(&session, &ran));
            }
            if check(&session, &change, &ran, &what) {
                made += 1;
            } else {
                full += 1;
            }
            empty(session.temp.path());
        }
        tell("full disk", &change, made, full, &victims, 4);
    }
    stay_committed(&place);
}

/// A change was killed after its commit point, and then the disk is full. The change can be read, and is finished
/// as soon as there is space.
fn stay_committed(place: &Path) {
    let template = template();
    let paste = &changes()[0];
    let apply = Moment { call: "renameat".to_owned(), n: 2, tells: false };
    assert!(kill_at(&template, &paste.arguments, paste.input.as_bytes(), &apply));
    let session = Session { temp: tempfile::tempdir_in(place).unwrap() };
    let mut refused = 0;
    for blocks in 0..=8 {
        copy_tree(template.temp.path(), session.temp.path());
        fill(&session, blocks);
        assert_eq!(session.get("openrouter:over"), "made-up-new-key");
        let next = ["paste-api-key", "--provider", "groq", "--profile-id", "groq:next"];
        let ran = session.feed("made-up-next-key", next);
        if ran.status != 0 {
            ran.failed("NO_SPACE", 74);
            refused += 1;
            session.run(["get", "groq:next"]).failed("NOT_FOUND", 66);
        }
        assert_eq!(session.get("openrouter:over"), "made-up-new-key");
        free(&session);
        session.paste("groq:next", "made-up-next-key");
        assert_eq!(session.get("openrouter:over"), "made-up-new-key");
        assert_eq!(leftovers(&session.home()), Vec::<PathBuf>::new());
        session.run(["verify"]).ok();
        empty(session.temp.path());
    }
    say(&format!("full disk: a committed change was read and finished; {refused} others failed whole"));
    assert!(refused > 0);
}

fn empty(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        removed.unwrap();
    }
}

fn tell(what: &str, change: &Change, made: usize, failed: usize, victims: &BTreeSet<String>, stages: usize) {
    let victims: Vec<_> = victims.iter().map(String::as_str).collect();
    say(&format!(
        "{what}: {}: {failed} failed whole, {made} were made whole, 0 in part; no room for {}",
        change.arguments[0],
        victims.join(", ")
    ));
    assert!(made > 0 && failed >= stages && victims.len() >= stages, "the fault did not strike every stage");
}

/// A write that ends in the middle of a file, at every 256th byte.
#[test]
fn a_file_that_cannot_grow_makes_a_change_or_leaves_it() {
    need("prlimit", "util-linux");
    let template = template();
    for change in changes() {
        let (mut made, mut failed, mut victims) = (0, 0, BTreeSet::new());
        let end = if change.affected.len() > 2 { 240 } else { 176 };
        for step in 0..=end {
            let session = crate::faults::copy(&template);
            let limit = format!("--fsize={}", 256 * step);
            // Without the trap the limit is a signal that kills.
            let tool = ["sh", "-c", "trap '' XFSZ; exec prlimit \"$@\"", "sh", &limit];
            let command = under(tool, &session.command(&change.arguments));
            let ran = ran(command, change.input.as_bytes());
            victims.extend(victim(&session, &ran));
            let what = format!("{} with files of {} bytes", change.arguments[0], 256 * step);
            *(if check(&session, &change, &ran, &what) { &mut made } else { &mut failed }) += 1;
        }
        // The index is smaller than the operations that precede it. The operations may also be smaller than the record,
        // because both contain a stanza of random length.
        tell("file limit", &change, made, failed, &victims, 2);
    }
}
