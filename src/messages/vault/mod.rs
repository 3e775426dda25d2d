//! Messages about the vault: its index, records, log, ledgers and locks.
