//! Shared by the commands that store a credential: its flags, the question before it replaces another, and the answer.

use clap::ValueEnum;

use super::context::not_a_secret;
use super::secret_argument::Read;
use super::{Context, notices};
use crate::error::Result;
use crate::messages::cli::credentials;
use crate::messages::cli::keys::history;
use crate::ops::ids::free_beside;
use crate::ops::open::Open;
use crate::ops::save::{self, Held, Wish};
use crate::term::secret_input;
use crate::vault::credential::{Credential, CredentialType};
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::record::Record;
use crate::vault::store::Store as Place;

/// A store, as the command line names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum StoreArg {
    /// Encrypted files in the home
    File,
    /// The desktop's keychain
    Keychain,
}

impl From<StoreArg> for Place {
    fn from(store: StoreArg) -> Self {
        match store {
            StoreArg::File => Self::File,
            StoreArg::Keychain => Self::Keychain,
        }
    }
}

/// A credential that was stored.
pub(super) struct Stored {
    /// `Stored`, `Replaced` or `Rotated`.
    pub verb: &'static str,
    /// The record.
    pub record: Record,
    /// Whether it replaced one that can be brought back.
    can_be_undone: bool,
    /// Whether the expiry is the usual one because the user did not say.
    expiry_assumed: bool,
    /// The warnings that were shown.
    pub warnings: Vec<String>,
}

/// Returns the name of a profile that is pasted without an id.
pub(super) fn default_name(kind: CredentialType) -> &'static str {
    if kind == CredentialType::Token { "manual" } else { "default" }
}

/// Returns what a credential is called in a sentence.
pub(super) fn noun(kind: CredentialType) -> &'static str {
    if kind == CredentialType::Token { "token" } else { "API key" }
}

/// Refuses to replace a credential of another type if the id is a default one; at a terminal it asks instead.
///
/// With `asks_anyway` it asks before it replaces any credential.
///
/// # Errors
/// `EXISTS`, `CANCELLED`.
pub(super) fn keep_what_is_there(
    context: &Context,
    open: &Open<'_>,
    wish: &Wish,
    asks_anyway: bool,
) -> Result<()> {
    let held = save::held(open, &wish.profile)?;
    if !asks_anyway && (wish.named || held == Held::Credential(wish.kind)) {
        return Ok(());
    }
    let what = match held {
        Held::Nothing => return Ok(()),
        Held::Credential(CredentialType::OAuth) => "an OAuth sign-in",
        Held::Credential(CredentialType::Token) => "a token",
        Held::Credential(CredentialType::ApiKey) => "an API key",
        Held::Unknown => "something else",
    };
    let profile = &wish.profile;
    if !context.may_ask() {
        let free = free_beside(open.vault, &open.agent, profile)?;
        let verb = match (wish.command, wish.kind) {
            ("setup-token", _) => "setup-token",
            (_, CredentialType::Token) => "paste-token",
            _ => "paste-api-key",
        };
        return Err(credentials::would_replace(
            profile,
            what,
            verb,
            &open.agent.option(),
            &wish.provider,
            &free.word(),
        ));
    }
    if secret_input::confirm(&credentials::replace_prompt(profile, what))? {
        return Ok(());
    }
    Err(credentials::not_replaced(profile))
}

/// Stores a credential. Everything that can fail or ask comes first, then the secret is read.
///
/// # Errors
/// Those of the store, of reading the secret, and of writing.
pub(super) fn store(
    context: &mut Context,
    open: &mut Open<'_>,
    wish: Wish,
    read: impl FnOnce(&Context) -> Result<Read>,
) -> Result<Stored> {
    let place = save::place_of(open, &wish.profile, wish.store)?;
    let (secret, warnings) = read(context)?;
    let saved = save::store(open, wish, place, secret)?;
    Ok(Stored::announced(context, if saved.replaced { "Replaced" } else { "Stored" }, warnings, saved))
}

/// Returns the profile id at a provider: from a whole id, from a bare name, or from the default name.
///
/// # Errors
/// `INVALID_ID`, `USAGE`.
pub(super) fn profile_of(
    context: &Context,
    provider: &Provider,
    id: Option<&str>,
    default: &str,
) -> Result<ProfileId> {
    let profile = match id {
        None => ProfileId::new(provider, default)?,
        Some(name) if !name.contains(':') => {
            not_a_secret(name)?;
            ProfileId::new(provider, name)?
        }
        Some(id) => context.profile_id(id)?,
    };
    if profile.provider() != *provider {
        return Err(credentials::other_provider(&profile, provider));
    }
    Ok(profile)
}

impl Stored {
    /// Shows the warnings, those about the secret first, and returns what was saved.
    pub(super) fn announced(
        context: &Context,
        verb: &'static str,
        mut warnings: Vec<String>,
        saved: save::Saved,
    ) -> Self {
        warnings.extend(saved.notices.iter().map(notices::sentence));
        for warning in &warnings {
            context.warn(warning);
        }
        let save::Saved { record, replaced, expiry_assumed, .. } = saved;
        let can_be_undone = replaced && record.details.revoked != Some(true);
        Self { verb, record, can_be_undone, expiry_assumed, warnings }
    }

    /// Prints what was stored, as the only output of a command.
    pub(super) fn tell(&self, context: &mut Context) -> Result<u8> {
        if context.json() {
            let document = self.json(context)?;
            context.print_json(&document)?;
        } else {
            self.say(context)?;
        }
        Ok(0)
    }

    /// Returns the JSON document.
    pub(super) fn json(&self, context: &Context) -> Result<serde_json::Value> {
        let credential = &self.record.credential;
        Ok(serde_json::json!({
            "agent": context.agent()?.as_str(),
            "profileId": self.record.profile.as_str(),
            "provider": credential.provider.as_str(),
            "type": credential.kind.as_str(),
            "expires": credential.expires,
            "expiryAssumed": self.expiry_assumed,
            "generation": self.record.generation,
            "result": self.verb.to_lowercase(),
            "warnings": self.warnings,
        }))
    }

    /// Prints the confirmation for people.
    pub(super) fn say(&self, context: &mut Context) -> Result<()> {
        let record = &self.record;
        let Credential { kind, expires, .. } = &record.credential;
        let agent = context.agent()?;
        let other = (agent != AgentName::default()).then_some(agent.as_str());
        let now = context.env.now();
        context.print(&credentials::stored(self.verb, &record.profile, kind, *expires, now, other))?;
        if self.can_be_undone && context.env.stderr_tty {
            context.say(&history::replaced_can_be_undone(&agent.option(), &record.profile.word()));
        }
        if self.expiry_assumed {
            context.say(credentials::EXPIRY_ASSUMED);
        }
        Ok(())
    }
}
