//! One of the client's stores: its place, and what is in it.

use std::path::{Path, PathBuf};

use serde_json::value::RawValue;
use strongroom_backends::shown;

use super::named::NamedSecret;
use super::profile::{self, StoredProfile};
use super::tables::{self, AgentRows, SharedRows};
use crate::client::{file, state};
use crate::error::{Code, Error, Result};
use crate::json::fields::object;
use crate::messages::stores as messages;
use crate::secret::Buffer;
use crate::select::state::AuthState;
use crate::vault::id::AgentName;

/// The largest file of profiles that is read, in bytes.
const JSON_MAX: u64 = 16 * 1024 * 1024;
/// The members of older files of profiles that are state.
pub(super) const STATE: [&str; 3] = ["order", "lastGood", "usageStats"];

/// The form of a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// `auth-profiles.json`, with `auth-state.json` beside it.
    Json,
    /// `openclaw-agent.sqlite`.
    AgentDatabase,
    /// `openclaw.sqlite`.
    SharedDatabase,
}

/// A store of the client that exists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoreFile {
    /// Its form.
    pub form: Form,
    /// Its file.
    pub path: PathBuf,
    /// The agent whose store it is; nothing for the shared one.
    pub agent: Option<AgentName>,
}

/// What is in a store.
#[derive(Debug, Default)]
pub struct Store {
    /// The profiles, in their order.
    pub profiles: Vec<StoredProfile>,
    /// Orders, last used profiles and usage.
    pub state: AuthState,
    /// Why the state could not be read. It is empty then.
    pub state_error: Option<Error>,
    /// The values of the `store` source.
    pub named: Vec<NamedSecret>,
    /// The profiles as the client wrote them: JSON of the form of `auth-profiles.json`.
    pub document: Option<Buffer>,
    /// Whether the client says that its agents share this store.
    pub is_shared: bool,
}

impl StoreFile {
    /// Reads the store. Returns nothing if it was removed.
    ///
    /// # Errors
    /// `UNSAFE_FILE`, `TOO_LARGE`, `BAD_DATA`, `DUPLICATE_KEY`, `TIMEOUT`, `LOCK_TIMEOUT`, `IO`; the message names the
    /// store and quotes nothing of it.
    pub fn read(&self) -> Result<Option<Store>> {
        let read = match self.form {
            Form::Json => of_json(&self.path),
            Form::AgentDatabase => {
                tables::of_agent(&self.path).and_then(|rows| rows.map(of_rows).transpose())
            }
            Form::SharedDatabase => {
                tables::shared(&self.path).and_then(|rows| rows.map(of_shared).transpose())
            }
        };
        read.map_err(|error| messages::store_not_read(&shown(&self.path), &error))
    }
}

fn of_json(path: &Path) -> Result<Option<Store>> {
    let if_any = |path: &Path, max| match file::read(path, max) {
        Ok((bytes, _)) => Ok(Some(bytes)),
        Err(error) if error.code() == Code::NoInput => Ok(None),
        Err(error) => Err(error),
    };
    let Some(profiles) = if_any(path, JSON_MAX)? else { return Ok(None) };
    let max = u64::try_from(state::MAX).unwrap_or(u64::MAX);
    let (state, unread) = match if_any(&path.with_file_name(state::FILE), max) {
        Ok(state) => (state, None),
        Err(error) => (None, Some(error)),
    };
    let mut store = of_rows(AgentRows { profiles: Some(profiles), state })?;
    store.state_error = store.state_error.or(unread);
    Ok(Some(store))
}

fn of_shared(shared: SharedRows) -> Result<Store> {
    let location = shared.location.as_ref().and_then(|location| {
        let location: serde_json::Value = serde_json::from_slice(location.expose()).ok()?;
        location.get("location")?.as_str().map(str::to_owned)
    });
    let is_shared = location.as_deref() == Some("state-db");
    Ok(Store { named: shared.named, is_shared, ..of_rows(shared.rows)? })
}

fn of_rows(rows: AgentRows) -> Result<Store> {
    let profiles = rows.profiles.as_ref().map_or(Ok(Vec::new()), |bytes| profile::parse(bytes.expose()))?;
    let inside = rows.profiles.as_ref().and_then(|bytes| state_inside(bytes.expose()));
    let parsed = state::parse(inside.as_ref().map(String::as_bytes)).and_then(|mut state| {
        overlay(&mut state, state::parse(rows.state.as_ref().map(Buffer::expose))?);
        Ok(state)
    });
    let (state, state_error) = match parsed {
        Ok(state) => (state, None),
        Err(error) => (AuthState::default(), Some(error)),
    };
    Ok(Store { profiles, state, state_error, document: rows.profiles, ..Store::default() })
}

/// Returns the state that older clients wrote into the file of profiles, without anything else of it.
fn state_inside(bytes: &[u8]) -> Option<String> {
    let root = object(serde_json::from_slice::<&RawValue>(bytes).ok()?)?;
    let sections = STATE.iter().filter_map(|name| Some(format!("\"{name}\":{}", root.get(*name)?.get())));
    let sections: Vec<String> = sections.collect();
    (!sections.is_empty()).then(|| format!("{{{}}}", sections.join(",")))
}

/// Puts a state over another one, entry by entry, as the client does.
pub(super) fn overlay(base: &mut AuthState, over: AuthState) {
    base.order.extend(over.order);
    base.last_good.extend(over.last_good);
    base.usage.extend(over.usage);
}
