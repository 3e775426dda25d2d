//! The process between us and a program in a pseudo-terminal. It leads the session there, so that the program's process
//! group has a parent in that session, without which the kernel discards Ctrl-Z.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpid, kill_process, kill_process_group, waitpid,
};
use rustix::stdio::stdin;
use rustix::termios::{tcgetpgrp, tcsetpgrp};

use super::signals::Forward;
use super::{NotStarted, status_of};
use crate::harden;

/// The first argument of a process that is to be the monitor.
const WORD: &str = "__monitor";

/// Returns the arguments with which this program is the monitor of a command.
pub(super) fn arguments(command: &[OsString]) -> impl Iterator<Item = &OsStr> {
    std::iter::once(OsStr::new(WORD)).chain(command.iter().map(OsString::as_os_str))
}

/// Returns the command, if this process is to be a monitor.
#[must_use]
pub fn monitored(arguments: &[OsString]) -> Option<&[OsString]> {
    let [_, word, command @ ..] = arguments else { return None };
    (word == WORD && !command.is_empty()).then_some(command)
}

/// Runs a command in the foreground of the terminal that is standard input, and returns its exit status. If it is
/// stopped, this process stops too, so that its own parent learns of it.
///
/// # Errors
/// If the command cannot be started.
pub fn monitor(command: &[OsString]) -> Result<u8, NotStarted> {
    harden::before_a_program();
    let [name, arguments @ ..] = command else { return Ok(u8::MAX) };
    let no_relay = |error: std::io::Error| NotStarted::no_relay(&error);
    let signals = Forward::begin().map_err(no_relay)?;
    let child = Command::new(name).args(arguments).process_group(0).spawn();
    let pid = Pid::from_child(&child.map_err(|error| NotStarted::of(name, &error))?);
    let _ = tcsetpgrp(stdin(), pid);
    // It may have been stopped because it used the terminal before.
    let _ = kill_process_group(pid, Signal::CONT);
    signals.pass_on(pid, false).map_err(no_relay)?;
    loop {
        match waitpid(Some(pid), WaitOptions::UNTRACED) {
            Ok(Some((_, status))) if status.stopped() => {
                if !was_early(pid, status) {
                    let _ = kill_process(getpid(), Signal::STOP);
                }
                let _ = kill_process_group(pid, Signal::CONT);
            }
            Ok(Some((_, status))) => return Ok(status_of(status).unwrap_or(u8::MAX)),
            Ok(None) | Err(Errno::INTR) => {}
            Err(_) => return Ok(u8::MAX),
        }
    }
}

/// Returns whether a program was stopped because it used the terminal before it was in the foreground.
fn was_early(pid: Pid, status: WaitStatus) -> bool {
    let by_terminal = [Signal::TTIN, Signal::TTOU].map(Signal::as_raw);
    status.stopping_signal().is_some_and(|signal| by_terminal.contains(&signal))
        && tcgetpgrp(stdin()).is_ok_and(|group| group == pid)
}
