//! Which .env files may have secrets because a person allowed them, and what a file of a stranger gets.

use std::fs;
use std::os::unix::fs::symlink;

use crate::goldens::at_terminal;
use crate::session::{Ran, Session, binary, ran, setup_token};

const KEY: &str = "made-up-key-of-groq";
const FILE: &str = "A=strongroom://groq:default\n";
const SETTINGS: &str = ".local/share/strongroom/settings.json";

/// Returns a vault with a profile, and a file `project/env` that names it.
fn session() -> Session {
    let session = Session::new();
    session.paste("groq:default", KEY);
    fs::create_dir(session.path("project")).unwrap();
    session.write("project/env", FILE);
    session
}

/// Returns a vault like that of [`session`], whose file is allowed.
fn allowed() -> Session {
    let session = session();
    allow(&session, "project/env").ok();
    session
}

fn allow(session: &Session, file: &str) -> Ran {
    session.run(["env", "allow", file, "--yes"])
}

fn run(session: &Session, flags: &[&str], file: &str) -> Ran {
    let script = ["--", "sh", "-c", "touch started; test \"$A\" = made-up-key-of-groq"];
    session.run([&["run", "--env-file", file], flags, &script].concat())
}

/// The file gets its profile.
#[track_caller]
fn gets(session: &Session, file: &str) {
    run(session, &[], file).ok();
    fs::remove_file(session.path("started")).unwrap();
}

/// The file gets nothing, and nothing is started. Returns what is said.
#[track_caller]
fn gets_nothing(session: &Session, code: &str, flags: &[&str], file: &str) -> String {
    let said = run(session, flags, file).failed(code, 77).stderr;
    assert!(!session.path("started").exists(), "{said}");
    said
}

fn files(session: &Session) -> Vec<serde_json::Value> {
    session.run(["env", "list", "--json"]).ok().json()["files"].as_array().unwrap().clone()
}

#[test]
fn an_allowed_file_gets_its_profiles_until_it_changes_by_a_byte() {
    let session = session();
    let said = gets_nothing(&session, "DENIED", &[], "project/env");
    assert!(said.contains("/project/env` allows it"), "{said}");
    allow(&session, "project/env").ok();
    for named in ["project/env", "./project/../project/env", session.path("project/env").to_str().unwrap()] {
        gets(&session, named);
    }
    // Also as assignments.
    let printed = session.run(["env", "--env-file", "project/env"]).ok().stdout;
    assert_eq!(printed, format!("export A='{KEY}'\n"));
    session.write("project/env", "A=strongroom://groq:default\n\n");
    let said = gets_nothing(&session, "DENIED", &[], "project/env");
    assert!(said.contains("has changed since it was allowed") && said.contains("env allow /"), "{said}");
    // What the command line names needs no permission.
    run(&session, &["--profile", "groq:default"], "project/env").ok();
    fs::remove_file(session.path("started")).unwrap();
    allow(&session, "project/env").ok();
    gets(&session, "project/env");
    // The earlier bytes count no more.
    session.write("project/env", FILE);
    gets_nothing(&session, "DENIED", &[], "project/env");
    assert_eq!(files(&session).len(), 1);
}

#[test]
fn the_same_bytes_elsewhere_get_nothing() {
    let session = allowed();
    fs::create_dir(session.path("hostile")).unwrap();
    fs::copy(session.path("project/env"), session.path("hostile/env")).unwrap();
    symlink(session.path("project/env"), session.path("hostile/link")).unwrap();
    fs::hard_link(session.path("project/env"), session.path("hostile/hard")).unwrap();
    symlink(session.path("project"), session.path("hostile/directory")).unwrap();
    for file in ["hostile/env", "hostile/link", "hostile/hard", "hostile/directory/env"] {
        gets_nothing(&session, "DENIED", &[], file);
    }
    let script =
        format!("exec {} run --env-file /dev/fd/7 -- touch started 7<project/env", binary().display());
    let mut shell = std::process::Command::new("/bin/sh");
    let plain = session.command([""; 0]);
    shell.args(["-c", &script]).env_clear().current_dir(session.temp.path());
    shell.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.stdin(std::process::Stdio::null());
    shell.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    ran(shell, b"").failed("DENIED", 77);
    for stream in ["-", "/dev/fd/7"] {
        allow(&session, stream).failed("USAGE", 64);
    }
    gets(&session, "project/env");
}

#[test]
fn a_profile_that_was_created_again_is_another_one() {
    let session = allowed();
    // A new secret for the same profile is not.
    session.feed("made-up-other", ["rotate", "groq:default"]).ok();
    session.feed(KEY, ["paste-api-key", "--provider", "groq"]).ok();
    gets(&session, "project/env");
    session.run(["rename", "groq:default", "groq:old"]).ok();
    gets_nothing(&session, "NOT_FOUND", &[], "project/env");
    session.paste("groq:new", KEY);
    session.run(["rename", "groq:new", "groq:default"]).ok();
    let said = gets_nothing(&session, "DENIED", &[], "project/env");
    assert!(said.contains("created again"), "{said}");
    session.run(["remove", "groq:default", "--yes"]).ok();
    // The profile itself under its old name.
    session.run(["rename", "groq:old", "groq:default"]).ok();
    gets(&session, "project/env");
    session.run(["remove", "groq:default", "--yes"]).ok();
    gets_nothing(&session, "NOT_FOUND", &[], "project/env");
    session.run(["undo", "groq:default", "--yes"]).ok();
    gets(&session, "project/env");
    session.run(["remove", "groq:default", "--yes"]).ok();
    session.paste("groq:default", KEY);
    gets_nothing(&session, "DENIED", &[], "project/env");
    allow(&session, "project/env").ok();
    gets(&session, "project/env");
}

#[test]
fn an_agent_gives_only_what_was_allowed_of_its_own() {
    let session = allowed();
    let paste = ["--agent", "ops", "paste-api-key", "--provider", "groq"];
    session.feed(KEY, paste).ok();
    gets_nothing(&session, "DENIED", &["--agent", "ops"], "project/env");
    session.write("project/other", "A=strongroom://ops/groq:default\nB=strongroom://ops/groq:default\n");
    let said = allow(&session, "project/other").failed("DENIED", 77).stderr;
    assert!(said.contains("--agent NAME"), "{said}");
    session.run(["--agent", "ops", "env", "allow", "project/other", "--yes"]).ok();
    run(&session, &["--agent", "ops"], "project/other").ok();
    fs::remove_file(session.path("started")).unwrap();
    gets_nothing(&session, "DENIED", &[], "project/other");
    let listed = files(&session);
    assert_eq!((&listed[0]["agent"], &listed[1]["agent"]), (&"main".into(), &"ops".into()));
    session.run(["env", "forget", "project/other"]).failed("NOT_FOUND", 66);
    session.run(["--agent", "ops", "env", "forget", "project/other"]).ok();
    gets_nothing(&session, "DENIED", &["--agent", "ops"], "project/other");
}

#[test]
fn what_steers_a_program_and_what_is_no_profile_cannot_be_allowed() {
    let session = session();
    let settings = fs::read(session.home().join("settings.json")).unwrap();
    for (text, code, status) in [
        ("LD_PRELOAD=/tmp/x.so", "USAGE", 64),
        ("GROQ_BASE_URL=https://made-up.example", "USAGE", 64),
        ("NODE_OPTIONS=strongroom://groq:default", "USAGE", 64),
        ("B=strongroom://groq:no", "NOT_FOUND", 66),
        ("B=strongroom://providers/groq/apiKey", "DENIED", 77),
        ("B=op://vault/item", "BAD_DATA", 65),
    ] {
        session.write("project/env", format!("{FILE}{text}\n"));
        allow(&session, "project/env").failed(code, status);
    }
    session.write("project/env", "A=1\n");
    allow(&session, "project/env").failed("USAGE", 64);
    let canary = setup_token("PATH");
    session.write(&canary, FILE);
    assert_eq!(allow(&session, &canary).sane(&canary).status, 64);
    assert_eq!(fs::read(session.home().join("settings.json")).unwrap(), settings);
}

#[test]
fn a_person_sees_what_the_file_gets_and_confirms() {
    let session = session();
    session.write("project/env", format!("{FILE}B=strongroom://groq:default\nC=plain\n"));
    session.run(["env", "allow", "project/env"]).failed("NOT_CONFIRMED", 64);
    let ask = |answer: &str| {
        let command = format!("{} env allow project/env", binary().display());
        at_terminal(&session, &command, &[format!("[y/N] => {answer}\\r")])
    };
    let said = ask("n").stdout;
    assert!(said.contains("A  groq:default") && said.contains("B  groq:default"), "{said}");
    assert!(said.contains("[CANCELLED]") && !said.contains(KEY), "{said}");
    assert_eq!(files(&session).len(), 0);
    ask("y").ok();
    assert_eq!(files(&session)[0]["profiles"], serde_json::json!(["groq:default"]));
    let again = session.run(["env", "allow", "project/env"]).ok().stdout;
    assert!(again.contains("already allowed"), "{again}");
    session.run(["env", "forget", "project/env"]).ok();
    let log = session.run(["log", "--vault", "--op", "settings", "--json"]).ok().json();
    let lines: Vec<_> =
        log["lines"].as_array().unwrap().iter().map(|line| (&line["old"], &line["new"])).collect();
    assert_eq!(lines.len(), 2);
    let (given, taken) = (lines[0].1.as_str().unwrap(), lines[1].0.as_str().unwrap());
    assert!(given == taken && given.contains("/project/env") && given.contains("groq:default"), "{given}");
    let shown = session.run(["log", "--vault"]).ok().stdout;
    assert!(shown.contains("allowed /") && shown.contains("no longer allowed /"), "{shown}");
    session.run(["verify"]).ok();
}

#[test]
fn keys_that_are_only_kept_allow_nothing() {
    let Some(session) = Session::kept_unlocked() else { return };
    session.feed(KEY, ["paste-api-key", "--provider", "groq"]).ok();
    fs::create_dir(session.path("project")).unwrap();
    session.write("project/env", FILE);
    let said = allow(&session, "project/env").failed("LOCKED", 77).stderr;
    assert!(said.contains("unlock method"), "{said}");
    session.run(["env", "allow", "project/env", "--yes", "--passphrase-file", "passphrase"]).ok();
    gets(&session, "project/env");
    session.run(["lock"]).ok();
    session.run(["unlock", "--agent", "main", "--passphrase-file", "passphrase"]).ok();
    let said = gets_nothing(&session, "DENIED", &["--agent", "main"], "project/env");
    assert!(said.contains("unlocked for one agent"), "{said}");
    run(&session, &["--agent", "main", "--profile", "groq:default"], "project/env").ok();
    session.run(["lock"]).ok();
}

#[test]
fn settings_that_the_vault_did_not_write_allow_nothing() {
    let session = session();
    let none = fs::read_to_string(session.path(SETTINGS)).unwrap();
    allow(&session, "project/env").ok();
    let given = fs::read_to_string(session.path(SETTINGS)).unwrap();
    // What the signed settings say has another path.
    session.write("project/evil", FILE);
    let planted = given.replace("/project/env\"", "/project/evil\"");
    assert_ne!(planted, given);
    session.write(SETTINGS, planted);
    gets_nothing(&session, "TAMPERED", &[], "project/evil");
    session.run(["env", "list"]).failed("TAMPERED", 65);
    allow(&session, "project/evil").failed("TAMPERED", 65);
    run(&session, &["--profile", "groq:default"], "project/evil").ok();
    fs::remove_file(session.path("started")).unwrap();
    // An older file has what was taken back.
    session.write(SETTINGS, &given);
    session.run(["env", "forget", "project/env"]).ok();
    assert_eq!(fs::read_to_string(session.path(SETTINGS)).unwrap(), none);
    session.write(SETTINGS, &given);
    gets_nothing(&session, "TAMPERED", &[], "project/env");
    // Also if it stands where a change of settings would have left it.
    fs::rename(session.path(SETTINGS), session.path(&format!("{SETTINGS}.new"))).unwrap();
    gets_nothing(&session, "TAMPERED", &[], "project/env");
    session.run(["doctor", "--repair"]);
    gets_nothing(&session, "DENIED", &[], "project/env");
    assert_eq!(files(&session).len(), 0);
}

/// Someone who can write the home, and not what this machine remembers of it, puts back the ledger too.
#[test]
fn a_vault_that_was_rolled_back_allows_nothing() {
    let session = allowed();
    let files = ["ledger", "settings.json", "log.jsonl"].map(|name| session.home().join(name));
    let before = files.each_ref().map(|file| fs::read(file).unwrap());
    session.run(["env", "forget", "project/env"]).ok();
    for (file, bytes) in files.iter().zip(&before) {
        fs::write(file, bytes).unwrap();
    }
    let said = gets_nothing(&session, "TAMPERED", &[], "project/env");
    assert!(said.contains("rolled back"), "{said}");
    run(&session, &["--profile", "groq:default"], "project/env").ok();
    fs::remove_file(session.path("started")).unwrap();
    // Without its ledger, a state that a person accepts has the default settings.
    fs::remove_file(&files[0]).unwrap();
    allow(&session, "project/env").failed("TAMPERED", 65);
    let said = session.run(["doctor"]).stdout;
    let digest = said.split("--accept-rollback ").nth(1).unwrap().split(['`', ' ', '\n']).next().unwrap();
    session.run(["doctor", "--accept-rollback", digest]);
    gets_nothing(&session, "DENIED", &[], "project/env");
}

#[test]
fn a_rekey_keeps_what_is_allowed_and_a_recovered_vault_allows_nothing() {
    let session = allowed();
    session.run(["rekey", "--yes"]).ok();
    gets(&session, "project/env");
    let recovery = session.run(["recovery-key"]).ok().stdout;
    session.write("recovery", recovery);
    fs::remove_dir_all(session.path(".config")).unwrap();
    session.run(["recover", "--recovery-key", "recovery", "--discard-unlock-files"]).ok();
    assert_eq!(session.get("groq:default"), KEY);
    gets_nothing(&session, "DENIED", &[], "project/env");
    assert_eq!(files(&session).len(), 0);
}

#[test]
fn the_number_of_files_and_the_size_of_the_settings_are_bounded() {
    let session = session();
    for n in 0..100 {
        session.write(&format!("env{n}"), FILE);
        allow(&session, &format!("env{n}")).ok();
    }
    assert!(allow(&session, "project/env").failed("TOO_LARGE", 65).stderr.contains("100 files"));
    allow(&session, "env0").ok();
    session.run(["env", "forget", "env0"]).ok();
    allow(&session, "project/env").ok();
    gets(&session, "project/env");

    let mut entries = serde_json::Map::new();
    for n in 0..64 {
        let id = format!("groq:{n:02}{}", "x".repeat(230));
        entries.insert(id, serde_json::json!({ "type": "api_key", "provider": "groq", "key": KEY }));
    }
    let lines: String =
        entries.keys().enumerate().map(|(n, id)| format!("A{n}=strongroom://{id}\n")).collect();
    let index = serde_json::json!({ "version": 1, "profiles": entries }).to_string();
    session.feed(index, ["import", "-", "--yes"]).ok();
    session.write("one-more", format!("{FILE}{}{lines}", "B=strongroom://groq:default\n"));
    assert!(allow(&session, "one-more").failed("TOO_LARGE", 65).stderr.contains("64 profiles"));
    let refused = (1..100).find_map(|n| {
        session.write(&format!("env{n}"), &lines);
        let ran = allow(&session, &format!("env{n}"));
        (ran.status != 0).then_some((n, ran))
    });
    let (n, refused) = refused.unwrap();
    let said = refused.failed("TOO_LARGE", 65).stderr;
    assert!(said.contains("settings.json") && n > 20, "{n}: {said}");
    session.run(["verify"]).ok();
    gets(&session, "project/env");
}
