//! Another program at a terminal of its own, with the person's terminal passed through, and a token
//! taken out of what it prints.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::stdio::stdin;
use rustix::termios::{OptionalActions, Termios, Winsize, tcgetattr, tcgetwinsize, tcsetattr};
use zeroize::Zeroizing;

use super::capture::{Capture, Taken, Wanted};
use super::signals::Held;
use super::tty::{Tty, gone};
use crate::error::{Code, Error, Result};
use crate::secret::Buffer;

/// How often the window's size and the program's end are looked for, where nothing is printed.
const TICK: Duration = Duration::from_millis(100);
/// How long a program may take to end by itself after Ctrl-C, and again after it was asked to.
const GRACE: Duration = Duration::from_secs(2);
/// How long output is read on after the program's end, where others still write.
const DRAIN: Duration = Duration::from_secs(1);
/// The most input that waits for the program to read it, in bytes.
const TYPED_MAX: usize = 64 * 1024;

const CTRL_C: u8 = 0x03;
/// Ctrl-C, as terminals spell it where the program asked for unambiguous keys.
const CTRL_C_KEY: &[u8] = b"\x1b[99;5u";

/// What became of the program.
#[derive(Debug)]
pub struct Ran {
    /// The token, where a whole one was printed.
    pub token: Option<Buffer>,
    /// How long the longest piece of a token was, in characters.
    pub longest: usize,
    /// Whether different whole tokens were printed.
    pub several: bool,
    /// How the program ended.
    pub status: ExitStatus,
    /// Whether Ctrl-C was pressed.
    pub cancelled: bool,
}

/// Runs a program on the person's terminal until it ends. What it prints is passed on without the
/// token; what is typed goes to it. Ctrl-C goes to it too, and ends it where it does not end itself.
/// Variables of Strongroom's own are not handed down. A signal that ends the process waits until the
/// program is ended and the terminal put back.
///
/// # Errors
/// `IO` where it cannot be started or the terminal fails, `NO_INPUT` without a terminal, `CANCELLED`
/// where the terminal goes away.
pub fn run(program: &Path, arguments: &[&str], wanted: Wanted) -> Result<Ran> {
    let tty = Tty::open()?;
    let size = window();
    let started = |error: pty_process::Error| {
        let why = match error {
            pty_process::Error::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
                "it, or the interpreter that its first line names, is not there".to_owned()
            }
            pty_process::Error::Io(error) => error.kind().to_string(),
            pty_process::Error::Rustix(_) => "no terminal could be made for it".to_owned(),
        };
        Error::new(Code::Io, format!("the program could not be started: {why}"))
    };
    let (pty, pts) = open().map_err(started)?;
    rustix::io::ioctl_fionbio(&pty, true).map_err(failed)?;
    pty.resize(size_of(size)).map_err(started)?;
    let mut command = Command::new(program).args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"STRONGROOM_") {
            command = command.env_remove(name);
        }
    }
    let held = Held::hold();
    let raw = Raw::enter()?;
    let child = Running(command.spawn(pts).map_err(started)?);
    let relay = Relay {
        capture: Capture::new(wanted, size.ws_row, size.ws_col),
        tty: &tty,
        pty,
        size,
        typed: Buffer::default(),
        interrupted: None,
        signals: 0,
        open: true,
        held: &held,
    };
    let ran = relay.until_end(child);
    drop(raw);
    held.release();
    ran
}

/// The person's terminal without line editing, echo and signal keys, until this value is dropped.
struct Raw(Termios);

impl Raw {
    fn enter() -> Result<Self> {
        let saved = tcgetattr(stdin()).map_err(failed)?;
        let mut raw = saved.clone();
        raw.make_raw();
        // Made before the change, so that a change that half succeeded is undone too.
        let guard = Self(saved);
        tcsetattr(stdin(), OptionalActions::Flush, &raw).map_err(failed)?;
        Ok(guard)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        while let Err(Errno::INTR) = tcsetattr(stdin(), OptionalActions::Flush, &self.0) {}
    }
}

/// A child that does not outlive this value.
struct Running(Child);

impl Running {
    fn signal(&self, signal: Signal) {
        // It leads a session and so a group of its own.
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

struct Relay<'t> {
    capture: Capture,
    tty: &'t Tty,
    pty: Pty,
    size: Winsize,
    typed: Buffer,
    interrupted: Option<Instant>,
    signals: u8,
    /// Whether somebody still has the program's terminal open.
    open: bool,
    held: &'t Held,
}

impl Relay<'_> {
    fn until_end(mut self, mut child: Running) -> Result<Ran> {
        let status = loop {
            self.wait()?;
            self.follow_size();
            if let Some(status) = child.0.try_wait().map_err(|_| failed(Errno::CHILD))? {
                break status;
            }
            self.end_if_hung(&child);
        };
        let end = Instant::now() + DRAIN;
        while self.open && Instant::now() < end && self.output()? {}
        let mut last = self.capture.undo();
        if !self.capture.at_line_start() {
            last.push_str("\r\n");
        }
        self.tty.write_raw(last.as_bytes())?;
        let cancelled = self.interrupted.is_some();
        let Taken { token, longest, several } = self.capture.finish();
        Ok(Ran { token, longest, several, status, cancelled })
    }

    /// Waits for something to pass on, and passes it on; not longer than a tick.
    fn wait(&mut self) -> Result<()> {
        let of_pty = if self.typed.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
        let keyboard: BorrowedFd<'_> = stdin();
        let pty = self.pty.as_fd();
        let mut fds = vec![PollFd::new(&keyboard, PollFlags::IN)];
        if self.open {
            fds.push(PollFd::new(&pty, of_pty));
        }
        let tick = Timespec::try_from(TICK).ok();
        match poll(&mut fds, tick.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(failed(errno)),
        }
        let events: Vec<PollFlags> = fds.iter().map(PollFd::revents).collect();
        drop(fds);
        if events.first().is_some_and(|events| !events.is_empty()) {
            self.input()?;
        }
        if !self.typed.is_empty() && self.open {
            self.pass_typed();
        }
        if events.get(1).is_some_and(|events| !events.is_empty()) {
            self.output()?;
        }
        Ok(())
    }

    fn input(&mut self) -> Result<()> {
        let mut chunk = Zeroizing::new([0u8; 1024]);
        let read = match rustix::io::read(stdin(), &mut chunk[..]) {
            Ok(0) | Err(Errno::IO) => return Err(gone()),
            Ok(read) => read,
            Err(Errno::INTR | Errno::AGAIN) => return Ok(()),
            Err(errno) => return Err(failed(errno)),
        };
        let typed = chunk.get(..read).unwrap_or_default();
        if typed.contains(&CTRL_C) || typed.windows(CTRL_C_KEY.len()).any(|keys| keys == CTRL_C_KEY) {
            // The first is the program's; the second means it.
            match self.interrupted {
                None => self.interrupted = Some(Instant::now()),
                Some(_) if self.signals == 0 => self.interrupted = Instant::now().checked_sub(GRACE),
                Some(_) => {}
            }
        }
        if self.typed.len() + typed.len() <= TYPED_MAX {
            self.typed.extend(typed);
        }
        Ok(())
    }

    fn pass_typed(&mut self) {
        if let Ok(written) = (&self.pty).write(self.typed.expose()) {
            let mut rest = Buffer::default();
            rest.extend(self.typed.expose().get(written..).unwrap_or_default());
            self.typed = rest;
        }
    }

    /// Passes some output on; false where there is none for now.
    fn output(&mut self) -> Result<bool> {
        let mut chunk = Zeroizing::new([0u8; 4096]);
        let read = match (&self.pty).read(&mut chunk[..]) {
            Ok(read) if read > 0 => read,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted
                ) =>
            {
                return Ok(false);
            }
            // Linux says EIO where the last holder closed it, others say end.
            _ => {
                self.open = false;
                return Ok(false);
            }
        };
        let mut shown = Vec::with_capacity(read + 16);
        self.capture.feed(chunk.get(..read).unwrap_or_default(), &mut shown);
        self.tty.write_raw(&shown)?;
        Ok(true)
    }

    fn follow_size(&mut self) {
        let size = window();
        if (size.ws_row, size.ws_col) != (self.size.ws_row, self.size.ws_col) {
            self.size = size;
            self.capture.resize(size.ws_row, size.ws_col);
            let _ = self.pty.resize(size_of(size));
        }
    }

    /// Ends a program that did not end at Ctrl-C, and any where this process is to end.
    fn end_if_hung(&mut self, child: &Running) {
        if self.held.came() && self.signals == 0 {
            self.interrupted = Instant::now().checked_sub(GRACE);
        }
        let Some(since) = self.interrupted else { return };
        let waited = since.elapsed();
        if self.signals == 0 && waited >= GRACE {
            self.signals = 1;
            self.interrupted = Some(Instant::now());
            child.signal(Signal::HUP);
            child.signal(Signal::TERM);
        } else if self.signals == 1 && waited >= GRACE {
            self.signals = 2;
            child.signal(Signal::KILL);
        }
    }
}

fn window() -> Winsize {
    tcgetwinsize(stdin()).unwrap_or(Winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 })
}

fn size_of(size: Winsize) -> Size {
    let or = |side: u16, otherwise: u16| if side == 0 { otherwise } else { side };
    Size::new(or(size.ws_row, 24), or(size.ws_col, 80))
}

fn failed(errno: Errno) -> Error {
    Error::new(Code::Io, format!("the terminal failed: {}", std::io::Error::from(errno)))
}
