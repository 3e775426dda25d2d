//! Homes and key files that another user could write to, and files that are not regular.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::session::{COMMANDS, HANGS, Session, snapshot};

const CANARY: &str = "made-up-canary-value";

fn session() -> Session {
    let session = Session::new();
    session.write("pass", "made-up horse");
    session.paste("openrouter:one", CANARY);
    session
}

fn mode(path: impl AsRef<Path>, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Every command refuses with this code, and changes nothing.
#[track_caller]
fn all_refuse(session: &Session, home: Option<&Path>, code: &str) {
    let before = snapshot(session.temp.path());
    for (arguments, input) in COMMANDS {
        let mut arguments: Vec<_> = arguments.iter().map(Into::into).collect();
        if let Some(home) = home {
            arguments.extend(["--home".into(), home.as_os_str().to_owned()]);
        }
        session.feed(input, arguments).sane(CANARY).failed(code, 78);
    }
    let mut init = vec!["init".into()];
    init.extend(home.into_iter().flat_map(|home| ["--home".into(), home.as_os_str().to_owned()]));
    session.run(init).sane(CANARY).failed(code, 78);
    let asked = session.feed(r#"{"protocolVersion":1,"ids":["openrouter:one"]}"#, {
        let mut resolve = vec!["resolve".into()];
        resolve.extend(home.into_iter().flat_map(|home| ["--home".into(), home.as_os_str().to_owned()]));
        resolve
    });
    assert_eq!(asked.ok().json()["errors"]["openrouter:one"]["code"], code);
    assert!(snapshot(session.temp.path()) == before);
}

#[test]
fn a_home_that_others_can_write_is_refused_by_every_command() {
    let session = session();
    for open in [0o770, 0o702, 0o1777] {
        mode(session.home(), open);
        all_refuse(&session, None, "UNSAFE_HOME");
    }
    mode(session.home(), 0o700);
    assert_eq!(session.get("openrouter:one"), CANARY);
}

#[test]
fn a_home_whose_parent_others_can_write_is_refused() {
    let session = session();
    let parent = session.path(".local/share");
    mode(&parent, 0o777);
    all_refuse(&session, None, "UNSAFE_HOME");
    // As in /tmp, no one can replace the files of another user.
    mode(&parent, 0o1777);
    assert_eq!(session.get("openrouter:one"), CANARY);
}

#[test]
fn a_vault_is_not_made_where_others_could_replace_it() {
    let session = Session::empty();
    let place = session.path("place");
    std::fs::create_dir(&place).unwrap();
    let refused = |home: &str| {
        for arguments in [vec!["init"], vec!["onboard", "--groq-api-key", "-"]] {
            let before = snapshot(session.temp.path());
            let mut arguments = arguments;
            arguments.extend(["--home", home]);
            session.feed(CANARY, &arguments).sane(CANARY).failed("UNSAFE_HOME", 78);
            assert!(snapshot(session.temp.path()) == before, "{arguments:?} left something");
        }
    };
    mode(&place, 0o777);
    refused("place/vault");
    mode(&place, 0o700);
    if !rustix::process::geteuid().is_root() {
        println!("only root can make a directory of another user's");
        return;
    }
    // As under `sudo` with the user's own HOME.
    std::os::unix::fs::chown(&place, Some(65534), Some(65534)).unwrap();
    refused("place/vault");
    refused("place/not/yet/there");
    std::os::unix::fs::chown(&place, Some(0), Some(0)).unwrap();
    session.run(["init", "--home", "place/not/yet/there"]).ok();
}

#[test]
fn a_home_that_others_can_read_is_warned_of() {
    let session = session();
    mode(session.home(), 0o755);
    let ran = session.run(["get", "openrouter:one"]).ok();
    assert!(ran.stderr.contains("can be read by other users"), "{}", ran.stderr);
    assert_eq!(ran.stdout.trim_end(), CANARY);
}

#[test]
fn a_home_that_is_a_link_or_a_file_is_refused() {
    let session = session();
    symlink(session.home(), session.path("link")).unwrap();
    all_refuse(&session, Some(&session.path("link")), "UNSAFE_HOME");
    session.write("file", "");
    all_refuse(&session, Some(&session.path("file")), "UNSAFE_HOME");
    rustix::fs::mkfifoat(rustix::fs::CWD, session.path("fifo"), rustix::fs::Mode::RWXU).unwrap();
    all_refuse(&session, Some(&session.path("fifo")), "UNSAFE_HOME");
}

/// As root, a home is given to another user. As an ordinary user, a directory of root stands in for it.
#[test]
fn a_home_of_another_user_is_refused_by_every_command() {
    let session = session();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(session.home(), Some(65534), None).unwrap();
        all_refuse(&session, None, "UNSAFE_HOME");
    } else {
        all_refuse(&session, Some(Path::new("/usr")), "UNSAFE_HOME");
    }
}

#[test]
fn a_key_file_of_another_user_is_refused() {
    let session = session();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(session.key_file(), Some(65534), None).unwrap();
        session.run(["get", "openrouter:one"]).sane(CANARY).failed("UNSAFE_KEY_FILE", 78);
    } else {
        // Readable by everyone, and owned by root.
        session
            .run(["get", "openrouter:one", "--key-file", "/etc/passwd"])
            .sane(CANARY)
            .failed("UNSAFE_KEY_FILE", 78);
    }
}

#[test]
fn key_and_passphrase_files_that_others_can_read_are_refused() {
    let session = session();
    let before = snapshot(&session.home());
    for open in [0o644, 0o640, 0o602, 0o660] {
        mode(session.key_file(), open);
        mode(session.path("pass"), open);
        for arguments in [&["verify"][..], &["verify", "--passphrase-file", "pass"]] {
            session.run(arguments).sane("made-up horse").failed("UNSAFE_KEY_FILE", 78);
        }
    }
    assert!(snapshot(&session.home()) == before);
}

#[test]
fn a_fifo_is_waited_for_nowhere() {
    let session = session();
    let fifo = session.path("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    for arguments in [
        &["verify", "--key-file", "fifo"][..],
        &["verify", "--passphrase-file", "fifo"],
        &["import", "fifo"],
        &["import", "-", "--bundle-identity", "fifo"],
        &["recover", "--recovery-key", "fifo"],
        &["export", "--passphrase", "--bundle-passphrase-file", "fifo", "--out", "bundle"],
        &["export", "--passphrase", "--bundle-passphrase-file", "pass", "--out", "fifo"],
        &["unlock-method", "add", "passphrase", "--new-passphrase-file", "fifo"],
        &["unlock-method", "add", "key-file", "--name", "x", "--new-key-file", "fifo"],
    ] {
        let begun = std::time::Instant::now();
        let ran = session.run(arguments).sane(CANARY);
        assert!(ran.status > 0 && begun.elapsed() < HANGS, "{arguments:?}: {}", ran.stderr);
    }
}
