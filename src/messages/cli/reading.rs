//! Messages about `list`, `get`, `status`, `log`, `verify` and `doctor`.
