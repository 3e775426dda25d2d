//! The names of files and directories of an agent.

/// The directory of records that are stored in files.
pub const RECORDS: &str = "records";
/// The directory of encrypted copies of records that go to the keychain, until a later process has seen them there, and
/// of notes of items to remove. It exists from an agent's first record in the keychain on.
pub const PENDING: &str = "pending";
/// The directory of earlier versions, with a directory for each profile.
pub const HISTORY: &str = "history";
/// The suffix that a note of an item to remove adds to the record's file name.
pub const GONE: &str = ".gone";
/// A committed transaction that is being applied.
pub const TXN: &str = "txn";
/// A transaction that is being prepared, or was applied and is being removed.
pub const TXN_STAGE: &str = "txn.tmp";
/// Transactions that could not be removed because another program has a file in them open.
pub const TXN_BUSY: &str = "txn.busy";
/// The new index of a transaction, next to the one that it replaces.
pub const STAGED_INDEX: &str = "auth-profiles.json.tmp";
/// The new run-time state, next to the one that it replaces.
pub const STAGED_STATE: &str = "auth-state.json.tmp";
/// The operations of a transaction, in its directory or in a journal.
pub const OPS: &str = "ops";
