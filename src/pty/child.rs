//! Runs another program in a terminal of its own, relays the person's terminal to it, and takes a token out of its
//! output.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use pty_process::blocking::{Command, Pty, open};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::stdio::stdin;
use rustix::termios::{Winsize, tcgetwinsize};
use zeroize::Zeroizing;

use super::capture::{Capture, Taken, Wanted};
use super::output_queue::Slow;
use super::window::{Raw, failed, size_of, window};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::messages::terminal as messages;
use crate::secret::Buffer;
use crate::term::signals::Held;
use crate::term::tty::Tty;

/// How often to check the window's size and whether the program has ended, if nothing is printed.
const TICK: Duration = Duration::from_millis(100);
/// How long a program may take to end after Ctrl-C, and again after it was signalled.
const GRACE: Duration = Duration::from_secs(2);
/// How often to check whether a full output queue has room.
const SOON: Duration = Duration::from_millis(5);
/// The most output that is read after the program's end, in bytes. It is more than a terminal holds (Linux: 12 KiB,
/// macOS: 8 KiB), so it includes all of the program's own, but reading ends even if other processes still write.
const REST_MAX: usize = 128 * 1024;
/// How long to wait after the program's end until its output is shown.
const SHOW: Duration = Duration::from_secs(60);
/// The most input that is kept until the program reads it, in bytes.
const TYPED_MAX: usize = 64 * 1024;

const CTRL_C: u8 = 0x03;
/// Ctrl-C as terminals send it if the program asked for unambiguous keys.
const CTRL_C_KEY: &[u8] = b"\x1b[99;5u";

/// The outcome of a program.
#[derive(Debug)]
pub struct Ran {
    /// The token, if a whole one was printed.
    pub token: Option<Buffer>,
    /// The length of the longest piece of a token, in characters.
    pub longest: usize,
    /// Whether different whole tokens were printed.
    pub several: bool,
    /// How the program ended, if that is known.
    pub status: Option<ExitStatus>,
    /// Whether Ctrl-C was pressed.
    pub cancelled: bool,
    /// Why the person's terminal can no longer be used, if so.
    pub gone: Option<Error>,
    /// Holds back a signal that ends the process, until it is dropped.
    pub held: Held,
}

/// Runs a program on the person's terminal until it ends. Its output is shown without the token, and what is typed goes
/// to it. Ctrl-C also goes to it, and ends it if it does not end by itself. It does not inherit Strongroom's own
/// variables. A signal that ends the process, or a terminal that is closed, ends the program; what it printed is
/// returned anyway.
///
/// # Errors
/// `IO` if it cannot be started, `NO_INPUT` without a terminal.
pub fn run(env: &Env, program: &Path, arguments: &[&str], wanted: Wanted) -> Result<Ran> {
    let tty = Tty::open()?;
    let size = window();
    let started = |error: pty_process::Error| {
        let why = match error {
            pty_process::Error::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
                messages::NO_PROGRAM.to_owned()
            }
            pty_process::Error::Io(error) => error.kind().to_string(),
            pty_process::Error::Rustix(_) => messages::NO_PTY.to_owned(),
        };
        messages::not_started(&why)
    };
    let (pty, pts) = open().map_err(started)?;
    rustix::io::ioctl_fionbio(&pty, true).map_err(failed)?;
    pty.resize(size_of(size)).map_err(started)?;
    let command = Command::new(program).args(arguments).env_clear().envs(env.for_children());
    let held = Held::hold();
    let raw = Raw::enter(true)?;
    let screen = Slow::new(move |bytes| tty.write_raw(bytes))
        .map_err(|error| messages::no_output_thread(error.kind()))?;
    let child = Running(command.spawn(pts).map_err(started)?);
    let mut relay = Relay {
        capture: Capture::new(wanted, size.ws_row, size.ws_col),
        screen,
        pty,
        size,
        typed: Buffer::default(),
        cancelled: false,
        ending: None,
        signals: 0,
        open: true,
        gone: None,
        held,
    };
    let status = relay.until_end(child);
    relay.rest();
    relay.show_rest();
    drop(raw);
    let Taken { token, longest, several } = relay.capture.finish();
    Ok(Ran {
        token,
        longest,
        several,
        status,
        cancelled: relay.cancelled,
        gone: relay.gone.or_else(|| relay.screen.failure()),
        held: relay.held,
    })
}

/// A child that does not outlive this value.
struct Running(Child);

impl Running {
    fn signal(&self, signal: Signal) {
        // It leads its own session, and therefore its own process group.
        let _ = kill_process_group(Pid::from_child(&self.0), signal);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.signal(Signal::HUP);
            self.signal(Signal::TERM);
            let end = Instant::now() + GRACE;
            while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(10));
            }
            if matches!(self.0.try_wait(), Ok(None)) {
                self.signal(Signal::KILL);
                let _ = self.0.kill();
                let _ = self.0.wait();
            }
        }
    }
}

struct Relay {
    capture: Capture,
    screen: Slow,
    pty: Pty,
    size: Winsize,
    typed: Buffer,
    /// Whether Ctrl-C was pressed.
    cancelled: bool,
    /// When the program was first asked to end.
    ending: Option<Instant>,
    signals: u8,
    /// Whether any process still has the program's terminal open.
    open: bool,
    /// Why the person's terminal can no longer be used.
    gone: Option<Error>,
    held: Held,
}

impl Relay {
    fn until_end(&mut self, mut child: Running) -> Option<ExitStatus> {
        loop {
            self.wait();
            self.follow_size();
            match child.0.try_wait() {
                Ok(None) => self.end_if_hung(&child),
                Ok(status) => return status,
                // If this process was started to ignore SIGCHLD, the exit status is lost.
                Err(_) => return None,
            }
        }
    }

    /// Reads what is left in the program's terminal after its end.
    fn rest(&mut self) {
        let mut rest = Buffer::with_capacity(16 * 1024);
        let mut chunk = Zeroizing::new([0u8; 4096]);
        while self.open && rest.len() < REST_MAX {
            let read = self.read(&mut chunk[..]);
            if read == 0 {
                break;
            }
            rest.extend(chunk.get(..read).unwrap_or_default());
        }
        self.feed(rest.expose());
    }

    /// Waits until all output is shown, unless Ctrl-C, a signal or [`SHOW`] ends that early, and undoes the program's
    /// settings.
    fn show_rest(&mut self) {
        let end = Instant::now() + SHOW;
        // An earlier Ctrl-C was meant for the program.
        let before = std::mem::take(&mut self.cancelled);
        let whole = loop {
            if self.screen.wait(TICK) {
                break true;
            }
            let keyboard: BorrowedFd<'_> = stdin();
            let typed = poll(&mut [PollFd::new(&keyboard, PollFlags::IN)], Some(&Timespec::default()));
            if matches!(typed, Ok(1..)) {
                self.input();
            }
            if self.cancelled || self.held.came() || self.gone.is_some() || Instant::now() >= end {
                break false;
            }
        };
        self.cancelled = before;
        let mut last = self.capture.undo();
        if !whole || !self.capture.at_line_start() {
            last.push_str("\r\n");
        }
        if whole {
            self.screen.push(last.as_bytes());
        } else {
            // Output that was cut off may end inside a sequence.
            self.screen.replace(format!("\x18{last}").as_bytes());
        }
        self.screen.wait(GRACE);
    }

    /// Waits for input or output, at most one tick, and relays it.
    fn wait(&mut self) {
        // A program that is ending may be blocked until its output is read.
        let room = self.ending.is_some() || !self.screen.is_full();
        let mut of_pty = if room { PollFlags::IN } else { PollFlags::empty() };
        if !self.typed.is_empty() {
            of_pty |= PollFlags::OUT;
        }
        let keyboard: BorrowedFd<'_> = stdin();
        let pty = self.pty.as_fd();
        let mut of_keyboard = PollFlags::empty();
        let mut of_program = PollFlags::empty();
        let mut fds = Vec::with_capacity(2);
        if self.gone.is_none() {
            fds.push(PollFd::new(&keyboard, PollFlags::IN));
        }
        if self.open {
            fds.push(PollFd::new(&pty, of_pty));
        }
        let tick = Timespec::try_from(if room { TICK } else { SOON }).ok();
        let polled = poll(&mut fds, tick.as_ref());
        let mut events = fds.iter().map(PollFd::revents);
        if self.gone.is_none() {
            of_keyboard = events.next().unwrap_or(of_keyboard);
        }
        if self.open {
            of_program = events.next().unwrap_or(of_program);
        }
        drop(fds);
        match polled {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => {
                self.gone.get_or_insert_with(|| failed(errno));
                std::thread::sleep(TICK);
                of_program = PollFlags::IN;
            }
        }
        if !of_keyboard.is_empty() {
            self.input();
        }
        if !self.typed.is_empty() && self.open {
            self.pass_typed();
        }
        if !of_program.is_empty() {
            self.output();
        }
        if self.gone.is_none() {
            self.gone = self.screen.failure();
        }
    }

    fn input(&mut self) {
        let mut chunk = Zeroizing::new([0u8; 1024]);
        let read = match rustix::io::read(stdin(), &mut chunk[..]) {
            Ok(0) | Err(Errno::IO) => {
                self.gone = Some(messages::closed());
                return;
            }
            Ok(read) => read,
            Err(Errno::INTR | Errno::AGAIN) => return,
            Err(errno) => {
                self.gone = Some(failed(errno));
                return;
            }
        };
        let typed = chunk.get(..read).unwrap_or_default();
        if typed.contains(&CTRL_C) || typed.windows(CTRL_C_KEY.len()).any(|keys| keys == CTRL_C_KEY) {
            self.cancelled = true;
            // The first is for the program; the second ends it.
            match self.ending {
                None => self.ending = Some(Instant::now()),
                Some(_) if self.signals == 0 => self.ending = Instant::now().checked_sub(GRACE),
                Some(_) => {}
            }
        }
        if self.typed.len() + typed.len() <= TYPED_MAX {
            self.typed.extend(typed);
        }
    }

    fn pass_typed(&mut self) {
        if let Ok(written) = (&self.pty).write(self.typed.expose()) {
            let mut rest = Buffer::default();
            rest.extend(self.typed.expose().get(written..).unwrap_or_default());
            self.typed = rest;
        }
    }

    /// Relays some output.
    fn output(&mut self) {
        let mut chunk = Zeroizing::new([0u8; 4096]);
        let read = self.read(&mut chunk[..]);
        self.feed(chunk.get(..read).unwrap_or_default());
    }

    /// Reads some output. Returns 0 if there is nothing now, or no more.
    fn read(&mut self, chunk: &mut [u8]) -> usize {
        loop {
            match (&self.pty).read(chunk) {
                Ok(read) if read > 0 => return read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return 0,
                // After the last process has closed it, Linux returns EIO, others the end of the file.
                _ => {
                    self.open = false;
                    return 0;
                }
            }
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        let mut shown = Vec::with_capacity(bytes.len() + 16);
        self.capture.feed(bytes, &mut shown);
        self.screen.push(&shown);
    }

    fn follow_size(&mut self) {
        // A closed terminal has no size.
        let Ok(size) = tcgetwinsize(stdin()) else { return };
        if (size.ws_row, size.ws_col) != (self.size.ws_row, self.size.ws_col) {
            self.size = size;
            self.capture.resize(size.ws_row, size.ws_col);
            let _ = self.pty.resize(size_of(size));
        }
    }

    /// Ends a program that did not end after Ctrl-C, or if this process has to end.
    fn end_if_hung(&mut self, child: &Running) {
        if (self.held.came() || self.gone.is_some()) && self.signals == 0 {
            self.ending = Instant::now().checked_sub(GRACE);
        }
        let Some(since) = self.ending else { return };
        let waited = since.elapsed();
        if self.signals == 0 && waited >= GRACE {
            self.signals = 1;
            self.ending = Some(Instant::now());
            child.signal(Signal::HUP);
            child.signal(Signal::TERM);
        } else if self.signals == 1 && waited >= GRACE {
            self.signals = 2;
            child.signal(Signal::KILL);
        }
    }
}
