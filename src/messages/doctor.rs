//! Messages about what `doctor` and `verify` find.
