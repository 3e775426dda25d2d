//! A record that the vault key opens and the recovery key does not: anyone with the recovery key can turn any record
//! into one. It can still be read, and `verify` says that the recovery key cannot open it.

use std::fs;

use super::backup::write;
use super::{CURRENT, ONE, RECORD, SECOND, TWO, readable_by, reports, seen, served};
use crate::faults::vault;
use crate::forge::readdressed;
use crate::session::RECEIVER;

#[test]
fn a_record_that_the_recovery_key_does_not_open_is_reported() {
    let session = vault();
    session.paste(ONE, CURRENT);
    session.paste(TWO, SECOND);
    let recovery = session.run(["recovery-key"]).ok().stdout;
    let path = session.home().join(RECORD);
    let sealed = fs::read(&path).unwrap();
    assert_eq!(readable_by(&recovery, &session.home(), CURRENT), std::slice::from_ref(&path));
    write(&path, &readdressed(&sealed, &recovery, RECEIVER));
    assert!(readable_by(&recovery, &session.home(), CURRENT).is_empty());
    assert_eq!(seen(&session, ONE), served(CURRENT));
    assert_eq!(readable_by(&recovery, &session.home(), SECOND).len(), 1);
    reports(&session, &["verify"], ONE);
    reports(&session, &["doctor"], ONE);
    reports(&session, &["verify"], "recovery");
    // The remedy is to write it again.
    session.feed("made-up-later", ["rotate", ONE]).ok();
    assert_eq!(readable_by(&recovery, &session.home(), "made-up-later"), [path]);
    session.run(["verify"]).ok();
}

#[test]
fn a_rekey_makes_such_a_record_recoverable() {
    let session = vault();
    session.paste(ONE, CURRENT);
    let recovery = session.run(["recovery-key"]).ok().stdout;
    let path = session.home().join(RECORD);
    write(&path, &readdressed(&fs::read(&path).unwrap(), &recovery, RECEIVER));
    assert_eq!(session.run(["verify"]).status, 65, "verify sees nothing");
    session.run(["rekey", "--yes"]).ok();
    let recovery = session.run(["recovery-key"]).ok().stdout;
    assert_eq!(readable_by(&recovery, &session.home(), CURRENT), [path]);
    session.run(["verify"]).ok();
}
