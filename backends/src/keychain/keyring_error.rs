//! Errors of `keyring-core`, in our own words. Its texts quote names and the platform's texts, and its `Debug` shows
//! the secret's bytes (`BadEncoding`, `BadDataFormat`), so none of them is kept.

use keyring::Error;
use zeroize::Zeroize;

use super::KeychainError;

/// The platform's own error, which only the platform's own module can read.
pub type PlatformError = Box<dyn std::error::Error + Send + Sync>;

/// Converts an error of keyring-core. `platform` converts the platform's own errors.
pub fn of(error: Error, platform: impl FnOnce(&PlatformError) -> KeychainError) -> KeychainError {
    KeychainError::Failed(
        match error {
            Error::PlatformFailure(source) | Error::NoStorageAccess(source) => return platform(&source),
            Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
                bytes.zeroize();
                "the item is damaged"
            }
            Error::NoEntry => "the item is gone",
            Error::BadStoreFormat(_) => "its data is damaged",
            Error::TooLong(..) => "a name is too long for it",
            Error::Invalid(..) => "it refuses the item's name",
            Error::Ambiguous(_) => "several items have the same name",
            Error::NoDefaultStore => "no store is configured",
            Error::NotSupportedByStore(_) => "it does not support the call",
            _ => "an unknown error",
        }
        .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use keyring::api::CredentialStoreApi;

    use super::*;

    const CANARY: &str = "EXAMPLE-canary-not-a-secret";

    /// Every kind, each with the canary wherever it has room for one.
    fn every_kind() -> Vec<Error> {
        let text = || CANARY.to_owned();
        let bytes = || CANARY.as_bytes().to_vec();
        let source = || -> PlatformError { Box::new(std::io::Error::other(CANARY)) };
        let store = keyring::mock::Store::new().unwrap();
        let entry = store.build(CANARY, CANARY, None).unwrap();
        entry.set_secret(CANARY.as_bytes()).unwrap();
        vec![
            Error::PlatformFailure(source()),
            Error::NoStorageAccess(source()),
            Error::NoEntry,
            Error::BadEncoding(bytes()),
            Error::BadDataFormat(bytes(), source()),
            Error::BadStoreFormat(text()),
            Error::TooLong(text(), 7),
            Error::Invalid(text(), text()),
            Error::Ambiguous(vec![entry]),
            Error::NoDefaultStore,
            Error::NotSupportedByStore(text()),
        ]
    }

    #[test]
    fn nothing_that_an_error_carries_is_passed_on() {
        let numbers = format!("{:?}", CANARY.as_bytes());
        let numbers = numbers.trim_matches(['[', ']']);
        let carries = |text: &str| text.contains(CANARY) || text.contains(numbers);
        let kinds = every_kind();
        let leaking = kinds.iter().filter(|kind| carries(&format!("{kind:?}"))).count();
        assert_eq!(leaking, 9, "all but NoEntry and NoDefaultStore carry the canary");
        for kind in kinds {
            let mut asked = false;
            let error = of(kind, |source| {
                asked = source.to_string() == CANARY;
                KeychainError::Locked
            });
            assert_eq!(asked, error == KeychainError::Locked);
            for shown in [format!("{error}"), format!("{error:?}"), format!("{error:#?}")] {
                assert!(!carries(&shown), "{shown}");
            }
        }
    }
}
