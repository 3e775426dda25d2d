//! The integration tests: one binary, for each one more is another link.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod beside_rekey;
mod cases;
mod contention;
mod costs;
mod failing_calls;
mod faults;
mod forge;
mod full_disk;
mod goldens;
mod homes;
mod hostile_files;
mod hostile_ids;
mod house;
mod kills;
mod lift;
mod mission;
mod normal;
mod old_homes;
mod onboard;
mod pages;
mod piped;
mod pty;
mod random_kills;
mod recover;
mod rekey_kills;
mod reports;
mod resolve;
mod selection;
mod serial;
mod session;
mod setup_token;
mod setup_token_ends;
mod sources;
mod status_check;
mod stock_age;
mod tamper;
mod terminal;
mod traces;
mod unlock_cache;
mod unlock_cache_attacks;
mod verbs;
mod wiped_index;
