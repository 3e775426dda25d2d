//! Hostile files cost little time and little memory. The system limits the memory, so that a command that needs more
//! fails.

use std::fs;
use std::time::{Duration, Instant};

use crate::session::{Ran, Session, binary, ran};

/// The limit for everything that the process maps, including its program and libraries.
const MEMORY: u64 = 64 * 1024 * 1024;
const TIME: Duration = Duration::from_millis(100);

/// Runs a command within the bounds. One of ten runs has to stay within the time: on a busy machine the others may
/// wait for the processor.
#[track_caller]
fn bounded(session: &Session, arguments: &[&str], input: &str) -> Ran {
    let mut fastest = Duration::MAX;
    for _ in 0..10 {
        let plain = session.command(arguments);
        let mut command = std::process::Command::new("/usr/bin/prlimit");
        command.arg(format!("--as={MEMORY}")).arg(binary()).args(arguments);
        command
            .env_clear()
            .env("HOME", session.temp.path())
            .env("XDG_RUNTIME_DIR", session.temp.path())
            .current_dir(plain.get_current_dir().unwrap());
        command.stdin(std::process::Stdio::null());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let begun = Instant::now();
        let ran = ran(command, input.as_bytes()).sane("made-up-canary");
        fastest = fastest.min(begun.elapsed());
        if fastest < TIME {
            println!("{arguments:?}: {} in {fastest:?}", ran.status);
            return ran;
        }
    }
    panic!("{arguments:?} takes {fastest:?}");
}

/// A header with this many stanzas, and a payload.
fn many(stanzas: usize, tag: &str) -> Vec<u8> {
    let stanza = format!("-> {tag} {}\n{}\n", "A".repeat(43), "A".repeat(43));
    format!("age-encryption.org/v1\n{}--- {}\npayload", stanza.repeat(stanzas), "A".repeat(43)).into()
}

#[test]
fn a_header_of_a_thousand_stanzas() {
    let session = Session::new();
    session.paste("openrouter:one", "made-up-canary");
    for tag in ["X25519", "strongroom", "strongroom-key", "scrypt"] {
        for stanzas in [33, 120, 1000, 10_000] {
            fs::write(session.agent_file("records/openrouter_3aone.age"), many(stanzas, tag)).unwrap();
            bounded(&session, &["get", "openrouter:one"], "").failed("CORRUPT", 65);
            session.write("bundle", many(stanzas, tag));
            bounded(&session, &["import", "bundle"], "").failed("CORRUPT", 65);
        }
        fs::write(session.home().join("unlock/more.age"), many(1000, tag)).unwrap();
        assert!(bounded(&session, &["unlock-method", "list"], "").ok().stdout.contains("more: unusable"));
    }
    fs::write(session.home().join("unlock/key-file.age"), many(1000, "strongroom-key")).unwrap();
    assert_eq!(bounded(&session, &["get", "openrouter:one"], "").status, 65);
}

#[test]
fn argon2id_outside_the_bounds() {
    let session = Session::empty();
    session.write("pass", "made-up horse");
    session.run(["init", "--unlock", "passphrase", "--passphrase-file", "pass"]).ok();
    let path = session.home().join("unlock/passphrase.age");
    let sealed = fs::read(&path).unwrap();
    let header = String::from_utf8_lossy(&sealed[..200]).into_owned();
    assert!(header.contains(" 65536 3 4 "), "{header}");
    for cost in [
        "8 3 4",
        "67108864 3 4",
        "4294967295 3 4",
        "1048577 2 1",
        "65536 1 4",
        "65536 4294967295 4",
        "65536 3 0",
        "65536 3 17",
        "1048576 16 1",
    ] {
        let at = header.find(" 65536 3 4 ").unwrap();
        let mut altered = sealed[..=at].to_vec();
        altered.extend_from_slice(cost.as_bytes());
        altered.extend_from_slice(&sealed[at + " 65536 3 4".len()..]);
        fs::write(&path, altered).unwrap();
        bounded(&session, &["verify", "--passphrase-file", "pass"], "").failed("KDF_BOUNDS", 65);
    }
    for cost in ["18446744073709551616 3 4", "-1 3 4", "+65536 3 4", "065536 3 4", "65536 3", "65536 3 4 5"] {
        let altered = String::from_utf8_lossy(&sealed).replacen("65536 3 4", cost, 1);
        fs::write(&path, altered.as_bytes()).unwrap();
        bounded(&session, &["verify", "--passphrase-file", "pass"], "").failed("CORRUPT", 65);
    }
    fs::write(&path, sealed).unwrap();
    session.write("wrong", "made-up donkey");
    let ran = session.run(["verify", "--passphrase-file", "wrong"]).failed("WRONG_KEY", 77);
    assert!(ran.stderr.contains("wrong passphrase"), "{}", ran.stderr);
    session.run(["verify", "--passphrase-file", "pass"]).ok();
}

#[test]
fn scrypt_beyond_the_bound() {
    let session = Session::new();
    session.write("pass", "made-up horse");
    for factor in ["21", "40", "63", "255", "99999999999"] {
        let sealed = format!(
            "age-encryption.org/v1\n-> scrypt {} {factor}\n{}\n--- {}\npayload",
            "A".repeat(22),
            "A".repeat(43),
            "A".repeat(43)
        );
        session.write("bundle", sealed);
        let import = ["import", "bundle", "--bundle-passphrase-file", "pass"];
        let ran = bounded(&session, &import, "");
        assert!([65, 77].contains(&ran.status), "{factor}: {}", ran.stderr);
    }
}

#[test]
fn a_json_document_that_is_deep_or_wide() {
    let session = Session::new();
    session.write("deep", "[".repeat(1 << 20));
    bounded(&session, &["import", "deep", "--from", "openclaw"], "").failed("BAD_DATA", 65);
    session.write("objects", "{\"a\":".repeat(1 << 18));
    bounded(&session, &["import", "objects", "--from", "openclaw"], "").failed("BAD_DATA", 65);
}

/// Returns the fastest of three runs of a command that reads the client's configuration.
fn reading(session: &Session, config: &str) -> Duration {
    session.write(".openclaw/openclaw.json", config);
    let run = || {
        let begun = Instant::now();
        session.run(["report", "openrouter:one", "--success"]).ok();
        session.run(["status", "--plain"]).ok();
        begun.elapsed()
    };
    (0..3).map(|_| run()).min().unwrap()
}

#[test]
fn a_large_configuration_of_the_client_costs_in_proportion() {
    let session = Session::new();
    session.paste("openrouter:one", "made-up-canary");
    fs::create_dir(session.path(".openclaw")).unwrap();
    let env = |n: usize| format!("{{env:{{{}}}}}", many_of(n, |n| format!("A{n}:'x'")));
    let providers = |n: usize| {
        format!("{{models:{{providers:{{{}}}}}}}", many_of(n, |n| format!("a{n}:{{apiKey:'$X'}}")))
    };
    let models = |n: usize| {
        format!("{{agents:{{defaults:{{models:{{{}}}}}}}}}", many_of(n, |n| format!("'anthropic/m{n}':{{}}")))
    };
    let forms: [(&str, &dyn Fn(usize) -> String); 3] =
        [("env", &env), ("providers", &providers), ("models", &models)];
    for (name, form) in forms {
        // Eight times as many took 64 times as long in quadratic time. On a busy machine, one of the two can wait.
        let in_proportion = (0..5).any(|_| {
            let (small, large) = (reading(&session, &form(12_500)), reading(&session, &form(100_000)));
            println!("{name}: {small:?} for 12,500 members, {large:?} for 100,000");
            large < small * 24
        });
        assert!(in_proportion, "{name}: it costs more");
    }
}

fn many_of(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(",")
}
