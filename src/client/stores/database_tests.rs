//! A database is read in every state that the client leaves it in, nothing of it is changed, and a hostile one costs
//! bounded time.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rustix::fs::{CWD, FileType, mknodat};

use super::fixture::{PLAIN, TABLES, database, store};
use super::tables;
use crate::error::{Code, Result};
use crate::secret::Buffer;

/// Everything that tells whether a file was changed, but its access time.
type Snapshot = BTreeMap<String, (Vec<u8>, (i64, i64), (i64, i64), u32)>;

fn snapshot(directory: &Path) -> Snapshot {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let one = |path: &Path| {
        let meta = path.symlink_metadata().unwrap();
        let bytes = if meta.is_file() { std::fs::read(path).unwrap() } else { Vec::new() };
        let changed = (meta.ctime(), meta.ctime_nsec());
        // SQLite as root gives the log and the shared memory to the owner of the database, which they belong to.
        let changed = if rustix::process::geteuid().is_root() { (0, 0) } else { changed };
        (bytes, (meta.mtime(), meta.mtime_nsec()), changed, meta.mode())
    };
    entries.map(|entry| (entry.file_name().into_string().unwrap(), one(&entry.path()))).collect()
}

/// Reads the profiles of a database, and checks that no file beside it was changed, made or removed.
///
/// The shared memory is left out if a writer of this process has it open: SQLite then uses the writer's descriptor, and
/// notes in it which part of the log is read. `tests/real/openclaw-sqlite.sh` has a writer of its own process.
fn read(path: &Path) -> Result<Option<String>> {
    let has_writer = |name: &str| name.ends_with("-shm") && path.parent().unwrap().join("live").exists();
    let look = || {
        let mut all = snapshot(path.parent().unwrap());
        all.retain(|name, _| !has_writer(name));
        all
    };
    let before = look();
    let rows = tables::of_agent(path);
    assert!(look() == before, "a file was changed");
    let text = |bytes: Buffer| bytes.expose_str().unwrap().to_owned();
    Ok(rows?.and_then(|rows| rows.profiles).map(text))
}

fn refusal(path: &Path) -> Code {
    read(path).unwrap_err().code()
}

fn copy(from: &Path, to: &Path, suffixes: &[&str]) -> PathBuf {
    std::fs::create_dir_all(to).unwrap();
    for suffix in suffixes {
        let name = format!("openclaw-agent.sqlite{suffix}");
        std::fs::copy(from.with_file_name(&name), to.join(name)).unwrap();
    }
    to.join("openclaw-agent.sqlite")
}

/// Makes a database with a writer, and a mark that it has one.
fn live(directory: &Path, sql: &str) -> (PathBuf, Connection) {
    let made = database(directory, sql);
    std::fs::write(directory.join("live"), "").unwrap();
    made
}

fn names(directory: &Path) -> Vec<String> {
    snapshot(directory).into_keys().collect()
}

#[test]
fn a_database_is_read_in_every_state_that_the_client_leaves_it_in() {
    let root = tempfile::tempdir().unwrap();
    let (path, writer) = live(&root.path().join("live"), TABLES);
    assert_eq!(read(&path).unwrap(), None);
    store(&writer, "old");
    writer.execute_batch("PRAGMA wal_checkpoint;").unwrap();
    store(&writer, PLAIN);
    // The newest value is only in the log.
    assert_eq!(read(&path).unwrap().as_deref(), Some(PLAIN));
    writer.execute_batch("BEGIN IMMEDIATE;").unwrap();
    store(&writer, "not committed");
    assert_eq!(read(&path).unwrap().as_deref(), Some(PLAIN));
    writer.execute_batch("ROLLBACK;").unwrap();

    for (name, suffixes, expected) in [
        ("killed", &["", "-wal", "-shm"][..], PLAIN),
        ("copied", &["", "-wal"], PLAIN),
        ("alone", &[""], "old"),
        ("shared memory is left", &["", "-shm"], "old"),
        ("odd ?#%é name", &["", "-wal", "-shm"], PLAIN),
    ] {
        let copied = copy(&path, &root.path().join(name), suffixes);
        assert_eq!(read(&copied).unwrap().as_deref(), Some(expected), "{name}");
        let directory = copied.parent().unwrap();
        for entry in std::fs::read_dir(directory).unwrap() {
            let read_only = std::fs::Permissions::from_mode(0o400);
            std::fs::set_permissions(entry.unwrap().path(), read_only).unwrap();
        }
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o500)).unwrap();
        assert_eq!(read(&copied).unwrap().as_deref(), Some(expected), "{name}, read-only");
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let emptied = copy(&path, &root.path().join("emptied"), &["", "-wal", "-shm"]);
    std::fs::write(emptied.with_file_name("openclaw-agent.sqlite-wal"), "").unwrap();
    assert_eq!(read(&emptied).unwrap().as_deref(), Some("old"));

    writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    assert_eq!(read(&path).unwrap().as_deref(), Some(PLAIN));
    drop(writer);
    assert_eq!(names(path.parent().unwrap()), ["live", "openclaw-agent.sqlite"]);
    assert_eq!(read(&path).unwrap().as_deref(), Some(PLAIN));
    let linked = root.path().join("linked.sqlite");
    std::os::unix::fs::symlink(&path, &linked).unwrap();
    assert_eq!(read(&linked).unwrap().as_deref(), Some(PLAIN));
    assert_eq!(read(&root.path().join("none.sqlite")).unwrap(), None);
}

#[test]
fn a_writer_and_a_reader_never_wait_for_each_other() {
    let root = tempfile::tempdir().unwrap();
    let (path, writer) = live(root.path(), TABLES);
    writer.execute_batch("PRAGMA wal_autocheckpoint = 3;").unwrap();
    store(&writer, "0");
    let done = AtomicBool::new(false);
    let value = || {
        let rows = tables::of_agent(&path).unwrap().unwrap();
        rows.profiles.unwrap().expose_str().unwrap().parse::<u32>().unwrap()
    };
    let seen = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = Vec::new();
            while !done.load(Ordering::Relaxed) || seen.len() < 100 {
                seen.push(value());
            }
            seen
        });
        (1..=1000).for_each(|value: u32| store(&writer, &value.to_string()));
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    assert!(seen.is_sorted(), "{} reads", seen.len());
    assert_eq!(value(), 1000);
}

#[test]
fn what_stands_in_place_of_a_table_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let endless =
        "WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n) SELECT 'primary', max(x), 1 FROM n";
    for (number, sql) in [
        format!("CREATE VIEW auth_profile_store(store_key, store_json, updated_at) AS {endless}"),
        "PRAGMA writable_schema = 1; INSERT INTO sqlite_schema VALUES ('table', 'auth_profile_store',
            'auth_profile_store', 0, 'CREATE VIRTUAL TABLE auth_profile_store USING fts5(store_key, store_json)')"
            .to_owned(),
        "CREATE TABLE auth_profile_store(store_key, updated_at, store_json AS (hex(zeroblob(9000000))))"
            .to_owned(),
        "CREATE TABLE auth_profile_store(store_key, store_json AS (store_key) STORED)".to_owned(),
        "CREATE TABLE auth_profile_store(store_key)".to_owned(),
        "CREATE TABLE x(a); CREATE INDEX Auth_Profile_Store ON x(a)".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let (path, _writer) = live(&root.path().join(number.to_string()), sql);
        assert_eq!(refusal(&path), Code::BadData, "{sql}");
    }
    // Triggers and views elsewhere do not run.
    let sql = format!(
        "{TABLES} CREATE VIEW other AS {endless};
        CREATE TRIGGER t AFTER INSERT ON auth_profile_state BEGIN DELETE FROM auth_profile_store; END;"
    );
    let (path, writer) = live(&root.path().join("triggers"), &sql);
    store(&writer, PLAIN);
    assert_eq!(read(&path).unwrap().as_deref(), Some(PLAIN));
}

#[test]
fn sizes_are_bounded() {
    let root = tempfile::tempdir().unwrap();
    let (path, writer) = live(root.path(), TABLES);
    let fits = "x".repeat(15 * 1024 * 1024);
    store(&writer, &fits);
    assert_eq!(read(&path).unwrap().map(|text| text.len()), Some(fits.len()));
    store(&writer, &"x".repeat(17 * 1024 * 1024));
    assert_eq!(refusal(&path), Code::TooLarge);
    writer.execute("DELETE FROM auth_profile_store", []).unwrap();
    let many = "WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n WHERE x < 10001)
        INSERT INTO secret_store_entries SELECT 'team', '', x, 'v', 'secret', 1, 1, NULL, NULL, NULL FROM n";
    writer.execute(many, []).unwrap();
    assert_eq!(tables::shared(&path).unwrap_err().code(), Code::TooLarge);
    writer.execute("DELETE FROM secret_store_entries WHERE name = '7'", []).unwrap();
    assert_eq!(tables::shared(&path).unwrap().unwrap().named.len(), 10_000);
}

#[test]
fn what_is_no_database_is_refused_at_once() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("openclaw-agent.sqlite");
    std::fs::write(&path, "canary ".repeat(1000)).unwrap();
    let error = read(&path).unwrap_err();
    assert_eq!(error.code(), Code::BadData);
    assert!(!error.what().contains("canary"), "{error}");
    // SQLite itself would delete the log of an empty database.
    std::fs::write(&path, "").unwrap();
    std::fs::write(root.path().join("openclaw-agent.sqlite-wal"), "log").unwrap();
    assert_eq!(read(&path).unwrap(), None);
    assert_eq!(names(root.path()).len(), 2);

    let (good, writer) = live(&root.path().join("good"), TABLES);
    store(&writer, PLAIN);
    for suffix in ["", "-wal", "-shm"] {
        for kind in ["fifo", "link", "directory"] {
            let copied = copy(&good, &root.path().join(format!("{kind}{suffix}")), &["", "-wal", "-shm"]);
            let place = copied.with_file_name(format!("openclaw-agent.sqlite{suffix}"));
            std::fs::remove_file(&place).unwrap();
            match kind {
                "fifo" => mknodat(CWD, &place, FileType::Fifo, 0o600.into(), 0).unwrap(),
                "link" => std::os::unix::fs::symlink("/dev/zero", &place).unwrap(),
                _ => std::fs::create_dir(&place).unwrap(),
            }
            assert_eq!(refusal(&copied), Code::UnsafeFile, "{kind}{suffix}");
        }
    }
    let unfinished = copy(&good, &root.path().join("unfinished"), &[""]);
    std::fs::write(unfinished.with_file_name("openclaw-agent.sqlite-journal"), "journal").unwrap();
    assert_eq!(refusal(&unfinished), Code::LockTimeout);
}

#[test]
fn damage_is_found_in_bounded_time() {
    let root = tempfile::tempdir().unwrap();
    let (path, writer) = live(&root.path().join("good"), TABLES);
    store(&writer, &PLAIN.replace("made-up", &"x".repeat(30_000)));
    drop(writer);
    let good = std::fs::read(&path).unwrap();
    let damaged = root.path().join("openclaw-agent.sqlite");
    let (mut refused, mut seed) = (0, 7_u64);
    let mut random = move |bound: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % bound as u64).unwrap()
    };
    let begun = Instant::now();
    for round in 0..300 {
        let mut bytes = good.clone();
        match round % 3 {
            0 => bytes.truncate(1 + random(good.len() - 1)),
            // Headers of pages, where their pointers are.
            1 => (0..4).for_each(|_| bytes[random(good.len() / 4096) * 4096 + random(32)] = 0xff),
            _ => (0..20).for_each(|_| bytes[random(good.len())] = u8::try_from(random(256)).unwrap()),
        }
        std::fs::write(&damaged, bytes).unwrap();
        refused += usize::from(tables::of_agent(&damaged).is_err());
    }
    assert!(refused > 100, "{refused}");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn a_log_is_not_written_into_the_database_by_a_reader() {
    let root = tempfile::tempdir().unwrap();
    let (path, writer) = live(&root.path().join("live"), TABLES);
    store(&writer, PLAIN);
    let copied = copy(&path, &root.path().join("killed"), &["", "-wal", "-shm"]);
    assert_eq!(read(&copied).unwrap().as_deref(), Some(PLAIN));
    // The next program of the client restores everything.
    let next = Connection::open(&copied).unwrap();
    let count: i64 = next.query_row("SELECT count(*) FROM auth_profile_store", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
}
