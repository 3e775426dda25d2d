//! Runs a program with secrets in its environment, and masks them in what it prints.
//!
//! At a terminal the program gets a pseudo-terminal, otherwise pipes. If there is nothing to mask, it takes the place of
//! this process.

mod monitor;
mod pipes;
mod pump;
mod signals;
mod terminal;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::WaitStatus;
use strongroom_mask::Patterns;

pub use monitor::{monitor, monitored};

use crate::env::Env;
use crate::error::{Error, Result};
use crate::harden;
use crate::messages::run as messages;
use crate::secret::{ExposeSecret, SecretString};

/// The exit status of a program that cannot be run, as in a shell.
const CANNOT_RUN: u8 = 126;
/// The exit status of a program that does not exist, as in a shell.
const NO_PROGRAM: u8 = 127;
/// What is added to the number of a signal that ended a program, as in a shell.
const SIGNALLED: i32 = 128;

/// A program to run.
pub struct Program<'p> {
    /// Its name, and its arguments.
    pub command: &'p [OsString],
    /// The environment that it gets, without Strongroom's own variables.
    pub env: &'p Env,
    /// Variables in addition to the environment, or in place of some of it.
    pub variables: Vec<(String, SecretString)>,
}

impl std::fmt::Debug for Program<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Program({} variables)", self.variables.len())
    }
}

/// Why a program was not started.
#[derive(Debug)]
pub struct NotStarted {
    /// The error.
    pub error: Error,
    /// The exit status.
    pub status: u8,
}

impl NotStarted {
    fn of(program: &OsStr, source: &io::Error) -> Self {
        let program = program.to_string_lossy();
        if source.kind() == io::ErrorKind::NotFound {
            return Self { error: messages::no_program(&program), status: NO_PROGRAM };
        }
        Self { error: messages::not_started(&program, source), status: CANNOT_RUN }
    }

    fn no_relay(source: &io::Error) -> Self {
        let error = messages::no_relay(source);
        let status = error.code().exit();
        Self { error, status }
    }
}

/// How a program ended: its exit status, or 128 and the number of the signal; or why it was not started.
pub type Ended = std::result::Result<Exit, NotStarted>;

/// The end of a program.
#[derive(Debug)]
pub struct Exit {
    /// Its exit status, or 128 and the number of the signal.
    pub status: u8,
    /// Why some of its output was not passed on, if so.
    pub lost: Result<()>,
}

impl Program<'_> {
    /// Runs the program, and masks what it prints. Its variables are wiped as soon as it has them.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn run(self, patterns: &Patterns) -> Ended {
        if self.env.stdin_tty && self.env.stdout_tty {
            return terminal::run(self, patterns);
        }
        pipes::run(self, patterns)
    }

    /// Runs the program in place of this process.
    ///
    /// # Errors
    /// If it cannot be started. It does not return otherwise.
    pub fn replace_us(self) -> NotStarted {
        harden::before_a_program();
        let (program, arguments) = self.words();
        let mut command = Command::new(program);
        self.give_environment(command.args(arguments));
        NotStarted::of(program, &command.exec())
    }

    /// Returns its name and its arguments.
    fn words(&self) -> (&OsStr, &[OsString]) {
        match self.command {
            [program, arguments @ ..] => (program, arguments),
            [] => (OsStr::new(""), &[]),
        }
    }

    fn give_environment(&self, command: &mut Command) {
        command.env_clear().envs(self.environment());
    }

    fn environment(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        let given = self.variables.iter();
        let given = given.map(|(name, value)| (OsStr::new(name), OsStr::new(value.expose_secret())));
        // The later one of a name counts.
        self.env.for_children().chain(given)
    }
}

/// Returns a program's exit status, as a shell tells it.
fn status_of(status: WaitStatus) -> Option<u8> {
    let number = status.exit_status().or_else(|| Some(status.terminating_signal()? + SIGNALLED))?;
    Some(u8::try_from(number).unwrap_or(u8::MAX))
}
