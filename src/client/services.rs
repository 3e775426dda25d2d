//! The systemd units that start the client, and which keys of the vault they provide. Systemd itself is not asked.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::file;
use crate::env::Env;
use crate::secret::Buffer;
use crate::unlock::key_sources::{CREDENTIAL_KEY, CREDENTIAL_PASSPHRASE};

/// How the names of the client's units begin, older ones too.
const NAMES: [&str; 4] = ["openclaw", "clawdbot", "moldbot", "moltbot"];
/// The largest unit, drop-in or environment file that is read, in bytes.
const UNIT_MAX: u64 = 1024 * 1024;
/// The most units of a directory, and drop-ins of a unit.
const FILES_MAX: usize = 1000;
/// Settings that give a service a credential by its name, which ends at a colon.
const CREDENTIALS: [&str; 5] = [
    "LoadCredential",
    "LoadCredentialEncrypted",
    "SetCredential",
    "SetCredentialEncrypted",
    "ImportCredential",
];

/// Where systemd's units are.
#[derive(Clone, Debug, Default)]
pub struct UnitPlaces {
    /// The directories of system units.
    pub system: Vec<PathBuf>,
    /// The directories of user units.
    pub user: Vec<PathBuf>,
    /// The file that exists if the user's units start at boot, before anyone logs in.
    pub linger: Option<PathBuf>,
    /// The user's name.
    pub name: Option<String>,
}

/// A unit that starts the client as this user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Service {
    /// Its file.
    pub path: PathBuf,
    /// Whether it can start without a session of the user.
    pub is_without_session: bool,
    /// The names of the variables that it sets.
    pub variables: BTreeSet<String>,
    /// Whether it gives the service the vault's key as a credential.
    pub has_key: bool,
    /// Whether it gives the service the vault's passphrase as a credential.
    pub has_passphrase: bool,
}

impl UnitPlaces {
    /// Returns the usual places, and those of this user.
    #[must_use]
    pub fn of(env: &Env) -> Self {
        let own = env.xdg("XDG_CONFIG_HOME", ".config").map(|config| config.join("systemd/user"));
        let name = own_name(env);
        Self {
            system: vec!["/etc/systemd/system".into()],
            user: own.into_iter().chain(["/etc/systemd/user".into()]).collect(),
            linger: name.as_ref().map(|name| Path::new("/var/lib/systemd/linger").join(name)),
            name,
        }
    }

    /// Returns the units that start the client as this user. Those of other users are left out: their homes are other
    /// ones.
    #[must_use]
    pub fn services(&self) -> Vec<Service> {
        let lingers = self.linger.as_ref().is_some_and(|path| path.exists());
        let system = self.system.iter().flat_map(|directory| units(directory)).filter_map(|path| {
            let unit = Unit::read(&path)?;
            self.is_own(unit.user.as_deref()).then(|| unit.into_service(path, true))
        });
        let user = self.user.iter().flat_map(|directory| units(directory));
        let user = user.filter_map(|path| Some(Unit::read(&path)?.into_service(path, lingers)));
        system.chain(user).collect()
    }

    /// Returns whether a system unit with this `User=` runs as this user. Without one it runs as root.
    fn is_own(&self, user: Option<&str>) -> bool {
        let uid = rustix::process::geteuid();
        match user {
            None => uid.is_root(),
            Some(user) => self.name.as_deref() == Some(user) || user.parse() == Ok(uid.as_raw()),
        }
    }
}

/// Returns the name of this user. A service may have no variable that says it.
fn own_name(env: &Env) -> Option<String> {
    let uid = rustix::process::geteuid().as_raw().to_string();
    let (users, _) = file::read(Path::new("/etc/passwd"), UNIT_MAX).ok()?;
    let mut users = users.expose_str()?.lines().map(|line| line.split(':'));
    let named = users.find_map(|mut user| {
        let (name, _, id) = (user.next()?, user.next()?, user.next()?);
        (id == uid).then(|| name.to_owned())
    });
    named.or_else(|| env.var("USER")?.to_str().map(str::to_owned))
}

/// Returns the client's units in a directory. A template is started under names that are not known here.
fn units(directory: &Path) -> Vec<PathBuf> {
    let is_one = |name: &str| {
        let name = name.strip_suffix(".service").unwrap_or_default();
        NAMES.iter().any(|begins| name.starts_with(begins)) && !name.ends_with('@')
    };
    files(directory, is_one)
}

fn files(directory: &Path, fits: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let fitting = entries.filter(|entry| entry.file_name().to_str().is_some_and(&fits));
    let mut paths: Vec<_> = fitting.map(|entry| entry.path()).take(FILES_MAX).collect();
    paths.sort();
    paths
}

/// What a unit and its drop-ins say, as far as it matters here.
#[derive(Default)]
struct Unit {
    user: Option<String>,
    variables: BTreeSet<String>,
    credentials: Vec<String>,
}

impl Unit {
    /// Reads a unit with its drop-ins. Returns nothing if it cannot be read, as one that is masked.
    fn read(path: &Path) -> Option<Self> {
        let mut unit = Self::default();
        unit.take(read(path)?.expose_str()?);
        let mut drop_ins = path.as_os_str().to_owned();
        drop_ins.push(".d");
        for path in files(Path::new(&drop_ins), |name| name.strip_suffix(".conf").is_some()) {
            unit.take(read(&path).as_ref().and_then(Buffer::expose_str).unwrap_or_default());
        }
        Some(unit)
    }

    /// Takes the lines of one file.
    fn take(&mut self, text: &str) {
        let mut is_service = false;
        each_line(text, |line| {
            if line.starts_with('[') {
                is_service = line == "[Service]";
            } else if let Some((name, value)) = line.split_once('=').filter(|_| is_service) {
                self.set(name.trim(), value.trim());
            }
        });
    }

    /// Takes one setting. As in systemd, an empty value takes back what was set before.
    fn set(&mut self, name: &str, value: &str) {
        match name {
            "User" => self.user = (!value.is_empty()).then(|| value.to_owned()),
            "Environment" if value.is_empty() => self.variables.clear(),
            "Environment" => self.variables.extend(assigned(value)),
            "EnvironmentFile" => {
                let named = read(Path::new(value.trim_start_matches('-')));
                let text = named.as_ref().and_then(Buffer::expose_str).unwrap_or_default();
                each_line(text, |line| self.variables.extend(variable(line)));
            }
            _ if CREDENTIALS.contains(&name) && value.is_empty() => self.credentials.clear(),
            _ if CREDENTIALS.contains(&name) => {
                self.credentials.push(value.split(':').next().unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }

    fn into_service(self, path: PathBuf, is_without_session: bool) -> Service {
        let gives = |credential: &str| {
            self.credentials.iter().any(|name| match name.strip_suffix('*') {
                Some(begins) => credential.starts_with(begins),
                None => name == credential,
            })
        };
        Service {
            has_key: gives(CREDENTIAL_KEY),
            has_passphrase: gives(CREDENTIAL_PASSPHRASE),
            path,
            is_without_session,
            variables: self.variables,
        }
    }
}

/// Reads a file of settings, whose values may be secrets.
fn read(path: &Path) -> Option<Buffer> {
    file::read(path, UNIT_MAX).ok().map(|(bytes, _)| bytes)
}

/// Passes each line of a unit to `take`, without comments. A backslash at its end joins a line with the next.
fn each_line(text: &str, mut take: impl FnMut(&str)) {
    let mut joined = Zeroizing::new(String::with_capacity(text.len()));
    for line in text.lines() {
        let begun = line.strip_suffix('\\');
        if joined.is_empty() && line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        joined.push_str(begun.unwrap_or(line));
        if begun.is_some() {
            joined.push(' ');
        } else {
            take(joined.trim());
            joined.clear();
        }
    }
    take(joined.trim());
}

/// Returns the names of the variables in a value of `Environment=`: assignments between spaces, each perhaps in quotes.
/// No value is kept.
fn assigned(value: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let (mut name, mut has_sign, mut is_set, mut quote) = (String::new(), false, false, None);
    for c in value.chars().chain([' ']) {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c.is_whitespace() => {
                let done = std::mem::take(&mut name);
                if is_set && !done.is_empty() {
                    names.insert(done);
                }
                (has_sign, is_set) = (false, false);
            }
            (_, '=') if !has_sign => has_sign = true,
            (_, _) if has_sign => is_set = true,
            (_, c) => name.push(c),
        }
    }
    names
}

/// Returns the name of a variable that is set to something.
fn variable(assignment: &str) -> Option<String> {
    let (name, value) = assignment.split_once('=')?;
    (!name.is_empty() && !value.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> Service {
        let mut unit = Unit::default();
        unit.take(text);
        unit.into_service("x".into(), false)
    }

    #[test]
    fn a_unit_says_which_keys_it_gives() {
        for (text, key, passphrase, variables) in [
            ("[Service]\nLoadCredential=strongroom-key:/run/key\n", true, false, &[][..]),
            ("[Service]\nLoadCredentialEncrypted = strongroom-key\n", true, false, &[]),
            ("[Service]\nImportCredential=strongroom-*\n", true, true, &[]),
            ("[Service]\nSetCredential=strongroom-passphrase:made up\n", false, true, &[]),
            ("[Service]\nLoadCredential=strongroom-key:/k\nLoadCredential=\n", false, false, &[]),
            ("[Unit]\nLoadCredential=strongroom-key:/k\n", false, false, &[]),
            ("[Service]\n#LoadCredential=strongroom-key:/k\n; Environment=A=b\n", false, false, &[]),
            ("[Service]\nLoadCredential=other:/k\n", false, false, &[]),
            (
                "[Service]\nEnvironment=A=1 \"STRONGROOM_KEY_FILE=/a b\" 'C=3' D=\n",
                false,
                false,
                &["A", "C", "STRONGROOM_KEY_FILE"],
            ),
            ("[Service]\nEnvironment=A=1 \\\n  B=2\nEnvironment=C=3\n", false, false, &["A", "B", "C"]),
            ("[Service]\nEnvironment=A=1\nEnvironment=\n", false, false, &[]),
            ("", false, false, &[]),
        ] {
            let found = unit(text);
            let names: Vec<_> = found.variables.iter().map(String::as_str).collect();
            assert_eq!(
                (found.has_key, found.has_passphrase, &names[..]),
                (key, passphrase, variables),
                "{text}"
            );
        }
    }

    #[test]
    fn the_clients_units_of_this_user_are_found_with_their_drop_ins() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let uid = rustix::process::geteuid().as_raw();
        write("system/openclaw-gateway.service", &format!("[Service]\nUser={uid}\n"));
        write("system/openclaw-named.service", "[Service]\nUser=me\n");
        write("system/openclaw-other.service", "[Service]\nUser=made-up-other\n");
        write("system/openclaw@.service", "[Service]\nUser=me\n");
        write("system/nginx.service", "[Service]\nUser=me\n");
        write("user/openclaw-gateway.service", "[Service]\n");
        write("user/clawdbot-gateway.service", "[Service]\nExecStart=x\n");
        std::os::unix::fs::symlink("/dev/null", root.path().join("user/openclaw-masked.service")).unwrap();
        let file = root.path().join("env");
        std::fs::write(&file, "# none\nSTRONGROOM_KEY_FILE=/k\n").unwrap();
        let drop_in = format!("[Service]\nEnvironmentFile=-{}\n", file.display());
        write("user/openclaw-gateway.service.d/key.conf", &drop_in);
        let mut places = UnitPlaces {
            system: vec![root.path().join("system"), root.path().join("none")],
            user: vec![root.path().join("user")],
            linger: Some(root.path().join("linger")),
            name: Some("me".to_owned()),
        };
        let found = |places: &UnitPlaces| -> Vec<_> {
            let name = |path: &Path| path.strip_prefix(root.path()).unwrap().to_str().unwrap().to_owned();
            let of =
                |service: Service| (name(&service.path), service.is_without_session, service.variables.len());
            places.services().into_iter().map(of).collect()
        };
        let of = |name: &str, without: bool, variables| (name.to_owned(), without, variables);
        let expected = |lingers| {
            [
                of("system/openclaw-gateway.service", true, 0),
                of("system/openclaw-named.service", true, 0),
                of("user/clawdbot-gateway.service", lingers, 0),
                of("user/openclaw-gateway.service", lingers, 1),
            ]
        };
        assert_eq!(found(&places), expected(false));
        write("linger", "");
        assert_eq!(found(&places), expected(true));
        places.name = None;
        assert_eq!(found(&places).len(), 3);
    }
}
