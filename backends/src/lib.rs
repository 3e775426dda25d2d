//! Places for sealed bytes.
