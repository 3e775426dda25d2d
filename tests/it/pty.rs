//! A real pseudo-terminal with a child process: a test of this very binary, selected by name, so that no helper program
//! has to be built or shipped.

use std::fs::OpenOptions;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

/// A hang is a failure, not a wait.
const LIMIT: Duration = Duration::from_secs(60);

/// The variable that tells a child what to do.
pub const TASK: &str = "STRONGROOM_TEST_TERMINAL";

/// Both ends of a pseudo-terminal. The slave stays open, as a shell would keep it.
pub struct Pty {
    master: OwnedFd,
    slave: OwnedFd,
    screen: Vec<u8>,
}

/// The results of a child that has ended.
pub struct Ended {
    pub status: ExitStatus,
    /// Its standard output, which is a pipe.
    pub stdout: String,
}

impl Pty {
    pub fn open() -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        // Non-blocking, so that no write waits forever for a child that does not read.
        rustix::io::ioctl_fionbio(&master, true).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let no_ctty = i32::try_from(OpenptFlags::NOCTTY.bits()).unwrap();
        let slave = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(no_ctty)
            .open(std::ffi::OsStr::from_bytes(name.as_bytes()))
            .unwrap();
        Self { master, slave: slave.into(), screen: Vec::new() }
    }

    /// Starts the test `name` of this binary with the terminal as its input and error.
    pub fn start(&self, name: &str, task: &str) -> Child {
        command(name, task)
            .stdin(Stdio::from(self.slave.try_clone().unwrap()))
            .stderr(Stdio::from(self.slave.try_clone().unwrap()))
            .spawn()
            .unwrap()
    }

    /// Types all at once, as a keyboard or a paste does.
    pub fn send(&self, mut bytes: &[u8]) {
        let end = Instant::now() + LIMIT;
        while !bytes.is_empty() {
            match rustix::io::write(&self.master, bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(Errno::AGAIN) => {
                    assert!(ready(&self.master, PollFlags::OUT, end), "no one reads: {}", self.screen());
                }
                Err(errno) => panic!("{errno}"),
            }
        }
    }

    /// Waits until the terminal has shown this text.
    pub fn wait_for(&mut self, text: &str) {
        self.wait_after(0, text);
    }

    /// Waits until the terminal shows this text after that many bytes, and returns the number of bytes up to its end.
    pub fn wait_after(&mut self, from: usize, text: &str) -> usize {
        let end = Instant::now() + LIMIT;
        loop {
            let rest = self.screen.get(from..).unwrap_or_default();
            if let Some(at) = rest.windows(text.len()).position(|window| window == text.as_bytes()) {
                return from + at + text.len();
            }
            assert!(ready(&self.master, PollFlags::IN, end), "{text:?} did not come: {}", self.screen());
            let mut chunk = [0; 4096];
            let read = rustix::io::read(&self.master, &mut chunk).unwrap();
            self.screen.extend_from_slice(&chunk[..read]);
        }
    }

    /// Takes at most that many bytes of what is shown, as a slow terminal does. Returns false if nothing comes.
    pub fn sip(&mut self, most: usize) -> bool {
        if !ready(&self.master, PollFlags::IN, Instant::now() + LIMIT) {
            return false;
        }
        let mut chunk = vec![0; most];
        let read = rustix::io::read(&self.master, &mut chunk).unwrap();
        self.screen.extend_from_slice(&chunk[..read]);
        true
    }

    /// Returns whether anything is shown within two seconds.
    pub fn look(&mut self) -> bool {
        let shown = ready(&self.master, PollFlags::IN, Instant::now() + Duration::from_secs(2));
        if shown {
            let mut chunk = [0; 4096];
            let read = rustix::io::read(&self.master, &mut chunk).unwrap();
            self.screen.extend_from_slice(&chunk[..read]);
        }
        shown
    }

    /// Waits until the child has ended.
    pub fn wait(&mut self, child: Child) -> Ended {
        let ended = ended(child);
        // What the child wrote comes before what is written after it.
        // On a thread, because it blocks if the terminal is full of unread output.
        let slave = self.slave.try_clone().unwrap();
        std::thread::spawn(move || rustix::io::write(&slave, b"<end>"));
        self.wait_for("<end>");
        ended
    }

    /// Returns what the next program at this terminal would read, without waiting for input.
    pub fn left_over(&self) -> Vec<u8> {
        let saved = tcgetattr(&self.slave).unwrap();
        let mut silent = saved.clone();
        silent.local_modes -= LocalModes::ECHO | LocalModes::ICANON;
        tcsetattr(&self.slave, OptionalActions::Now, &silent).unwrap();
        self.send(b"<mark>");
        let mut left = Vec::new();
        while !left.ends_with(b"<mark>") {
            let mut chunk = [0; 4096];
            assert!(ready(&self.slave, PollFlags::IN, Instant::now() + LIMIT));
            let read = rustix::io::read(&self.slave, &mut chunk).unwrap();
            left.extend_from_slice(&chunk[..read]);
        }
        tcsetattr(&self.slave, OptionalActions::Now, &saved).unwrap();
        left.truncate(left.len() - b"<mark>".len());
        left
    }

    /// Returns the settings of the terminal, to compare.
    pub fn modes(&self) -> String {
        let Termios { input_modes, output_modes, control_modes, local_modes, special_codes, .. } =
            tcgetattr(&self.slave).unwrap();
        format!("{input_modes:?} {output_modes:?} {control_modes:?} {local_modes:?} {special_codes:?}")
    }

    /// Returns the key that is bound to a terminal function.
    pub fn code(&self, index: SpecialCodeIndex) -> u8 {
        tcgetattr(&self.slave).unwrap().special_codes[index]
    }

    /// Binds another key to a terminal function.
    pub fn set_code(&self, index: SpecialCodeIndex, key: u8) {
        let mut modes = tcgetattr(&self.slave).unwrap();
        modes.special_codes[index] = key;
        tcsetattr(&self.slave, OptionalActions::Now, &modes).unwrap();
    }

    /// Returns everything that was shown so far.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen).into_owned()
    }

    pub fn shows(&self, bytes: &[u8]) -> bool {
        self.screen.windows(bytes.len()).any(|window| window == bytes)
    }

    /// Closes the window.
    pub fn hang_up(self) {
        drop(self.master);
    }
}

/// Starts the test `name` of this binary without a terminal.
pub fn start_without(name: &str, task: &str) -> Child {
    command(name, task).stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn command(name: &str, task: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(TASK, task)
        .env("TERM", "xterm")
        .stdout(Stdio::piped());
    command
}

/// Waits for the end of a child and for what it wrote.
pub fn ended(mut child: Child) -> Ended {
    let mut stdout = Vec::new();
    let pipe = child.stdout.take().unwrap();
    let end = Instant::now() + LIMIT;
    loop {
        if !ready(&pipe, PollFlags::IN, end) {
            child.kill().unwrap();
            panic!("the child hangs; it said: {}", String::from_utf8_lossy(&stdout));
        }
        let mut chunk = [0; 4096];
        match rustix::io::read(&pipe, &mut chunk).unwrap() {
            0 => break,
            read => stdout.extend_from_slice(&chunk[..read]),
        }
    }
    // A child whose standard output is the terminal closes the pipe long before.
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() >= end {
            child.kill().unwrap();
            panic!("the child hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Ended { status, stdout: String::from_utf8_lossy(&stdout).into_owned() }
}

fn ready(fd: impl AsFd, what: PollFlags, end: Instant) -> bool {
    let left = Timespec::try_from(end.saturating_duration_since(Instant::now())).unwrap();
    poll(&mut [PollFd::new(&fd, what)], Some(&left)).unwrap() > 0
}
