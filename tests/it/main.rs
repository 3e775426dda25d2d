//! The integration tests: one binary, for each one more is another link.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod costs;
mod forge;
mod goldens;
mod homes;
mod hostile_files;
mod hostile_ids;
mod normal;
mod old_homes;
mod pty;
mod resolve;
mod session;
mod stock_age;
mod tamper;
mod terminal;
mod traces;
mod verbs;
