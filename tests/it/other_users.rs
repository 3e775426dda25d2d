//! Files and directories of a home that belong to another user, as one command under `sudo` leaves them, or whose mode
//! keeps their owner out. Each is reported as what it is, with a remedy; none is called damaged, and `doctor` reports a
//! problem.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::faults::{copy_tree, need};
use crate::session::{Ran, Session, binary, copy_binary, ran};

const USER: u32 = 65534;
const KEY: &str = "made-up-key-of-the-users";

/// A vault of an ordinary user, even if root runs the test.
struct Vault {
    session: Session,
    template: Session,
}

/// The commands that are tried.
const COMMANDS: [&[&str]; 9] = [
    &["list"],
    &["get", "openrouter:one"],
    &["paste-api-key", "--provider", "openrouter", "--profile-id", "openrouter:one"],
    &["rotate", "openrouter:two"],
    &["remove", "openrouter:two", "--yes"],
    &["verify"],
    &["doctor"],
    &["doctor", "--repair"],
    &["rekey", "--yes"],
];

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Vault {
    fn new() -> Self {
        need("setpriv", "util-linux");
        let (session, template) = (Session::empty(), Session::empty());
        if is_root() {
            copy_binary(&session.path("strongroom"));
            std::fs::set_permissions(session.path("strongroom"), PermissionsExt::from_mode(0o755)).unwrap();
            chown(session.temp.path(), Some(USER), Some(USER)).unwrap();
        }
        let vault = Self { session, template };
        vault.run(&["init"]).ok();
        for id in ["openrouter:one", "openrouter:two"] {
            vault.run(&["paste-api-key", "--provider", "openrouter", "--profile-id", id]).ok();
        }
        vault.run(&["report", "openrouter:one", "--success"]).ok();
        for place in [".local", ".config"] {
            std::fs::create_dir(vault.template.path(place)).unwrap();
            copy_tree(&vault.session.path(place), &vault.template.path(place));
        }
        vault
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let here = self.session.temp.path();
        let mut command = if is_root() {
            let mut command = Command::new("/usr/bin/setpriv");
            let user = USER.to_string();
            command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "--inh-caps=-all"]);
            command.arg(self.session.path("strongroom"));
            command
        } else {
            Command::new(binary())
        };
        command.args(arguments).env_clear().env("HOME", here).env("PATH", "/usr/bin:/bin");
        command.env("XDG_RUNTIME_DIR", here).current_dir(here);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        ran(command, KEY.as_bytes()).sane(KEY_NEVER_SHOWN)
    }

    /// The vault as it was made.
    fn fresh(&self) {
        for place in [".local", ".config"] {
            let there = self.session.path(place);
            open_all(&there);
            std::fs::remove_dir_all(&there).unwrap();
            std::fs::create_dir(&there).unwrap();
            std::fs::set_permissions(&there, PermissionsExt::from_mode(0o700)).unwrap();
            copy_tree(&self.template.path(place), &there);
            own_all(&there);
        }
    }

    /// Returns everything in the home, in the directory of its key, and in that of the anchor.
    fn places(&self) -> Vec<PathBuf> {
        let mut all = Vec::new();
        for place in [".local/share/strongroom", ".local/state/strongroom", ".config/strongroom"] {
            all.push(PathBuf::from(place));
            below(&self.template.path(place), &mut all, self.template.temp.path());
        }
        // Queue files are only advice for waiting processes; no one needs them.
        all.retain(|path| !path.ends_with("lock.holder"));
        assert!(all.len() > 20, "{all:?}");
        all
    }
}

/// `get` prints the key; the output of everything else must not contain it.
const KEY_NEVER_SHOWN: &str = "AGE-SECRET-KEY-";

fn below(directory: &Path, all: &mut Vec<PathBuf>, top: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        all.push(path.strip_prefix(top).unwrap().to_owned());
        if path.is_dir() {
            below(&path, all, top);
        }
    }
}

fn open_all(path: &Path) {
    if path.is_dir() {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o700)).unwrap();
        for entry in std::fs::read_dir(path).unwrap() {
            open_all(&entry.unwrap().path());
        }
    }
}

fn own_all(path: &Path) {
    if is_root() {
        chown(path, Some(USER), Some(USER)).unwrap();
    }
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            own_all(&entry.unwrap().path());
        }
    }
}

/// Makes each place inaccessible in turn, and tries each command.
fn tried(take: impl Fn(&Path), remedy: &str) {
    let vault = Vault::new();
    let (mut refused, mut done) = (0, 0);
    for place in vault.places() {
        for arguments in COMMANDS {
            vault.fresh();
            take(&vault.session.path(place.to_str().unwrap()));
            let ran = vault.run(arguments);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            let told = format!("{}: {arguments:?}: {} {said}", place.display(), ran.status);
            for wrong in [
                "CORRUPT",
                "TAMPERED",
                "NOT_FOUND",
                "corrupt",
                "altered",
                "damaged",
                "is missing",
                "os error",
            ] {
                assert!(!said.contains(wrong), "{wrong}: {told}");
            }
            if ran.status == 0 {
                done += 1;
            } else {
                refused += 1;
                assert!(
                    said.contains("permission denied") || said.contains("belongs to another user"),
                    "{told}"
                );
                assert!(arguments == ["verify"] || said.contains(remedy), "no remedy: {told}");
                assert!([65, 74, 77, 78].contains(&ran.status), "{told}");
            }
            // Places that `--repair` or a paste creates again are repaired by that.
            let heals = arguments.len() > 1;
            assert!(ran.status != 0 || arguments[0] != "doctor" || heals, "doctor is content: {told}");
            if arguments[0] == "doctor" && ran.status != 0 {
                assert!(!said.contains("No problems found"), "{told}");
            }
        }
    }
    println!("{refused} commands refused, {done} did not need what was taken");
    assert!(refused > 120 && done > 20, "{refused} {done}");
}

#[test]
fn what_belongs_to_another_user_is_told_with_chown() {
    if !is_root() {
        println!("only root can give a file away");
        return;
    }
    tried(
        |path| {
            chown(path, Some(0), Some(0)).unwrap();
            let mode = if path.is_dir() { 0o700 } else { 0o600 };
            std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        },
        "sudo chown -R nobody: ",
    );
}

#[test]
fn what_a_mode_keeps_its_owner_out_of_is_told_with_chmod() {
    tried(|path| std::fs::set_permissions(path, PermissionsExt::from_mode(0o0)).unwrap(), "chmod -R u+rwX ");
}

/// The pasted remedy restores the vault.
#[test]
fn the_remedy_mends_it() {
    if !is_root() {
        println!("only root can give a file away");
        return;
    }
    let vault = Vault::new();
    let home = vault.session.path(".local/share/strongroom");
    for place in ["agents/main/records", "lock", "agents/main/ledger", "unlock/key-file.age"] {
        vault.fresh();
        chown(home.join(place), Some(0), Some(0)).unwrap();
        std::fs::set_permissions(home.join(place), PermissionsExt::from_mode(0o600)).unwrap();
        let refused = vault.run(&["rotate", "openrouter:one"]).failed("IO", 74);
        let command = refused.stderr.split("sudo ").nth(1).unwrap().trim().trim_end_matches('`').to_owned();
        assert!(command.ends_with(home.to_str().unwrap()), "more than the home: {command}");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &command]).stdout(Stdio::piped()).stderr(Stdio::piped());
        ran(shell, b"").ok();
        if home.join(place).is_dir() {
            std::fs::set_permissions(home.join(place), PermissionsExt::from_mode(0o700)).unwrap();
        }
        vault.run(&["rotate", "openrouter:one"]).ok();
        assert!(vault.run(&["doctor"]).ok().stdout.contains("No problems found"));
    }
}

/// `--repair` does not recreate files that are only inaccessible.
#[test]
fn what_cannot_be_read_is_not_replaced_by_a_repair() {
    let vault = Vault::new();
    let settings = vault.session.path(".local/share/strongroom/settings.json");
    let before = std::fs::read(&settings).unwrap();
    std::fs::set_permissions(&settings, PermissionsExt::from_mode(0o0)).unwrap();
    vault.run(&["doctor", "--repair"]);
    std::fs::set_permissions(&settings, PermissionsExt::from_mode(0o600)).unwrap();
    assert!(std::fs::read(&settings).unwrap() == before);
}

/// `status --check` also opens records: an unreadable one is not called damaged.
#[test]
fn status_does_not_call_a_record_corrupt_that_may_not_be_read() {
    let vault = Vault::new();
    let record = vault.session.agent_file("records/openrouter_3aone.age");
    std::fs::set_permissions(&record, PermissionsExt::from_mode(0o000)).unwrap();
    let told = vault.run(&["status", "--check"]);
    assert_eq!(told.status, 1, "{}", told.stderr);
    let said = format!("{}{}", told.stdout, told.stderr);
    assert!(said.contains("unreadable") && said.contains("permission denied"), "{said}");
    assert!(!said.contains("corrupt") && !said.contains("paste it again"), "{said}");
}

/// Container runtimes mount a secret with mode 0400, and the usual advice is to chown it.
#[test]
fn a_key_that_root_keeps_to_itself_is_told_with_how_to_mount_it() {
    let vault = Vault::new();
    // Every system has a file that only root can read.
    for flag in ["--key-file", "--passphrase-file"] {
        let told = vault.run(&[flag, "/etc/shadow", "get", "openrouter:one"]).failed("IO", 74).stderr;
        assert!(told.contains("with the `uid` of the user that runs strongroom"), "{told}");
        assert!(!told.contains("--home") && !told.contains("chmod") && !told.contains("chown"), "{told}");
    }
}

/// A directory in which nothing can be made is found by `doctor`, and blamed by a change.
#[test]
fn a_directory_that_cannot_be_written_is_blamed_and_not_the_file_that_goes_there() {
    let vault = Vault::new();
    let home = vault.session.path(".local/share/strongroom");
    let set = |place: &str, mode| {
        std::fs::set_permissions(home.join(place), PermissionsExt::from_mode(mode)).unwrap();
    };
    set("agents", 0o500);
    let told = vault.run(&["doctor"]).failed("FINDINGS", 65).stdout;
    assert!(told.contains("the mode of") && told.contains("/agents denies you access"), "{told}");
    set("agents", 0o700);
    set("agents/main/records", 0o500);
    for arguments in [
        &["rotate", "openrouter:one"][..],
        &["paste-api-key", "--provider", "openrouter", "--profile-id", "openrouter:three"],
        &["rotate", "openrouter:two"],
    ] {
        let told = vault.run(arguments).stderr;
        assert!(told.contains("/agents/main/records denies you access"), "{arguments:?}: {told}");
        assert!(!told.contains("txn") && !told.contains("getfacl"), "{arguments:?}: {told}");
    }
    set("agents/main/records", 0o700);
    vault.run(&["rotate", "openrouter:one"]).ok();
    vault.run(&["verify"]).ok();
}
