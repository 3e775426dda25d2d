//! The variables of a login shell, which the client imports if its configuration says so. This starts the user's shell,
//! and with it everything that its profile starts, so it is done only on request.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::env::Env;
use crate::env_names;
use crate::error::Result;
use crate::messages::client as messages;
use crate::secret::{Buffer, SecretString};
use crate::term::stdin::{self, Rest};

/// The largest output of a shell, in bytes; the client has the same bound.
const OUTPUT_MAX: usize = 2 * 1024 * 1024;
/// The shell of a user whose own is not listed by the system.
const DEFAULT: &str = "/bin/sh";
const LISTED: &str = "/etc/shells";

/// Returns the variables of a login shell. If it takes longer than `limit`, it is ended together with its process
/// group.
///
/// # Errors
/// `TIMEOUT`, `TOO_LARGE`, and `IO` if it cannot be started or fails.
pub fn variables(env: &Env, limit: Duration) -> Result<Vec<(String, SecretString)>> {
    let mut command = Command::new(shell(env));
    command
        .args(["-l", "-c", "env -0"])
        .env_clear()
        .envs(env.for_children().filter(|(name, _)| !is_key(name)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0);
    let Ok(mut child) = command.spawn() else { return Err(messages::shell_not_started()) };
    let Some(output) = child.stdout.take() else {
        return Err(messages::shell_without_output());
    };
    let read =
        stdin::read(output.as_fd(), messages::SHELL_OUTPUT, OUTPUT_MAX, Some(limit), Rest::IsThrownAway);
    if !matches!(read, Ok((_, true))) {
        // This includes a background process of the profile that keeps the pipe open.
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        let _ = child.wait();
    }
    let (bytes, ended) = read?;
    if !ended {
        return Err(messages::shell_timeout(limit.as_millis()));
    }
    // It has printed everything. What its profile left running belongs to the user.
    let _ = child.kill();
    let _ = child.wait();
    if bytes.is_empty() {
        return Err(messages::shell_failed());
    }
    Ok(parse(&bytes))
}

/// Returns whether a variable holds a provider's key. The shell does not get those of this process, because it would
/// print them as its own.
fn is_key(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| {
        env_names::provider_of(name).or(env_names::pool_of(name).map(|of| of.0)).is_some()
    })
}

/// Returns the user's shell, if the system lists it.
fn shell(env: &Env) -> String {
    let named = env.var("SHELL").and_then(|shell| shell.to_str()).filter(|shell| shell.starts_with('/'));
    let listed = |shell: &&str| {
        let lines = std::fs::read_to_string(LISTED).unwrap_or_default();
        lines.lines().any(|line| line.trim() == *shell)
    };
    named.filter(listed).unwrap_or(DEFAULT).to_owned()
}

fn parse(bytes: &Buffer) -> Vec<(String, SecretString)> {
    let entries = bytes.expose().split(|byte| *byte == 0);
    entries
        .filter_map(|entry| {
            let (name, value) = std::str::from_utf8(entry).ok()?.split_once('=')?;
            Some((name.to_owned(), SecretString::from(value)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use crate::secret::ExposeSecret;
    use std::time::Instant;

    fn env(home: &std::path::Path) -> Env {
        Env::default().with_var("HOME", home).with_var("PATH", "/usr/bin:/bin")
    }

    #[test]
    fn the_profile_of_the_login_shell_is_read() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(".profile"), "export GROQ_API_KEY='made\nup=1'\n").unwrap();
        let variables = variables(&env(home.path()), Duration::from_secs(15)).unwrap();
        let (_, value) = variables.iter().find(|(name, _)| name == "GROQ_API_KEY").unwrap();
        assert_eq!(value.expose_secret(), "made\nup=1");
    }

    #[test]
    fn what_the_process_has_is_not_the_shells() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(".profile"), "export XAI_API_KEY=made-up-1\n").unwrap();
        let env = ["GROQ_API_KEY", "XAI_API_KEY", "OPENAI_API_KEY_2", "OTHER", "STRONGROOM_KEY_FILE"]
            .iter()
            .fold(env(home.path()), |env, name| env.with_var(name, "made-up-2"));
        let variables = variables(&env, Duration::from_secs(15)).unwrap();
        let value =
            |wanted: &str| variables.iter().find(|(name, _)| name == wanted).map(|(_, v)| v.expose_secret());
        assert_eq!(value("XAI_API_KEY"), Some("made-up-1"));
        assert_eq!(value("OTHER"), Some("made-up-2"));
        for name in ["GROQ_API_KEY", "OPENAI_API_KEY_2", "STRONGROOM_KEY_FILE"] {
            assert_eq!(value(name), None, "{name}");
        }
    }

    #[test]
    fn a_shell_that_hangs_is_ended() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(".profile"), "sleep 300 & sleep 300\n").unwrap();
        let begun = Instant::now();
        let error = variables(&env(home.path()), Duration::from_millis(200)).unwrap_err();
        assert_eq!(error.code(), Code::Timeout);
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_profile_that_ends_the_shell_is_told() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(".profile"), "exit 3\n").unwrap();
        let error = variables(&env(home.path()), Duration::from_secs(15)).unwrap_err();
        assert!(error.what().contains("ended before"), "{}", error.what());
    }

    #[test]
    fn a_shell_that_the_system_does_not_list_is_not_run() {
        assert_eq!(shell(&Env::default().with_var("SHELL", "/tmp/evil")), DEFAULT);
        assert_eq!(shell(&Env::default().with_var("SHELL", "sh")), DEFAULT);
    }
}
