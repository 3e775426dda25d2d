//! `setup-token` if something ends too early: the stand-in for `claude` at a slow terminal, by a signal, by Ctrl-C, or
//! by a closed window. A token that was printed is stored, or reported as dropped.

use crate::goldens::{at_terminal, start_at_terminal as start};
use crate::pty::Pty;
use crate::session::Session;
use crate::setup_token::{run, session, token};

/// A terminal that takes about 5 KB/s: output that is still queued when `claude` ends is searched for the token.
#[test]
fn a_slow_terminal_loses_nothing() {
    let session = session(&format!(
        "echo $$ >child; i=0; while [ $i -lt 300 ]; do printf 'frame %04d --------------------------------------------------\\r\\n' $i; i=$((i+1)); done; printf '{}\\r\\nThe end.\\r\\n'",
        token()
    ));
    let mut pty = Pty::open();
    let child = start(&pty, &session, "strongroom setup-token; echo ended=$?");
    while !pty.shows(b"ended=0") {
        assert!(pty.sip(256), "it hangs: {}", pty.screen());
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    pty.wait(child);
    assert!(pty.shows(b"The end.") && pty.shows(b"Captured the token"), "{}", pty.screen());
    assert!(!pty.screen().contains(&token()[20..40]), "{}", pty.screen());
    assert_eq!(session.get("anthropic:default"), token());
}

/// Strongroom does not wait for another process that keeps printing to the terminal.
#[test]
fn a_process_left_behind_that_prints_for_ever_keeps_nothing() {
    for noise in ["while :; do echo noise; done", "while :; do echo noise; sleep 0.01; done"] {
        let session = session(&format!(
            "(trap '' HUP; echo >started; {noise}) & echo $! >noise
             while [ ! -e started ]; do :; done; printf '\\r\\n{}\\r\\n'",
            token()
        ));
        let mut pty = Pty::open();
        let child = start(&pty, &session, "strongroom setup-token; echo ended=$?");
        while !pty.shows(b"ended=0") {
            assert!(pty.sip(64 * 1024), "it hangs: {}", pty.screen());
        }
        pty.wait(child);
        let noise = std::fs::read_to_string(session.path("noise")).unwrap();
        let killed = std::process::Command::new("kill").args(["-9", noise.trim()]).status().unwrap();
        assert!(killed.success(), "it had ended");
        assert_eq!(session.get("anthropic:default"), token());
    }
}

/// A stand-in that prints this and then hangs, with the process ids of both programs in files.
fn hanging(print: &str) -> Session {
    session(&format!("echo $PPID >parent; printf '{print}\\r\\n\\r\\nReady.'; while :; do sleep 0.1; done"))
}

/// The session of the terminal reports how it ended.
const HOW: &str =
    "strongroom setup-token; echo ended=$?; stty -a | tr ' ' '\\n' | grep -x -e icanon -e -icanon";

#[test]
fn a_signal_after_a_whole_token_waits_until_it_is_stored() {
    for (kills, status) in [
        ("kill -TERM $(cat parent)", 143),
        ("kill -HUP $(cat parent)", 129),
        ("kill -INT $(cat parent)", 130),
    ] {
        let session = hanging(&token());
        let ran = at_terminal(&session, HOW, &[format!("Ready. =$ {kills}")]);
        assert!(ran.stdout.contains(&format!("ended={status}\nicanon")), "{kills}: {}", ran.stdout);
        assert!(ran.stdout.contains("is stored as anthropic:default"), "{kills}: {}", ran.stdout);
        assert!(!ran.stdout.contains(&token()[20..40]), "{}", ran.stdout);
        assert_eq!(session.get("anthropic:default"), token());
    }
}

/// As at the end of a session: a signal from the system, one from the shell, and a stand-in that is slow to end.
#[test]
fn signals_that_come_together_are_one() {
    let script = format!(
        "trap '' HUP TERM; echo $PPID >parent; printf '{}\\r\\nReady.'; while :; do sleep 0.1; done",
        token()
    );
    let signals = "kill -HUP $(cat parent); sleep 0.2; kill -HUP $(cat parent); kill -TERM $(cat parent)";
    let kills = format!("date +%s%3N >began; {signals}; date +%s%3N >sent");
    // If the sender had to wait, the signals did not arrive together.
    let together = (0..5).map(|_| {
        let session = session(&script);
        let ran = at_terminal(&session, HOW, &[format!("Ready. =$ {kills}")]);
        let [began, sent] = ["began", "sent"]
            .map(|name| std::fs::read_to_string(session.path(name)).unwrap().trim().parse::<u64>().unwrap());
        (sent.abs_diff(began) < 800).then_some((session, ran))
    });
    let (session, ran) = together.flatten().next().expect("this machine never sends signals together");
    // If signals are delivered at the same moment, the kernel may run their handlers in any order.
    let ended = [143, 129].map(|status| format!("ended={status}\nicanon"));
    assert!(ended.iter().any(|ended| ran.stdout.contains(ended)), "{}", ran.stdout);
    assert_eq!(session.get("anthropic:default"), token());
}

#[test]
fn a_signal_after_what_is_no_whole_token_is_told() {
    for (print, told) in [
        (token()[..100].to_owned(), "a token of 100 characters"),
        (token()[..40].to_owned(), "part of a token (40 characters)"),
    ] {
        let session = hanging(&print);
        let ran = at_terminal(&session, HOW, &["Ready. =$ kill -TERM $(cat parent)".to_owned()]);
        assert!(ran.stdout.contains("ended=143\nicanon"), "{}", ran.stdout);
        let said = ran.stdout.replace('\n', " ");
        assert!(
            said.contains(told) && said.contains("was not stored") && said.contains("revoke it"),
            "{said}"
        );
        session.run(["get", "anthropic:default"]).failed("NOT_FOUND", 66);
    }
}

#[test]
fn a_signal_and_a_vault_that_takes_nothing_is_told() {
    let index = ".local/share/strongroom/agents/main/auth-profiles.json";
    let session = session(&format!(
        "echo $PPID >parent; printf '{{\"version\": 99}}' >{index}; printf '{}\\r\\nReady.'; while :; do sleep 0.1; done",
        token()
    ));
    session.paste("openrouter:one", "made-up-key-1");
    let ran = at_terminal(&session, HOW, &["Ready. =$ kill -TERM $(cat parent)".to_owned()]);
    assert!(ran.stdout.contains("ended=143\nicanon"), "{}", ran.stdout);
    assert!(ran.stdout.contains("the token was not stored and no copy is left"), "{}", ran.stdout);
    assert!(ran.stdout.contains("error: ["), "{}", ran.stdout);
}

#[test]
fn a_window_closed_after_a_whole_token_stores_it() {
    let session = hanging(&token());
    let mut pty = Pty::open();
    let mut child = start(&pty, &session, "strongroom setup-token");
    pty.wait_for("Ready.");
    pty.hang_up();
    let end = std::time::Instant::now() + crate::session::HANGS;
    while session.run(["get", "anthropic:default"]).status != 0 {
        assert!(std::time::Instant::now() < end, "it is not stored");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(session.get("anthropic:default"), token());
    child.wait().unwrap();
}

#[test]
fn ctrl_c_after_a_whole_token_stores_it() {
    // A stand-in that the signal ends, and one that has to be killed.
    for traps in ["trap 'exit 130' INT", "trap '' INT"] {
        let session =
            session(&format!("{traps}; printf '{}\\r\\nReady.'; while :; do sleep 0.1; done", token()));
        let ran = run(&session, &["Ready. => ^C"]).ok();
        assert!(ran.stdout.contains("was stopped by Ctrl-C after it printed the token"), "{}", ran.stdout);
        assert_eq!(session.get("anthropic:default"), token());
    }
}

#[test]
fn ctrl_c_after_what_is_no_whole_token_is_told() {
    let session = hanging(&token()[..100]);
    let ran = run(&session, &["Ready. => ^C"]);
    assert_eq!(ran.status, 130, "{}", ran.stdout);
    assert!(
        ran.stdout.contains("[CANCELLED]") && !ran.stdout.contains("nothing was changed"),
        "{}",
        ran.stdout
    );
    let said = ran.stdout.replace('\n', " ");
    assert!(said.contains("a token of 100 characters") && said.contains("revoke it"), "{said}");
    session.run(["get", "anthropic:default"]).failed("NOT_FOUND", 66);
}

#[test]
fn one_whose_end_cannot_be_waited_for_is_none_the_less_read() {
    let session = session(&format!("printf '{}\\r\\n'", token()));
    let ran = at_terminal(&session, "exec env --ignore-signal=CHLD strongroom setup-token", &[]).ok();
    assert!(ran.stdout.contains("Stored anthropic:default"), "{}", ran.stdout);
    assert_eq!(session.get("anthropic:default"), token());
}
