//! Commands that once said nothing, or something untrue.

use std::fs::File;
use std::time::{Duration, Instant};

use crate::goldens::start_at_terminal;
use crate::pty::Pty;
use crate::session::{Session, binary, snapshot};

#[test]
fn a_provider_without_profiles_is_not_an_empty_vault() {
    let session = Session::new();
    session.paste("groq:default", "made-up-value-0123456789").ok();
    let none = session.run(["list", "--provider", "mistral"]).ok();
    assert!(none.stderr.contains("Agent main has no profiles for mistral. It has profiles for groq."));
    assert!(!none.stderr.contains("No profiles for agent"), "{}", none.stderr);
}

#[test]
fn a_kind_of_change_that_does_not_exist_is_no_empty_answer() {
    let session = Session::new();
    session.paste("groq:default", "made-up-value-0123456789").ok();
    let unknown = session.run(["log", "--op", "pasted"]).failed("USAGE", 64);
    assert!(unknown.stderr.contains("use one of: paste, rotate"), "{}", unknown.stderr);
    let secret = session.run(["log", "--op", "sk-ant-oat01-MADEUPMADEUPMADEUP"]).failed("USAGE", 64);
    assert!(!secret.stderr.contains("MADEUP"), "{}", secret.stderr);
    let none = session.run(["log", "--op", "rename"]).ok();
    assert!(none.stdout.is_empty() && none.stderr.contains("No changes in the log match"), "{}", none.stderr);
}

#[test]
fn a_method_that_the_vault_does_not_have_stops_a_rekey() {
    let session = Session::new();
    let before = snapshot(session.temp.path());
    for with in ["foo=bar", "passphrase=/made/up", "key-file", "key-file=", "=key"] {
        let refused = session.run(["rekey", "--yes", "--with", with]);
        assert!([64, 66].contains(&refused.status), "{with}: {} {}", refused.status, refused.stderr);
        assert!(refused.stderr.contains("--with"), "{with}: {}", refused.stderr);
    }
    assert_eq!(snapshot(session.temp.path()), before);
}

#[test]
fn a_wait_for_a_lock_is_told_at_a_terminal_with_its_holder() {
    let session = Session::new();
    session.paste("groq:default", "made-up-value-0123456789").ok();
    let lock = File::options().read(true).write(true).open(session.agent_file("lock")).unwrap();
    lock.lock().unwrap();
    let holder = format!("{} 1 import\n", std::process::id());
    std::fs::write(session.agent_file("lock.holder"), holder).unwrap();
    let mut pty = Pty::open();
    let child =
        start_at_terminal(&pty, &session, &format!("{} rename groq:default groq:work", binary().display()));
    pty.wait_for(&format!("Waiting for process {} (import), which holds the lock", std::process::id()));
    drop(lock);
    assert!(pty.wait(child).status.success(), "{}", pty.screen());
    assert!(session.run(["list"]).ok().stdout.contains("groq:work"));
}

#[test]
fn long_work_is_seen_at_a_terminal_and_its_bar_goes() {
    let session = Session::new();
    let profiles: Vec<String> = (0..16_000)
        .map(|n| {
            format!(r#""groq:n{n}":{{"type":"api_key","provider":"groq","key":"made-up-value-{n:010}"}}"#)
        })
        .collect();
    let file = session
        .write("auth-profiles.json", format!(r#"{{"version":1,"profiles":{{{}}}}}"#, profiles.join(",")));
    // On a fast machine a part ends before anyone could read a bar, and then there is no bar.
    let long = Duration::from_secs(2);
    for (command, always, bars) in [
        (format!("import {} --yes >/dev/null", file.display()), Some("Writing to disk"), &["Encrypting"][..]),
        ("rekey --yes".to_owned(), Some("Writing to disk"), &["Checking", "Encrypting"]),
        ("verify".to_owned(), None, &["Verifying"]),
    ] {
        let mut pty = Pty::open();
        let begun = Instant::now();
        let line = format!("TERM=xterm {} {command}; echo ended $?", binary().display());
        let child = start_at_terminal(&pty, &session, &line);
        pty.wait_for("ended 0");
        let took = begun.elapsed();
        assert!(pty.wait(child).status.success(), "{}", pty.screen());
        let screen = pty.screen();
        assert!(always.is_none_or(|text| screen.contains(text)), "{command}: {screen}");
        let seen = bars.iter().any(|bar| screen.contains(bar));
        assert!(seen || took < long, "{command} took {took:?} without a bar: {screen}");
        if let Some((_, rest)) = always.or(Some(bars[0])).and_then(|text| screen.rsplit_once(text)) {
            assert!(rest.contains("\r\u{1b}[2K"), "{command}: a bar stays: {rest:?}");
        }
    }
}
