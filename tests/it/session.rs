//! Each test's own vault: a temporary home, an empty environment, the real binary.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Once;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use tempfile::TempDir;

/// Returns the binary under test. The variable is for test programs that were copied to a place where an ordinary
/// user can run them.
pub fn binary() -> PathBuf {
    std::env::var_os("STRONGROOM_TEST_BIN")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_strongroom")), PathBuf::from)
}

/// Returns the path of a file in the source tree.
pub fn source(path: &str) -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from)
        .join(path)
}

/// Returns a made-up setup-token of the usual length, 108 characters, with this tail.
pub fn setup_token(tail: &str) -> String {
    let filler = "EXAMPLE".repeat(14);
    format!("sk-ant-oat01-{}{tail}", &filler[..95 - tail.len()])
}

/// A directory tree with a home, and how to run the binary there.
pub struct Session {
    /// Removed with the session.
    pub temp: TempDir,
}

/// The results of a command.
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Returns the command, after checking that it neither crashed nor showed what it must not, whether or not it
    /// refused.
    #[track_caller]
    pub fn sane(self, canary: &str) -> Self {
        let said = format!("{}{}", self.stdout, self.stderr);
        assert!(
            self.status >= 0 && self.status != 101 && !said.contains("panicked"),
            "{} {said}",
            self.status
        );
        assert!(!said.contains(canary), "it quotes: {said}");
        let steers = |c: char| {
            (c.is_control() && c != '\n' && c != '\t')
                || ('\u{202a}'..='\u{202e}').contains(&c)
                || c == '\u{2028}'
        };
        assert!(!said.contains(steers), "it steers the terminal: {said:?}");
        self
    }

    /// Returns the command, and panics unless it succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, 0, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Returns the command, and panics unless it failed with that code and exit status.
    #[track_caller]
    pub fn failed(self, code: &str, status: i32) -> Self {
        let named = [format!("[{code}]"), format!(r#""code":"{code}""#)];
        assert!(
            self.status == status && named.iter().any(|code| self.stderr.contains(code)),
            "status {}, expected {status} [{code}]\nstdout: {}\nstderr: {}",
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Returns the single JSON document on standard output.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}\nstdout: {}\nstderr: {}", self.stdout, self.stderr))
    }
}

impl Session {
    /// Creates a session without a vault.
    pub fn empty() -> Self {
        tell_panics_at_once();
        Self { temp: tempfile::tempdir().unwrap() }
    }

    /// Creates a session with a new vault: encrypted files, unlocked with a key file.
    pub fn new() -> Self {
        let session = Self::empty();
        session.run(["init"]).ok();
        session
    }

    /// Creates a session with a vault that a passphrase unlocks, kept unlocked for a while. The file of the passphrase is
    /// `passphrase`. Returns nothing if the kernel keeps no keys.
    pub fn kept_unlocked() -> Option<Self> {
        let session = Self::empty();
        session.write("passphrase", "made-up-passphrase\n");
        session.run(["init", "--unlock", "passphrase", "--passphrase-file", "passphrase"]).ok();
        let unlock = session.run(["unlock", "--passphrase-file", "passphrase"]);
        if unlock.status == 0 {
            return Some(session);
        }
        unlock.failed("KEYRING_UNAVAILABLE", 69);
        None
    }

    /// Returns a path in the session's tree.
    pub fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// Returns the vault's home.
    pub fn home(&self) -> PathBuf {
        self.path(".local/share/strongroom")
    }

    /// Returns the path of the key file.
    pub fn key_file(&self) -> PathBuf {
        self.path(".config/strongroom/key")
    }

    /// Returns the path of a file of the agent `main`.
    pub fn agent_file(&self, name: &str) -> PathBuf {
        self.home().join("agents/main").join(name)
    }

    /// Writes a program into the session's tree, by another process: a child that another thread starts meanwhile would
    /// inherit a descriptor of this one until its `exec`, and a program that is open for writing cannot be run.
    pub fn write_program(&self, name: &str, script: &str) {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "cat >\"$0\" && chmod 700 \"$0\""]).arg(self.path(name));
        ran(shell, script.as_bytes()).ok();
    }

    /// Writes a file, mode 0600, in the session's tree.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.path(name);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&path).unwrap().write_all(contents.as_ref()).unwrap();
        path
    }

    /// Returns the binary with no input, and nothing in its environment except `HOME` and `PATH`.
    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.temp.path())
            .env("PATH", "/usr/bin:/bin")
            // No session bus: the tests must not reach the keychain of the user who runs them.
            .env("XDG_RUNTIME_DIR", self.temp.path())
            .env("TZ", "UTC")
            .current_dir(self.temp.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the binary.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        ran(self.command(arguments), b"")
    }

    /// Runs the binary with this input.
    pub fn feed<S: AsRef<OsStr>>(
        &self,
        input: impl AsRef<[u8]>,
        arguments: impl IntoIterator<Item = S>,
    ) -> Ran {
        ran(self.command(arguments), input.as_ref())
    }

    /// Stores an API key under an id.
    pub fn paste(&self, id: &str, secret: &str) -> Ran {
        let provider = id.split(':').next().unwrap();
        self.feed(secret, ["paste-api-key", "--provider", provider, "--profile-id", id]).ok()
    }

    /// Returns the secret of a profile.
    pub fn get(&self, id: &str) -> String {
        self.run(["get", id]).ok().stdout.trim_end_matches('\n').to_owned()
    }

    /// Asks `resolve` for ids.
    pub fn resolve(&self, ids: &[&str]) -> serde_json::Value {
        self.resolve_with(&[], ids)
    }

    /// Asks `resolve` for ids; `options` come before the verb.
    pub fn resolve_with(&self, options: &[&str], ids: &[&str]) -> serde_json::Value {
        let request = serde_json::json!({ "protocolVersion": 1, "provider": "strongroom", "ids": ids });
        let ask = || {
            let arguments = options.iter().copied().chain(["resolve"]);
            self.feed(request.to_string(), arguments).ok().json()
        };
        in_time(ask, |answer| answer["errors"]["request"]["code"] == "TIMEOUT")
    }
}

/// Repeats something that changes nothing until it is in time, at most five times, and says so: a machine may stall.
pub fn in_time<T>(act: impl Fn() -> T, is_late: impl Fn(&T) -> bool) -> T {
    for _ in 1..5 {
        let done = act();
        if !is_late(&done) {
            return done;
        }
        println!("late, and asked again");
    }
    act()
}

/// Makes a failed check print to standard error at once: the report at the end of a run is lost if something ends the
/// run or truncates its output.
fn tell_panics_at_once() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let captured = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |what| {
            let thread = std::thread::current();
            // Not with a macro, because the output of macros is captured.
            let _ = writeln!(std::io::stderr(), "{}: {what}", thread.name().unwrap_or("a thread"));
            captured(what);
        }));
    });
}

/// Longer than any refusal may take: a hang is a failure.
pub const HANGS: Duration = Duration::from_secs(20);

/// Runs a command with an input, and ends it if it hangs.
pub fn ran(command: Command, input: &[u8]) -> Ran {
    ran_within(HANGS, command, input)
}

/// Runs a command with an input, and ends it if it takes longer than that.
pub fn ran_within(limit: Duration, mut command: Command, input: &[u8]) -> Ran {
    if !input.is_empty() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().unwrap();
    if let Some(mut stdin) = child.stdin.take() {
        // A command that refuses before it reads closes the pipe.
        let _ = stdin.write_all(input);
    }
    let (ended, hangs) = std::sync::mpsc::channel::<()>();
    let pid = rustix::process::Pid::from_child(&child);
    let watch = std::thread::spawn(move || {
        if hangs.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    });
    let output = child.wait_with_output().unwrap();
    drop(ended);
    watch.join().unwrap();
    Ran {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A recipient whose identity is not used.
pub const RECEIVER: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

/// Every command that opens a vault, as a script would give it, with nothing wrong about it. The
/// second part is the input.
pub const COMMANDS: [(&[&str], &str); 27] = [
    (&["list"], ""),
    (&["list", "--all-agents", "--json"], ""),
    (&["status", "--check"], ""),
    (&["get", "openrouter:one"], ""),
    (&["paste-token", "--provider", "openrouter"], "made-up-token"),
    (&["paste-api-key", "--provider", "openrouter"], "made-up-key"),
    (&["rotate", "openrouter:one"], "made-up-key"),
    (&["rename", "openrouter:one", "openrouter:new"], ""),
    (&["remove", "openrouter:one", "--yes"], ""),
    (&["order", "get", "--provider", "openrouter"], ""),
    (&["order", "set", "--provider", "openrouter", "openrouter:one"], ""),
    (&["order", "clear", "--provider", "openrouter"], ""),
    (&["report", "openrouter:one", "--success"], ""),
    (&["pin", "--session", "s", "openrouter:one"], ""),
    (&["status", "--explain", "openrouter"], ""),
    (&["import", "-"], "OPENROUTER_API_KEY=made-up-key"),
    (&["export", "--to", RECEIVER, "--out", "bundle"], ""),
    (&["recipient"], ""),
    (&["recovery-key"], ""),
    (&["unlock-method", "list"], ""),
    (&["unlock-method", "add", "key-file", "--name", "new", "--new-key-file", "new"], ""),
    (&["rekey", "--yes"], ""),
    (&["log"], ""),
    (&["verify"], ""),
    (&["doctor", "--repair"], ""),
    (&["access", "list"], ""),
    (&["access", "add", "new", "--provider", "openrouter"], ""),
];

/// Copies the binary with `cp`. If this process wrote the file, a test that forks at that moment would keep it open for
/// writing, and the copy could not be run ("text file busy").
pub fn copy_binary(to: &Path) {
    assert!(Command::new("cp").arg(binary()).arg(to).status().unwrap().success());
}

/// `strace` of these calls over the binary, which needs arguments still. The binary forbids others of its user to
/// look into its memory, and so to see what its calls say: here that one call does nothing.
pub fn strace(session: &Session, calls: &str, options: &[&str]) -> Command {
    let strace = Path::new("/usr/bin/strace");
    assert!(strace.exists(), "strace is missing: apt-get install strace");
    let mut command = Command::new(strace);
    command.args(["-f", "-qqq", "-e", &format!("trace={calls},prctl"), "-e", "inject=prctl:retval=0"]);
    command.args(options).arg(binary());
    command.env_clear().env("HOME", session.temp.path()).env("PATH", "/usr/bin:/bin");
    command.env("XDG_RUNTIME_DIR", session.temp.path());
    command.current_dir(session.temp.path()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Returns everything in a home except its locks, which every writer touches.
pub fn kept(home: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    let mut all = snapshot(home);
    all.retain(|(path, ..)| !["lock", "lock.holder", "lock.queue"].iter().any(|lock| path.ends_with(lock)));
    all
}

/// Returns everything under a directory: path, mode and contents, sorted, to check that nothing changed.
pub fn snapshot(directory: &Path) -> Vec<(PathBuf, u32, Vec<u8>)> {
    use std::os::unix::fs::MetadataExt;
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let meta = path.symlink_metadata().unwrap();
        if meta.is_dir() {
            all.push((path.clone(), meta.mode(), Vec::new()));
            all.extend(snapshot(&path));
        } else if meta.is_file() {
            all.push((path.clone(), meta.mode(), std::fs::read(&path).unwrap()));
        } else {
            all.push((path, meta.mode(), Vec::new()));
        }
    }
    all.sort();
    all
}
