//! Messages about vault keys, unlock methods, `init`, `recover` and `rekey`.
