//! Messages about pasted secrets.
