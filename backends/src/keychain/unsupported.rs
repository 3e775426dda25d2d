//! For a platform whose keychain is not supported, or a program that was built without keychain support.

#![allow(clippy::unused_self, clippy::unnecessary_wraps)] // It has the interface of a keychain.

use std::collections::HashMap;

use super::{Attributes, Found, Item, KeychainError, KeychainState, Patience, Surroundings, Transport, Why};

const WHY: Why = if cfg!(feature = "keychain") { Why::Platform } else { Why::LeftOut };

/// No keychain.
#[derive(Debug)]
pub struct Native;

impl Native {
    pub const MAX: usize = 0;

    pub fn connect(_: &Surroundings, _: &Patience) -> Result<Self, KeychainError> {
        Err(KeychainError::Unavailable(WHY))
    }

    pub fn provider(&self) -> String {
        String::new()
    }

    pub fn reconnect(&mut self) -> Result<(), KeychainError> {
        Ok(())
    }

    pub fn state(&mut self) -> Result<KeychainState, KeychainError> {
        Err(KeychainError::Unavailable(WHY))
    }

    pub fn unlock(&mut self) -> Result<(), KeychainError> {
        Err(KeychainError::Unavailable(WHY))
    }

    pub fn put(&mut self, _: &Item, _: &[u8], _: Transport) -> Result<(), KeychainError> {
        Err(KeychainError::Unavailable(WHY))
    }

    pub fn get(&mut self, _: &Attributes, _: Transport) -> Result<Found, KeychainError> {
        Err(KeychainError::Unavailable(WHY))
    }

    pub fn find(&mut self, _: &Attributes) -> Result<Vec<HashMap<String, String>>, KeychainError> {
        Err(KeychainError::Unavailable(WHY))
    }

    pub fn values(&mut self, _: &Attributes, _: &'static str) -> Result<Vec<String>, KeychainError> {
        Err(KeychainError::Unavailable(WHY))
    }

    pub fn remove(&mut self, _: &Attributes) -> Result<usize, KeychainError> {
        Err(KeychainError::Unavailable(WHY))
    }
}
