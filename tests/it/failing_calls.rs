//! Every system call that changes something fails: a full disk, a broken one, an exhausted quota. The exit
//! status is true even then.

use crate::cases::{self, Fault, Form};
use crate::faults::{Moment, error_at, vault};

#[test]
fn an_overwrite_is_as_its_exit_status_says() {
    cases::overwrite().run(Fault::Error("EIO"));
    cases::overwrite().run(Fault::Error("EDQUOT"));
}

#[test]
fn a_removal_is_as_its_exit_status_says() {
    cases::remove().run(Fault::Error("EIO"));
}

#[test]
fn a_rename_is_as_its_exit_status_says() {
    cases::rename().run(Fault::Error("ENOSPC"));
}

#[test]
fn an_import_is_as_its_exit_status_says() {
    cases::import(9).run(Fault::Error("ENOSPC"));
    cases::import_with_history(Form::Journal).run(Fault::Error("ENOSPC"));
}

#[test]
fn a_first_paste_is_as_its_exit_status_says() {
    cases::first().run(Fault::Error("EIO"));
}

#[test]
fn a_change_that_cannot_be_finished_stays_done() {
    cases::finishing(Form::Journal).run(Fault::Error("ENOSPC"));
    cases::finishing(Form::Directory).run(Fault::Error("ENOSPC"));
}

/// Space for the log is reserved before the commit point, so that a full disk still changes nothing.
#[test]
fn no_room_for_the_log_is_told_before_anything_is_changed() {
    let paste = ["paste-api-key", "--provider", "openrouter", "--profile-id", "openrouter:over"];
    let session = vault();
    session.paste("openrouter:over", "made-up-old-key");
    let reserve = Moment { call: "fallocate".to_owned(), n: 1, tells: false };
    let fail = |error| error_at(&session, &paste, b"made-up-new-key", &reserve, error).unwrap();
    for error in ["ENOSPC", "EDQUOT"] {
        let refused = fail(error).failed("NO_SPACE", 74);
        assert!(refused.stderr.contains("log.jsonl"), "{}", refused.stderr);
        assert_eq!(session.get("openrouter:over"), "made-up-old-key");
    }
    fail("EFBIG").failed("IO", 74);
    assert_eq!(session.get("openrouter:over"), "made-up-old-key");
    // A file system that cannot reserve space.
    fail("EOPNOTSUPP").ok();
    assert_eq!(session.get("openrouter:over"), "made-up-new-key");
}

/// A change is made and standard output is full: the error does not claim that nothing was changed.
#[test]
fn an_answer_that_cannot_be_written_is_no_failed_change() {
    let session = vault();
    let mut paste = session.command(["paste-api-key", "--provider", "openrouter", "--profile-id", "over"]);
    paste.stdin(std::fs::File::open(session.write("secret", "made-up-new-key")).unwrap());
    paste.stdout(std::fs::File::options().write(true).open("/dev/full").unwrap());
    let output = paste.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(74), "{told}");
    assert!(told.contains("standard output") && !told.contains("nothing was changed"), "{told}");
    assert_eq!(session.get("openrouter:over"), "made-up-new-key");
}
