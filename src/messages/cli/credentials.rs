//! Messages about storing, reading and removing credentials.
