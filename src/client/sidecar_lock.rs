//! The client's own lock on a file, which it keeps as another file beside it: `auth-profiles.json.lock`.
//!
//! Observed in OpenClaw 2026.2.26 to 2026.6.1: the lock is held while that file exists. It says in JSON which process
//! holds it, and since when; 2026.6.1 also writes the process's start time, by which it tells a process from a later
//! one with the same number. Up to 2026.2.3 it was a directory without contents.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::Pid;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::messages::connect as messages;
use crate::time::{self, SECOND};

/// What the client appends to the name of the locked file.
const SUFFIX: &str = ".lock";
/// After this time, in milliseconds, the client takes over a lock that names no process.
const STALE_MS: i64 = 30 * SECOND;
/// How often a lock that is held is looked at. The client's own first pause is 100 ms.
const PAUSE: Duration = Duration::from_millis(20);
/// The largest lock file that is read, in bytes.
const MAX: u64 = 4096;

/// What the lock's file says.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Holder {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pid: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    /// In clock ticks since the machine was started.
    #[serde(default, rename = "starttime", skip_serializing_if = "Option::is_none")]
    start_time: Option<u64>,
}

/// The lock, until it is dropped.
#[derive(Debug)]
pub struct SidecarLock {
    path: PathBuf,
    text: String,
}

/// Who holds a lock, and whether it is left from a process that is gone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// The lock's file.
    pub path: PathBuf,
    /// The process that it names.
    pub pid: Option<i32>,
    /// Whether the client itself would take it over.
    pub stale: bool,
    /// For how long it has been held, in milliseconds, if that can be told.
    pub age: Option<i64>,
}

impl Held {
    /// Returns whether it has been held for longer than any change of the client takes.
    #[must_use]
    pub fn is_old(&self) -> bool {
        self.age.is_some_and(|age| age > STALE_MS)
    }
}

impl SidecarLock {
    /// Takes the lock on a file, whose directory exists. `now` is in Unix milliseconds.
    ///
    /// # Errors
    /// `LOCK_TIMEOUT` if another process holds it for longer than `limit`; `IO`.
    pub fn take(file: &Path, now: i64, limit: Duration) -> Result<Self> {
        let path = path_of(file);
        let own = std::process::id().cast_signed();
        let holder =
            Holder { pid: Some(own), created_at: Some(time::rfc3339(now)), start_time: start_time(own) };
        let text = serde_json::to_string_pretty(&holder).map_err(|_| messages::lock_not_written())?;
        let begun = Instant::now();
        loop {
            match create(&path, &text) {
                Ok(()) => return Ok(Self { path, text }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(messages::lock_not_made(&path, &error)),
            }
            match Seen::at(&path) {
                Some(seen) if seen.is_stale() => seen.take_over(&path)?,
                Some(seen) if begun.elapsed() >= limit => {
                    return Err(messages::locked_by_client(&path, seen.holder.pid, limit));
                }
                Some(_) => std::thread::sleep(PAUSE),
                // It was released just now.
                None => {}
            }
        }
    }
}

impl Drop for SidecarLock {
    fn drop(&mut self) {
        // A client that took it over has one of its own there.
        if fs::read_to_string(&self.path).is_ok_and(|text| text == self.text) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Returns who holds the lock on a file, if it is held. `now` is in Unix milliseconds.
#[must_use]
pub fn held(file: &Path, now: i64) -> Option<Held> {
    let path = path_of(file);
    let seen = Seen::at(&path)?;
    let since = seen.holder.created_at.as_deref().and_then(time::parse_instant).map(|at| at.ms);
    let age = since.map_or_else(|| seen.age(), |since| Some(now.saturating_sub(since)));
    Some(Held { pid: seen.holder.pid, stale: seen.is_stale(), age, path })
}

/// Returns the lock's file. The client resolves links in the directory, and not in the name.
fn path_of(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned() + SUFFIX;
    let directory = file.parent().unwrap_or_else(|| Path::new("."));
    fs::canonicalize(directory).unwrap_or_else(|_| directory.to_path_buf()).join(name)
}

/// Makes the lock's file with its contents at once: the client takes over one that it cannot read.
fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let staged = of_this_thread(path, "tmp");
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _ = fs::remove_file(&staged);
    let written = options.open(&staged).and_then(|mut file| file.write_all(text.as_bytes()));
    let linked = written.and_then(|()| fs::hard_link(&staged, path));
    let _ = fs::remove_file(&staged);
    match linked {
        // A file system without hard links.
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::PermissionDenied) => {
            options.open(path)?.write_all(text.as_bytes())
        }
        linked => linked,
    }
}

/// Returns a name beside the lock that no other process or thread uses.
fn of_this_thread(path: &Path, what: &str) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    path.with_extension(format!("lock.{}-{count}.{what}", std::process::id()))
}

/// A lock as it was seen.
struct Seen {
    text: Option<String>,
    holder: Holder,
    modified: Option<SystemTime>,
}

impl Seen {
    /// Returns what is there; `None` if nothing is.
    fn at(path: &Path) -> Option<Self> {
        let meta = fs::symlink_metadata(path).ok()?;
        let text = (meta.is_file() && meta.len() <= MAX).then(|| fs::read_to_string(path).ok()).flatten();
        let holder = text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Some(Self { text, holder, modified: meta.modified().ok() })
    }

    /// Returns whether the client would take it over: if its process is gone, or if it names none and is old.
    fn is_stale(&self) -> bool {
        if let Some(pid) = self.holder.pid {
            let other = |was: u64| start_time(pid).is_some_and(|is| is != was);
            return self.holder.start_time.is_some_and(other) || is_gone(pid);
        }
        self.age().is_some_and(|age| age > STALE_MS)
    }

    /// Returns how long ago its file was written, in milliseconds.
    fn age(&self) -> Option<i64> {
        i64::try_from(self.modified?.elapsed().ok()?.as_millis()).ok()
    }

    /// Removes it, unless it has become another one meanwhile.
    fn take_over(&self, path: &Path) -> Result<()> {
        let aside = of_this_thread(path, "stale");
        let failed = |error: std::io::Error| -> Result<()> {
            if error.kind() == ErrorKind::NotFound {
                Ok(())
            } else {
                Err(messages::lock_not_made(path, &error))
            }
        };
        // Of several that find it, one gets it by the rename.
        if let Err(error) = fs::rename(path, &aside) {
            return failed(error);
        }
        let Some(text) = &self.text else {
            // The directory of an old client, which is empty.
            return fs::remove_dir(&aside).or_else(|_| fs::remove_file(&aside)).or_else(failed);
        };
        if fs::read_to_string(&aside).is_ok_and(|now| now != *text) {
            let _ = fs::hard_link(&aside, path);
        }
        fs::remove_file(&aside).or_else(failed)
    }
}

/// Returns whether a process no longer runs.
fn is_gone(pid: i32) -> bool {
    let Some(of) = Pid::from_raw(pid) else { return true };
    match rustix::process::test_kill_process(of) {
        Err(rustix::io::Errno::SRCH) => true,
        _ => state_and_start(pid).is_some_and(|(state, _)| state == "Z"),
    }
}

fn start_time(pid: i32) -> Option<u64> {
    state_and_start(pid)?.1
}

/// Returns a process's state and start time, of Linux's `/proc/PID/stat` (proc_pid_stat(5), fields 3 and 22).
fn state_and_start(pid: i32) -> Option<(String, Option<u64>)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.to_owned();
    Some((state, fields.nth(18).and_then(|field| field.parse().ok())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn file() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("auth-profiles.json");
        (directory, file)
    }

    fn take(file: &Path) -> Result<SidecarLock> {
        SidecarLock::take(file, 1_790_000_000_000, Duration::ZERO)
    }

    #[test]
    fn a_lock_is_held_until_it_is_dropped_and_leaves_nothing() {
        let (directory, file) = file();
        let lock = take(&file).unwrap();
        let text = fs::read_to_string(directory.path().join("auth-profiles.json.lock")).unwrap();
        let says: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(says["pid"], std::process::id());
        assert_eq!(says["createdAt"], "2026-09-21T14:13:20.000Z");
        assert!(!cfg!(target_os = "linux") || says["starttime"].is_u64(), "{text}");
        assert_eq!(take(&file).unwrap_err().code(), Code::LockTimeout);
        let is_old = |now| held(&file, now).is_some_and(|held| !held.stale && held.is_old());
        assert!(!is_old(1_790_000_030_000) && is_old(1_790_000_030_001));
        drop(lock);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        drop(take(&file).unwrap());
    }

    #[test]
    fn a_lock_of_a_process_that_is_gone_is_taken_over() {
        let (directory, file) = file();
        let path = directory.path().join("auth-profiles.json.lock");
        let own = std::process::id();
        let reused = format!(r#"{{"pid":{own},"createdAt":"2026-01-01T00:00:00.000Z","starttime":1}}"#);
        for text in [r#"{"pid":2147483646,"createdAt":"2026-01-01T00:00:00.000Z"}"#, &reused] {
            fs::write(&path, text).unwrap();
            assert!(held(&file, 0).is_some_and(|held| held.stale), "{text}");
            drop(take(&file).unwrap());
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        }
        // One that is alive keeps it, however old it is.
        fs::write(&path, format!(r#"{{"pid":{own},"createdAt":"2020-01-01T00:00:00.000Z"}}"#)).unwrap();
        assert_eq!(take(&file).unwrap_err().code(), Code::LockTimeout);
    }

    #[test]
    fn a_lock_that_names_no_process_is_taken_over_when_it_is_old() {
        let (directory, file) = file();
        let path = directory.path().join("auth-profiles.json.lock");
        let age = |seconds| {
            let at = SystemTime::now() - Duration::from_secs(seconds);
            fs::File::open(&path).unwrap().set_modified(at).unwrap();
        };
        fs::write(&path, "").unwrap();
        assert_eq!(take(&file).unwrap_err().code(), Code::LockTimeout);
        age(40);
        drop(take(&file).unwrap());
        // The directory of a client up to 2026.2.3.
        fs::create_dir(&path).unwrap();
        assert_eq!(take(&file).unwrap_err().code(), Code::LockTimeout);
        age(40);
        drop(take(&file).unwrap());
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_lock_that_was_taken_over_is_not_removed() {
        let (directory, file) = file();
        let path = directory.path().join("auth-profiles.json.lock");
        let lock = take(&file).unwrap();
        fs::write(&path, "{}").unwrap();
        drop(lock);
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}");
    }

    #[test]
    fn of_many_one_at_a_time_has_it() {
        let (directory, file) = file();
        let inside = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        let lock = SidecarLock::take(&file, 0, Duration::from_secs(60)).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
