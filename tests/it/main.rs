//! The integration tests: one binary, for each one more is another link.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cases;
mod contention;
mod failing_calls;
mod faults;
mod full_disk;
mod goldens;
mod homes;
mod hostile_files;
mod hostile_ids;
mod house;
mod kills;
mod normal;
mod pty;
mod random_kills;
mod rekey_kills;
mod serial;
mod session;
mod terminal;
mod verbs;
mod wiped_index;
