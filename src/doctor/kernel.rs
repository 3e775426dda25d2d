//! The kernel's keyring, in which `strongroom unlock` keeps the vault's keys.

use strongroom_backends::kernel_keyring::{self, KeyringError, Quota};

use super::Finding;

const CHECK: &str = "kernel-keyring";
/// A cache takes one key and less bytes than this; near the end of the quota it might not fit.
const ROOM: u64 = 2048;

/// Checks whether the keyring can be used, and how much room the user has there.
#[must_use]
pub fn check() -> Vec<Finding> {
    let probed = kernel_keyring::probe(kernel_keyring::Place::User);
    // Read afterwards: the kernel counts for nobody who never had a key.
    let quota = kernel_keyring::quota();
    let found = match probed {
        Ok(()) if quota.as_ref().is_some_and(is_tight) => full(quota),
        Ok(()) => Finding::ok(CHECK, format!("`strongroom unlock` can be used{}", told(quota))),
        Err(KeyringError::Full) => full(quota),
        Err(_) if !cfg!(target_os = "linux") => {
            Finding::ok(CHECK, "only Linux has one; `strongroom unlock` cannot be used here")
        }
        Err(_) => Finding::note(CHECK, "it is not there, or its use is forbidden, as containers do").with_remedy(
            "`strongroom unlock` cannot be used; unlock by a key file, a systemd credential or the desktop's keychain",
        ),
    };
    vec![found]
}

fn is_tight(quota: &Quota) -> bool {
    quota.keys >= quota.keys_max || quota.bytes.saturating_add(ROOM) > quota.bytes_max
}

fn full(quota: Option<Quota>) -> Finding {
    Finding::note(CHECK, format!("your quota of keys is used up{}", told(quota))).with_remedy(
        "remove keys that are not needed (`keyctl show @u`), or have kernel.keys.maxbytes raised",
    )
}

fn told(quota: Option<Quota>) -> String {
    quota.map_or_else(String::new, |quota| {
        format!(
            "; of your quota {} of {} keys and {} of {} bytes are used",
            quota.keys, quota.keys_max, quota.bytes, quota.bytes_max
        )
    })
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
        assert!(told(Some(quota)).ends_with("3 of 200 keys and 17952 of 20000 bytes are used"));
    }
}
