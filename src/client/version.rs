//! Which version of the client is installed, found without running it: that takes 0.04 to 1.4 s.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::file;
use super::places::Places;
use super::program;
use crate::env::Env;
use crate::select::generation::{Chosen, ChosenBy, Generation};

/// The name of the client's package.
const NAME: &str = "openclaw";
/// The largest `package.json` that is read, in bytes. That of 2026.9.6 has 142,802.
const PACKAGE_MAX: u64 = 1024 * 1024;
/// How many directories above the command are searched for its package. The command is `openclaw.mjs` in the package
/// itself, and in `dist` or `bin` of a few versions.
const LEVELS: usize = 3;
/// Permissions with which others could name another version.
#[cfg(unix)]
const GROUP_OR_OTHERS_WRITE: u32 = 0o022;

/// A version of the client: the year, the month, and a number that grows within the month.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClientVersion {
    /// The year.
    pub year: u16,
    /// The month.
    pub month: u16,
    /// The number within the month.
    pub patch: u16,
}

impl ClientVersion {
    /// The first version that keeps its credentials in SQLite, as its changelog says.
    pub const FIRST_WITH_SQLITE: Self = Self::new(2026, 6, 5);
    /// The first version with the back-off of [`Generation::June`]: 2026.3.22 still has the one before, 2026.3.31 has
    /// it (read in their packages). The three versions between were not read. They count as older, so that a profile
    /// rests longer than it has to, not shorter.
    const FIRST_OF_JUNE: Self = Self::new(2026, 3, 31);
    /// The first version with the back-off of [`Generation::September`]: read in the packages of 2026.9.1, which has
    /// the one before but no longer reads `auth.cooldowns`, and of 2026.9.2. That a provider's own limit swallows rate
    /// limits came after 2026.9.3 and not after 2026.9.5.
    const FIRST_OF_SEPTEMBER: Self = Self::new(2026, 9, 2);

    /// Returns a version.
    #[must_use]
    pub const fn new(year: u16, month: u16, patch: u16) -> Self {
        Self { year, month, patch }
    }

    /// Parses a version such as `2026.9.6`. What may follow it, such as `-beta.1`, does not count. Returns `None` for
    /// any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let version = text.split(['-', '+']).next()?;
        let mut numbers = version.split('.').map(|number| {
            let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
            number.parse().ok().filter(|_| digits)
        });
        let parsed = Self::new(numbers.next()??, numbers.next()??, numbers.next()??);
        numbers.next().is_none().then_some(parsed)
    }

    /// Returns whether it keeps its credentials in SQLite instead of JSON files.
    #[must_use]
    pub fn is_sqlite(self) -> bool {
        self >= Self::FIRST_WITH_SQLITE
    }

    /// Returns the rules by which it counts failures.
    #[must_use]
    pub fn backoff(self) -> Generation {
        if self >= Self::FIRST_OF_SEPTEMBER {
            Generation::September
        } else if self >= Self::FIRST_OF_JUNE {
            Generation::June
        } else {
            Generation::February
        }
    }

    /// Returns the version of the client that `PATH` finds. Returns `None` without a client, and if its package cannot
    /// be found, read or trusted. A command that is a script of another package manager's leads to no package.
    ///
    /// The package is the one above the file that the command's links lead to. Its `package.json` is read only if
    /// no one else can write it, up to 1 MiB.
    #[must_use]
    pub fn installed(env: &Env) -> Option<Self> {
        let command = program::on_path(env)?.canonicalize().ok()?;
        command
            .ancestors()
            .skip(1)
            .take(LEVELS)
            .find_map(|directory| of_package(&directory.join("package.json")))
    }
}

impl fmt::Display for ClientVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.year, self.month, self.patch)
    }
}

/// The parts of a `package.json` that matter here.
#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
}

/// Returns the version that a package's file names, if it is the client's.
fn of_package(path: &Path) -> Option<ClientVersion> {
    if !is_trusted(path) {
        return None;
    }
    let (bytes, _) = file::read(path, PACKAGE_MAX).ok()?;
    let package: Package = serde_json::from_slice(bytes.expose()).ok()?;
    (package.name == NAME).then_some(())?;
    ClientVersion::parse(&package.version)
}

#[cfg(unix)]
fn is_trusted(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    path.symlink_metadata().is_ok_and(|meta| meta.is_file() && meta.mode() & GROUP_OR_OTHERS_WRITE == 0)
}

#[cfg(not(unix))]
fn is_trusted(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.is_file())
}

/// Returns the rules that the client on this machine follows: those of the installed version or, if no version is
/// found, those of 2026.9.6 if there is the database that the agents of newer versions share, or else those of 2026.6.1,
/// whose files Strongroom's have the form of.
#[must_use]
pub fn rules(env: &Env) -> Chosen {
    if let Some(version) = ClientVersion::installed(env) {
        return Chosen { generation: version.backoff(), by: ChosenBy::Installed(version.to_string()) };
    }
    if shared_database(env).is_some_and(|path| path.is_file()) {
        return Chosen { generation: Generation::September, by: ChosenBy::Database };
    }
    Chosen::default()
}

fn shared_database(env: &Env) -> Option<PathBuf> {
    Places::of(env).shared_database()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const SEPTEMBER: ClientVersion = ClientVersion::new(2026, 9, 6);

    #[test]
    fn a_version_has_three_numbers() {
        for (text, version) in [
            ("2026.9.6", Some(SEPTEMBER)),
            ("2026.9.6-beta.1", Some(SEPTEMBER)),
            ("2026.9.6+build", Some(SEPTEMBER)),
            ("2026.10.0", Some(ClientVersion::new(2026, 10, 0))),
            ("2026.9", None),
            ("2026.9.6.1", None),
            ("2026.+9.6", None),
            ("2026..6", None),
            ("v2026.9.6", None),
            ("2026.9.99999", None),
            ("", None),
        ] {
            assert_eq!(ClientVersion::parse(text), version, "{text}");
        }
        assert_eq!(SEPTEMBER.to_string(), "2026.9.6");
    }

    #[test]
    fn rules_and_stores_change_at_their_versions() {
        use Generation::{February, June, September};
        for (version, backoff, sqlite) in [
            ("2026.1.29", February, false),
            ("2026.2.26", February, false),
            ("2026.3.28", February, false),
            ("2026.3.31", June, false),
            ("2026.6.1", June, false),
            ("2026.6.5", June, true),
            ("2026.6.11", June, true),
            ("2026.9.1", June, true),
            ("2026.9.2", September, true),
            ("2026.10.1", September, true),
            ("2027.1.1", September, true),
        ] {
            let parsed = ClientVersion::parse(version).unwrap();
            assert_eq!((parsed.backoff(), parsed.is_sqlite()), (backoff, sqlite), "{version}");
        }
    }

    /// Installs a made-up client as npm does, and returns the environment that finds it.
    fn installed(root: &Path, package: &str) -> Env {
        let (bin, library) = (root.join("bin"), root.join("lib/node_modules/openclaw"));
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir_all(&library).unwrap();
        write(&library.join("package.json"), package);
        std::fs::write(library.join("openclaw.mjs"), "").unwrap();
        symlink("../lib/node_modules/openclaw/openclaw.mjs", bin.join(NAME)).unwrap();
        let path = format!("relative::{}:{}:/usr/bin", root.join("none").display(), bin.display());
        Env::default().with_var("PATH", path).with_var("HOME", root)
    }

    fn write(path: &Path, text: &str) {
        std::fs::write(path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    }

    #[test]
    fn the_package_above_the_command_names_the_version() {
        let root = tempfile::tempdir().unwrap();
        let env = installed(root.path(), r#"{"name":"openclaw","version":"2026.9.4","dependencies":{}}"#);
        assert_eq!(ClientVersion::installed(&env), Some(ClientVersion::new(2026, 9, 4)));
        let chosen =
            Chosen { generation: Generation::September, by: ChosenBy::Installed("2026.9.4".to_owned()) };
        assert_eq!(rules(&env), chosen);
        let package = root.path().join("lib/node_modules/openclaw/package.json");
        for text in [
            r#"{"name":"other","version":"2026.9.4"}"#,
            r#"{"name":"openclaw","version":"latest"}"#,
            r#"{"name":"openclaw"}"#,
            "[]",
            "",
        ] {
            write(&package, text);
            assert_eq!(ClientVersion::installed(&env), None, "{text}");
        }
        let long = format!(r#"{{"name":"openclaw","version":"2026.9.4","x":"{}"}}"#, "x".repeat(1 << 20));
        write(&package, &long);
        assert_eq!(ClientVersion::installed(&env), None);
        std::fs::remove_file(&package).unwrap();
        assert_eq!(ClientVersion::installed(&env), None);
    }

    #[test]
    fn a_package_that_others_can_write_names_no_version() {
        let root = tempfile::tempdir().unwrap();
        let env = installed(root.path(), r#"{"name":"openclaw","version":"2026.9.4"}"#);
        let package = root.path().join("lib/node_modules/openclaw/package.json");
        for mode in [0o646, 0o664] {
            std::fs::set_permissions(&package, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(ClientVersion::installed(&env), None, "{mode:o}");
        }
        std::fs::rename(&package, package.with_extension("real")).unwrap();
        symlink("package.real", &package).unwrap();
        assert_eq!(ClientVersion::installed(&env), None);
    }

    #[test]
    fn without_a_client_the_database_or_the_default_decides() {
        let home = tempfile::tempdir().unwrap();
        let env = Env::default().with_var("HOME", home.path());
        assert_eq!(rules(&env), Chosen { generation: Generation::June, by: ChosenBy::Default });
        let directory = home.path().join(".openclaw/state");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("openclaw.sqlite"), "").unwrap();
        let expected = Chosen { generation: Generation::September, by: ChosenBy::Database };
        assert_eq!(rules(&env), expected);
        assert_eq!(rules(&env.with_var("PATH", "")), expected);
        assert_eq!(rules(&Env::default()), Chosen::default());
    }
}
