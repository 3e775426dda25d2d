//! The keyrings, through `keyctl(2)`.

use std::time::Duration;

use linux_keyutils::{
    Key, KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, KeySerialId, Permission,
};
use zeroize::Zeroizing;

use super::{KeyringError, Place, Quota};

/// How many times a name that should be removed is looked up.
const FORGET_ROUNDS: usize = 8;
/// Room for the serial numbers of the keys in a keyring. An ordinary user may have 200.
const LINKS: usize = 1024;

fn failed(error: KeyError) -> KeyringError {
    match error {
        KeyError::QuotaExceeded => KeyringError::Full,
        // Unknown is ENOSYS, from kernels without keyrings; EPERM comes only from seccomp.
        KeyError::Unknown(_) | KeyError::PermissionDenied | KeyError::OperationNotSupported => {
            KeyringError::Unavailable
        }
        _ => KeyringError::Refused,
    }
}

fn found<T>(result: Result<T, KeyError>) -> Result<Option<T>, KeyringError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn special(place: Place) -> KeyRingIdentifier {
    match place {
        Place::Session => KeyRingIdentifier::Session,
        Place::User => KeyRingIdentifier::User,
    }
}

/// Returns a keyring, or `None` for one of a session that ended. A process without a session keyring gets the user's
/// default one here.
fn ring(place: Place) -> Result<Option<KeyRing>, KeyringError> {
    found(KeyRing::from_special_id(special(place), false))
}

/// Returns a keyring to store something in.
fn ring_to_write(place: Place) -> Result<KeyRing, KeyringError> {
    let ring = ring(place)?.ok_or(KeyringError::NoSession)?;
    if place == Place::Session {
        let default = KeyRing::from_special_id(KeyRingIdentifier::UserSession, false).map_err(failed)?;
        // Its name is short: the program that began the session chose it.
        let about = ring.metadata().map_err(failed)?;
        // In a user namespace, the default one differs from the one inherited from outside.
        if ring == default || about.get_description().starts_with("_uid_ses.") {
            return Err(KeyringError::NoSession);
        }
        // Possession counts before ownership: anyone who has that session could read what is in it.
        if about.get_uid() != me() {
            return Err(KeyringError::ForeignSession);
        }
    }
    Ok(ring)
}

fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Returns the serial numbers of the keys directly in a keyring.
fn links(place: Place) -> Result<Vec<KeySerialId>, KeyringError> {
    const SIZE: usize = size_of::<i32>();
    let ring = Key::from_id(KeySerialId::new(special(place) as i32));
    let mut bytes = vec![0; LINKS * SIZE];
    loop {
        let Some(length) = found(ring.read(&mut bytes))? else { return Ok(Vec::new()) };
        if length <= bytes.len() {
            bytes.truncate(length);
            let numbers = bytes.chunks_exact(SIZE).filter_map(|number| number.try_into().ok());
            return Ok(numbers.map(i32::from_ne_bytes).map(KeySerialId::new).collect());
        }
        bytes.resize(length, 0);
    }
}

/// Returns the key with a name in a keyring. The user's keyring is usually linked into that of a session, but keys
/// found through that link do not count as the session's.
fn search(place: Place, name: &str) -> Result<Option<Key>, KeyringError> {
    let Some(ring) = ring(place)? else { return Ok(None) };
    let Some(key) = found(ring.search(name))? else { return Ok(None) };
    let direct = place == Place::User || links(place)?.contains(&key.get_id());
    Ok(direct.then_some(key))
}

/// Makes a complete key in this thread's keyring, in which no one else can reach it and it disappears with the process,
/// whatever happens.
fn prepared(place: Place, name: &str, bytes: &[u8], seconds: usize) -> Result<(KeyRing, Key), KeyringError> {
    let own = KeyRing::from_special_id(KeyRingIdentifier::Thread, true).map_err(failed)?;
    let key = own.add_key(name, bytes).map_err(failed)?;
    let user = match place {
        // Without possession there is no access, not even from the user's other sessions.
        Place::Session => Permission::empty(),
        // The user's other sessions do not possess the key, and read it with the user's permissions.
        Place::User => {
            Permission::VIEW | Permission::READ | Permission::SEARCH | Permission::WRITE | Permission::SETATTR
        }
    };
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

pub fn store(place: Place, name: &str, bytes: &[u8], lifetime: Duration) -> Result<(), KeyringError> {
    let ring = ring_to_write(place)?;
    // The kernel counts the current second as a whole one.
    let seconds = usize::try_from(lifetime.as_secs()).map_err(|_| KeyringError::Refused)?
        + usize::from(lifetime.subsec_nanos() > 0)
        + 1;
    let before = search(place, name).unwrap_or_default();
    let (own, key) = prepared(place, name, bytes, seconds)?;
    // Linking replaces an older one atomically.
    if let Err(error) = ring.link_key(key) {
        let _ = key.invalidate();
        return Err(failed(error));
    }
    let _ = own.unlink_key(key);
    if let Some(before) = before.filter(|before| *before != key) {
        let _ = before.invalidate();
    }
    Ok(())
}

pub fn read(place: Place, name: &str, max: usize) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
    let Some(key) = search(place, name)? else { return Ok(None) };
    // Under sudo, for example, the user whose session this is could have put it there.
    if found(key.metadata())?.is_none_or(|about| about.get_uid() != me()) {
        return Ok(None);
    }
    let mut bytes = Zeroizing::new(vec![0; max]);
    let Some(length) = found(key.read(&mut *bytes))? else { return Ok(None) };
    if length > max {
        return Ok(None);
    }
    bytes.truncate(length);
    Ok(Some(bytes))
}

pub fn forget(place: Place, name: &str) -> Result<bool, KeyringError> {
    let Some(ring) = ring(place)? else { return Ok(false) };
    let mut any = false;
    for _ in 0..FORGET_ROUNDS {
        let Some(key) = search(place, name)? else { return Ok(any) };
        any |= match key.invalidate() {
            // A key that someone planted may not allow that.
            Err(KeyError::AccessDenied) => found(ring.unlink_key(key))?.is_some(),
            done => found(done)?.is_some(),
        };
    }
    Err(KeyringError::Refused)
}

pub fn names(place: Place, prefix: &str) -> Result<Vec<String>, KeyringError> {
    let links = links(place)?;
    // The crate's own description of a key panics if its name is longer than 500 bytes, and other
    // programs name keys too.
    let keys = std::fs::read("/proc/keys").map_err(|_| KeyringError::NotListed)?;
    let mut names: Vec<_> = names_of(&String::from_utf8_lossy(&keys), prefix)
        .filter(|(number, _)| links.contains(number))
        .map(|(_, name)| name)
        .collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Parses `/proc/keys`, with one line for each key: `serial flags usage timeout permissions uid gid type name: size`.
/// The kernel lists revoked (R), dead (D), invalidated (i) and expired keys until it collects them.
pub(super) fn names_of<'a>(
    text: &'a str,
    prefix: &'a str,
) -> impl Iterator<Item = (KeySerialId, String)> + 'a {
    text.lines().filter_map(move |line| {
        let number = i32::from_str_radix(line.split_whitespace().next()?, 16).ok()?;
        let mut fields = line.split_whitespace().skip(1);
        let (flags, timeout) = (fields.next()?, fields.nth(1)?);
        if flags.contains(['R', 'D', 'i']) || timeout == "expd" {
            return None;
        }
        let mut rest = line;
        for _ in 0..7 {
            rest = rest.trim_start().split_once(' ')?.1;
        }
        let (name, _) = rest.trim_start().strip_prefix("user ")?.trim_start().rsplit_once(": ")?;
        name.starts_with(prefix).then(|| (KeySerialId::new(number), name.to_owned()))
    })
}

pub fn probe(place: Place) -> Result<(), KeyringError> {
    ring_to_write(place)?;
    let (_, key) = prepared(place, "strongroom-probe", b"-", 1)?;
    key.invalidate().map_err(failed)
}

pub fn quota() -> Option<Quota> {
    let users = std::fs::read_to_string("/proc/key-users").ok()?;
    quota_of(&users, me())
}

/// Parses `/proc/key-users`, with one line for each user: `uid: usage keys/instantiated keys/max bytes/max`.
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
