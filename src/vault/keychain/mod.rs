//! What a vault keeps in the keychain.

pub mod leftovers;
pub mod store;
pub mod sync;
