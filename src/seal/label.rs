//! The labels of the vault key's uses. No two uses share a derived key.

/// Wraps the file key of a record.
pub const RECORD: &[u8] = b"strongroom/record/v1";
/// Authenticates the plaintext of a record.
pub const RECORD_AUTH: &[u8] = b"strongroom/record-auth/v1";
/// Wraps the file key of an earlier version of a profile.
pub const HISTORY: &[u8] = b"strongroom/history/v1";
/// Authenticates the plaintext of an earlier version.
pub const HISTORY_AUTH: &[u8] = b"strongroom/history-auth/v1";
/// Wraps the file key of a transaction's operations.
pub const TXN: &[u8] = b"strongroom/txn/v1";
/// Authenticates the operations of a transaction.
pub const TXN_AUTH: &[u8] = b"strongroom/txn-auth/v1";
/// Chains a change log.
pub const LOG: &[u8] = b"strongroom/log/v1";
/// Chains the log of the proxy's requests.
pub const REQUESTS: &[u8] = b"strongroom/requests/v1";
/// Authenticates a ledger.
pub const LEDGER: &[u8] = b"strongroom/ledger/v1";
/// Authenticates an anchor.
pub const ANCHOR: &[u8] = b"strongroom/anchor/v1";
/// Authenticates `settings.json`.
pub const SETTINGS: &[u8] = b"strongroom/settings/v1";
/// Tells recovery recipients apart without revealing one.
pub const RECOVERY_ID: &[u8] = b"strongroom/recovery-id/v1";
/// Derives the key of an agent.
pub const AGENT: &[u8] = b"strongroom/agent/v1";
/// Derives the id of a vault key, which reveals nothing of the key.
pub const KEY_ID: &[u8] = b"strongroom/key-id/v1";
