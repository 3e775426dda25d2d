//! Systems without a kernel keyring.

use std::time::Duration;

use zeroize::Zeroizing;

use super::{KeyringError, Place, Quota};

pub fn store(_: Place, _: &str, _: &[u8], _: Duration) -> Result<(), KeyringError> {
    Err(KeyringError::Unavailable)
}

pub fn read(_: Place, _: &str, _: usize) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
    Err(KeyringError::Unavailable)
}

pub fn forget(_: Place, _: &str) -> Result<bool, KeyringError> {
    Err(KeyringError::Unavailable)
}

pub fn names(_: Place, _: &str) -> Result<Vec<String>, KeyringError> {
    Err(KeyringError::Unavailable)
}

pub fn probe(_: Place) -> Result<(), KeyringError> {
    Err(KeyringError::Unavailable)
}

pub fn quota() -> Option<Quota> {
    None
}
