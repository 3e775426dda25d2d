//! Kernel locks on files that are never renamed. A holder that is killed releases them.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::dir::Dir;
use super::queue;
use crate::{StoreError, deadline};

/// The name of the lock's file in its directory.
pub const FILE: &str = "lock";
/// The name of the file in which the holder says who it is.
pub const HOLDER: &str = "lock.holder";
const HOLDER_MAX: usize = 512;
/// How long a wait lasts before it is reported, so that a command that waits does not seem to hang.
const TOLD_AFTER: Duration = Duration::from_secs(1);
/// Overwrites the first byte of a holder that has released the lock. No process id begins with it.
const RELEASED: &[u8] = b"-";

/// Whether others may hold the lock at the same time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// With other shared holders.
    Shared,
    /// Without any other holder.
    Exclusive,
}

/// The process that says that it holds a lock. This is only advice: the kernel's lock is what counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// When it took the lock, in Unix milliseconds.
    pub since: i64,
    /// The command that it runs.
    pub command: String,
}

impl Holder {
    fn is_running(&self) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw);
        pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.trim_end().splitn(3, ' ');
        let pid = words.next()?.parse().ok()?;
        let since = words.next()?.parse().ok()?;
        let command: String =
            words.next()?.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
        Some(Self { pid, since, command })
    }
}

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    // Fields are dropped in this order, so that the lock is never released while this process counts it as held.
    _shared: Option<again::FileHold>,
    // Closing the file releases the lock.
    _file: File,
    holder: Option<File>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A later shared holder does not name itself, and this process's id may then belong to another process.
        if let Some(mut holder) = self.holder.take() {
            let _ = holder.seek(SeekFrom::Start(0)).and_then(|_| holder.write_all(RELEASED));
        }
    }
}

/// Takes the lock of a directory after everyone who already waits, and waits at most `limit`.
///
/// The wait is a blocking call on a thread, because polling would starve some. Shared and exclusive requests wait in
/// the same queue, so that neither kind starves the other. A process that holds the lock shared gets it shared again
/// without the queue, because someone in the queue may wait for that process.
///
/// # Errors
/// `LockTimeout` with the holder as it names itself; `Unsafe` and `Io` for the lock's file.
pub fn take(dir: &Dir, mode: Mode, limit: Duration, me: &Holder) -> Result<Lock, StoreError> {
    take_telling(dir, mode, limit, me, &|_| ())
}

/// As [`take`]. If the lock is not free within a second, calls `tell` once with the process that says that it holds it.
///
/// # Errors
/// Those of [`take`].
pub fn take_telling(
    dir: &Dir,
    mode: Mode,
    limit: Duration,
    me: &Holder,
    tell: &dyn Fn(Option<&Holder>),
) -> Result<Lock, StoreError> {
    let file = dir.open_or_create(FILE)?;
    let shared =
        if mode == Mode::Shared { Some(again::File::of(&file).map_err(|e| dir.io(FILE, e))?) } else { None };
    let is_next = shared.is_some_and(again::File::is_held) || queue::is_empty(dir)?;
    let file = match if is_next { try_now(&file, mode) } else { Err(fs2::lock_contended_error()) } {
        Ok(()) => file,
        Err(error) if is_contended(&error) => wait(dir, file, mode, limit, tell)?,
        Err(error) => return Err(failed(dir, error)),
    };
    let holder = (mode == Mode::Exclusive)
        .then(|| dir.scribble(HOLDER, format!("{} {} {}\n", me.pid, me.since, me.command).as_bytes()))
        // This is advice only: a full disk must not keep anyone from the lock.
        .and_then(Result::ok);
    Ok(Lock { _shared: shared.map(again::File::hold), _file: file, holder })
}

/// Returns whether any process holds the lock exclusively now.
///
/// # Errors
/// `Unsafe` and `Io` for the lock's file.
pub fn is_held(dir: &Dir) -> Result<bool, StoreError> {
    let Some(_) = dir.kind(FILE)? else { return Ok(false) };
    let file = dir.open_or_create(FILE)?;
    match try_now(&file, Mode::Shared) {
        Ok(()) => Ok(false),
        Err(error) if is_contended(&error) => Ok(true),
        Err(error) => Err(failed(dir, error)),
    }
}

/// Returns the processes that the kernel says hold the lock of a directory exclusively. Unlike the holder's own words, no one
/// who writes files can make them up. Empty if the kernel does not tell: other systems, and other namespaces of processes.
#[must_use]
pub fn holders(dir: &Dir) -> Vec<u32> {
    let inode = || dir.open_for_reading(FILE).ok()?.metadata().ok().map(|meta| inode_of(&meta));
    let Some(inode) = inode() else { return Vec::new() };
    let told = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    told.lines().filter_map(|line| exclusive(line, inode)).collect()
}

/// Returns the process of a line of `/proc/locks`, if it holds a file exclusively. The device is not compared: some file systems
/// tell another one there than `stat` does.
fn exclusive(line: &str, inode: u64) -> Option<u32> {
    let [_, "FLOCK", "ADVISORY", "WRITE", process, place, ..] =
        line.split_whitespace().collect::<Vec<_>>()[..]
    else {
        return None;
    };
    let of = place.rsplit(':').next()?.parse::<u64>().ok()?;
    (of == inode).then(|| process.parse().ok()).flatten()
}

#[cfg(unix)]
fn inode_of(meta: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

#[cfg(not(unix))]
const fn inode_of(_: &std::fs::Metadata) -> u64 {
    0
}

/// Returns whether the file system supports the queue, so that processes get the lock in turn. Without it the kernel
/// gives the lock to any process that waits.
#[must_use]
pub fn is_queued(dir: &Dir) -> bool {
    // Any file will do: the queue's own exists only after someone has waited.
    dir.open_for_reading(FILE).is_ok_and(|file| queue::is_possible(&file))
}

/// Converts an error of the lock's file, and recognizes those that mean that there are no locks.
fn failed(dir: &Dir, error: io::Error) -> StoreError {
    use rustix::io::Errno;
    match Errno::from_io_error(&error) {
        // No lock service, no support in the file system or the kernel, and what a few network file systems return
        // instead. The descriptor and the operation are valid.
        Some(Errno::NOLCK | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::BADF) => {
            StoreError::NoLocks { path: dir.path_of(FILE), source: error }
        }
        _ => dir.io(FILE, error),
    }
}

pub(crate) fn try_now(file: &File, mode: Mode) -> io::Result<()> {
    match mode {
        Mode::Shared => fs2::FileExt::try_lock_shared(file),
        Mode::Exclusive => fs2::FileExt::try_lock_exclusive(file),
    }
}

pub(crate) fn is_contended(error: &io::Error) -> bool {
    error.raw_os_error() == fs2::lock_contended_error().raw_os_error()
}

fn wait(
    dir: &Dir,
    file: File,
    mode: Mode,
    limit: Duration,
    tell: &dyn Fn(Option<&Holder>),
) -> Result<File, StoreError> {
    let begun = Instant::now();
    let tell = || tell(holder_of(dir).as_ref());
    let answer = if limit.is_zero() { None } else { wait_in_turn(dir, file, mode, limit, &tell)? };
    match answer {
        Some(Ok(file)) => Ok(file),
        Some(Err(error)) => Err(failed(dir, error)),
        None => Err(StoreError::LockTimeout {
            path: dir.path_of(FILE),
            holder: holder_of(dir),
            waited: begun.elapsed(),
        }),
    }
}

/// Returns the process that says that it holds a directory's lock.
fn holder_of(dir: &Dir) -> Option<Holder> {
    dir.read(HOLDER, HOLDER_MAX)
        .ok()
        .and_then(|bytes| Holder::parse(&String::from_utf8_lossy(&bytes)))
        // What an earlier holder left there would name the wrong process.
        .filter(Holder::is_running)
}

fn wait_in_turn(
    dir: &Dir,
    file: File,
    mode: Mode,
    limit: Duration,
    tell: &dyn Fn(),
) -> Result<Option<io::Result<File>>, StoreError> {
    let place = queue::join(dir)?.map(Arc::new);
    let mine = place.clone();
    let answer = deadline::within_telling(limit, TOLD_AFTER, tell, move || {
        if let Some(place) = mine {
            // If the file system cannot wait for a place, wait for the lock itself.
            let _ = place.wait();
        }
        lock(&file, mode).map(|()| file)
    });
    // Poll if the system cannot start a thread. Then others may get the lock first.
    let answer = answer.or_else(|_| poll(dir, mode, limit))?;
    // Let the next one wait for the lock itself, whether this process holds it now or has given up.
    if let Some(place) = place {
        place.leave();
    }
    if answer.is_none() {
        // A process ahead may be stopped while the lock is free.
        let file = dir.open_or_create(FILE)?;
        return Ok(try_now(&file, mode).is_ok().then_some(Ok(file)));
    }
    Ok(answer)
}

fn poll(dir: &Dir, mode: Mode, limit: Duration) -> Result<Option<io::Result<File>>, StoreError> {
    const PAUSE: Duration = Duration::from_millis(20);
    let file = dir.open_or_create(FILE)?;
    let end = Instant::now().checked_add(limit);
    loop {
        match try_now(&file, mode) {
            Err(error) if is_contended(&error) && end.is_none_or(|end| Instant::now() < end) => {
                std::thread::sleep(PAUSE);
            }
            Err(error) if is_contended(&error) => return Ok(None),
            done => return Ok(Some(done.map(|()| file))),
        }
    }
}

fn lock(file: &File, mode: Mode) -> io::Result<()> {
    loop {
        let taken = match mode {
            Mode::Shared => fs2::FileExt::lock_shared(file),
            Mode::Exclusive => fs2::FileExt::lock_exclusive(file),
        };
        match taken {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

/// The locks that this process holds shared.
mod again {
    use std::collections::BTreeMap;
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::sync::{Mutex, PoisonError};

    /// How many times each file is held.
    static HELD: Mutex<BTreeMap<File, usize>> = Mutex::new(BTreeMap::new());

    /// A lock's file, by its device and inode numbers.
    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
    pub(super) struct File(u64, u64);

    /// Counts the file as held by this process until dropped.
    #[derive(Debug)]
    pub(super) struct FileHold(File);

    impl File {
        pub(super) fn of(file: &std::fs::File) -> io::Result<Self> {
            let meta = file.metadata()?;
            Ok(Self(meta.dev(), meta.ino()))
        }

        pub(super) fn is_held(self) -> bool {
            HELD.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&self)
        }

        pub(super) fn hold(self) -> FileHold {
            *HELD.lock().unwrap_or_else(PoisonError::into_inner).entry(self).or_default() += 1;
            FileHold(self)
        }
    }

    impl Drop for FileHold {
        fn drop(&mut self) {
            let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
            match held.get_mut(&self.0) {
                Some(times) if *times > 1 => *times -= 1,
                _ => drop(held.remove(&self.0)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me() -> Holder {
        Holder { pid: std::process::id(), since: 7, command: "test".into() }
    }

    #[test]
    fn a_timeout_names_the_holder() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Dir::open(temp.path()).unwrap();
        let held = take(&dir, Mode::Exclusive, Duration::ZERO, &me()).unwrap();
        assert!(is_held(&dir).unwrap());
        drop(held);
        assert!(!is_held(&dir).unwrap());
        let held = take(&dir, Mode::Exclusive, Duration::ZERO, &me()).unwrap();
        match take(&dir, Mode::Exclusive, Duration::from_millis(30), &me()) {
            Err(StoreError::LockTimeout { holder, waited, .. }) => {
                assert_eq!(holder, Some(me()));
                assert!(waited >= Duration::from_millis(30));
            }
            other => panic!("{other:?}"),
        }
        drop(held);
        // The thread of the call that gave up may get the lock first.
        take(&dir, Mode::Exclusive, Duration::from_secs(5), &me()).unwrap();
    }

    #[test]
    fn a_wait_of_a_second_is_reported_once_with_the_holder() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Dir::open(temp.path()).unwrap();
        let held = take(&dir, Mode::Exclusive, Duration::ZERO, &me()).unwrap();
        let told = std::cell::RefCell::new(Vec::new());
        let tell = |holder: Option<&Holder>| told.borrow_mut().push(holder.cloned());
        let wait = |limit| take_telling(&dir, Mode::Exclusive, limit, &me(), &tell);
        assert!(wait(Duration::from_millis(20)).is_err());
        assert!(told.borrow().is_empty());
        assert!(wait(TOLD_AFTER + Duration::from_millis(50)).is_err());
        assert_eq!(*told.borrow(), [Some(me())]);
        drop(held);
    }

    #[test]
    fn shared_holders_keep_an_exclusive_one_out() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Dir::open(temp.path()).unwrap();
        let one = take(&dir, Mode::Shared, Duration::ZERO, &me()).unwrap();
        let two = take(&dir, Mode::Shared, Duration::ZERO, &me()).unwrap();
        assert!(take(&dir, Mode::Exclusive, Duration::from_millis(10), &me()).is_err());
        drop((one, two));
        assert!(take(&dir, Mode::Exclusive, Duration::from_secs(5), &me()).is_ok());
    }

    #[test]
    fn a_timeout_does_not_name_an_earlier_holder() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Dir::open(temp.path()).unwrap();
        drop(take(&dir, Mode::Exclusive, Duration::ZERO, &me()).unwrap());
        let _shared = take(&dir, Mode::Shared, Duration::ZERO, &me()).unwrap();
        match take(&dir, Mode::Exclusive, Duration::from_millis(10), &me()) {
            Err(StoreError::LockTimeout { holder: None, .. }) => {}
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_another_program_wrote_as_the_holder_is_sanitized() {
        let holder = Holder::parse("12 34 paste\u{1b}[2J-token").unwrap();
        assert_eq!(holder.command, "paste2J-token");
        assert_eq!(Holder::parse("x y z"), None);
    }
}
