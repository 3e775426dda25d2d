//! File systems that cannot make a directory durable, have no locks, are read-only, or keep foreign files; and
//! directories that no one would make.

use std::fs::Permissions;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::faults::{need, under};
use crate::session::{Ran, Session, kept, ran};

const KEY: &str = "made-up-key-of-the-file-systems";
const PASTE: &[&str] = &["paste-api-key", "--provider", "groq"];

fn session() -> Session {
    let session = Session::new();
    session.paste("openrouter:one", KEY);
    session
}

/// Returns the command with a call that fails on these paths, or on all paths if none is given.
fn injected(session: &Session, call: &str, error: &str, paths: &[&Path], arguments: &[&str]) -> Ran {
    need("strace", "strace");
    let trace = session.path("trace");
    let inject = format!("inject={call}:error={error}");
    let mut strace = vec!["strace", "-f", "-qq", "-o", trace.to_str().unwrap(), "-e", call, "-e", &inject];
    for path in paths {
        strace.extend(["-P", path.to_str().unwrap()]);
    }
    let ran = ran(under(strace, &session.command(arguments)), KEY.as_bytes());
    let traced = std::fs::read_to_string(&trace).unwrap();
    assert!(traced.contains("(INJECTED)"), "{call} was not met: {arguments:?}: {}{}", ran.stdout, ran.stderr);
    std::fs::remove_file(&trace).unwrap();
    ran
}

/// strace selects the failing call by its path. It cannot see the paths of an ordinary user's process, which is not
/// dumpable.
pub fn sees_paths() -> bool {
    let sees = rustix::process::geteuid().is_root();
    if !sees {
        println!("only root sees which paths a call is about");
    }
    sees
}

/// Returns every directory that is made durable.
fn directories(session: &Session) -> Vec<std::path::PathBuf> {
    let home = session.home();
    let agent = home.join("agents/main");
    let mut all = vec![home.clone(), home.join("unlock"), home.join("agents"), agent.clone()];
    all.extend([
        agent.join("records"),
        agent.join("txn.tmp"),
        agent.join("txn"),
        session.path(".config/strongroom"),
    ]);
    all
}

#[test]
fn a_directory_that_cannot_be_made_durable_is_no_error() {
    if !sees_paths() {
        return;
    }
    for error in ["EINVAL", "ENOSYS", "EOPNOTSUPP", "EBADF"] {
        let session = session();
        let directories = directories(&session);
        let paths: Vec<&Path> = directories.iter().map(std::path::PathBuf::as_path).collect();
        let done = |arguments: &[&str]| {
            injected(&session, "fsync", error, &paths, arguments).ok();
        };
        done(PASTE);
        assert_eq!(session.get("groq:default"), KEY);
        done(&["rotate", "groq:default"]);
        done(&["rename", "groq:default", "groq:other"]);
        done(&["rekey", "--yes"]);
        done(&["remove", "groq:other", "--yes"]);
        done(&["unlock-method", "add", "key-file", "--name", "other", "--new-key-file", "other"]);
        // `doctor` tries it, and says which guarantees are lost.
        let told = injected(&session, "fsync", error, &paths, &["doctor"]).ok().stdout;
        assert!(told.contains("cannot sync directories to disk") && told.contains("power loss"), "{told}");
        session.run(["verify"]).ok();
    }
}

#[test]
fn a_vault_is_made_where_directories_cannot_be_made_durable() {
    if !sees_paths() {
        return;
    }
    let session = Session::empty();
    // The root of the tree exists; paths that are created in it cannot be named in advance.
    let paths = directories(&session);
    let paths: Vec<&Path> = paths.iter().map(std::path::PathBuf::as_path).collect();
    injected(&session, "fsync", "EINVAL", &paths, &["init"]).ok();
    session.run(["verify"]).ok();
}

#[test]
fn without_a_barrier_for_the_file_system_each_file_is_made_durable() {
    let session = session();
    let variables = ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "GROQ_API_KEY", "XAI_API_KEY"];
    let more =
        ["MISTRAL_API_KEY", "CEREBRAS_API_KEY", "VOYAGE_API_KEY", "DEEPGRAM_API_KEY", "NVIDIA_API_KEY"];
    let and = [
        "TOGETHER_API_KEY",
        "HF_TOKEN",
        "ZAI_API_KEY",
        "MINIMAX_API_KEY",
        "CHUTES_API_KEY",
        "VENICE_API_KEY",
    ];
    let other =
        ["QIANFAN_API_KEY", "KILOCODE_API_KEY", "XIAOMI_API_KEY", "SYNTHETIC_API_KEY", "LITELLM_API_KEY"];
    let all = variables.into_iter().chain(more).chain(and).chain(other);
    let all: Vec<&str> = all.collect();
    let import = ["import", "keys.env", "--on-conflict", "replace", "--yes"];
    let under = |error: &str| {
        let text: String = all.iter().map(|name| format!("{name}=made-up-key-{error}-{name}\n")).collect();
        session.write("keys.env", text);
        injected(&session, "syncfs", error, &[], &import)
    };
    for error in ["ENOSYS", "EINVAL", "EOPNOTSUPP"] {
        under(error).ok();
    }
    session.run(["verify"]).ok();
    under("EIO").failed("IO", 74);
}

/// A broken disk is not treated as one that does not support the call.
#[test]
fn a_directory_that_fails_to_be_made_durable_is_an_error() {
    if !sees_paths() {
        return;
    }
    let session = session();
    let agent = session.home().join("agents/main");
    let told = injected(&session, "fsync", "EIO", &[&agent], PASTE).sane(KEY);
    // The change is committed by then, and the remaining work is reported.
    assert!(told.stderr.contains("Input/output error"), "{}", told.stderr);
}

/// For a file it is always an error, because its contents may not be stored anywhere.
#[test]
fn a_file_that_cannot_be_made_durable_is_an_error() {
    let session = session();
    for error in ["EINVAL", "ENOSYS", "EIO"] {
        injected(&session, "fsync", error, &[], PASTE).sane(KEY).failed("IO", 74);
        session.run(["get", "groq:default"]).failed("NOT_FOUND", 66);
    }
}

#[test]
fn without_locks_nothing_is_changed_and_everything_is_read() {
    let session = session();
    for error in ["ENOLCK", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EBADF"] {
        for arguments in [
            PASTE,
            &["remove", "openrouter:one", "--yes"],
            &["rekey", "--yes"],
            &["report", "openrouter:one", "--success"],
        ] {
            let before = kept(&session.home());
            let refused = injected(&session, "flock", error, &[], arguments).sane(KEY).failed("IO", 74);
            for part in ["has no locks", "--home", "local file system"] {
                assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
            }
            assert!(kept(&session.home()) == before, "{arguments:?} changed something");
        }
        let get = injected_maybe(&session, "flock", error, &["get", "openrouter:one"]);
        assert_eq!(get.ok().stdout.trim(), KEY);
        for arguments in [&["list"][..], &["status"], &["verify"], &["log"]] {
            injected_maybe(&session, "flock", error, arguments).ok();
        }
        let told = injected(&session, "flock", error, &[], &["doctor"]).failed("FINDINGS", 65).stdout;
        assert!(told.contains("has no locks") && !told.contains("No problems found"), "{told}");
    }
}

/// As [`injected`], for a command that may not make that call.
fn injected_maybe(session: &Session, call: &str, error: &str, arguments: &[&str]) -> Ran {
    let inject = format!("inject={call}:error={error}");
    let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", call, "-e", &inject];
    ran(under(strace, &session.command(arguments)), b"")
}

/// The queue before a lock is a courtesy; the lock alone is enough.
#[test]
fn without_locks_on_parts_of_files_the_lock_itself_is_waited_for() {
    if !sees_paths() {
        return;
    }
    for error in ["EINVAL", "ENOSYS", "ENOLCK"] {
        let session = session();
        let (lock, queue) = (session.agent_file("lock"), session.agent_file("lock.queue"));
        let mut holder = Command::new("flock");
        holder.arg(&lock).args(["sh", "-c", "echo held; read -r line"]);
        let mut holder = holder.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut held = [0; 5];
        holder.stdout.take().unwrap().read_exact(&mut held).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // The first process that waits creates the queue's file.
                while !queue.exists() {
                    std::thread::yield_now();
                }
                drop(holder.stdin.take());
                holder.wait().unwrap();
            });
            injected(&session, "fcntl", error, &[&queue], PASTE).ok();
        });
        assert_eq!(session.get("groq:default"), KEY);
        let told =
            injected(&session, "fcntl", error, &[&session.home().join("lock")], &["doctor"]).ok().stdout;
        assert!(told.contains("byte-range locks"), "{told}");
    }
}

/// A read-only home is reported as such; here the system's answer is faked.
#[test]
fn a_read_only_file_system_is_called_that() {
    if !sees_paths() {
        return;
    }
    let session = session();
    let refused = injected(&session, "openat", "EROFS", &[Path::new("lock")], PASTE);
    let refused = refused.sane(KEY).failed("IO", 74);
    assert!(refused.stderr.contains("read-only") && refused.stderr.contains("--home"), "{}", refused.stderr);
    for call in ["faccessat2", "faccessat"] {
        let told = injected_maybe(&session, call, "EROFS", &["doctor"]);
        if told.status != 0 {
            assert!(told.stdout.contains("read-only"), "{}", told.stdout);
            assert!(!told.stdout.contains("No problems found"));
            return;
        }
    }
    panic!("doctor is content with a read-only file system");
}

/// A real read-only mount, if the machine allows it.
#[test]
fn a_read_only_mount_is_read_and_not_written() {
    let session = session();
    let home = session.home();
    let script =
        format!("mount --bind {0} {0} && mount -o remount,bind,ro {0} && exec \"$@\"", home.display());
    let mounted = |arguments: &[&str]| {
        let tool = ["unshare", "--mount", "sh", "-c", &script, "sh"];
        ran(under(tool, &session.command(arguments)), KEY.as_bytes())
    };
    if mounted(&["--version"]).status != 0 {
        println!("no mount can be made here; the injected one shows the same");
        return;
    }
    assert_eq!(mounted(&["get", "openrouter:one"]).ok().stdout.trim(), KEY);
    mounted(&["verify"]).ok();
    let refused = mounted(PASTE).failed("IO", 74);
    assert!(refused.stderr.contains("mounted read-only"), "{}", refused.stderr);
    assert!(refused.stderr.contains(home.to_str().unwrap()), "{}", refused.stderr);
    let told = mounted(&["doctor"]).failed("FINDINGS", 65).stdout;
    assert!(told.contains("mounted read-only") && !told.contains("No problems found"), "{told}");
}

const FOREIGN: [&str; 16] = [
    ".nfs000000000001a2b300000001",
    ".fuse_hidden0000002a00000001",
    ".DS_Store",
    "._openrouter_3aone.age",
    "openrouter_3aone (Jane's conflicted copy 2026-11-20).age",
    "openrouter_3aone.sync-conflict-20261120-101500-ABCDEF2.age",
    "openrouter_3aone-DESKTOP-AB12.age",
    "openrouter_3aone.age~",
    ".openrouter_3aone.age.swp",
    ".#openrouter_3aone.age",
    "~$openrouter_3aone.age",
    "Thumbs.db",
    "desktop.ini",
    "lost+found",
    ".stfolder",
    ".openrouter_3aone.age.Ab12Cd",
];

#[test]
fn foreign_files_are_notes_and_stay() {
    let session = session();
    let home = session.home();
    let places = ["", "unlock", "agents", "agents/main", "agents/main/records"];
    for place in places {
        for name in FOREIGN {
            let path = home.join(place).join(name);
            if ["lost+found", ".stfolder"].contains(&name) {
                std::fs::create_dir(path).unwrap();
            } else {
                std::fs::write(path, "of another program").unwrap();
            }
        }
    }
    let verified = session.run(["verify", "--json"]).ok().json();
    let findings = verified["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["notice"] == true), "{findings:#?}");
    for name in FOREIGN {
        let told = findings.iter().filter(|finding| finding["what"].as_str().unwrap().contains(name)).count();
        assert!(told >= 4, "{name} was told {told} times");
    }
    let doctor = session.run(["doctor"]).ok().stdout;
    assert!(doctor.contains("No problems found") && doctor.contains(".DS_Store"), "{doctor}");
    // No change touches them, and they block none.
    session.run(["doctor", "--repair"]).ok();
    session.paste("openrouter:one", "made-up-next");
    session.run(["rename", "openrouter:one", "openrouter:new"]).ok();
    session.run(["rekey", "--yes"]).ok();
    session.run(["list"]).ok();
    assert_eq!(session.get("openrouter:new"), "made-up-next");
    for place in places {
        for name in FOREIGN {
            assert!(home.join(place).join(name).exists(), "{place}/{name} is gone");
        }
    }
}

/// A conflict copy of a program that synchronizes directories may contain the newer secret.
#[test]
fn a_copy_of_a_record_is_told_with_what_it_holds() {
    let session = session();
    let (record, copy) = (
        session.agent_file("records/openrouter_3aone.age"),
        session.agent_file("records/openrouter_3aone.sync-conflict-20261120-101500-ABCDEF2.age"),
    );
    std::fs::copy(&record, &copy).unwrap();
    let same = session.run(["verify"]).ok().stdout;
    assert!(same.contains("a copy of openrouter:one") && same.contains("the same"), "{same}");
    assert!(same.contains("rm "), "{same}");
    session.paste("openrouter:one", "made-up-next");
    let older = session.run(["verify"]).ok().sane(KEY).stdout;
    assert!(older.contains("older than the profile, with another secret"), "{older}");
    assert!(older.contains("age -d -i -"), "{older}");
    // The other machine's record was newer, and this machine's record is in its place.
    let newer = std::fs::read(&record).unwrap();
    std::fs::copy(&copy, &record).unwrap();
    std::fs::write(&copy, newer).unwrap();
    let newer = session.run(["verify"]).failed("FINDINGS", 65).stdout;
    assert!(newer.contains("newer than the profile, with another secret"), "{newer}");
    assert!(session.run(["doctor"]).stdout.contains("a copy of openrouter:one"));
}

#[test]
fn directories_one_in_the_other_are_swept_however_deep() {
    let session = session();
    let stage = session.agent_file("txn.tmp");
    std::fs::create_dir(&stage).unwrap();
    let mut dir = std::fs::File::open(&stage).map(std::os::fd::OwnedFd::from).unwrap();
    for level in 0..4000 {
        let name = if level % 2 == 0 { "d" } else { "removed-7" };
        rustix::fs::mkdirat(&dir, name, rustix::fs::Mode::RWXU).unwrap();
        rustix::fs::symlinkat("/etc", &dir, "link").unwrap();
        dir = rustix::fs::openat(&dir, name, rustix::fs::OFlags::RDONLY, rustix::fs::Mode::empty()).unwrap();
    }
    drop(dir);
    // Names that are not text, and many of them.
    for n in 0..3000u32 {
        use std::os::unix::ffi::OsStrExt;
        let name = [&[0xff, 0xfe][..], n.to_string().as_bytes()].concat();
        std::fs::write(stage.join(std::ffi::OsStr::from_bytes(&name)), "").unwrap();
    }
    let limit = ["prlimit", "--nofile=24"];
    ran(under(limit, &session.command(PASTE)), KEY.as_bytes()).ok();
    assert!(!stage.exists());
    assert_eq!(session.get("groq:default"), KEY);
    assert!(Path::new("/etc/passwd").exists());
}

/// A mode that the user set keeps even the cleanup out, and that is reported.
#[test]
fn a_directory_that_cannot_be_swept_is_told() {
    let session = session();
    let locked = session.agent_file("txn.tmp/locked");
    std::fs::create_dir_all(locked.join("inside")).unwrap();
    std::fs::set_permissions(&locked, Permissions::from_mode(0o0)).unwrap();
    let ran = session.feed(KEY, PASTE);
    if rustix::process::geteuid().is_root() {
        ran.ok();
    } else {
        let refused = ran.failed("IO", 74);
        assert!(
            refused.stderr.contains("permission denied") && refused.stderr.contains("chmod"),
            "{}",
            refused.stderr
        );
        std::fs::set_permissions(&locked, Permissions::from_mode(0o700)).unwrap();
    }
}
