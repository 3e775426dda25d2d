//! What an agent of the client uses: its own profiles, and the shared ones that have no profile of its own with the
//! same id before them.

use super::installation::{ClientAgent, Generation, Installation};
use super::profile::StoredProfile;
use super::store::{Form, Store, StoreFile, overlay};
use crate::error::{Error, Result};
use crate::select::state::AuthState;
use crate::vault::id::AgentName;

/// What an agent uses.
#[derive(Debug, Default)]
pub struct Effective {
    /// Its profiles, in the order in which the client has them.
    pub profiles: Vec<EffectiveProfile>,
    /// Orders, last used profiles and usage, the agent's own before the shared ones.
    pub state: AuthState,
    /// Why a part of the state could not be read. It is left out then.
    pub state_error: Option<Error>,
}

/// A profile that an agent uses.
#[derive(Clone, Debug)]
pub struct EffectiveProfile {
    /// The profile.
    pub profile: StoredProfile,
    /// The store that it is in.
    pub store: StoreFile,
    /// The shared profile with the same id, which is not used, and its store.
    pub shadows: Option<(StoredProfile, StoreFile)>,
}

impl Installation {
    /// Returns what an agent uses. If there are databases, the client no longer uses its older stores.
    ///
    /// # Errors
    /// Those of [`StoreFile::read`].
    pub fn effective(&self, agent: &AgentName) -> Result<Effective> {
        let form = match self.generation() {
            Generation::Json => Form::Json,
            _ => Form::AgentDatabase,
        };
        let own = self.own(agent, form)?;
        let shared = match self.shared().filter(|_| form != Form::Json) {
            Some(file) => file.read()?.filter(|store| store.is_shared).map(|store| (file, store)),
            None => None,
        };
        let main = AgentName::default();
        let base = match shared {
            Some(shared) => Some(shared),
            None if *agent == main => None,
            None => self.own(&main, form)?,
        };
        Ok(Effective::of(base, own, form))
    }

    fn own(&self, agent: &AgentName, form: Form) -> Result<Option<(StoreFile, Store)>> {
        let stores = self.agent(agent).map(ClientAgent::stores).unwrap_or_default();
        let Some(file) = stores.into_iter().find(|store| store.form == form) else { return Ok(None) };
        Ok(file.read()?.map(|store| (file, store)))
    }
}

impl Effective {
    /// Puts an agent's own store over the shared one, as `mergeAuthProfileStores` of OpenClaw 2026.6.1 and 2026.9.6
    /// does.
    fn of(base: Option<(StoreFile, Store)>, own: Option<(StoreFile, Store)>, form: Form) -> Self {
        let (mut state, mut state_error) = (AuthState::default(), None);
        let mut taken = |from: Option<(StoreFile, Store)>| {
            let Some((file, store)) = from else { return Vec::new() };
            overlay(&mut state, store.state);
            state_error = state_error.take().or(store.state_error);
            let entries = store.profiles.into_iter();
            entries
                .map(|profile| EffectiveProfile { profile, store: file.clone(), shadows: None })
                .collect::<Vec<_>>()
        };
        let mut base = taken(base);
        let mut own = taken(own);
        for profile in &mut own {
            let same = base.iter().find(|other| other.profile.id == profile.profile.id);
            profile.shadows = same.map(|other| (other.profile.clone(), other.store.clone()));
        }
        let profiles = if form == Form::Json {
            // There, an agent's own profile takes the place of the shared one.
            for shared in &mut base {
                if let Some(at) = own.iter().position(|one| one.profile.id == shared.profile.id) {
                    *shared = own.remove(at);
                }
            }
            base.extend(own);
            base
        } else {
            base.retain(|shared| own.iter().all(|one| one.profile.id != shared.profile.id));
            own.extend(base);
            own
        };
        Self { profiles, state, state_error }
    }
}
