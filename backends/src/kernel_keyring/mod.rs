//! The Linux kernel's keyrings: named bytes that only one user's processes can read, that are never in a file, and that
//! the kernel itself removes after a time.
//!
//! All processes of the user can use [`Place::User`], which needs no session keyring. Only the processes of one login
//! session can use its [`Place::Session`]. On systems other than Linux every function returns
//! [`KeyringError::Unavailable`].

use std::time::Duration;

use zeroize::Zeroizing;

/// A keyring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The session's keyring, `@s`.
    Session,
    /// The user's keyring, `@u`.
    User,
}

impl Place {
    /// Both, the narrower first.
    pub const ALL: [Self; 2] = [Self::Session, Self::User];
}

/// An error of the keyring.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyringError {
    /// This system has none, or forbids its use (containers do, with seccomp).
    #[error("there is no kernel keyring here, or its use is forbidden")]
    Unavailable,
    /// The user's quota of keys is used up.
    #[error("the user's quota of kernel keys is used up")]
    Full,
    /// This process has no session keyring, but the user's default one, which all sessions share.
    #[error("this process has no session keyring of its own")]
    NoSession,
    /// The session keyring is another user's, as under `sudo` and `su`: that user could read what is in it.
    #[error("the session keyring belongs to another user")]
    ForeignSession,
    /// The keys cannot be listed: `/proc/keys` cannot be read.
    #[error("the kernel keys cannot be listed")]
    NotListed,
    /// It exists but refused the request.
    #[error("the kernel keyring refused")]
    Refused,
}

/// What a user may store in the kernel's keyrings, and what is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// How many keys there are.
    pub keys: u64,
    /// How many there may be.
    pub keys_max: u64,
    /// How many bytes they take.
    pub bytes: u64,
    /// How many they may take.
    pub bytes_max: u64,
}

/// Stores bytes under a name for a time, in place of what was stored there before.
///
/// The kernel counts whole seconds, and removes the bytes at most two seconds later than asked. If this process is
/// killed meanwhile, the bytes are stored for that time or not at all.
///
/// # Errors
/// [`KeyringError`].
pub fn store(place: Place, name: &str, bytes: &[u8], lifetime: Duration) -> Result<(), KeyringError> {
    system::store(place, name, bytes, lifetime)
}

/// Returns the bytes under a name. Returns `None` for a key that does not exist, is expired or revoked, belongs to
/// another user, or has more than `max` bytes.
///
/// # Errors
/// [`KeyringError`].
pub fn read(place: Place, name: &str, max: usize) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
    system::read(place, name, max)
}

/// Removes what is stored under a name, even for processes that know the key's serial number, and returns whether there
/// was anything.
///
/// # Errors
/// [`KeyringError`].
pub fn forget(place: Place, name: &str) -> Result<bool, KeyringError> {
    system::forget(place, name)
}

/// Returns the names in a keyring that begin with a prefix.
///
/// # Errors
/// [`KeyringError`].
pub fn names(place: Place, prefix: &str) -> Result<Vec<String>, KeyringError> {
    system::names(place, prefix)
}

/// Checks whether keys can be stored in a keyring, by storing one for a moment.
///
/// # Errors
/// [`KeyringError`] if not.
pub fn probe(place: Place) -> Result<(), KeyringError> {
    system::probe(place)
}

/// Returns the quota of this process's user, if the system tells it and the user has a key.
#[must_use]
pub fn quota() -> Option<Quota> {
    system::quota()
}

#[cfg(not(target_os = "linux"))]
#[path = "nowhere.rs"]
mod system;
#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod system;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const USER: Place = Place::User;
    const HOUR: Duration = Duration::from_secs(3600);

    /// A name of this test's own, removed at its end.
    struct Name(String);

    impl Name {
        fn new(test: &str) -> Self {
            Self(format!("strongroom-test:{test}:{}", std::process::id()))
        }
    }

    impl Drop for Name {
        fn drop(&mut self) {
            let _ = forget(USER, &self.0);
        }
    }

    #[test]
    fn what_is_stored_is_read_until_it_is_removed() {
        let name = Name::new("stored");
        assert_eq!(read(USER, &name.0, 100), Ok(None));
        store(USER, &name.0, b"made-up", HOUR).unwrap();
        assert_eq!(read(USER, &name.0, 100).unwrap().unwrap().as_slice(), b"made-up");
        assert_eq!(forget(USER, &name.0), Ok(true));
        assert_eq!(read(USER, &name.0, 100), Ok(None));
        assert_eq!(forget(USER, &name.0), Ok(false));
    }

    #[test]
    fn storing_again_replaces() {
        let name = Name::new("again");
        store(USER, &name.0, b"one", HOUR).unwrap();
        store(USER, &name.0, b"two", HOUR).unwrap();
        assert_eq!(read(USER, &name.0, 100).unwrap().unwrap().as_slice(), b"two");
        assert_eq!(forget(USER, &name.0), Ok(true));
        assert_eq!(read(USER, &name.0, 100), Ok(None));
    }

    #[test]
    fn more_than_the_bound_is_not_read() {
        let name = Name::new("long");
        store(USER, &name.0, &[7; 101], HOUR).unwrap();
        assert_eq!(read(USER, &name.0, 100), Ok(None));
        assert_eq!(read(USER, &name.0, 101).unwrap().unwrap().len(), 101);
    }

    #[test]
    fn the_kernel_removes_a_key_by_itself() {
        let name = Name::new("expiry");
        store(USER, &name.0, b"made-up", Duration::from_secs(1)).unwrap();
        let begun = std::time::Instant::now();
        assert!(read(USER, &name.0, 100).unwrap().is_some());
        while read(USER, &name.0, 100).unwrap().is_some() {
            assert!(begun.elapsed() < Duration::from_secs(4), "it outlives its time");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_key_is_for_its_user_only_and_expires() {
        let name = Name::new("rights");
        store(USER, &name.0, b"made-up", HOUR).unwrap();
        let keys = std::fs::read_to_string("/proc/keys").unwrap();
        let line = keys.lines().find(|line| line.contains(&name.0)).unwrap();
        let fields: Vec<&str> = line.split_whitespace().collect();
        // The possessor may do everything; the user may view, read, write, search and set attributes; others nothing.
        assert_eq!(fields[4], "3f2f0000", "{line}");
        assert!(["59m", "1h"].contains(&fields[3]), "{line}");
    }

    #[test]
    fn it_works_here_and_the_quota_is_told() {
        let name = Name::new("quota");
        store(USER, &name.0, b"made-up", HOUR).unwrap();
        assert_eq!(probe(USER), Ok(()));
        let quota = quota().unwrap();
        assert!(quota.keys >= 1 && quota.keys <= quota.keys_max, "{quota:?}");
        assert!(quota.bytes >= 7 && quota.bytes <= quota.bytes_max, "{quota:?}");
    }

    #[test]
    fn what_is_kept_is_found_by_how_its_name_begins() {
        let (one, two) = (Name::new("names-a"), Name::new("names-b"));
        store(USER, &one.0, b"made-up", HOUR).unwrap();
        store(USER, &two.0, b"made-up", HOUR).unwrap();
        // The crate's own description of keys panics at one this long.
        let long = Name(format!("{}{}", one.0, "x".repeat(700)));
        store(USER, &long.0, b"made-up", HOUR).unwrap();
        assert_eq!(names(USER, &one.0).unwrap(), [one.0.clone(), long.0.clone()]);
        assert_eq!(names(USER, "strongroom-test:names-").unwrap().len(), 3);
        // The user's keyring may be linked into the session's, but its keys do not count as the session's.
        assert_eq!(names(Place::Session, &one.0).unwrap(), Vec::<String>::new());
        assert_eq!(read(Place::Session, &one.0, 100), Ok(None));
        forget(USER, &one.0).unwrap();
        assert_eq!(names(USER, &two.0).unwrap(), std::slice::from_ref(&two.0));
    }

    #[test]
    fn a_line_of_a_key_is_read() {
        let text = "1fea24fd I--Q---     1 perm 3f010000     0 65534 user      strongroom:a: b: 3\n\
                    1fea24fe I--Q---     1   1h 3f010000     0     0 keyring   strongroom:b: empty\n\
                    1fea24ff I--Q---     1   1h 3f010000     0     0 user      my strongroom:c: 1\n\
                    1fea2500 I--Q--i     1   1h 3f010000     0     0 user      strongroom:d: 1\n\
                    1fea2501 I--Q---     1 expd 3f010000     0     0 user      strongroom:e: 1\n";
        let read: Vec<_> = system::names_of(text, "strongroom:").map(|(n, name)| (n.0, name)).collect();
        assert_eq!(read, [(0x1fea_24fd, "strongroom:a: b".to_owned())]);
    }

    #[test]
    fn the_line_of_the_user_is_read() {
        let text = "    0:     9 8/8 3/1000000 40/25000000\n65534:     2 2/2 2/200 28/20000\n";
        let expected = Quota { keys: 2, keys_max: 200, bytes: 28, bytes_max: 20_000 };
        assert_eq!(system::quota_of(text, 65_534), Some(expected));
        assert_eq!(system::quota_of(text, 1), None);
        assert_eq!(system::quota_of("0: garbage", 0), None);
    }
}
