//! The process between us and a program in a pseudo-terminal. It leads the session there, so that the program's process
//! group has a parent in that session, without which the kernel discards Ctrl-Z.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;

use nix::sys::signal::SigSet;
use nix::sys::signal::Signal::SIGTTOU;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, getpgrp, getpid, kill_process, kill_process_group, waitpid,
};
use rustix::stdio::stdin;
use rustix::termios::{tcgetpgrp, tcsetpgrp};
use signal_hook::consts::SIGCONT;
use signal_hook::iterator::Signals;

use super::signals::Forward;
use super::{NotStarted, status_of};
use crate::harden;

/// The first argument of a process that is to be the monitor.
const WORD: &str = "__monitor";
/// The same, for a program that begins in the background.
const WORD_BACKGROUND: &str = "__monitor-background";

/// The signal that says that the program is to go on in the foreground. Other processes ignore it.
pub(super) const FOREGROUND: Signal = Signal::URG;

/// Returns the arguments with which this program is the monitor of a command.
pub(super) fn arguments(command: &[OsString], in_foreground: bool) -> impl Iterator<Item = &OsStr> {
    let word = if in_foreground { WORD } else { WORD_BACKGROUND };
    std::iter::once(OsStr::new(word)).chain(command.iter().map(OsString::as_os_str))
}

/// Returns the command, if this process is to be a monitor, and whether it begins in the foreground.
#[must_use]
pub fn monitored(arguments: &[OsString]) -> Option<(&[OsString], bool)> {
    let [_, word, command @ ..] = arguments else { return None };
    ((word == WORD || word == WORD_BACKGROUND) && !command.is_empty()).then_some((command, word == WORD))
}

/// Runs a command on the terminal that is standard input, and returns its exit status. If it is stopped, this process
/// stops too, so that its own parent learns of it, and is continued by that.
///
/// # Errors
/// If the command cannot be started.
pub fn monitor((command, in_foreground): (&[OsString], bool)) -> Result<u8, NotStarted> {
    harden::before_a_program();
    // Without it, taking the terminal back would stop this process. A program that is started does not inherit it.
    let _ = SigSet::from(SIGTTOU).thread_block();
    let [name, arguments @ ..] = command else { return Ok(u8::MAX) };
    let no_relay = |error: std::io::Error| NotStarted::no_relay(&error);
    let signals = Forward::begin().map_err(no_relay)?;
    let resumed = Signals::new([SIGCONT, FOREGROUND.as_raw()]).map_err(no_relay)?;
    let child = Command::new(name).args(arguments).process_group(0).spawn();
    let pid = Pid::from_child(&child.map_err(|error| NotStarted::of(name, &error))?);
    if in_foreground {
        show(pid);
    }
    signals.pass_on(pid, |_| true).map_err(no_relay)?;
    go_on_when(resumed, pid).map_err(no_relay)?;
    loop {
        match waitpid(Some(pid), WaitOptions::UNTRACED) {
            Ok(Some((_, status))) if status.stopped() => {
                if was_early(pid, status) {
                    show(pid);
                } else {
                    let _ = tcsetpgrp(stdin(), getpgrp());
                    let _ = kill_process(getpid(), Signal::STOP);
                }
            }
            Ok(Some((_, status))) => return Ok(status_of(status).unwrap_or(u8::MAX)),
            Ok(None) | Err(Errno::INTR) => {}
            Err(_) => return Ok(u8::MAX),
        }
    }
}

/// Lets a program go on in the foreground.
fn show(pid: Pid) {
    let _ = tcsetpgrp(stdin(), pid);
    let _ = kill_process_group(pid, Signal::CONT);
}

/// Lets a program go on when this process was continued, on a thread of its own.
fn go_on_when(mut resumed: Signals, pid: Pid) -> std::io::Result<()> {
    let go_on = move |signal| {
        if signal == FOREGROUND.as_raw() {
            show(pid);
        } else {
            let _ = kill_process_group(pid, Signal::CONT);
        }
    };
    thread::Builder::new().spawn(move || resumed.forever().for_each(go_on)).map(drop)
}

/// Returns whether a program was stopped because it used the terminal before it was in the foreground.
fn was_early(pid: Pid, status: WaitStatus) -> bool {
    let by_terminal = [Signal::TTIN, Signal::TTOU].map(Signal::as_raw);
    status.stopping_signal().is_some_and(|signal| by_terminal.contains(&signal))
        && tcgetpgrp(stdin()).is_ok_and(|group| group == pid)
}
