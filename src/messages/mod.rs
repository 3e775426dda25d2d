//! What Strongroom says to people. A message and its remedy stand together here, as functions of what they name, so
//! that words can be changed, or put into another language, in one place.

pub mod access;
pub mod cli;
pub mod client;
pub mod clipboard;
pub mod connect;
pub mod doctor;
pub mod env_files;
pub mod help;
pub mod helper;
pub mod keychain;
pub mod migrate;
pub mod ops;
pub mod other_clients;
pub mod places;
pub mod proxied;
pub mod run;
pub mod run_proxy;
pub mod seal;
pub mod secrets;
pub mod select;
pub mod serve;
pub mod stores;
pub mod terminal;
pub mod transfer;
pub mod unlock;
pub mod usage;
pub mod vault;
