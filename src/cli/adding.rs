//! Adds a credential: asks for its provider and method, then runs that method.

use clap::ValueEnum;

use super::Context;
use super::claude_token;
use super::expiry_flags::{Ends, from_now};
use super::menu;
use super::secret_argument;
use super::storing::StoreArg;
use super::storing::{self, Stored};
use crate::env_names;
use crate::error::Result;
use crate::messages::cli::credentials;
use crate::ops::open::Open;
use crate::ops::save::{End, Wish};
use crate::vault::credential::CredentialType;
use crate::vault::id::Provider;

/// The providers that the menu numbers; any other can be typed.
const OFFERED: [&str; 7] = ["anthropic", "openai", "google", "openrouter", "groq", "xai", "mistral"];

/// How to get a credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Method {
    /// Run `claude setup-token` here
    SetupToken,
    /// Paste a token
    #[value(alias = "paste-token")]
    Token,
    /// Paste an API key
    #[value(alias = "apiKey", alias = "paste-api-key")]
    ApiKey,
}

impl Method {
    /// Returns the method's name, as `--method` takes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SetupToken => "setup-token",
            Self::Token => "token",
            Self::ApiKey => "api-key",
        }
    }

    /// Returns what the menu says about the method.
    fn description(self) -> &'static str {
        match self {
            Self::SetupToken => "run `claude setup-token` here, or paste what it printed elsewhere",
            Self::Token => "paste a token",
            Self::ApiKey => "paste an API key",
        }
    }

    /// Returns the methods of a provider, the usual one first.
    pub(super) fn of(provider: &Provider) -> &'static [Self] {
        if provider.as_str() == "anthropic" {
            &[Self::SetupToken, Self::Token, Self::ApiKey]
        } else {
            &[Self::ApiKey, Self::Token]
        }
    }
}

/// What is known about the credential to add.
#[derive(Default)]
pub(super) struct Known {
    /// Its provider.
    pub provider: Option<Provider>,
    /// How to get it.
    pub method: Option<Method>,
    /// The id to store it under.
    pub profile_id: Option<String>,
    /// When it expires.
    pub ends: Ends,
    /// The store to use.
    pub store: Option<StoreArg>,
}

impl Known {
    /// Returns the setup-token to make, if its provider is known.
    ///
    /// # Errors
    /// `USAGE` for a provider that has no setup-tokens.
    pub(super) fn setup_token(&self, context: &Context) -> Result<Option<Wish>> {
        let Some(provider) = &self.provider else { return Ok(None) };
        let id = self.profile_id.as_deref();
        claude_token::wish(context, provider.as_str(), id, &self.ends, self.store).map(Some)
    }
}

/// Asks for what is not known, reads the secret, and stores it.
///
/// # Errors
/// Those of asking and of storing.
pub(super) fn ask_and_store(context: &mut Context, open: &mut Open<'_>, known: Known) -> Result<Stored> {
    let asking = context.may_ask() && (known.provider.is_none() || known.method.is_none());
    let provider = match known.provider {
        Some(provider) => provider,
        None => ask_provider()?,
    };
    let method = match known.method {
        Some(method) => method,
        None => ask_method(&provider)?,
    };
    let kind = if method == Method::ApiKey { CredentialType::ApiKey } else { CredentialType::Token };
    let default = if method == Method::SetupToken { "default" } else { storing::default_name(kind) };
    let asks_id = asking && known.profile_id.is_none();
    let id = match known.profile_id {
        None if asks_id => {
            let answer = menu::line(&credentials::profile_id_prompt(&provider, default))?;
            (!answer.is_empty()).then_some(answer)
        }
        id => id,
    };
    if method == Method::SetupToken {
        let wish = claude_token::wish(context, provider.as_str(), id.as_deref(), &known.ends, known.store)?;
        claude_token::needs_terminal(context, &wish)?;
        storing::keep_what_is_there(context, open, &wish, asks_id)?;
        return claude_token::make(context, open, wish);
    }
    let mut wish = Wish {
        profile: storing::profile_of(context, &provider, id.as_deref(), default)?,
        named: id.is_some(),
        provider,
        kind,
        end: known.ends.read(context.env.now())?,
        store: known.store.map(Into::into),
        command: "add",
        hosts: Vec::new(),
        username: None,
    };
    storing::keep_what_is_there(context, open, &wish, asks_id)?;
    if wish.end == End::Unsaid && asking && kind == CredentialType::Token {
        let answer = menu::line(credentials::EXPIRES_PROMPT)?;
        if !answer.is_empty() {
            wish.end = from_now(&answer, context.env.now())?;
        }
    }
    let what = format!("{} for {}", storing::noun(kind), wish.profile);
    let provider = wish.provider.clone();
    storing::store(context, open, wish, |context| secret_argument::read(context, &provider, &what))
}

/// Asks for the provider.
///
/// # Errors
/// Those of asking.
pub(super) fn ask_provider() -> Result<Provider> {
    let mut menu = String::from("Provider:\n");
    for (number, name) in (1..).zip(OFFERED) {
        let names = env_names::names_of(name);
        let is_usual = |name: &&&str| name.ends_with("_API_KEY") && **name != "CODEX_API_KEY";
        let variable = names.iter().find(is_usual).copied().unwrap_or_default();
        menu.push_str(&format!("  {number}  {name:<12} ({variable})\n"));
    }
    crate::term::out::write_error(&menu);
    menu::answer(credentials::PROVIDER_PROMPT, |text| {
        let by_number = menu::numbered(text, OFFERED.len()).and_then(|index| OFFERED.get(index));
        let name = by_number.copied().unwrap_or(text);
        if name.bytes().all(|byte| byte.is_ascii_digit()) { None } else { name.to_lowercase().parse().ok() }
    })
}

fn ask_method(provider: &Provider) -> Result<Method> {
    let methods = Method::of(provider);
    let choices: Vec<_> =
        methods.iter().map(|method| (method.name(), method.description().to_owned())).collect();
    let index = menu::pick(credentials::METHODS, "Method", &choices)?;
    methods.get(index).copied().ok_or_else(credentials::no_method)
}
