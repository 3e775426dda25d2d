//! The stores in which OpenClaw keeps its credentials. Reading changes none of them; [`StoreFile::refer`] puts references
//! in place of secrets.
//!
//! | version | an agent's own | shared by all agents |
//! |---|---|---|
//! | to 2026.6.1 | `agents/<id>/agent/auth-profiles.json`, `auth-state.json` | those of `main` |
//! | from 2026.6.5 | `agents/<id>/agent/openclaw-agent.sqlite` | those of `main`, later `state/openclaw.sqlite` |
//!
//! [`Installation`] tells which agents and stores there are, [`StoreFile::read`] reads one, and
//! [`Installation::effective`] tells what an agent of the client uses.

mod database;
mod effective;
mod exclusive;
mod files;
mod installation;
mod named;
mod profile;
mod references;
mod store;
mod store_change;
mod tables;

#[cfg(test)]
mod database_tests;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod stores_tests;

pub use effective::{Effective, EffectiveProfile};
pub use installation::{ClientAgent, Generation, Installation};
pub use named::{NamedSecret, Scope};
pub use profile::{Kept, Reference, StoredProfile, is_something};
pub use references::{Addition, Becomes, is_bare, profiles_of, refer};
pub use store::{Form, Store, StoreFile};
pub use store_change::{empty_database, is_database};
