//! `unlock` and `lock`: what the kernel keyring keeps, for which users, and for how long.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use strongroom::seal::keys::VaultId;
use strongroom::unlock::cache;

use crate::keyring;
use crate::session::{HANGS, RECEIVER, Ran, Session, binary, kept, ran, source, strace};

const PASSPHRASE: &str = "made-up horse, made-up battery";
pub const SECRET: &str = "made-up-canary-key";

/// A vault that only a passphrase opens, with one profile. Dropping it also removes what is cached.
pub struct Vault(pub Session);

impl Vault {
    pub fn new() -> Self {
        let session = Session::empty();
        let vault = Self(session);
        vault.write("pass", format!("{PASSPHRASE}\n"));
        vault.by_passphrase(["init", "--unlock", "passphrase"]).ok();
        let paste = ["paste-api-key", "--provider", "openrouter", "--profile-id", "openrouter:one"];
        vault.feed(SECRET, [&paste[..], &["--passphrase-file", "pass"]].concat()).ok();
        vault
    }

    /// Creates a vault that is unlocked.
    pub fn unlocked() -> Self {
        let vault = Self::new();
        vault.unlock();
        vault
    }

    pub fn unlock(&self) {
        self.by_passphrase(["unlock"]).ok();
    }

    pub fn by_passphrase<const N: usize>(&self, arguments: [&str; N]) -> Ran {
        self.run([&["--passphrase-file", "pass"], &arguments[..]].concat())
    }

    /// Returns the vault's id.
    pub fn id(&self) -> VaultId {
        let bytes = std::fs::read(self.home().join("vault.json")).unwrap();
        let file: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        file["vaultId"].as_str().unwrap().parse().unwrap()
    }

    /// Returns the description of its key in the keyring.
    pub fn name(&self) -> String {
        cache::name_of(&self.id(), &self.home(), None).unwrap()
    }

    /// Returns the description of the key for a single agent.
    pub fn name_for(&self, agent: &str) -> String {
        cache::name_of(&self.id(), &self.home(), Some(agent)).unwrap()
    }

    /// Returns the key's number in the user keyring, as another program finds it.
    fn key(&self) -> String {
        let found = keyctl(&["search", "@u", "user", &self.name()]).ok();
        found.stdout.trim().to_owned()
    }

    #[track_caller]
    pub fn is_locked(&self) {
        self.run(["get", "openrouter:one"]).sane(SECRET).failed("LOCKED", 77);
        let answer = self.resolve(&["main/openrouter:one"]);
        assert_eq!(answer["errors"]["main/openrouter:one"]["code"], "LOCKED", "{answer}");
    }

    #[track_caller]
    pub fn is_open(&self) {
        assert_eq!(self.get("openrouter:one"), SECRET);
    }
}

impl std::ops::Deref for Vault {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        let _ = cache::forget(&self.home());
    }
}

pub fn keyctl(arguments: &[&str]) -> Ran {
    let mut keyctl = Command::new(tool("keyctl", "keyutils"));
    keyctl.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ran(keyctl, b"")
}

pub fn tool(name: &str, package: &str) -> String {
    let path = format!("/usr/bin/{name}");
    assert!(Path::new(&path).exists(), "{name} is missing: apt-get install {package}");
    path
}

/// Returns the binary as an argument of another program, in the session's environment.
pub fn under(session: &Session, program: &[&str], arguments: &[&str]) -> Ran {
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).arg(binary()).args(arguments);
    command.env_clear().env("HOME", session.temp.path()).env("PATH", "/usr/bin:/bin");
    command.current_dir(session.temp.path()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    ran(command, b"")
}

#[test]
fn within_the_time_nothing_asks() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::new();
    vault.is_locked();
    vault.unlock();
    vault.is_open();
    assert_eq!(vault.resolve(&["main/openrouter:one"])["values"]["main/openrouter:one"], SECRET);
    vault.paste("openrouter:two", "made-up-two");
    vault.feed("made-up-two-again", ["rotate", "openrouter:two"]).ok();
    assert_eq!(vault.get("openrouter:two"), "made-up-two-again");
    vault.run(["rename", "openrouter:two", "openrouter:three"]).ok();
    vault.feed("GROQ_API_KEY=made-up-groq", ["import", "-", "--from", "env"]).ok();
    vault.run(["remove", "openrouter:three", "--yes"]).ok();
    vault.run(["list"]).ok();
    let status = vault.run(["status", "--check", "--json"]).ok().json();
    assert_eq!(status["vault"]["profiles"][0]["record"], "verified");
    assert!(status["vault"]["unlockedUntil"].is_i64());
    vault.run(["verify"]).ok();
    vault.run(["log"]).ok();
    let doctor = vault.run(["doctor", "--json"]).stdout;
    assert!(doctor.contains("unlocked from the cache, until 20"), "{doctor}");
    // The passphrase opens what was written with the cached keys.
    vault.run(["lock"]).ok();
    vault.by_passphrase(["verify"]).ok();
    assert!(vault.run(["status", "--json"]).ok().json()["vault"]["unlockedUntil"].is_null());
}

#[test]
fn no_passphrase_is_derived_under_the_cache() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    // Argon2id alone takes 64 MiB.
    let bounded = [&tool("prlimit", "util-linux"), "--as=67108864"];
    assert!(
        under(&vault, &bounded, &["get", "openrouter:one", "--passphrase-file", "pass"]).status != 0,
        "the bound is too wide to tell"
    );
    assert_eq!(under(&vault, &bounded, &["get", "openrouter:one"]).ok().stdout.trim(), SECRET);
}

#[test]
fn the_time_ends_by_itself() {
    if !keyring::is_there() {
        return;
    }
    // A machine that stalled for the whole time has shown nothing.
    assert!([2, 8, 18].into_iter().any(was_open_until_its_end), "it was never open");
}

/// Returns whether the vault was open for this many seconds, at least once, and no longer afterwards.
fn was_open_until_its_end(seconds: u64) -> bool {
    let vault = Vault::new();
    let begun = Instant::now();
    vault.by_passphrase(["unlock", "--ttl", &format!("{seconds}s")]).ok();
    let cached = Instant::now();
    let ttl = Duration::from_secs(seconds);
    let mut open = 0;
    loop {
        let asked = Instant::now();
        let get = vault.run(["get", "openrouter:one"]);
        if get.status == 0 {
            assert!(asked < cached + ttl, "it is open {:?} after it was unlocked", asked - cached);
            open += 1;
        } else {
            get.failed("LOCKED", 77);
            break;
        }
        assert!(begun.elapsed() < HANGS * 2);
    }
    assert!(begun.elapsed() >= ttl, "locked after {:?}, {open} times open", begun.elapsed());
    vault.is_locked();
    // The kernel itself removes it, at most two seconds later.
    loop {
        let asked = cached.elapsed();
        if keyctl(&["search", "@u", "user", &vault.name()]).status != 0 {
            return open > 0;
        }
        assert!(asked < ttl * 3, "the key is there after {asked:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn lock_forgets_and_says_so() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    let key = vault.key();
    assert_eq!(vault.run(["lock", "--json"]).ok().json()["forgotten"], true);
    vault.is_locked();
    assert!(keyctl(&["pipe", &key]).stdout.is_empty(), "anyone who knows its number still reads it");
    assert_eq!(vault.run(["lock", "--json"]).ok().json()["forgotten"], false);
    // Whatever happened to the home.
    vault.unlock();
    std::fs::write(vault.home().join("vault.json"), "{").unwrap();
    std::fs::remove_dir_all(vault.home().join("unlock")).unwrap();
    assert_eq!(vault.run(["lock", "--json"]).ok().json()["forgotten"], true);
}

#[test]
fn what_takes_secrets_elsewhere_or_changes_keys_asks_all_the_same() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    let recipient = vault.by_passphrase(["recipient"]).ok().stdout.trim().to_owned();
    vault.by_passphrase(["export", "--to", &recipient, "--out", "bundle"]).ok();
    vault.write("recovery", vault.by_passphrase(["recovery-key"]).ok().stdout);
    let before = kept(&vault.home());
    let asking: [&[&str]; 9] = [
        &["export", "--to", RECEIVER, "--out", "taken"],
        &["export", "--to", &recipient],
        &["recovery-key"],
        &["recipient"],
        &["unlock-method", "add", "key-file", "--new-key-file", "planted"],
        &["unlock-method", "remove", "passphrase", "--yes"],
        &["rekey", "--yes"],
        &["import", "bundle"],
        &["unlock", "--ttl", "24h"],
    ];
    for arguments in asking {
        vault.run(arguments).sane(SECRET).failed("LOCKED", 77);
    }
    // It rebuilds what is lost, and a cache does not prove that the vault can be unlocked.
    let new = ["--unlock", "key-file", "--key-file", "new"];
    vault.run([&["recover", "--recovery-key", "recovery"], &new[..]].concat()).failed("EXISTS", 73);
    assert!(kept(&vault.home()) == before, "something was changed");
    assert!(!vault.path("taken").exists() && !vault.path("planted").exists());
    // With the passphrase, the same is allowed.
    vault.by_passphrase(["export", "--to", RECEIVER, "--out", "given"]).ok();
    vault.by_passphrase(["import", "bundle", "--on-conflict", "skip"]).ok();
}

#[test]
fn a_source_named_by_hand_is_used_whatever_is_cached() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    vault.write("wrong", "not it\n");
    vault.run(["get", "openrouter:one", "--passphrase-file", "wrong"]).failed("WRONG_KEY", 77);
    vault.run(["get", "openrouter:one", "--passphrase-file", "none"]).failed("NO_INPUT", 66);
    let mut get = vault.command(["get", "openrouter:one"]);
    get.env("STRONGROOM_KEY_FILE", "none");
    ran(get, b"").failed("NO_INPUT", 66);
    vault.is_open();
}

#[test]
fn other_sessions_of_the_user_see_it() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    let get = ["get", "openrouter:one"];
    for program in [&["/usr/bin/keyctl", "session", "-"][..], &["/usr/bin/setsid", "--wait"]] {
        tool("keyctl", "keyutils");
        assert_eq!(under(&vault, program, &get).ok().stdout.lines().last(), Some(SECRET), "{program:?}");
    }
    // They can also end it.
    under(&vault, &["/usr/bin/keyctl", "session", "-"], &["lock"]).ok();
    vault.is_locked();
    // This session sees what another one unlocks.
    let unlock = ["unlock", "--passphrase-file", "pass"];
    under(&vault, &["/usr/bin/keyctl", "session", "-"], &unlock).ok();
    vault.is_open();
}

#[test]
fn another_user_namespace_does_not_see_it() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    let unshare = tool("unshare", "util-linux");
    let there = ran(
        {
            let mut probe = Command::new(&unshare);
            probe.args(["-r", "/bin/true"]).stderr(Stdio::piped());
            probe
        },
        b"",
    );
    if there.status != 0 {
        println!("this system forbids user namespaces: {}", there.stderr.trim());
        return;
    }
    let get = ["get", "openrouter:one"];
    under(&vault, &[&unshare, "-r"], &get).failed("LOCKED", 77);
    // In the same namespace the passphrase opens it: nothing else is in the way.
    let by_passphrase = ["get", "openrouter:one", "--passphrase-file", "pass"];
    assert_eq!(under(&vault, &[&unshare, "-r"], &by_passphrase).ok().stdout.trim(), SECRET);
    vault.is_open();
}

#[test]
fn another_user_neither_finds_nor_reads_it() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    let key = vault.key();
    let own = keyctl(&["pipe", &key]).ok().stdout;
    assert!(own.contains("\"keys\""));
    if !rustix::process::geteuid().is_root() {
        println!("only root can be another user");
        return;
    }
    let other = |arguments: &[&str]| {
        let mut command = Command::new(tool("setpriv", "util-linux"));
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]);
        command.arg(tool("keyctl", "keyutils")).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        ran(command, b"")
    };
    assert_ne!(other(&["search", "@u", "user", &vault.name()]).status, 0);
    for verb in ["pipe", "describe", "invalidate", "revoke", "clear"] {
        let tried = other(&[verb, &key]);
        assert!(tried.status != 0 && tried.stdout.is_empty(), "{verb}: {}", tried.stdout);
    }
    vault.is_open();
}

#[test]
fn only_what_reading_and_writing_need_is_kept() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::unlocked();
    let recovery = vault.by_passphrase(["recovery-key"]).ok().stdout;
    let stored = keyctl(&["pipe", &vault.key()]).ok().stdout;
    for secret in [PASSPHRASE, SECRET, recovery.trim(), "AGE-SECRET-KEY"] {
        assert!(!stored.contains(secret));
    }
    let document: serde_json::Value = serde_json::from_str(&stored).unwrap();
    let members: BTreeSet<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "current format keys machine method recoveryRecipient store unlockFile until vault";
    assert_eq!(members, expected.split(' ').collect());
    assert_eq!(document["keys"].as_array().unwrap().len(), 1);
    let identity: age::x25519::Identity = recovery.trim().parse().unwrap();
    assert_eq!(document["recoveryRecipient"], identity.to_public().to_string());
    let settings: serde_json::Value =
        serde_json::from_slice(&std::fs::read(vault.home().join("vault.json")).unwrap()).unwrap();
    assert_eq!(document["vault"], settings["vaultId"]);
}

#[test]
fn no_secret_is_in_a_name_or_an_argument() {
    if !keyring::is_there() {
        return;
    }
    let vault = Vault::new();
    let mut unlock = strace(&vault, "execve,clone,clone3,vfork,fork", &[]);
    unlock.args(["unlock", "--passphrase-file", "pass"]);
    let traced = ran(unlock, b"").ok();
    assert_eq!(traced.stderr.matches("execve(").count(), 1, "it starts programs: {}", traced.stderr);
    assert!(!traced.stderr.contains(PASSPHRASE));
    let name = vault.name();
    let parts: Vec<&str> = name.split(':').collect();
    assert_eq!((parts.len(), parts[0]), (3, "strongroom"));
    for hex in &parts[1..] {
        assert!(hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
    }
    let keys = std::fs::read_to_string("/proc/keys").unwrap();
    let line = keys.lines().find(|line| line.contains(&name)).unwrap();
    let fields: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(fields[4], "3f2f0000", "others have rights: {line}");
    assert!(["14m", "15m"].contains(&fields[3]), "{line}");
}

#[test]
fn the_packages_of_these_tests_are_installed_with_the_others() {
    let script = std::fs::read_to_string(source("scripts/install-test-deps.sh")).unwrap();
    for line in ["keyctl keyutils", "unshare util-linux", "setpriv util-linux"] {
        assert!(script.lines().any(|need| need == line), "{line}");
    }
}
