//! Messages about keychains.
