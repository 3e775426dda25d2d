//! How output is shown: times in the user's zone, colour, and what `--verbose` adds.

use crate::goldens::start_at_terminal;
use crate::pty::Pty;
use crate::session::{Session, binary, ran};

#[test]
fn times_for_people_are_in_the_zone_of_tz_and_those_for_programs_in_utc() {
    let session = Session::new();
    let expires = ["paste-token", "--provider", "groq", "--expires-at", "2031-01-31T23:30:00Z"];
    session.feed("made-up-token-1", expires).ok();
    for (zone, shown) in [
        ("UTC", "2031-01-31 23:30"),
        ("Asia/Tokyo", "2031-02-01 08:30"),
        ("America/New_York", "2031-01-31 18:30"),
    ] {
        let mut command = session.command(["list"]);
        command.env("TZ", zone);
        let listed = ran(command, b"").ok().stdout;
        assert!(listed.contains(shown), "{zone}: {listed}");
        let mut command = session.command(["status", "--plain"]);
        command.env("TZ", zone);
        let listed = ran(command, b"").ok().stdout;
        assert!(listed.contains("2031-01-31T23:30:00.000Z") && !listed.contains(shown), "{zone}: {listed}");
    }
}

#[test]
fn verbose_says_on_standard_error_what_is_used() {
    let session = Session::new();
    session.paste("groq:one", "made-up-value");
    let plain = session.run(["get", "groq:one"]).ok();
    let verbose = session.run(["get", "groq:one", "-v"]).ok();
    assert_eq!((verbose.stdout.as_str(), plain.stderr.as_str()), (plain.stdout.as_str(), ""));
    let lines: Vec<_> = verbose.stderr.lines().collect();
    assert_eq!(lines[0], format!("using the vault in {}, agent main", session.home().display()));
    assert_eq!(lines[1], format!("unlocked with the key file {}", session.key_file().display()));
    assert!(lines[2].starts_with("took ") && lines[2].ends_with(" ms"), "{lines:?}");
}

#[test]
fn colour_is_used_if_it_is_asked_for_and_never_if_not() {
    let session = Session::new();
    let coloured = |arguments: &[&str]| session.run(arguments).stderr.contains('\u{1b}');
    assert!(!coloured(&["get", "groq:none"]));
    assert!(coloured(&["get", "groq:none", "--color", "always"]));
    assert!(coloured(&["--color=always", "get", "groq:none"]));
    assert!(coloured(&["--color=always", "lst"]));
    assert!(!coloured(&["get", "groq:none", "--color", "never"]));
    session.run(["list", "--color", "sometimes"]).failed("USAGE", 64);
}

#[test]
fn a_list_leaves_dates_out_if_the_terminal_is_too_narrow_for_them() {
    let session = Session::new();
    let expires = ["paste-token", "--provider", "groq", "--expires-in", "30d"];
    session.feed("made-up-token-1", expires).ok();
    let listed = |columns: u32| {
        let mut pty = Pty::open();
        let command = format!("stty cols {columns}; {} list; echo ended", binary().display());
        let child = start_at_terminal(&pty, &session, &command);
        pty.wait_for("ended");
        pty.wait(child);
        pty.screen()
    };
    let (narrow, wide) = (listed(50), listed(80));
    assert!(narrow.contains("token  in 30d   file"), "{narrow}");
    assert!(wide.contains(" (in 30d)  file"), "{wide}");
}
