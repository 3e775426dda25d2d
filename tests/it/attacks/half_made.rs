//! A change of unlock methods that is killed or fails at any moment: either a method is listed, opens the vault and is
//! in its log, or it opens nothing, even if H renames what was left.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::backup::write;
use super::{CURRENT, NEXT, ONE, paste_next, seen, served};
use crate::faults::{Moment, copy, error_at, kill_at, leftovers, moments, say, table, two_at_a_time, vault};
use crate::session::Session;

const ADD: [&str; 7] = ["unlock-method", "add", "key-file", "--name", "second", "--new-key-file", "second"];
const REMOVE: [&str; 4] = ["unlock-method", "remove", "second", "--yes"];

/// The fault at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Kill,
    Error(&'static str),
}

fn template() -> Session {
    let session = vault();
    session.paste(ONE, CURRENT);
    session
}

fn with_second() -> Session {
    let session = template();
    session.run(ADD).ok();
    session
}

/// Whether the method opens the vault and is listed, and the last operation on it in the log.
#[derive(Debug, PartialEq, Eq)]
struct Method {
    opens: bool,
    listed: bool,
    last: Option<String>,
}

fn second(session: &Session) -> Method {
    let opened = session.run(["--key-file", "second", "get", ONE]);
    let listed = session.run(["unlock-method", "list", "--json"]).ok().json();
    let usable = |method: &Value| method["method"] == "second" && method["usable"] != false;
    let log = session.run(["log", "--vault", "--json"]).ok().json();
    let of_it = |line: &&Value| line["method"] == "second";
    Method {
        opens: opened.status == 0,
        listed: listed["methods"].as_array().unwrap().iter().any(usable),
        last: log["lines"]
            .as_array()
            .unwrap()
            .iter()
            .rfind(of_it)
            .map(|line| line["op"].as_str().unwrap().to_owned()),
    }
}

impl Method {
    /// Returns whether the method exists in every respect, or in none that matters. What H left may be listed if it
    /// opens nothing.
    fn is_whole(&self, hostile: bool) -> bool {
        let added = self.last.as_deref().is_some_and(|op| op.contains("add"));
        if self.opens { self.listed && added } else { hostile || (!self.listed && !added) }
    }
}

/// H: any other file next to the unlock files may become one under another name, and any file next to the ledger may
/// become the next ledger.
fn give_names_back(session: &Session, old: Option<&[u8]>) -> Vec<PathBuf> {
    let mut renamed = Vec::new();
    let target = session.home().join("unlock/second.age");
    for entry in fs::read_dir(session.home().join("unlock")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with("second") && name != "second.age" {
            write(&target, &fs::read(&path).unwrap());
            renamed.push(path);
        }
    }
    if let Some(old) = old {
        write(&target, old);
    }
    for name in ["ledger.tmp", "ledger.new"] {
        let staged = session.home().join(name);
        // A torn file would only be a damaged ledger.
        if fs::read_to_string(&staged).is_ok_and(|text| text.contains("\nmac ") && text.ends_with('\n')) {
            fs::rename(&staged, session.home().join("ledger")).unwrap();
            renamed.push(staged);
        }
    }
    renamed
}

/// Runs the command with the fault at the moment, then H, then the next command; returns what is wrong.
fn at(
    template: &Session,
    command: &[&str],
    moment: &Moment,
    fault: Fault,
    hostile: bool,
) -> Result<(), String> {
    let session = copy(template);
    let old = fs::read(template.home().join("unlock/second.age")).ok();
    let wrong = |what: String| {
        Err(format!("{} {fault:?} at {} {}, H {hostile}: {what}", command[1], moment.call, moment.n))
    };
    match fault {
        Fault::Kill if !kill_at(&session, command, b"", moment) => {
            return wrong("it was not killed".to_owned());
        }
        Fault::Kill => {}
        Fault::Error(error) => {
            if error_at(&session, command, b"", moment, error).is_none() {
                return wrong("nothing failed".to_owned());
            }
        }
    }
    // Before anything else is run, the leftovers must not be an unknown way in.
    let renamed = if hostile { give_names_back(&session, old.as_deref()) } else { Vec::new() };
    if seen(&session, ONE) != served(CURRENT) {
        return wrong(format!("the key file of before reads {:?}", seen(&session, ONE)));
    }
    let pasted = paste_next(&session);
    if pasted.status != 0 {
        return wrong(format!("the next paste: {} {}", pasted.status, pasted.stderr));
    }
    let method = second(&session);
    if !method.is_whole(hostile) {
        return wrong(format!("{method:?}, with other names: {renamed:?}"));
    }
    if !hostile {
        // The next change of this kind removes all of it.
        let third = ["unlock-method", "add", "key-file", "--name", "third", "--new-key-file", "third"];
        let added = session.run(third);
        if added.status != 0 {
            return wrong(format!("another method: {} {}", added.status, added.stderr));
        }
        let verified = session.run(["verify"]);
        let left = leftovers(&session.home());
        let staged = fs::read_dir(session.home().join("unlock")).unwrap();
        let staged: Vec<_> = staged
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !["key-file.age", "second.age", "third.age"].contains(&name.as_str()))
            .collect();
        if verified.status != 0 || !left.is_empty() || !staged.is_empty() {
            return wrong(format!("{left:?} {staged:?} {}", verified.stdout));
        }
    }
    // It does not block the next method of that name.
    if !method.opens {
        let _ = fs::remove_file(session.path("second"));
        let mut added = session.run(ADD);
        if hostile && added.status == 73 {
            added = session.run([&ADD[..], &["--replace"]].concat());
        }
        if added.status != 0 {
            return wrong(format!("again: {}", added.stderr));
        }
    }
    let got = session.run(["--key-file", "second", "get", "openrouter:next"]);
    if got.stdout.trim_end() != NEXT {
        return wrong(format!("then: {}", got.stderr));
    }
    Ok(())
}

fn run(template: &Session, command: &[&str], fault: Fault) {
    let mut moments = moments(&copy(template), command, b"");
    if fault != Fault::Kill {
        moments.retain(|moment| !moment.tells && !moment.call.starts_with("flock"));
    }
    let cases: Vec<_> = moments.iter().flat_map(|moment| [(moment, false), (moment, true)]).collect();
    let results = two_at_a_time(&cases, |(moment, hostile)| at(template, command, moment, fault, *hostile));
    let bad: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    say(&format!(
        "{} {fault:?}: {} moments ({}), {} bad",
        command[1],
        moments.len(),
        table(&moments),
        bad.len()
    ));
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn a_method_whose_addition_is_killed_is_whole_or_opens_nothing() {
    run(&template(), &ADD, Fault::Kill);
}

#[test]
fn a_method_whose_addition_fails_is_whole_or_opens_nothing() {
    run(&template(), &ADD, Fault::Error("EIO"));
}

#[test]
fn a_method_whose_addition_finds_no_room_is_whole_or_opens_nothing() {
    run(&template(), &ADD, Fault::Error("ENOSPC"));
}

/// H puts the removed unlock file back.
#[test]
fn a_method_whose_removal_is_killed_is_whole_or_opens_nothing() {
    run(&with_second(), &REMOVE, Fault::Kill);
}

/// A removed method opens nothing if its file is put back, because it is in no ledger.
#[test]
fn a_removed_method_that_is_put_back_opens_nothing() {
    let session = with_second();
    let old = fs::read(session.home().join("unlock/second.age")).unwrap();
    session.run(REMOVE).ok();
    write(&session.home().join("unlock/second.age"), &old);
    let got = session.run(["--key-file", "second", "get", ONE]).sane(CURRENT);
    assert!([65, 77].contains(&got.status), "{} {}", got.status, got.stderr);
    let pasted = session.feed(NEXT, ["--key-file", "second", "rotate", ONE]);
    assert!([65, 77].contains(&pasted.status), "{} {}", pasted.status, pasted.stderr);
    // It is reported, and does not block the others.
    assert_eq!(seen(&session, ONE), served(CURRENT));
    paste_next(&session).ok();
    super::reports(&session, &["verify"], "second");
    super::reports(&session, &["doctor"], "second");
}
