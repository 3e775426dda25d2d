//! A SIGKILL at every system call that changes something.

use crate::cases::{self, Fault, Form};

#[test]
fn an_overwrite_that_is_killed_is_old_or_new() {
    cases::overwrite().run(Fault::Kill);
}

#[test]
fn a_removal_that_is_killed_is_old_or_new() {
    cases::remove().run(Fault::Kill);
}

#[test]
fn an_undo_that_is_killed_is_done_or_not() {
    cases::undo().run(Fault::Kill);
}

#[test]
fn a_revoked_secret_goes_with_the_change_that_replaces_it() {
    cases::rotate_revoked().run(Fault::Kill);
}

#[test]
fn a_renamed_profile_has_one_of_both_ids() {
    cases::rename().run(Fault::Kill);
}

#[test]
fn an_import_that_is_killed_is_all_or_nothing() {
    cases::import(50).run(Fault::Kill);
}

#[test]
fn earlier_versions_come_with_their_profile_or_not_at_all() {
    cases::import_with_history(Form::Journal).run(Fault::Kill);
    cases::import_with_history(Form::Directory).run(Fault::Kill);
}

#[test]
fn a_first_profile_is_there_or_not() {
    cases::first().run(Fault::Kill);
}

#[test]
fn a_change_that_is_being_finished_stays_done() {
    cases::finishing(Form::Journal).run(Fault::Kill);
    cases::finishing(Form::Directory).run(Fault::Kill);
}
