//! What the flags of `onboard` give: credentials, each with its secret.

use super::super::api_keys::{self, Source};
use super::super::{
    Context, adding::Method, claude_token, context, expiry_flags::Ends, secret_argument, storing,
};
use super::Onboard;
use crate::error::{Error, Result};
use crate::looks::may_be_repeated;
use crate::messages::cli::setup as messages;
use crate::ops::save::{End, Wish};
use crate::secret_format;
use crate::vault::credential::CredentialType;
use crate::vault::id::Provider;

/// The value of `--auth-choice`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub method: Method,
    /// The flag of the key and its provider, for choices such as `openrouter-api-key`.
    pub key: Option<(&'static str, &'static str)>,
}

pub(super) fn choice(text: &str) -> Result<Choice> {
    context::not_a_secret(text)?;
    let method = match text {
        "apiKey" | "api-key" => Method::ApiKey,
        "token" => Method::Token,
        "setup-token" => Method::SetupToken,
        other => {
            return match api_keys::flag(other) {
                Some(key) => Ok(Choice { method: Method::ApiKey, key: Some(key) }),
                None => Err(messages::bad_choice()),
            };
        }
    };
    Ok(Choice { method, key: None })
}

impl Onboard {
    /// Returns what the flags ask to store: the credential, its flag, and where its secret comes from.
    pub(super) fn wishes(
        &self,
        context: &Context,
        choice: Option<Choice>,
    ) -> Result<Vec<(Wish, String, Source)>> {
        let mut wishes = Vec::new();
        for (provider, flag, source) in self.keys.given() {
            let provider: Provider = provider.parse()?;
            let wish = Wish {
                profile: storing::profile_of(context, &provider, None, "default")?,
                named: false,
                provider,
                kind: CredentialType::ApiKey,
                end: End::Unsaid,
                store: None,
                command: "onboard",
                hosts: Vec::new(),
                username: None,
            };
            wishes.push((wish, flag.to_owned(), source.clone()));
        }
        if let Some(source) = &self.token {
            let name = self.token_provider.as_deref().unwrap_or("anthropic");
            context::not_a_secret(name)?;
            let provider: Provider = name.parse()?;
            let of_setup = choice.is_some_and(|choice| choice.method == Method::SetupToken);
            let default = if of_setup { "default" } else { storing::default_name(CredentialType::Token) };
            let now = context.env.now();
            let end = if of_setup { claude_token::end(&self.ends(), now)? } else { self.ends().read(now)? };
            let wish = Wish {
                profile: storing::profile_of(context, &provider, self.token_profile_id.as_deref(), default)?,
                named: self.token_profile_id.is_some(),
                provider,
                kind: CredentialType::Token,
                end,
                store: None,
                command: "onboard",
                hosts: Vec::new(),
                username: None,
            };
            wishes.push((wish, "--token".to_owned(), source.clone()));
        }
        if wishes.iter().filter(|(_, _, source)| matches!(source, Source::Stdin)).count() > 1 {
            return Err(messages::stdin_twice());
        }
        for (place, (wish, flag, _)) in wishes.iter().enumerate() {
            let rest = wishes.iter().skip(place + 1);
            if let Some((_, other, _)) = rest.clone().find(|(other, ..)| other.profile == wish.profile) {
                return Err(messages::both_for(flag, other, wish.profile.as_str()));
            }
        }
        self.check_flags(&wishes, choice)?;
        if !wishes.is_empty() || context.may_ask() {
            return Ok(wishes);
        }
        if choice.is_some_and(|choice| choice.method == Method::SetupToken) {
            // A setup-token needs a terminal: this error says so, and what to do instead.
            let id = self.token_profile_id.as_deref();
            let wish = claude_token::wish(context, "anthropic", id, &Ends::default(), None)?;
            claude_token::needs_terminal(context, &wish)?;
        }
        Err(messages::nothing_given())
    }

    /// Fails if a flag contradicts the credentials that were given.
    fn check_flags(&self, wishes: &[(Wish, String, Source)], choice: Option<Choice>) -> Result<()> {
        if wishes.is_empty() {
            return Ok(());
        }
        let has = |kind| wishes.iter().any(|(wish, ..)| wish.kind == kind);
        let missing = match choice {
            Some(Choice { key: Some((flag, provider)), .. }) => {
                let given = wishes.iter().any(|(wish, ..)| {
                    wish.kind == CredentialType::ApiKey && wish.provider.as_str() == provider
                });
                (!given).then(|| (flag.to_owned(), format!("--{flag}")))
            }
            Some(Choice { method: Method::ApiKey, .. }) => (!has(CredentialType::ApiKey))
                .then(|| ("apiKey".to_owned(), "--<provider>-api-key".to_owned())),
            Some(Choice { method, .. }) => {
                (!has(CredentialType::Token)).then(|| (method.name().to_owned(), "--token".to_owned()))
            }
            None => None,
        };
        if let Some((choice, flag)) = missing {
            return Err(messages::choice_needs(&choice, &flag));
        }
        let of_token = [
            ("--token-provider", self.token_provider.is_some()),
            ("--token-profile-id", self.token_profile_id.is_some()),
            ("--token-expires-in", self.token_expires_in.is_some()),
            ("--token-expires-at", self.token_expires_at.is_some()),
        ];
        match of_token.iter().find(|(_, given)| *given && self.token.is_none()) {
            Some((flag, _)) => Err(messages::needs_token(flag)),
            None => Ok(()),
        }
    }
}

/// Returns the error for a variable without a value. A name that is unusual for a variable may be a secret, and is
/// not repeated.
fn not_set(flag: &str, name: &str) -> Error {
    let is_name = may_be_repeated(name) && name.bytes().all(|b| !b.is_ascii_lowercase());
    messages::variable_not_set(flag, is_name.then_some(name))
}

impl Source {
    /// Reads the secret, with a warning if it was given on the command line.
    pub(super) fn read(
        self,
        context: &Context,
        provider: &Provider,
        flag: &str,
    ) -> Result<secret_argument::Read> {
        let bytes = match self {
            Self::Stdin => {
                if context.env.stdin_tty {
                    return secret_argument::read(context, provider, &format!("value of {flag}"));
                }
                crate::term::stdin::read_stdin(secret_argument::INPUT_MAX)?
            }
            Self::Variable(name) => {
                let Some(value) = context.env.var(&name) else { return Err(not_set(flag, &name)) };
                let mut bytes = crate::secret::Buffer::default();
                bytes.extend(value.as_encoded_bytes());
                bytes
            }
            Self::Given(secret) => {
                let mut bytes = crate::secret::Buffer::default();
                bytes.extend(crate::secret::ExposeSecret::expose_secret(&secret).as_bytes());
                let pasted = secret_format::normalise(bytes.expose(), Some(provider))?;
                let mut warnings = pasted.warnings;
                warnings.push(messages::secret_on_command_line(flag));
                return Ok((pasted.secret, warnings));
            }
            Self::Not(why) => return Err(messages::not_a_secret(flag, why)),
            Self::Empty => return Err(messages::empty_value(flag)),
        };
        let pasted = secret_format::normalise(bytes.expose(), Some(provider))?;
        Ok((pasted.secret, pasted.warnings))
    }
}
