//! A file of variables for a program: `NAME=value`, or `NAME=strongroom://[AGENT/]PROFILE` for the secret of a profile.

use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::hand_over::Variable;
use crate::client::sources::dotenv_lines::{Assignment, lines};
use crate::client::sources::dotenv_value::Value;
use crate::client::sources::stray_keys;
use crate::error::Result;
use crate::messages::run as messages;
use crate::seal::keys::hex;
use crate::secret::ExposeSecret;
use crate::vault::id::Reference;

/// What a reference to a profile begins with.
const SCHEME: &str = "strongroom://";

/// A file of variables.
#[derive(Default)]
pub struct EnvFile {
    /// Variables with a value of their own.
    pub(super) plain: Vec<Variable>,
    /// Variables that get the secret of a profile.
    pub(super) references: Vec<(String, Reference)>,
    /// What it is allowed by; `None` for a stream, or if the path is not text.
    pub(super) origin: Option<Origin>,
}

/// What a person allows when they allow a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// Its path, as [`place_of`] returns it.
    pub path: String,
    /// The SHA-256 of its bytes, in hex.
    pub sha256: String,
}

/// Returns the absolute path of a file as it was named, without `.` and `..`; `None` if it is not text. Links are not
/// followed: what a link in a stranger's directory leads to is not the file that was allowed.
#[must_use]
pub fn place_of(path: &Path) -> Option<String> {
    let mut place = PathBuf::new();
    for part in std::path::absolute(path).ok()?.components() {
        match part {
            Component::CurDir => {}
            // The root stays.
            Component::ParentDir => drop(place.pop()),
            part => place.push(part),
        }
    }
    place.into_os_string().into_string().ok()
}

impl std::fmt::Debug for EnvFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EnvFile({} values, {} references)", self.plain.len(), self.references.len())
    }
}

impl EnvFile {
    /// Parses a file. The last value of a variable counts. `what` names the file in messages.
    ///
    /// # Errors
    /// `BAD_DATA` if it is not text, or a value is a reference that nothing resolves here; `USAGE` for a variable that
    /// may not be set.
    pub fn parse(bytes: &[u8], what: &str) -> Result<Self> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
        let parsed = lines(text.ok_or_else(|| messages::not_text(what))?);
        let mut file = Self::default();
        for assignment in parsed.assignments {
            file.take(assignment, what)?;
        }
        Ok(file)
    }

    /// Returns its path, as [`place_of`] returns it, if it has one.
    pub(super) fn place(&self) -> Option<&str> {
        self.origin.as_ref().map(|origin| origin.path.as_str())
    }

    /// Returns the file with the place that it was read from.
    #[must_use]
    pub fn read_from(mut self, path: &Path, bytes: &[u8]) -> Self {
        self.origin = place_of(path).map(|path| Origin { path, sha256: hex(&Sha256::digest(bytes)) });
        self
    }

    fn take(&mut self, assignment: Assignment<'_>, what: &str) -> Result<()> {
        let Assignment { name, line, value, .. } = assignment;
        if let Some(why) = refused(name) {
            return Err(messages::refused_in_file(&stray_keys::shown(name), line, what, why.told()));
        }
        let value = match value {
            Value::Text(value) => value,
            Value::Reference(_) | Value::Refused(_) => {
                return Err(messages::not_resolved(&stray_keys::shown(name), line, what));
            }
        };
        self.plain.retain(|known| known.name != name);
        self.references.retain(|(known, _)| known != name);
        match value.expose_secret().strip_prefix(SCHEME) {
            Some(reference) => {
                let reference = reference.parse();
                let reference =
                    reference.map_err(|_| messages::not_a_reference(&stray_keys::shown(name), line, what))?;
                self.references.push((name.to_owned(), reference));
            }
            None => self.plain.push(Variable { name: name.to_owned(), value, profile: None }),
        }
        Ok(())
    }
}

/// Why a variable may not be set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// No shell has variables with such names.
    NotAName,
    /// It belongs to Strongroom.
    Own,
    /// It decides which code a program loads or runs.
    Loader,
    /// It decides where a program sends its requests, or which certificates it trusts.
    Destination,
}

impl Refused {
    /// Returns the reason for people, as the verb of a sentence about the variable.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Self::NotAName => messages::NOT_A_NAME,
            Self::Own => messages::OWN,
            Self::Loader => messages::LOADER,
            Self::Destination => messages::DESTINATION,
        }
    }
}

/// The beginnings of names of variables that decide what a program loads or runs.
const LOADER_PREFIXES: [&str; 10] =
    ["LD_", "DYLD_", "PYTHON", "PERL5", "NPM_CONFIG_", "BASH_", "GIT_CONFIG", "GIT_SSH", "GCONV_", "MALLOC_"];

/// Other such variables.
const LOADERS: [&str; 46] = [
    "PATH",
    "NODE_OPTIONS",
    "NODE_PATH",
    "NODE_REPL_EXTERNAL_MODULE",
    "RUBYOPT",
    "RUBYLIB",
    "JAVA_TOOL_OPTIONS",
    "GIT_ASKPASS",
    "GIT_DIR",
    "GIT_EDITOR",
    "GIT_EXEC_PATH",
    "GIT_EXTERNAL_DIFF",
    "GIT_PAGER",
    "GIT_PROXY_COMMAND",
    "GIT_TEMPLATE_DIR",
    "ENV",
    "IFS",
    "SHELL",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "PROMPT_COMMAND",
    "ZDOTDIR",
    "FPATH",
    "CDPATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "TMPDIR",
    "GLIBC_TUNABLES",
    "HOSTALIASES",
    "LOCPATH",
    "NLSPATH",
    "TERMINFO",
    "TERMINFO_DIRS",
    "PERLLIB",
    "PERL_MB_OPT",
    "JDK_JAVA_OPTIONS",
    "_JAVA_OPTIONS",
    "CLASSPATH",
    "LUA_PATH",
    "LUA_CPATH",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "BROWSER",
    "LESSOPEN",
];

/// The ends of names of variables that decide where requests go.
const DESTINATION_SUFFIXES: [&str; 11] = [
    "_BASE_URL",
    "_BASE_URI",
    "_BASEURL",
    "_API_BASE",
    "_API_URL",
    "_API_HOST",
    "_ENDPOINT",
    "_ENDPOINT_URL",
    "_PROXY",
    "_CA_BUNDLE",
    "_CA_CERTS",
];

/// Other such variables.
const DESTINATIONS: [&str; 6] = [
    "OPENAI_BASE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "RES_OPTIONS",
    "LOCALDOMAIN",
];

/// Returns why a variable may not be set by a file, if so. Upper and lower case are the same here.
#[must_use]
pub fn refused(name: &str) -> Option<Refused> {
    let shaped = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || name.as_bytes()[0].is_ascii_digit() || !name.bytes().all(shaped) {
        return Some(Refused::NotAName);
    }
    let upper = name.to_ascii_uppercase();
    if upper.starts_with("STRONGROOM_") || upper == "CREDENTIALS_DIRECTORY" {
        return Some(Refused::Own);
    }
    if DESTINATIONS.contains(&upper.as_str()) || DESTINATION_SUFFIXES.iter().any(|end| upper.ends_with(end)) {
        return Some(Refused::Destination);
    }
    let loads =
        LOADERS.contains(&upper.as_str()) || LOADER_PREFIXES.iter().any(|start| upper.starts_with(start));
    loads.then_some(Refused::Loader)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_steer_a_program_are_refused() {
        use Refused::{Destination, Loader, NotAName, Own};
        for (name, why) in [
            ("LD_PRELOAD", Some(Loader)),
            ("DYLD_INSERT_LIBRARIES", Some(Loader)),
            ("NODE_OPTIONS", Some(Loader)),
            ("node_options", Some(Loader)),
            ("BASH_ENV", Some(Loader)),
            ("PYTHONSTARTUP", Some(Loader)),
            ("PATH", Some(Loader)),
            ("GIT_SSH_COMMAND", Some(Loader)),
            ("ANTHROPIC_BASE_URL", Some(Destination)),
            ("OPENAI_API_BASE", Some(Destination)),
            ("https_proxy", Some(Destination)),
            ("NODE_EXTRA_CA_CERTS", Some(Destination)),
            ("AZURE_OPENAI_ENDPOINT", Some(Destination)),
            ("STRONGROOM_HOME", Some(Own)),
            ("A-B", Some(NotAName)),
            ("1A", Some(NotAName)),
            ("", Some(NotAName)),
            ("ANTHROPIC_API_KEY", None),
            ("DATABASE_URL", None),
            ("_x", None),
        ] {
            assert_eq!(refused(name), why, "{name}");
        }
    }

    #[test]
    fn a_place_is_as_it_was_named_without_dots() {
        for (path, place) in [
            ("/p/.env", "/p/.env"),
            ("/p/./sub//../.env", "/p/.env"),
            ("/../../p/.env", "/p/.env"),
            ("/p/.env/", "/p/.env"),
        ] {
            assert_eq!(place_of(Path::new(path)).as_deref(), Some(place), "{path}");
        }
        let here = std::env::current_dir().unwrap();
        assert_eq!(
            place_of(Path::new("../.env")).map(PathBuf::from),
            Some(here.parent().unwrap().join(".env"))
        );
    }

    #[test]
    fn values_and_references_are_told_apart_and_the_last_one_counts() {
        let file =
            "A=1\nexport B='two words'\nA=strongroom://openai:work\nB=3\nC=strongroom://ops/openai:work\n";
        let file = EnvFile::parse(file.as_bytes(), "it").unwrap();
        let plain: Vec<_> =
            file.plain.iter().map(|one| (one.name.as_str(), one.value.expose_secret())).collect();
        assert_eq!(plain, [("B", "3")]);
        let names: Vec<_> = file.references.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["A", "C"]);
        for text in ["A=op://vault/item\n", "A=${B}\n", "LD_PRELOAD=x\n", "A=strongroom://nope\n", "A=\0"] {
            assert!(EnvFile::parse(text.as_bytes(), "it").is_err(), "{text}");
        }
    }
}
