//! What the verbs that store a credential share: its flags, the question before it replaces another, and the words after it.

use clap::ValueEnum;

use super::context::not_a_secret;
use super::secret_argument::Read;
use super::{Context, notices};
use crate::error::{Code, Error, Result};
use crate::ops::ids::free_beside;
use crate::ops::open::Open;
use crate::ops::save::{self, Held, Wish};
use crate::term::secret_input;
use crate::time::rfc3339;
use crate::vault::credential::CredentialType;
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::record::Record;
use crate::vault::store::Store as Place;

/// A store, as it is named on the command line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum StoreArg {
    /// Sealed files in the home
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

/// What was stored.
pub(super) struct Stored {
    /// `Stored`, `Replaced`, `Rotated`.
    pub verb: &'static str,
    /// The record.
    pub record: Record,
    /// What had to be said.
    pub warnings: Vec<String>,
}

/// The name of a profile that is pasted without one.
pub(super) fn default_name(kind: CredentialType) -> &'static str {
    if kind == CredentialType::Token { "manual" } else { "default" }
}

/// What a credential is called in a sentence.
pub(super) fn noun(kind: CredentialType) -> &'static str {
    if kind == CredentialType::Token { "token" } else { "API key" }
}

/// Refuses to put a credential in the place of one of another type under an id that no one named: at a
/// terminal it asks instead. With `asks_anyway` it asks about any that is there.
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
        return Err(Error::new(Code::Exists, format!("{profile} holds {what}, which this would replace"))
            .with_remedy(format!(
                "nothing was changed; to keep both: strongroom {verb} --provider {} --profile-id {}",
                wish.provider,
                free.word()
            )));
    }
    if secret_input::confirm(&format!("{profile} is there, and holds {what}. Replace it?"))? {
        return Ok(());
    }
    Err(Error::new(Code::Cancelled, format!("{profile} stays as it is"))
        .with_remedy("run it again, and give another id"))
}

/// Stores a credential: everything that can fail or ask comes first, then the secret is read.
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
    Ok(Stored::told(context, if saved.replaced { "Replaced" } else { "Stored" }, warnings, saved))
}

/// The id that is meant at a provider: the one that was given, or its part behind the colon, or the
/// default's.
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
        // A bare name is a name at the provider.
        Some(name) if !name.contains(':') => {
            not_a_secret(name)?;
            ProfileId::new(provider, name)?
        }
        Some(id) => context.profile_id(id)?,
    };
    if profile.provider() != *provider {
        return Err(Error::new(
            Code::Usage,
            format!("the profile id {profile} is not one of provider {provider}"),
        )
        .with_remedy("let the part before the colon be the provider"));
    }
    Ok(profile)
}

impl Stored {
    /// What was saved, after its warnings are told; those about its secret come first.
    pub(super) fn told(
        context: &Context,
        verb: &'static str,
        mut warnings: Vec<String>,
        saved: save::Saved,
    ) -> Self {
        warnings.extend(saved.notices.iter().map(notices::sentence));
        for warning in &warnings {
            context.warn(warning);
        }
        Self { verb, record: saved.record, warnings }
    }

    /// Tells what was stored, as the one answer of a command.
    pub(super) fn tell(&self, context: &mut Context) -> Result<u8> {
        if context.json() {
            let document = self.json(context)?;
            context.print_json(&document)?;
        } else {
            self.say(context)?;
        }
        Ok(0)
    }

    /// For programs.
    pub(super) fn json(&self, context: &Context) -> Result<serde_json::Value> {
        let credential = &self.record.credential;
        Ok(serde_json::json!({
            "agent": context.agent()?.as_str(),
            "profileId": self.record.profile.as_str(),
            "provider": credential.provider.as_str(),
            "type": credential.kind.as_str(),
            "expires": credential.expires,
            "generation": self.record.generation,
            "result": self.verb.to_lowercase(),
            "warnings": self.warnings,
        }))
    }

    /// For people.
    pub(super) fn say(&self, context: &mut Context) -> Result<()> {
        let (verb, record) = (self.verb, &self.record);
        let credential = &record.credential;
        let expires = match credential.expires.map(rfc3339) {
            Some(at) => format!(", expires {at}"),
            None => String::new(),
        };
        let agent = context.agent()?;
        let whose = if agent == AgentName::default() { String::new() } else { format!(" for agent {agent}") };
        context.print(&format!("{verb} {} ({}{expires}){whose}.", record.profile, credential.kind))
    }
}
