//! An index that another program emptied, damaged or tore: no record is lost, and removed profiles
//! stay removed.

use std::path::PathBuf;
use std::process::Stdio;

use rustix::fs::inotify;
use serde_json::{Value, json};

use crate::faults::{need, resolve_all, under, vault};
use crate::session::{Session, ran};

const EMPTY: &str = "{\"version\":1,\"profiles\":{}}";
const SECRETS: [(&str, &str); 5] = [
    ("anthropic:work", "made-up-token-1"),
    ("groq:default", "made-up-key-2"),
    ("openai-codex:me@example.org", "made-up-access-5"),
    ("openrouter:default", "made-up-key-3"),
    ("openrouter:spare", "made-up-key-4"),
];

/// A vault with profiles of every type.
fn template() -> Session {
    let session = vault();
    let paste = ["paste-token", "--provider", "anthropic", "--profile-id", "anthropic:work"];
    session.feed("made-up-token-1", paste.into_iter().chain(["--expires-in", "365d"])).ok();
    for (id, secret) in &SECRETS[1..] {
        if *id != "openai-codex:me@example.org" {
            session.paste(id, secret);
        }
    }
    let oauth = json!({ "version": 1, "profiles": { "openai-codex:me@example.org": {
        "type": "oauth", "provider": "openai-codex", "access": "made-up-access-5",
        "refresh": "made-up-refresh-5", "expires": 4_102_444_800_000_u64, "email": "me@example.org" } } });
    session.feed(oauth.to_string(), ["import", "-", "--include-oauth"]).ok();
    session
}

fn index(session: &Session) -> PathBuf {
    session.agent_file("auth-profiles.json")
}

/// Returns everything that `list` says about each profile, by id.
fn profiles(session: &Session) -> Vec<Value> {
    let document = session.run(["list", "--json"]).ok().json();
    let mut profiles = document["agents"][0]["profiles"].as_array().unwrap().clone();
    profiles.sort_by_key(|profile| profile["profileId"].as_str().unwrap().to_owned());
    profiles
}

fn all_are_read(session: &Session) {
    let answers = resolve_all(session, &[], SECRETS.map(|(id, _)| id));
    for (id, secret) in SECRETS {
        assert_eq!(answers[id].as_deref(), Ok(secret), "{id}");
        assert_eq!(session.get(id), secret);
    }
}

#[test]
fn a_wiped_index_loses_nothing() {
    let session = template();
    let before = profiles(&session);
    std::fs::write(index(&session), EMPTY).unwrap();
    session.paste("mistral:next", "made-up-next-key");
    all_are_read(&session);
    // All of them are reported, by every command.
    let ids = SECRETS.map(|(id, _)| id);
    let listed = session.run(["list", "--json"]).ok().json();
    assert_eq!(listed["agents"][0]["unlisted"], json!(ids));
    assert!(
        session.run(["list"]).ok().stderr.contains("5 profiles of agent main are missing from the index")
    );
    let status = session.run(["status", "--json"]).ok().json();
    let warned = status["vault"]["warnings"].to_string();
    assert!(warned.contains("5 profiles of agent main are missing from the index"), "{status}");
    for verb in ["verify", "doctor"] {
        let told = session.run([verb]);
        assert_eq!(told.status, 65, "{}", told.stdout);
        assert!(ids.iter().all(|id| told.stdout.contains(&format!("{id} is not listed"))), "{}", told.stdout);
    }
    session.run(["doctor", "--repair"]).ok();
    let after: Vec<_> =
        profiles(&session).into_iter().filter(|profile| profile["profileId"] != "mistral:next").collect();
    assert_eq!(after, before);
    let listed = session.run(["list", "--json"]).ok().json();
    assert_eq!(listed["agents"][0]["unlisted"], json!([]));
    all_are_read(&session);
    session.run(["verify"]).ok();
    session.run(["doctor"]).ok();
}

#[test]
fn what_was_removed_does_not_come_back() {
    let session = template();
    let record = session.agent_file("records/openrouter_3aspare.age");
    let renamed = session.agent_file("records/groq_3adefault.age");
    let (old, old_renamed) = (std::fs::read(&record).unwrap(), std::fs::read(&renamed).unwrap());
    session.run(["remove", "openrouter:spare", "--yes"]).ok();
    session.run(["rename", "groq:default", "groq:moved"]).ok();
    std::fs::write(index(&session), EMPTY).unwrap();
    session.run(["doctor", "--repair"]).ok();
    let ids = |session: &Session| -> Vec<String> {
        profiles(session).iter().map(|profile| profile["profileId"].as_str().unwrap().to_owned()).collect()
    };
    let due = ["anthropic:work", "groq:moved", "openai-codex:me@example.org", "openrouter:default"];
    assert_eq!(ids(&session), due);
    session.run(["verify"]).ok();

    // Another person puts the old files back.
    session.write(record.to_str().unwrap(), &old);
    session.write(renamed.to_str().unwrap(), &old_renamed);
    let verified = session.run(["verify"]);
    assert_eq!(verified.status, 65, "{}", verified.stdout);
    for id in ["openrouter:spare", "groq:default"] {
        assert!(verified.stdout.contains(&format!("{id} was removed, but its file is back")));
    }
    let repaired = session.run(["doctor", "--repair"]);
    assert!(
        repaired.status == 65 && repaired.stdout.contains("was removed, but its file is back"),
        "{}",
        repaired.stdout
    );
    for id in ["openrouter:spare", "groq:default"] {
        session.run(["get", id]).failed("NOT_FOUND", 66);
    }
    // A change of keys takes over what the ledger names, and nothing else.
    session.run(["rekey", "--yes"]).ok();
    for id in ["openrouter:spare", "groq:default"] {
        session.run(["get", id]).failed("NOT_FOUND", 66);
    }
    session.paste("mistral:next", "made-up-next-key");
    let mut due: Vec<_> = due.into();
    due.insert(2, "mistral:next");
    assert_eq!(ids(&session), due);

    // A new secret under an old id is an ordinary profile.
    session.paste("openrouter:spare", "made-up-key-new");
    assert_eq!(session.get("openrouter:spare"), "made-up-key-new");
    std::fs::write(&record, &old).unwrap();
    assert!(session.run(["verify"]).stdout.contains("profile openrouter:spare is encrypted with a key"));
    session.run(["rekey", "--yes"]).failed("TAMPERED", 65);
    std::fs::remove_file(&renamed).unwrap();
    session.paste("openrouter:spare", "made-up-key-new");
    session.run(["rekey", "--yes"]).ok();
    session.run(["verify"]).ok();
}

#[test]
fn an_index_that_cannot_be_read_is_kept() {
    let garbage = [
        ("", "INDEX_UNREADABLE"),
        ("{", "INDEX_UNREADABLE"),
        ("\0\0\0\0", "INDEX_UNREADABLE"),
        ("not JSON", "INDEX_UNREADABLE"),
        ("[]", "INDEX_UNREADABLE"),
        ("{\"version\":1,\"profiles\":[]}", "INDEX_UNREADABLE"),
        ("{\"version\":1,\"profiles\":{\"__proto__\":{}}}", "INDEX_UNREADABLE"),
        ("{\"version\":\"x\",\"profiles\":{}}", "INDEX_UNREADABLE"),
        ("{\"version\":1,\"profiles\":{},\"profiles\":{}}", "DUPLICATE_KEY"),
        ("{\"version\":2,\"profiles\":{}}", "NEWER_FORMAT"),
    ];
    let session = template();
    let before = profiles(&session);
    let whole = std::fs::read(index(&session)).unwrap();
    let paste = ["paste-api-key", "--provider", "mistral", "--profile-id", "mistral:next"];
    let writes: [&[&str]; 5] = [
        &paste,
        &["rotate", "groq:default"],
        &["remove", "groq:default", "--yes"],
        &["rename", "groq:default", "groq:moved"],
        &["order", "set", "--provider", "groq", "groq:default"],
    ];
    for (bytes, code) in garbage {
        std::fs::write(index(&session), bytes).unwrap();
        for write in writes {
            session.feed("made-up-next-key", write).failed(code, 65);
            assert_eq!(std::fs::read_to_string(index(&session)).unwrap(), bytes, "{write:?}");
        }
        session.run(["list"]).failed(code, 65);
        all_are_read(&session);
        assert_eq!(session.run(["verify"]).status, 65);
        assert_eq!(session.run(["doctor", "--repair"]).status, 65);
        assert_eq!(std::fs::read_to_string(index(&session)).unwrap(), bytes);
    }
    // As the remedy says: moved aside, and listed again.
    std::fs::rename(index(&session), session.path("moved-away")).unwrap();
    session.run(["doctor", "--repair"]).ok();
    assert_eq!(profiles(&session), before);
    session.run(["verify"]).ok();
    // Or repaired by hand.
    std::fs::write(index(&session), whole).unwrap();
    assert_eq!(profiles(&session), before);
}

/// Another program is in the middle of a write: the reader looks, pauses, and looks again. strace
/// makes the pause long enough for any machine; the kernel says when the torn file was read.
#[test]
fn a_torn_index_that_becomes_whole_is_read() {
    need("strace", "strace");
    let session = template();
    let before = profiles(&session);
    let whole = std::fs::read(index(&session)).unwrap();
    std::fs::write(index(&session), &whole[..whole.len() / 2]).unwrap();
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&watch, index(&session), inotify::WatchFlags::CLOSE_NOWRITE).unwrap();
    let pause = "--inject=?nanosleep,?clock_nanosleep:delay_exit=2000000";
    let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=?nanosleep,?clock_nanosleep", pause];
    let mut command = under(strace, &session.command(["list", "--json"]));
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    // Blocks until the reader has closed what it read.
    rustix::io::read(&watch, &mut [0_u8; 4096]).unwrap();
    std::fs::write(session.path("whole"), &whole).unwrap();
    std::fs::rename(session.path("whole"), index(&session)).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["agents"][0]["profiles"].as_array().unwrap().len(), before.len());
}

/// The reader does not look for long: three times more, 15 ms apart.
#[test]
fn a_torn_index_that_stays_torn_is_told_soon() {
    need("strace", "strace");
    let session = template();
    std::fs::write(index(&session), "{\"version\":1,\"profiles\":{").unwrap();
    let trace = session.path("trace");
    let strace = ["strace", "-f", "-qq", "-o", trace.to_str().unwrap(), "-e"];
    let tool = strace.into_iter().chain(["trace=?nanosleep,?clock_nanosleep"]);
    ran(under(tool, &session.command(["list"])), b"").failed("INDEX_UNREADABLE", 65);
    // Only root can see how long: the process lets no one else read its memory.
    assert_eq!(std::fs::read_to_string(trace).unwrap().matches("nanosleep(").count(), 3);
}
