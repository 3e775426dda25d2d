//! Runs the client's own command.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::version::ClientVersion;
use crate::env::Env;
use crate::error::Result;
use crate::messages::connect as messages;
use crate::secret::Buffer;
use crate::term::stdin::{self, Rest};

/// The client's command.
const NAME: &str = "openclaw";
/// The most output that is kept, in bytes.
const OUTPUT_MAX: usize = 4 * 1024 * 1024;
/// How long one run may take. The slowest that was measured, of 2026.9.6, took 11 s on two cores.
const LIMIT: Duration = Duration::from_secs(120);

/// The client's command on this machine.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    env: Env,
}

/// What a run printed, and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// Its exit status; `None` after a signal.
    pub status: Option<i32>,
    /// Its standard output, which may quote a part of a secret.
    pub output: Buffer,
}

/// Returns the client's command, if `PATH` finds it.
pub(super) fn on_path(env: &Env) -> Option<PathBuf> {
    found(env, NAME)
}

fn found(env: &Env, name: &str) -> Option<PathBuf> {
    let mut all = std::env::split_paths(env.var("PATH")?).filter(|directory| directory.is_absolute());
    all.find_map(|directory| Some(directory.join(name)).filter(|path| path.is_file()))
}

impl Program {
    /// Finds the command on `PATH`.
    #[must_use]
    pub fn find(env: &Env) -> Option<Self> {
        Some(Self { path: on_path(env)?, env: env.clone() })
    }

    /// Finds another client's command on `PATH`.
    #[must_use]
    pub fn named(env: &Env, name: &str) -> Option<Self> {
        Some(Self { path: found(env, name)?, env: env.clone() })
    }

    /// Asks the command for its version.
    ///
    /// # Errors
    /// Those of [`Program::run`].
    pub fn version(&self) -> Result<Option<ClientVersion>> {
        let ran = self.run(&[OsStr::new("--version")])?;
        let text = ran.output.expose_str().unwrap_or_default();
        Ok(text.split_whitespace().find_map(ClientVersion::parse))
    }

    /// Runs the command, without input and without Strongroom's own variables. If it takes longer than two minutes, it is
    /// ended with everything that it has started.
    ///
    /// # Errors
    /// `TIMEOUT`, `TOO_LARGE`, `IO` if it cannot be started.
    pub fn run(&self, arguments: &[&OsStr]) -> Result<Ran> {
        let mut command = Command::new(&self.path);
        command
            .args(arguments)
            .env_clear()
            .envs(self.env.for_children())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0);
        let mut child = command.spawn().map_err(|error| messages::client_not_started(&self.path, &error))?;
        let Some(output) = child.stdout.take() else { return Err(messages::client_without_output()) };
        let read =
            stdin::read(output.as_fd(), messages::CLIENT_OUTPUT, OUTPUT_MAX, Some(LIMIT), Rest::IsThrownAway);
        if !matches!(read, Ok((_, true))) {
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            let _ = child.wait();
        }
        let (output, ended) = read?;
        if !ended {
            return Err(messages::client_timeout(LIMIT));
        }
        let status = child.wait().map_err(|error| messages::client_not_started(&self.path, &error))?;
        Ok(Ran { status: status.code(), output })
    }
}
