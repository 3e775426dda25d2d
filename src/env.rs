//! The process's environment as a value: variables, the clock, the terminal.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use strongroom_backends::{may_be_shown, place_of};

use crate::error::Result;
use crate::looks::looks_secret;
use crate::messages::places;
use crate::term::escape::shell_path;

/// The environment of a process. Tests build their own; `main` uses [`Env::of_process`].
#[derive(Clone, Debug, Default)]
pub struct Env {
    variables: Arc<HashMap<OsString, OsString>>,
    /// Whether standard input is a terminal.
    pub stdin_tty: bool,
    /// Whether standard output is a terminal.
    pub stdout_tty: bool,
    /// Whether standard error is a terminal.
    pub stderr_tty: bool,
    /// Whether colour is used; `None` leaves it to each stream.
    pub color: Option<bool>,
    fixed_now: Option<i64>,
}

/// Returns whether a variable is for this program only.
fn is_own(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"STRONGROOM_") || name == "CREDENTIALS_DIRECTORY"
}

impl Env {
    /// Returns the environment of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let mut variables: HashMap<OsString, OsString> = std::env::vars_os().collect();
        // A client may start us with an empty environment; the password database has the home directory too.
        if let (None, Some(home)) = (variables.get(OsStr::new("HOME")), std::env::home_dir()) {
            variables.insert("HOME".into(), home.into());
        }
        Self {
            variables: Arc::new(variables),
            stdin_tty: std::io::stdin().is_terminal(),
            stdout_tty: std::io::stdout().is_terminal(),
            stderr_tty: std::io::stderr().is_terminal(),
            color: None,
            fixed_now: None,
        }
    }

    /// Returns the same environment at a fixed time, in Unix milliseconds.
    #[must_use]
    pub fn at(mut self, now: i64) -> Self {
        self.fixed_now = Some(now);
        self
    }

    /// Returns the same environment with one more variable.
    #[must_use]
    pub fn with_var(mut self, name: &str, value: impl Into<OsString>) -> Self {
        Arc::make_mut(&mut self.variables).insert(name.into(), value.into());
        self
    }

    /// Returns the same environment without some variables, by their names.
    #[must_use]
    pub fn without(mut self, is_out: impl Fn(&str) -> bool) -> Self {
        Arc::make_mut(&mut self.variables).retain(|name, _| !name.to_str().is_some_and(&is_out));
        self
    }

    /// Returns a variable, unless it is unset or empty.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// Returns every variable, including empty ones.
    pub fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// Returns the variables for a program that is started: all except Strongroom's own, which name keys and
    /// passphrases, and the directory of this service's credentials, which may contain one.
    pub fn for_children(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables().filter(|(name, _)| !is_own(name))
    }

    /// Returns a variable as a path.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.var(name).map(PathBuf::from)
    }

    /// Refuses a path variable that a shell should have expanded, or that has to be absolute and is not.
    ///
    /// No shell reads the environment file of a service or a container, so that a directory named `~` would be
    /// created.
    ///
    /// # Errors
    /// `CONFIG`, with the variable's name.
    pub fn check_paths(&self) -> Result<()> {
        const PATHS: [&str; 9] = [
            "HOME",
            "STRONGROOM_HOME",
            "STRONGROOM_KEY_FILE",
            "STRONGROOM_PASSPHRASE_FILE",
            "STRONGROOM_ANCHOR",
            "XDG_DATA_HOME",
            "XDG_CONFIG_HOME",
            "XDG_STATE_HOME",
            "CREDENTIALS_DIRECTORY",
        ];
        for name in PATHS {
            let Some(value) = self.var(name) else { continue };
            if let Some(part) = unexpanded(Path::new(value)) {
                return Err(places::unexpanded_variable(part, name).with_remedy(self.expanded(name)));
            }
        }
        for name in ["STRONGROOM_HOME", "HOME"] {
            if self.path(name).is_some_and(|path| path.is_relative()) {
                return Err(places::relative_variable(name, self.absolute(name).as_deref()));
            }
        }
        Ok(())
    }

    /// Returns the remedy for a variable that a shell would have expanded.
    fn expanded(&self, name: &str) -> String {
        let home = self.path("HOME").filter(|home| home.is_absolute());
        let rest = self.path(name).and_then(|path| {
            let mut parts = path.components();
            let first = parts.next()?.as_os_str().to_str()?.to_owned();
            ["~", "$HOME", "${HOME}", "%h"].contains(&first.as_str()).then(|| parts.as_path().to_owned())
        });
        let whole = home.zip(rest).map(|(home, rest)| home.join(rest));
        let assigned =
            whole.filter(|whole| place_of(whole).is_none() && !looks_secret(&whole.to_string_lossy()));
        let assigned = assigned.map_or_else(|| "/home/…".into(), |whole| shell_path(&whole));
        places::write_full_path(name, assigned)
    }

    /// Returns the absolute path that a relative one in a variable means, as a shell takes it, if it may be shown.
    fn absolute(&self, name: &str) -> Option<String> {
        let given = self.path(name).filter(|path| may_be_shown(path));
        given
            .and_then(|path| std::path::absolute(path).ok())
            .filter(|whole| !looks_secret(&whole.to_string_lossy()))
            .map(|whole| shell_path(&whole))
    }

    /// Returns the current time, in Unix milliseconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.fixed_now.unwrap_or_else(|| {
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
        })
    }

    /// Returns `$XDG_<name>_HOME` if it is absolute, otherwise `$HOME/<fallback>`.
    #[must_use]
    pub fn xdg(&self, variable: &str, fallback: &str) -> Option<PathBuf> {
        self.path(variable)
            .filter(|path| path.is_absolute())
            .or_else(|| self.path("HOME").map(|home| home.join(fallback)))
    }
}

/// Returns the beginning of a path that a shell would have expanded: `~`, `~name`, `$NAME`, or `%h`, which systemd
/// expands in units but not in environment files. A file whose name begins with one is written as `./~name`.
#[must_use]
pub fn unexpanded(path: &Path) -> Option<&'static str> {
    let first = path.components().next()?.as_os_str().as_encoded_bytes();
    match first {
        [b'~', ..] => Some("~"),
        [b'$', b'{' | b'A'..=b'Z' | b'a'..=b'z' | b'_', ..] => Some("$"),
        b"%h" => Some("%h"),
        _ => None,
    }
}

/// Refuses a path argument that a shell should have expanded.
///
/// # Errors
/// `USAGE`, with the argument's name.
pub fn refuse_unexpanded(path: &Path, name: &str) -> Result<()> {
    match unexpanded(path) {
        Some(part) => Err(places::unexpanded_argument(part, name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

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

    #[test]
    fn what_a_shell_would_have_expanded_is_told() {
        for (path, part) in [
            ("~", Some("~")),
            ("~/v", Some("~")),
            ("~root/v", Some("~")),
            ("$HOME/v", Some("$")),
            ("${HOME}/v", Some("$")),
            ("%h/v", Some("%h")),
            ("./~", None),
            ("/home/~", None),
            ("a~", None),
            ("$", None),
            ("%hello", None),
            ("", None),
        ] {
            assert_eq!(unexpanded(Path::new(path)), part, "{path}");
        }
    }

    #[test]
    fn a_variable_of_a_path_is_whole_and_absolute() {
        let env = Env::default().with_var("HOME", "/h").with_var("XDG_DATA_HOME", "data");
        assert!(env.check_paths().is_ok(), "a relative XDG directory is ignored, as its specification says");
        for (name, value) in [
            ("HOME", "~"),
            ("HOME", "h"),
            ("STRONGROOM_HOME", "~/v"),
            ("STRONGROOM_HOME", "v"),
            ("STRONGROOM_KEY_FILE", "$HOME/k"),
            ("XDG_CONFIG_HOME", "~/.config"),
            ("STRONGROOM_ANCHOR", "%h/a"),
        ] {
            let error = env.clone().with_var(name, value).check_paths().unwrap_err();
            assert_eq!(error.code(), Code::Config, "{name}");
            assert!(error.what().contains(name), "{}", error.what());
        }
    }
}
