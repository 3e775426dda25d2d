//! A program whose output goes through pipes. Its input is ours.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, pipe};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, WaitOptions, waitpid};
use rustix::stdio::{stderr, stdout};
use strongroom_mask::{Masker, Patterns};

use super::pump::pump;
use super::signals::{Forward, is_for_one};
use super::{Ended, Exit, NotStarted, Program, status_of};
use crate::error::Result;
use crate::harden;

/// Runs a program until it ends and its output is passed on.
pub(super) fn run(program: Program<'_>, patterns: &Patterns) -> Ended {
    harden::before_a_program();
    let no_relay = |error: io::Error| NotStarted::no_relay(&error);
    let (from_out, out) = pipe().map_err(no_relay)?;
    let (from_err, err) = if is_one_file() {
        // The order of what is written to both is kept.
        (None, out.try_clone().map_err(no_relay)?)
    } else {
        let (reader, writer) = pipe().map_err(no_relay)?;
        (Some(reader), writer)
    };
    let signals = Forward::begin().map_err(no_relay)?;
    let mut pumps = Pumps::default();
    pumps.start(from_out, stdout(), patterns).map_err(no_relay)?;
    if let Some(from_err) = from_err {
        pumps.start(from_err, stderr(), patterns).map_err(no_relay)?;
    }
    let pid = spawn(&program, out, err)?;
    // Its variables are wiped.
    drop(program);
    signals.pass_on(pid, is_for_one).map_err(no_relay)?;
    let status = loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => break status_of(status).unwrap_or(u8::MAX),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            // If this process was started to ignore SIGCHLD, the status is lost.
            Err(_) => break u8::MAX,
        }
    };
    Ok(Exit { status, lost: pumps.end() })
}

/// Starts the program. Our copies of the pipes are closed.
fn spawn(program: &Program<'_>, out: PipeWriter, err: PipeWriter) -> std::result::Result<Pid, NotStarted> {
    let (name, arguments) = program.words();
    let mut command = Command::new(name);
    program.give_environment(command.args(arguments));
    let child = command.stdout(out).stderr(err).spawn();
    child.map(|child| Pid::from_child(&child)).map_err(|error| NotStarted::of(name, &error))
}

/// Returns whether standard output and standard error are the same file.
fn is_one_file() -> bool {
    let of = |fd: BorrowedFd<'_>| {
        let meta = File::from(fd.try_clone_to_owned().ok()?).metadata().ok()?;
        Some((meta.dev(), meta.ino()))
    };
    of(stdout()).is_some_and(|out| Some(out) == of(stderr()))
}

/// The threads that pass output on.
#[derive(Default)]
pub(super) struct Pumps {
    threads: Vec<(JoinHandle<Result<()>>, PipeWriter)>,
}

impl Pumps {
    /// Passes on what comes from a pipe, on a thread of its own.
    pub(super) fn start(
        &mut self,
        from: PipeReader,
        to: BorrowedFd<'static>,
        patterns: &Patterns,
    ) -> io::Result<()> {
        let (ended, end) = pipe()?;
        let masker = Masker::new(patterns);
        let thread = thread::Builder::new().spawn(move || pump(&from, to.as_fd(), masker, &ended))?;
        self.threads.push((thread, end));
        Ok(())
    }

    /// Waits until everything is passed on, after the program has ended.
    pub(super) fn end(self) -> Result<()> {
        let (threads, ends): (Vec<_>, Vec<_>) = self.threads.into_iter().unzip();
        drop(ends);
        let ended: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap_or(Ok(()))).collect();
        ended.into_iter().collect()
    }
}
