//! The Linux kernel's keyring of a user, `@u`: bytes under a name that only processes of that user
//! can read, that are in no file, and that the kernel itself forgets after a time.
//!
//! No session keyring is needed. Elsewhere than on Linux every function answers
//! [`KeyringError::Unavailable`].

use std::time::Duration;

use zeroize::Zeroizing;

/// What can go wrong with the keyring.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyringError {
    /// This system has none, or forbids its use (containers do, by seccomp).
    #[error("there is no kernel keyring here, or its use is forbidden")]
    Unavailable,
    /// The user's quota of keys is used up.
    #[error("the user's quota of kernel keys is used up")]
    Full,
    /// It is there and refused.
    #[error("the kernel keyring refused")]
    Refused,
}

/// What a user may keep in the kernel's keyrings, and what is kept.
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

/// Keeps bytes under a name for a time, in place of what was kept under it before.
///
/// The kernel counts whole seconds: it forgets them at most two seconds later than asked for. Should
/// this process be killed meanwhile, the bytes are kept for that time or not at all.
///
/// # Errors
/// [`KeyringError`].
pub fn store(name: &str, bytes: &[u8], lifetime: Duration) -> Result<(), KeyringError> {
    system::store(name, bytes, lifetime)
}

/// The bytes under a name. A key that is absent, expired or revoked, or holds more than `max` bytes,
/// is none.
///
/// # Errors
/// [`KeyringError`].
pub fn read(name: &str, max: usize) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
    system::read(name, max)
}

/// Forgets what is kept under a name, and says whether anything was.
///
/// # Errors
/// [`KeyringError`].
pub fn forget(name: &str) -> Result<bool, KeyringError> {
    system::forget(name)
}

/// Whether keys can be kept here, found out by keeping one for a moment.
///
/// # Errors
/// Why not.
pub fn probe() -> Result<(), KeyringError> {
    system::probe()
}

/// The quota of this process's user, where the system tells it and the user has a key.
#[must_use]
pub fn quota() -> Option<Quota> {
    system::quota()
}

#[cfg(target_os = "linux")]
mod system {
    use std::time::Duration;

    use linux_keyutils::{Key, KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
    use zeroize::Zeroizing;

    use super::{KeyringError, Quota};

    /// How often a name is looked for again that should be forgotten.
    const FORGET_ROUNDS: usize = 8;

    fn failed(error: KeyError) -> KeyringError {
        match error {
            KeyError::QuotaExceeded => KeyringError::Full,
            // Unknown is ENOSYS, of kernels without keys; EPERM comes from seccomp alone.
            KeyError::Unknown(_) | KeyError::PermissionDenied | KeyError::OperationNotSupported => {
                KeyringError::Unavailable
            }
            _ => KeyringError::Refused,
        }
    }

    fn users() -> Result<KeyRing, KeyringError> {
        KeyRing::from_special_id(KeyRingIdentifier::User, false).map_err(failed)
    }

    fn found<T>(result: Result<T, KeyError>) -> Result<Option<T>, KeyringError> {
        match result {
            Ok(found) => Ok(Some(found)),
            Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// A key as it is to be, in the keyring of this thread: there it dies with the process, whatever
    /// happens, and nobody else can reach it.
    fn prepared(name: &str, bytes: &[u8], seconds: usize) -> Result<(KeyRing, Key), KeyringError> {
        let own = KeyRing::from_special_id(KeyRingIdentifier::Thread, true).map_err(failed)?;
        let key = own.add_key(name, bytes).map_err(failed)?;
        // Other sessions of the user do not possess the key, and read it by the user's rights.
        let user = Permission::VIEW
            | Permission::READ
            | Permission::SEARCH
            | Permission::WRITE
            | Permission::SETATTR;
        let permissions = KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(user).build();
        let set = key.set_timeout(seconds).and_then(|()| key.set_perms(permissions));
        match set {
            Ok(()) => Ok((own, key)),
            Err(error) => {
                let _ = key.invalidate();
                Err(failed(error))
            }
        }
    }

    pub fn store(name: &str, bytes: &[u8], lifetime: Duration) -> Result<(), KeyringError> {
        let users = users()?;
        // The second that has begun counts as one.
        let seconds = usize::try_from(lifetime.as_secs()).map_err(|_| KeyringError::Refused)?
            + usize::from(lifetime.subsec_nanos() > 0)
            + 1;
        let before = found(users.search(name)).unwrap_or_default();
        let (own, key) = prepared(name, bytes, seconds)?;
        // Linking puts it in the place of an older one at once.
        if let Err(error) = users.link_key(key) {
            let _ = key.invalidate();
            return Err(failed(error));
        }
        let _ = own.unlink_key(key);
        if let Some(before) = before.filter(|before| *before != key) {
            let _ = before.invalidate();
        }
        Ok(())
    }

    pub fn read(name: &str, max: usize) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        let Some(key) = found(users()?.search(name))? else { return Ok(None) };
        let mut bytes = Zeroizing::new(vec![0; max]);
        let Some(length) = found(key.read(&mut *bytes))? else { return Ok(None) };
        if length > max {
            return Ok(None);
        }
        bytes.truncate(length);
        Ok(Some(bytes))
    }

    pub fn forget(name: &str) -> Result<bool, KeyringError> {
        let users = users()?;
        let mut any = false;
        for _ in 0..FORGET_ROUNDS {
            let Some(key) = found(users.search(name))? else { return Ok(any) };
            any |= found(key.invalidate())?.is_some();
        }
        Err(KeyringError::Refused)
    }

    pub fn probe() -> Result<(), KeyringError> {
        users()?;
        let (_, key) = prepared("strongroom-probe", b"-", 1)?;
        key.invalidate().map_err(failed)
    }

    pub fn quota() -> Option<Quota> {
        let users = std::fs::read_to_string("/proc/key-users").ok()?;
        quota_of(&users, rustix::process::geteuid().as_raw())
    }

    /// One line a user: `uid: usage keys/instantiated keys/max bytes/max`.
    pub(super) fn quota_of(text: &str, uid: u32) -> Option<Quota> {
        let line = text.lines().find_map(|line| {
            let (user, rest) = line.split_once(':')?;
            (user.trim().parse() == Ok(uid)).then_some(rest)
        })?;
        let mut pairs = line.split_whitespace().skip(2).map(|pair| {
            let (used, max) = pair.split_once('/')?;
            Some((used.parse().ok()?, max.parse().ok()?))
        });
        let (keys, keys_max) = pairs.next()??;
        let (bytes, bytes_max) = pairs.next()??;
        Some(Quota { keys, keys_max, bytes, bytes_max })
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::time::Duration;

    use zeroize::Zeroizing;

    use super::{KeyringError, Quota};

    pub fn store(_: &str, _: &[u8], _: Duration) -> Result<(), KeyringError> {
        Err(KeyringError::Unavailable)
    }

    pub fn read(_: &str, _: usize) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        Err(KeyringError::Unavailable)
    }

    pub fn forget(_: &str) -> Result<bool, KeyringError> {
        Err(KeyringError::Unavailable)
    }

    pub fn probe() -> Result<(), KeyringError> {
        Err(KeyringError::Unavailable)
    }

    pub fn quota() -> Option<Quota> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    /// A name of this test's own, forgotten with it.
    struct Name(String);

    impl Name {
        fn new(test: &str) -> Self {
            Self(format!("strongroom-test:{test}:{}", std::process::id()))
        }
    }

    impl Drop for Name {
        fn drop(&mut self) {
            let _ = forget(&self.0);
        }
    }

    #[test]
    fn what_is_stored_is_read_until_it_is_forgotten() {
        let name = Name::new("stored");
        assert_eq!(read(&name.0, 100), Ok(None));
        store(&name.0, b"made-up", HOUR).unwrap();
        assert_eq!(read(&name.0, 100).unwrap().unwrap().as_slice(), b"made-up");
        assert_eq!(forget(&name.0), Ok(true));
        assert_eq!(read(&name.0, 100), Ok(None));
        assert_eq!(forget(&name.0), Ok(false));
    }

    #[test]
    fn storing_again_replaces() {
        let name = Name::new("again");
        store(&name.0, b"one", HOUR).unwrap();
        store(&name.0, b"two", HOUR).unwrap();
        assert_eq!(read(&name.0, 100).unwrap().unwrap().as_slice(), b"two");
        assert_eq!(forget(&name.0), Ok(true));
        assert_eq!(read(&name.0, 100), Ok(None));
    }

    #[test]
    fn more_than_is_asked_for_is_none() {
        let name = Name::new("long");
        store(&name.0, &[7; 101], HOUR).unwrap();
        assert_eq!(read(&name.0, 100), Ok(None));
        assert_eq!(read(&name.0, 101).unwrap().unwrap().len(), 101);
    }

    #[test]
    fn the_kernel_forgets_by_itself() {
        let name = Name::new("expiry");
        store(&name.0, b"made-up", Duration::from_secs(1)).unwrap();
        let begun = std::time::Instant::now();
        assert!(read(&name.0, 100).unwrap().is_some());
        while read(&name.0, 100).unwrap().is_some() {
            assert!(begun.elapsed() < Duration::from_secs(4), "it outlives its time");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    }

    #[test]
    fn a_key_is_for_its_user_alone_and_has_an_end() {
        let name = Name::new("rights");
        store(&name.0, b"made-up", HOUR).unwrap();
        let keys = std::fs::read_to_string("/proc/keys").unwrap();
        let line = keys.lines().find(|line| line.contains(&name.0)).unwrap();
        let fields: Vec<&str> = line.split_whitespace().collect();
        // Possessor all; user view, read, write, search, setattr; group and others nothing.
        assert_eq!(fields[4], "3f2f0000", "{line}");
        assert!(["59m", "1h"].contains(&fields[3]), "{line}");
    }

    #[test]
    fn it_works_here_and_the_quota_is_told() {
        let name = Name::new("quota");
        store(&name.0, b"made-up", HOUR).unwrap();
        assert_eq!(probe(), Ok(()));
        let quota = quota().unwrap();
        assert!(quota.keys >= 1 && quota.keys <= quota.keys_max, "{quota:?}");
        assert!(quota.bytes >= 7 && quota.bytes <= quota.bytes_max, "{quota:?}");
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
