//! Changes `auth-state.json`. Everything else is kept unchanged and in order, including members that this program does
//! not know.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::state::{self, PINS, VERSION};
use crate::error::{Code, Error, Result};
use crate::messages::client as messages;
use crate::select::pin::{PINS_MAX, Pin, PinnedBy, SessionName};
use crate::select::state::{AuthState, Usage};
use crate::vault::id::{ProfileId, Provider};
use crate::vault::index::object;

type Raw = Box<RawValue>;
type Object = IndexMap<String, Raw>;

const LAST_GOOD: &str = "lastGood";
const USAGE: &str = "usageStats";
const ORDER: &str = "order";
/// Members of an entry of `usageStats` that are removed together with its block.
const OF_BLOCK: [&str; 4] = ["blockedReason", "blockedSource", "blockedModel", "blockedScope"];
/// A member of an entry of `usageStats` that says more about its last failure, from OpenClaw 2026.8.1 on. Each report
/// removes it, as in the client.
const CLASSIFICATION: &str = "cooldownClassification";

/// The file in memory.
#[derive(Clone, Debug)]
pub struct StateFile {
    top: Object,
    /// Its parsed contents.
    pub state: AuthState,
}

impl StateFile {
    /// Parses the file. Without one it is empty.
    ///
    /// # Errors
    /// Those of [`state::parse`], with a remedy. The bytes are kept.
    pub fn parse(bytes: Option<&[u8]>) -> Result<Self> {
        let state = state::parse(bytes).map_err(|error| match error.code() {
            Code::NewerFormat => error,
            _ => error.with_remedy(messages::REPAIR_STATE),
        })?;
        let top = bytes.map_or_else(|| Some(Object::new()), |bytes| serde_json::from_slice(bytes).ok());
        let Some(top) = top else { return Err(messages::state_not_object()) };
        Ok(Self { top, state })
    }

    /// Sets the usage of a profile.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn set_usage(&mut self, id: &ProfileId, usage: &Usage) -> Result<()> {
        self.set_usages([(id, usage)])
    }

    /// Sets the usage of several profiles.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn set_usages<'u>(
        &mut self,
        usages: impl IntoIterator<Item = (&'u ProfileId, &'u Usage)>,
    ) -> Result<()> {
        let mut all = self.section(USAGE);
        for (id, usage) in usages {
            self.set_usage_in(&mut all, id, usage)?;
        }
        self.put_section(USAGE, &all)
    }

    fn set_usage_in(&mut self, all: &mut Object, id: &ProfileId, usage: &Usage) -> Result<()> {
        let mut entry = all.get(id.as_str()).and_then(|raw| object_of(raw)).unwrap_or_default();
        set(&mut entry, "lastUsed", usage.last_used)?;
        set(&mut entry, "cooldownUntil", usage.cooldown_until)?;
        set(&mut entry, "cooldownReason", usage.cooldown_reason.as_ref())?;
        set(&mut entry, "cooldownModel", usage.cooldown_model.as_ref())?;
        set(&mut entry, "errorCount", Some(usage.error_count))?;
        let mut counts = entry.get("failureCounts").and_then(|raw| object_of(raw)).unwrap_or_default();
        if usage.failure_counts.is_empty() {
            entry.shift_remove("failureCounts");
        } else {
            let before = self.state.usage(id).map(|usage| &usage.failure_counts);
            let gone = before.into_iter().flat_map(|counts| counts.keys());
            for reason in gone.filter(|reason| !usage.failure_counts.contains_key(*reason)) {
                counts.shift_remove(reason);
            }
            for (reason, count) in &usage.failure_counts {
                set(&mut counts, reason, Some(count))?;
            }
            entry.insert("failureCounts".to_owned(), raw(object(&counts, 3))?);
        }
        set(&mut entry, "lastFailureAt", usage.last_failure_at)?;
        set(&mut entry, "disabledUntil", usage.disabled_until)?;
        set(&mut entry, "disabledReason", usage.disabled_reason.as_ref())?;
        set(&mut entry, "blockedUntil", usage.blocked_until)?;
        if usage.blocked_until.is_none() {
            for name in OF_BLOCK {
                entry.shift_remove(name);
            }
        }
        entry.shift_remove(CLASSIFICATION);
        all.insert(id.as_str().to_owned(), raw(object(&entry, 2))?);
        self.state.usage.insert(id.clone(), usage.clone());
        Ok(())
    }

    /// Sets the profile that was last used for a provider.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn set_last_good(&mut self, provider: &Provider, id: &ProfileId) -> Result<()> {
        let mut all = self.section(LAST_GOOD);
        set(&mut all, provider.as_str(), Some(id.as_str()))?;
        self.state.last_good.insert(provider.clone(), id.clone());
        self.put_section(LAST_GOOD, &all)
    }

    /// Pins a profile for a session, or removes its pin. If there are too many pins, the oldest one that was not set by
    /// a person is removed.
    ///
    /// # Errors
    /// `TOO_LARGE` if every pin was set by a person; `INTERNAL`.
    pub fn set_pin(&mut self, session: &SessionName, pin: Option<&Pin>) -> Result<()> {
        let mut all = self.section(PINS);
        match pin {
            None => {
                all.shift_remove(session.as_str());
                self.state.pins.remove(session);
            }
            Some(pin) => {
                if !all.contains_key(session.as_str()) && all.len() >= PINS_MAX {
                    let automatic = self.state.pins.iter().filter(|(_, pin)| pin.source == PinnedBy::Auto);
                    let oldest = automatic.min_by_key(|(_, pin)| pin.at).map(|(session, _)| session.clone());
                    let Some(oldest) = oldest else {
                        return Err(messages::too_many_pins(PINS_MAX));
                    };
                    all.shift_remove(oldest.as_str());
                    self.state.pins.remove(&oldest);
                }
                set(&mut all, session.as_str(), Some(pin))?;
                self.state.pins.insert(session.clone(), pin.clone());
            }
        }
        self.put_section(PINS, &all)
    }

    /// Removes everything about a profile that no longer exists: its usage, that it was last used, and its pins,
    /// because a new profile with that id is another one. Returns whether it was named at all.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn forget(&mut self, id: &ProfileId) -> Result<bool> {
        let is = |value: &str| serde_json::from_str::<String>(value).is_ok_and(|text| text == id.as_str());
        let pins = |value: &str| serde_json::from_str::<Pin>(value).is_ok_and(|pin| pin.profile == *id);
        let mut named = self.retain(USAGE, |name, _| name != id.as_str())?;
        named |= self.retain(LAST_GOOD, |_, value| !is(value))?;
        named |= self.retain(PINS, |_, value| !pins(value))?;
        if named {
            self.state = state::parse(Some(&self.to_bytes()))?;
        }
        Ok(named)
    }

    /// Returns whether the file names a profile.
    #[must_use]
    pub fn names(&self, id: &ProfileId) -> bool {
        memchr::memmem::find(&self.to_bytes(), format!("\"{id}\"").as_bytes()).is_some()
    }

    fn retain(&mut self, name: &str, keeps: impl Fn(&str, &str) -> bool) -> Result<bool> {
        let mut members = self.section(name);
        let before = members.len();
        members.retain(|member, value| keeps(member, value.get()));
        if members.len() == before {
            return Ok(false);
        }
        self.put_section(name, &members)?;
        Ok(true)
    }

    /// Renames a profile wherever it is named. Returns whether it was named at all. Everything about an earlier profile
    /// with the new id is removed.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn rename(&mut self, from: &ProfileId, to: &ProfileId) -> Result<bool> {
        let mut named = self.forget(to)?;
        let mut usage = self.section(USAGE);
        if let Some(place) = usage.get_index_of(from.as_str())
            && let Some(entry) = usage.shift_remove(from.as_str())
        {
            usage.shift_insert(place.min(usage.len()), to.as_str().to_owned(), entry);
            self.put_section(USAGE, &usage)?;
            named = true;
        }
        let (from_text, to_text) = (from.as_str(), to.as_str());
        let renamed = |text: String| if text == from_text { to_text.to_owned() } else { text };
        named |= self.edit_section(LAST_GOOD, |value| {
            let id: String = serde_json::from_str(value).ok().filter(|id| id == from_text)?;
            to_raw_value(&renamed(id)).ok()
        })?;
        named |= self.edit_section(ORDER, |value| {
            let ids: Vec<String> = serde_json::from_str(value).ok()?;
            ids.iter().any(|id| id == from_text).then_some(())?;
            to_raw_value(&ids.into_iter().map(renamed).collect::<Vec<_>>()).ok()
        })?;
        named |= self.edit_section(PINS, |value| {
            let pin: Pin = serde_json::from_str(value).ok().filter(|pin: &Pin| pin.profile == *from)?;
            to_raw_value(&Pin { profile: to.clone(), ..pin }).ok()
        })?;
        if named {
            self.state = state::parse(Some(&self.to_bytes()))?;
        }
        Ok(named)
    }

    /// Replaces the values of a section for which `edit` returns a new one. Returns whether there was any.
    fn edit_section(&mut self, name: &str, edit: impl Fn(&str) -> Option<Raw>) -> Result<bool> {
        let mut members = self.section(name);
        let mut edited = false;
        for value in members.values_mut() {
            if let Some(new) = edit(value.get()) {
                *value = new;
                edited = true;
            }
        }
        if edited {
            self.put_section(name, &members)?;
        }
        Ok(edited)
    }

    /// Returns the file's bytes: JSON indented by two spaces and a line break, as OpenClaw writes it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = object(&self.top, 0);
        text.push('\n');
        text.into_bytes()
    }

    fn section(&self, name: &str) -> Object {
        self.top.get(name).and_then(|raw| object_of(raw)).unwrap_or_default()
    }

    fn put_section(&mut self, name: &str, members: &Object) -> Result<()> {
        if !self.top.contains_key("version") {
            self.top.shift_insert(0, "version".to_owned(), raw(VERSION.to_string())?);
        }
        if members.is_empty() {
            self.top.shift_remove(name);
        } else {
            self.top.insert(name.to_owned(), raw(object(members, 1))?);
        }
        Ok(())
    }
}

fn object_of(raw: &RawValue) -> Option<Object> {
    serde_json::from_str(raw.get()).ok()
}

/// Sets a member in its place, or removes it. A member with the same value keeps its spelling.
fn set<T: Serialize>(members: &mut Object, name: &str, value: Option<T>) -> Result<()> {
    match value {
        Some(value) => {
            let value = to_raw_value(&value).map_err(|_| unwritten())?;
            if members.get(name).is_none_or(|before| before.get() != value.get()) {
                members.insert(name.to_owned(), value);
            }
        }
        None => drop(members.shift_remove(name)),
    }
    Ok(())
}

fn raw(text: String) -> Result<Raw> {
    RawValue::from_string(text).map_err(|_| unwritten())
}

fn unwritten() -> Error {
    messages::state_not_encoded()
}

#[cfg(test)]
#[path = "state_file_tests.rs"]
mod tests;
