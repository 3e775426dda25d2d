//! Result codes of the macOS keychain, from SecBase.h (`userCanceledErr`: MacErrors.h).

use super::{KeychainError, Why};

const USER_CANCELED: i32 = -128;
const NOT_AVAILABLE: i32 = -25291;
/// A wrong password, or a refused permission to read.
pub const AUTH_FAILED: i32 = -25293;
const NO_SUCH_KEYCHAIN: i32 = -25294;
const INVALID_KEYCHAIN: i32 = -25295;
const DUPLICATE_ITEM: i32 = -25299;
const NO_DEFAULT_KEYCHAIN: i32 = -25307;
const INTERACTION_NOT_ALLOWED: i32 = -25308;
const INTERACTION_REQUIRED: i32 = -25315;

/// Converts a code.
pub fn error(code: i32) -> KeychainError {
    match code {
        // When it writes, the store looks for the item and adds a new one if it may not look. That the item already
        // exists means that looking was refused.
        INTERACTION_NOT_ALLOWED | INTERACTION_REQUIRED | AUTH_FAILED | DUPLICATE_ITEM => {
            KeychainError::Locked
        }
        USER_CANCELED => KeychainError::Dismissed,
        NO_SUCH_KEYCHAIN | INVALID_KEYCHAIN | NO_DEFAULT_KEYCHAIN => KeychainError::NoCollection,
        NOT_AVAILABLE => KeychainError::Unavailable(Why::NoSession),
        code => KeychainError::Failed(format!("OSStatus {code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keychain_that_would_have_to_ask_counts_as_locked() {
        for code in [-25308, -25315, -25293, -25299] {
            assert_eq!(error(code), KeychainError::Locked, "{code}");
        }
        assert_eq!(error(-128), KeychainError::Dismissed);
    }

    #[test]
    fn no_keychain_is_told_from_a_failing_one() {
        for code in [-25294, -25295, -25307] {
            assert_eq!(error(code), KeychainError::NoCollection, "{code}");
        }
        assert_eq!(error(-25291), KeychainError::Unavailable(Why::NoSession));
        assert_eq!(error(-25292).to_string(), "the keychain failed: OSStatus -25292");
    }
}
