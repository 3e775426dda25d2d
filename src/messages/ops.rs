//! Messages about the use cases.
