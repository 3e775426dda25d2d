//! The kernel's keyring, in which `strongroom unlock` keeps the vault's keys.

use strongroom_backends::kernel_keyring::{self, KeyringError, Quota};

use super::Finding;
use crate::messages;

const CHECK: &str = "kernel-keyring";
/// The most bytes that a cache takes, beside its one key; near the end of the quota it might not fit.
const ROOM: u64 = 2048;

/// Checks whether the keyring can be used, and how much of the user's quota is left.
#[must_use]
pub fn check() -> Vec<Finding> {
    let probed = kernel_keyring::probe(kernel_keyring::Place::User);
    // Read after the probe, because the kernel has no numbers for a user who never had a key.
    let quota = kernel_keyring::quota();
    let found = match probed {
        Ok(()) if quota.as_ref().is_some_and(is_tight) => full(quota),
        Ok(()) => Finding::ok(CHECK, messages::doctor::kernel_keyring_works(quota)),
        Err(KeyringError::Full) => full(quota),
        Err(_) if !cfg!(target_os = "linux") => Finding::ok(CHECK, messages::doctor::NO_KERNEL_KEYRING),
        Err(_) => Finding::advice(CHECK, messages::doctor::kernel_keyring_blocked()),
    };
    vec![found]
}

fn is_tight(quota: &Quota) -> bool {
    quota.keys >= quota.keys_max || quota.bytes.saturating_add(ROOM) > quota.bytes_max
}

fn full(quota: Option<Quota>) -> Finding {
    Finding::advice(CHECK, messages::doctor::kernel_keyring_full(quota))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_without_room_for_a_cache_is_told() {
        let quota = Quota { keys: 3, keys_max: 200, bytes: 17_952, bytes_max: 20_000 };
        assert!(!is_tight(&quota));
        assert!(is_tight(&Quota { bytes: 17_953, ..quota }));
        assert!(is_tight(&Quota { keys: 200, ..quota }));
        assert!(full(Some(quota)).what.ends_with("your quota: 3 of 200 keys and 17952 of 20000 bytes used"));
    }
}
