//! What a vault keeps in the keychain.

pub mod leftovers;
pub mod settle;
pub mod store;
