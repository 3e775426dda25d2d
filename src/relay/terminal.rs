//! A program in a pseudo-terminal, relayed to the person's terminal.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use pty_process::blocking::{Command, Pty, open};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, getpgrp, kill_current_process_group, kill_process, waitpid};
use rustix::stdio::{stderr, stdin, stdout};
use rustix::termios::{OptionalActions, Winsize, tcgetattr, tcgetpgrp, tcgetwinsize, tcsetattr};
use signal_hook::consts::{SIGCHLD, SIGCONT, SIGWINCH};
use signal_hook::low_level::pipe::register;
use strongroom_mask::{Masker, Patterns};
use zeroize::Zeroizing;

use super::pipes::Pumps;
use super::pump::PAUSE;
use super::signals::Forward;
use super::{Ended, Exit, NotStarted, Program, monitor, status_of};
use crate::harden;
use crate::pty::window::{Raw, size_of, window};
use crate::secret::Buffer;
use crate::term::out::{self, Written};

/// The most input that is kept until the program reads it, in bytes.
const TYPED_MAX: usize = 64 * 1024;
/// How much output is read at once, in bytes.
const CHUNK: usize = 16 * 1024;
/// The exit status if the person's terminal is gone: as if SIGHUP had ended the program.
const GONE: u8 = 129;

/// Runs a program until it ends.
pub(super) fn run(program: Program<'_>, patterns: &Patterns) -> Ended {
    harden::before_a_program();
    let failed = |error: io::Error| NotStarted::no_relay(&error);
    let (pty, pts) = open().map_err(|error| failed(unopened(error)))?;
    rustix::io::ioctl_fionbio(&pty, true).map_err(|errno| failed(errno.into()))?;
    let size = window();
    let _ = pty.resize(size_of(size));
    // The program finds the keys and modes that the person has set.
    if let Ok(modes) = tcgetattr(stdin()) {
        let _ = tcsetattr(&pty, OptionalActions::Now, &modes);
    }
    let wake = wake_by(&[SIGCHLD, SIGCONT, SIGWINCH]).map_err(failed)?;
    let signals = Forward::begin().map_err(failed)?;
    let mut pumps = Pumps::default();
    let ours = std::env::current_exe().map_err(failed)?;
    let mut to_stderr = None;
    if !program.env.stderr_tty {
        let (from, to) = io::pipe().map_err(failed)?;
        pumps.start(from, stderr(), patterns).map_err(failed)?;
        to_stderr = Some(to);
    }
    let mut relay = Relay {
        masker: Masker::new(patterns),
        shown: Vec::with_capacity(CHUNK),
        pty: Some(pty),
        wake,
        size,
        typed: Buffer::default(),
        raw: None,
        paused: false,
        gone: false,
        pid: None,
    };
    let is_shown = relay.claim();
    let mut command = Command::new(ours).args(monitor::arguments(program.command, is_shown));
    command = command.env_clear().envs(program.environment());
    if let Some(to) = to_stderr {
        command = command.stderr(to);
    }
    let child = command.spawn(pts).map_err(|error| failed(unopened(error)))?;
    drop(program);
    let pid = Pid::from_child(&child);
    relay.pid = Some(pid);
    signals.pass_on(pid, |_| true).map_err(failed)?;
    let status = relay.until_end(pid);
    relay.rest();
    drop(relay);
    Ok(Exit { status, lost: pumps.end() })
}

fn unopened(error: pty_process::Error) -> io::Error {
    match error {
        pty_process::Error::Io(error) => error,
        pty_process::Error::Rustix(errno) => errno.into(),
    }
}

/// Returns a stream that has a byte for each of these signals that comes.
fn wake_by(signals: &[i32]) -> io::Result<UnixStream> {
    let (reader, writer) = UnixStream::pair()?;
    reader.set_nonblocking(true)?;
    for signal in signals {
        register(*signal, writer.try_clone()?)?;
    }
    Ok(reader)
}

struct Relay {
    masker: Masker,
    /// Output that is masked and not shown yet.
    shown: Vec<u8>,
    /// The program's terminal, until the person's is gone.
    pty: Option<Pty>,
    wake: UnixStream,
    size: Winsize,
    typed: Buffer,
    /// The person's terminal without line editing, while this process is in the foreground.
    raw: Option<Raw>,
    /// Whether the pause after the last output was waited for.
    paused: bool,
    /// Whether the person's terminal is gone.
    gone: bool,
    /// The process that was started.
    pid: Option<Pid>,
}

impl Relay {
    fn until_end(&mut self, pid: Pid) -> u8 {
        loop {
            self.wait();
            match waitpid(Some(pid), WaitOptions::UNTRACED | WaitOptions::NOHANG) {
                Ok(Some((_, status))) if status.stopped() => self.stop_too(pid),
                Ok(Some((_, status))) => {
                    break if self.gone { GONE } else { status_of(status).unwrap_or(u8::MAX) };
                }
                Ok(None) | Err(Errno::INTR) => {}
                Err(_) => break u8::MAX,
            }
        }
    }

    /// Stops this process as the program was stopped, and continues both afterwards.
    fn stop_too(&mut self, pid: Pid) {
        while self.output() {}
        self.masker.release(&mut self.shown);
        self.show();
        self.raw = None;
        // If no shell could continue it, the kernel stops nothing, and the program goes on.
        let _ = kill_current_process_group(Signal::TSTP);
        self.claim();
        self.follow_size();
        self.go_on(pid);
    }

    /// Lets the program go on after this process was continued, in the foreground if this process is there.
    fn go_on(&self, pid: Pid) {
        if self.raw.is_some() {
            let _ = kill_process(pid, monitor::FOREGROUND);
        }
        let _ = kill_process(pid, Signal::CONT);
    }

    /// Takes the person's terminal, if this process is in the foreground. Returns whether it came there.
    fn claim(&mut self) -> bool {
        let is_free = self.raw.is_none() && !self.gone;
        if is_free && tcgetpgrp(stdin()).is_ok_and(|group| group == getpgrp()) {
            self.raw = Raw::enter(false).ok();
        }
        is_free && self.raw.is_some()
    }

    /// Waits for input, output or a signal, and relays it.
    fn wait(&mut self) {
        let keyboard: BorrowedFd<'_> = stdin();
        let may_pause = self.masker.held() > 0 && !self.paused;
        let reads = self.raw.is_some() && !self.gone && self.typed.len() < TYPED_MAX;
        let of_pty = if self.typed.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
        let mut fds = vec![PollFd::new(&self.wake, PollFlags::IN)];
        fds.extend(self.pty.iter().map(|pty| PollFd::new(pty, of_pty)));
        if reads {
            fds.push(PollFd::new(&keyboard, PollFlags::IN));
        }
        let limit = may_pause.then(|| Timespec::try_from(PAUSE).ok()).flatten();
        let polled = poll(&mut fds, limit.as_ref());
        let events: Vec<_> = fds.iter().map(PollFd::revents).collect();
        drop(fds);
        match polled {
            Ok(0) => {
                self.paused = true;
                self.masker.release(&mut self.shown);
                self.show();
            }
            Ok(_) => {
                if !events[0].is_empty() {
                    self.woken();
                }
                if self.pty.is_some() && !events[1].is_empty() {
                    self.pass_typed();
                    if !self.output() && events[1].contains(PollFlags::HUP) {
                        // Every process has closed it. The program's end is told soon.
                        self.pty = None;
                    }
                }
                if reads && events.last().is_some_and(|event| !event.is_empty()) {
                    self.input();
                }
            }
            Err(_) => {}
        }
    }

    fn woken(&mut self) {
        let mut bytes = [0; 64];
        while self.wake.read(&mut bytes).is_ok_and(|read| read > 0) {}
        if self.claim()
            && let Some(pid) = self.pid
        {
            self.go_on(pid);
        }
        self.follow_size();
    }

    fn follow_size(&mut self) {
        let size = window();
        if (size.ws_row, size.ws_col) != (self.size.ws_row, self.size.ws_col) && tcgetwinsize(stdin()).is_ok()
        {
            self.size = size;
            if let Some(pty) = &self.pty {
                let _ = pty.resize(size_of(size));
            }
        }
    }

    fn input(&mut self) {
        let mut chunk = Zeroizing::new([0u8; 4096]);
        match rustix::io::read(stdin(), &mut chunk[..]) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            Ok(0) | Err(_) => self.lose(),
            Ok(read) => {
                self.typed.extend(chunk.get(..read).unwrap_or_default());
                self.pass_typed();
            }
        }
    }

    fn pass_typed(&mut self) {
        if self.typed.is_empty() {
            return;
        }
        if let Some(Ok(written)) = self.pty.as_mut().map(|pty| pty.write(self.typed.expose())) {
            let mut rest = Buffer::default();
            rest.extend(self.typed.expose().get(written..).unwrap_or_default());
            self.typed = rest;
        }
    }

    /// The person's terminal is gone. Closing the program's tells the program.
    fn lose(&mut self) {
        self.gone = true;
        self.raw = None;
        self.pty = None;
    }

    /// Shows some output. Returns whether there was any.
    fn output(&mut self) -> bool {
        let mut chunk = Zeroizing::new([0u8; CHUNK]);
        let read = self.pty.as_mut().map_or(Ok(0), |pty| pty.read(&mut chunk[..]));
        let Ok(read @ 1..) = read else { return false };
        self.paused = false;
        self.masker.push(chunk.get(..read).unwrap_or_default(), &mut self.shown);
        self.show();
        true
    }

    /// Shows what is left after the program's end.
    fn rest(&mut self) {
        while self.output() {}
        self.masker.finish(&mut self.shown);
        self.show();
    }

    fn show(&mut self) {
        if !self.gone && !matches!(out::write_all(stdout().as_fd(), &self.shown), Ok(Written::All)) {
            self.lose();
        }
        self.shown.clear();
    }
}
