//! The integration tests: one binary, for each one more is another link.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod goldens;
mod homes;
mod hostile_files;
mod hostile_ids;
mod house;
mod normal;
mod pty;
mod session;
mod terminal;
mod verbs;
