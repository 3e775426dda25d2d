//! What is ambient, as a value passed in: variables, the clock, the terminal.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The process's surroundings. Tests build their own; `main` takes [`Env::of_process`].
#[derive(Clone, Debug, Default)]
pub struct Env {
    variables: Arc<HashMap<OsString, OsString>>,
    /// Whether standard input is a terminal.
    pub stdin_tty: bool,
    /// Whether standard output is a terminal.
    pub stdout_tty: bool,
    /// Whether standard error is a terminal.
    pub stderr_tty: bool,
    fixed_now: Option<i64>,
}

/// Whether a variable is for this program alone.
fn is_own(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"STRONGROOM_") || name == "CREDENTIALS_DIRECTORY"
}

impl Env {
    /// The surroundings of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let mut variables: HashMap<OsString, OsString> = std::env::vars_os().collect();
        // A client may start us with an empty environment; the password database knows the home.
        if let (None, Some(home)) = (variables.get(OsStr::new("HOME")), std::env::home_dir()) {
            variables.insert("HOME".into(), home.into());
        }
        Self {
            variables: Arc::new(variables),
            stdin_tty: std::io::stdin().is_terminal(),
            stdout_tty: std::io::stdout().is_terminal(),
            stderr_tty: std::io::stderr().is_terminal(),
            fixed_now: None,
        }
    }

    /// The same surroundings at a fixed instant, in Unix milliseconds.
    #[must_use]
    pub fn at(mut self, now: i64) -> Self {
        self.fixed_now = Some(now);
        self
    }

    /// The same surroundings with one more variable.
    #[must_use]
    pub fn with_var(mut self, name: &str, value: impl Into<OsString>) -> Self {
        Arc::make_mut(&mut self.variables).insert(name.into(), value.into());
        self
    }

    /// A variable that is set and not empty.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// Every variable, also an empty one.
    pub fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// What a program that is started may know: every variable but Strongroom's own, which name keys and passphrases,
    /// and the directory of this service's credentials, in which one may lie.
    pub fn for_children(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables().filter(|(name, _)| !is_own(name))
    }

    /// A variable that names a path.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.var(name).map(PathBuf::from)
    }

    /// Now, in Unix milliseconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.fixed_now.unwrap_or_else(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
        })
    }

    /// `$XDG_<name>_HOME` where it is absolute, else `$HOME/<fallback>`.
    #[must_use]
    pub fn xdg(&self, variable: &str, fallback: &str) -> Option<PathBuf> {
        self.path(variable)
            .filter(|path| path.is_absolute())
            .or_else(|| self.path("HOME").map(|home| home.join(fallback)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_has_every_variable_but_ours() {
        let ours =
            ["STRONGROOM_KEY_FILE", "STRONGROOM_PASSPHRASE_FILE", "STRONGROOM_", "CREDENTIALS_DIRECTORY"];
        let others = ["PATH", "STRONGROOMS", "XSTRONGROOM_HOME", "CREDENTIALS_DIRECTORY_", "EMPTY"];
        let env = ours.iter().chain(&others).fold(Env::default(), |env, name| env.with_var(name, "made-up"));
        let mut left: Vec<_> =
            env.for_children().map(|(name, _)| name.to_str().unwrap_or_default()).collect();
        left.sort_unstable();
        assert_eq!(left, ["CREDENTIALS_DIRECTORY_", "EMPTY", "PATH", "STRONGROOMS", "XSTRONGROOM_HOME"]);
    }
}
