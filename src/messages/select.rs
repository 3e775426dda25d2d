//! Messages about which profile is used next.
