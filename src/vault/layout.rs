//! What lies in an agent's directory, by name.

/// The directory of the file store's records.
pub const RECORDS: &str = "records";
/// Sealed copies of records that go to the keychain, until a later process has seen them there; and
/// notes of items that are to go. It is there from an agent's first record in the keychain on.
pub const PENDING: &str = "pending";
/// What a note of an item that is to go adds to the record's file name.
pub const GONE: &str = ".gone";
/// A committed transaction that is being applied.
pub const TXN: &str = "txn";
/// A transaction that is being prepared, or is done with.
pub const TXN_STAGE: &str = "txn.tmp";
/// Stages that could not be removed, because another program has a file in them open.
pub const TXN_BUSY: &str = "txn.busy";
/// The new index of a transaction, beside the one it replaces.
pub const STAGED_INDEX: &str = "auth-profiles.json.tmp";
/// The new run-time state, beside the one it replaces.
pub const STAGED_STATE: &str = "auth-state.json.tmp";
/// The operations in either.
pub const OPS: &str = "ops";
