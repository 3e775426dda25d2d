//! Credentials in plain text that are left beside OpenClaw's stores: in archives of migrated stores, in backups of its
//! configuration, and in its `.env`.

use super::Finding;
use super::client::{CHECK, Client};
use super::client_stores::{is_sign_in, joined, names_of};
use crate::client::config::ClientConfig;
use crate::client::file;
use crate::client::leftovers::{CopyOf, Leftover};
use crate::client::provider_entry::EntryKey;
use crate::client::sources::{Found, Held, Origin, stray_keys};
use crate::client::stores::{Form, StoreFile, is_something};
use crate::messages::doctor::client as messages;
use crate::secret::ExposeSecret;
use crate::secret_format;

/// The largest copy that is searched, in bytes.
const COPY_MAX: u64 = 16 * 1024 * 1024;

/// Looks into each copy, and into the client's `.env`.
pub(super) fn check(client: &Client<'_>) -> Vec<Finding> {
    let in_copy = |left: &Leftover| {
        let names = match left.of {
            CopyOf::Store => in_store(left),
            CopyOf::Config => in_config(left),
        };
        Some(Finding::wrong(CHECK, messages::plaintext_left(&left.path, &names?)))
    };
    let mut findings: Vec<Finding> = client.leftovers.iter().filter_map(in_copy).collect();
    findings.extend(dotenv(client));
    findings
}

/// Returns what a copy of a store holds in plain text.
fn in_store(left: &Leftover) -> Option<String> {
    let file = StoreFile { form: Form::Json, path: left.path.clone(), agent: None };
    match file.read() {
        Ok(Some(store)) if !store.profiles.is_empty() => {
            names_of(&store, |profile| profile.holds_secret() || is_sign_in(profile))
        }
        // Half a store, or one of an unknown form, can still hold secrets.
        _ => holds_secret(left),
    }
}

/// Returns what a copy of the configuration holds in plain text.
fn in_config(left: &Leftover) -> Option<String> {
    let Ok(Some(config)) = ClientConfig::read(&left.path) else { return holds_secret(left) };
    let keys = config.providers.iter().filter_map(|entry| match &entry.key {
        EntryKey::Text(text) if is_something(text) => {
            Some(format!("models.providers.{}.apiKey", entry.provider))
        }
        _ => None,
    });
    let is_key = |name: &str, value: &str| {
        !value.contains("${") && stray_keys::is_one(name, value) && secret_format::may_be_shown(name)
    };
    let variables = config.variables.iter().filter(|(name, value)| is_key(name, value.expose_secret()));
    let names = keys.chain(variables.map(|(name, _)| format!("env.{name}"))).collect();
    joined(names).or_else(|| holds_secret(left))
}

/// Returns words for what a copy holds if any part of its text has the shape of a secret.
fn holds_secret(left: &Leftover) -> Option<String> {
    let (bytes, _) = file::read(&left.path, COPY_MAX).ok()?;
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`,:;{}[]()<>=\\".contains(byte);
    let mut words = bytes.expose().split(is_end).filter_map(|word| std::str::from_utf8(word).ok());
    words.any(secret_format::looks_secret).then(|| messages::SOMETHING_SECRET.to_owned())
}

/// Returns a finding for each `.env` of the client with keys in it.
fn dotenv(client: &Client<'_>) -> Vec<Finding> {
    let found = Found::look_with(client.env, None, None);
    let places = client.installation.places();
    let in_file = |path| {
        let is_there = |origin: &Origin| {
            matches!(origin, Origin::File(_) | Origin::LeftBehind(_)) && origin.path() == Some(path)
        };
        let keys = found.variables.iter().filter(|variable| is_there(&variable.origin));
        let keys = keys.filter(|variable| matches!(variable.held, Held::Text(_)));
        let names = joined(keys.map(|variable| variable.name.clone()).collect())?;
        Some(Finding::advice(CHECK, messages::dotenv(path, &names)))
    };
    places.dotenv.iter().chain(&places.left_behind).filter_map(|path| in_file(path)).collect()
}
