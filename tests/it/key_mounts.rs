//! Keys as container runtimes mount them, on a file system in memory.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::session::{Session, ran};

fn set(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A directory in memory, laid out as Kubernetes does: `key` is a link to `..data/key`, and `..data` to a directory.
fn mount() -> (tempfile::TempDir, PathBuf) {
    let mount = tempfile::tempdir_in("/dev/shm").unwrap();
    set(mount.path(), 0o755);
    let data = mount.path().join("..2026_11_28_15_04_05.1");
    std::fs::create_dir(&data).unwrap();
    symlink("..2026_11_28_15_04_05.1", mount.path().join("..data")).unwrap();
    (mount, data)
}

/// Creates a file there that everyone can read.
fn mounted(mount: &Path, name: &str, contents: &str) -> PathBuf {
    let path = mount.join(name);
    std::fs::write(mount.join("..data").join(name), contents).unwrap();
    symlink(format!("..data/{name}"), &path).unwrap();
    set(&path, 0o444);
    path
}

#[test]
fn a_mounted_key_that_others_can_read_opens_the_vault() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key");
    let key = std::fs::read_to_string(session.key_file()).unwrap();
    std::fs::remove_file(session.key_file()).unwrap();
    let (mount, data) = mount();
    let path = mounted(mount.path(), "key", &key);
    let text = path.to_str().unwrap();
    let opened = || session.run(["--key-file", text, "get", "groq:one"]);
    assert_eq!(opened().ok().stdout, "made-up-key\n");
    let mut command = session.command(["get", "groq:one"]);
    command.env("STRONGROOM_KEY_FILE", text);
    assert_eq!(ran(command, b"").ok().stdout, "made-up-key\n");
    let told = session.run(["--key-file", text, "doctor", "--json"]).ok().json().to_string();
    assert!(
        told.contains("can be read by other users; accepted because its file system is in memory"),
        "{told}"
    );
    // A key that a runtime mounted is not replaced.
    let said = session.run(["--key-file", text, "rekey", "--yes"]).ok().stderr;
    assert!(said.contains("cannot be replaced from here, so it is unchanged"), "{said}");
    for (path, mode, says) in [
        (data.join("key"), 0o464, "can be written by other users"),
        (data.join("key"), 0o446, "can be written by other users"),
        (data.clone(), 0o777, "a directory above it"),
        (mount.path().to_owned(), 0o775, "a directory above it"),
    ] {
        let before = path.metadata().unwrap().permissions().mode();
        set(&path, mode);
        let said = opened().failed("UNSAFE_KEY_FILE", 78).stderr;
        assert!(said.contains(says) && said.contains("mount it"), "{said}");
        set(&path, before);
    }
    set(&data.join("key"), 0o400);
    opened().ok();
    let told = session.run(["--key-file", text, "doctor"]).ok().stdout;
    assert!(!told.contains("can be read by other users"), "{told}");
}

#[test]
fn mounted_passphrases_and_identities_are_read_too() {
    let session = Session::new();
    session.paste("groq:one", "made-up-key");
    let recovery = session.run(["recovery-key"]).ok().stdout;
    let (mount, _data) = mount();
    let recovery = mounted(mount.path(), "recovery", &recovery);
    let passphrase = mounted(mount.path(), "passphrase", "made up words\n");
    let (recovery, passphrase) = (recovery.to_str().unwrap(), passphrase.to_str().unwrap());
    session.run(["unlock-method", "add", "passphrase", "--new-passphrase-file", passphrase]).ok();
    session.run(["--passphrase-file", passphrase, "get", "groq:one"]).ok();
    let told = session.run(["--passphrase-file", passphrase, "doctor"]).ok().stdout;
    assert!(told.contains("the passphrase file") && told.contains("can be read by other users"), "{told}");
    std::fs::remove_dir_all(session.home().join("unlock")).unwrap();
    session.run(["recover", "--recovery-key", recovery]).ok();
}

#[test]
fn elsewhere_a_key_is_private() {
    let session = Session::new();
    // This also holds below a directory of that name.
    let path = session.path("run/secrets/key");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::copy(session.key_file(), &path).unwrap();
    for mode in [0o444, 0o440, 0o404, 0o644, 0o660] {
        set(&path, mode);
        let said = session.run(["--key-file", path.to_str().unwrap(), "recipient"]);
        let said = said.failed("UNSAFE_KEY_FILE", 78).stderr;
        assert!(said.contains("chmod 600") && said.contains("/run/secrets"), "{said}");
    }
}
