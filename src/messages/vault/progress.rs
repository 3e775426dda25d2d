//! What a progress line says is being done.

/// Profiles are encrypted.
pub const ENCRYPTING: &str = "Encrypting";
/// Profiles are read and decrypted before their keys change.
pub const CHECKING: &str = "Checking";
/// Profiles are verified.
pub const VERIFYING: &str = "Verifying";
/// Everything is encrypted and goes to the disk.
pub const WRITING: &str = "Writing to disk";
