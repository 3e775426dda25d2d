//! `onboard`: creates a vault and stores a first credential, for people and for scripts.

use clap::Args;

use super::Context;
use super::adding::{self, Known, Method};
use super::api_keys::{self, ApiKeys, Source};
use super::claude_token;
use super::client_flags::ClientFlags;
use super::expiry_flags::Ends;
use super::importing;
use super::make_vault::{self, Init};
use super::new_method::Unlock;
use super::new_vault;
use super::openclaw_setup;
use super::secret_argument;
use super::storing::{self, Stored};
use crate::client::sources::Found;
use crate::error::{Code, Error, Result};
use crate::looks::may_be_repeated;
use crate::messages::cli::setup as messages;
use crate::ops::open::Open;
use crate::ops::save::{End, Wish};
use crate::secret_format;
use crate::term::secret_input;
use crate::transfer::environment;
use crate::vault::credential::CredentialType;
use crate::vault::home::{Session, Vault};
use crate::vault::id::Provider;
use crate::vault::keys::init as vault_init;

/// Create a vault if needed, and store a first credential in it
///
/// Asks on a terminal. In scripts, flags give every answer: a key or a token is `-` (standard input), `env:NAME`
/// (a variable), or the secret itself, which others can then read on the command line and which should be rotated.
#[derive(Debug, Args)]
pub struct Onboard {
    /// Never prompt
    #[arg(long)]
    non_interactive: bool,
    /// Kind of credential: apiKey, token, setup-token
    #[arg(long, value_name = "CHOICE")]
    auth_choice: Option<String>,
    /// Token: `-`, `env:NAME`, or the token itself
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(Source))]
    token: Option<Source>,
    /// Provider of the token [default: anthropic]
    #[arg(long, value_name = "P")]
    token_provider: Option<String>,
    /// Profile id of the token [default: <provider>:manual, or <provider>:default for a setup-token]
    #[arg(long, value_name = "ID")]
    token_profile_id: Option<String>,
    /// Time until the token expires, such as 90s, 15m, 12h, 365d, 2w or 1y; or never
    #[arg(long, value_name = "TIME", conflicts_with = "token_expires_at")]
    token_expires_in: Option<String>,
    /// Date on which the token expires: 2027-01-31[THH:MM:SSZ]
    #[arg(long, value_name = "DATE")]
    token_expires_at: Option<String>,
    #[command(flatten)]
    keys: ApiKeys,
    #[command(flatten)]
    vault: Init,
    #[command(flatten)]
    client: ClientFlags,
    /// Accepted because OpenClaw has it
    #[arg(long, hide = true)]
    accept_risk: bool,
}

/// The value of `--auth-choice`.
#[derive(Clone, Copy, Debug)]
struct Choice {
    method: Method,
    /// The flag of the key and its provider, for choices such as `openrouter-api-key`.
    key: Option<(&'static str, &'static str)>,
}

fn choice(text: &str) -> Result<Choice> {
    super::context::not_a_secret(text)?;
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

pub(super) fn run(context: &mut Context, args: &Onboard) -> Result<u8> {
    if args.non_interactive {
        context.global.no_input = true;
    }
    // Before a vault is created, so that unusable values leave no vault.
    let choice = args.auth_choice.as_deref().map(choice).transpose()?;
    let mut given = Vec::new();
    for (wish, flag, source) in args.wishes(context, choice)? {
        let read = source.read(context, &wish.provider, &flag)?;
        given.push((wish, read));
    }
    if let Some(told) = args.client.told() {
        context.warn(&told);
    }
    let (made, vault, session) = open_or_make(context, args)?;
    let mut open = context.open_by(&vault, session)?;
    for (wish, _) in &given {
        storing::keep_what_is_there(context, &open, wish, false)?;
    }
    let mut kept: Vec<String> = made.iter().map(|_| messages::THE_VAULT.to_owned()).collect();
    let mut stored = Vec::new();
    let nothing_said = given.is_empty() && choice.is_none() && args.token_provider.is_none();
    let goes_on = if nothing_said && context.may_ask() && !context.json() {
        let taken = take_found(context, &mut open);
        taken.map_err(|error| stays(context, &kept, error))?
    } else {
        true
    };
    if given.is_empty() && goes_on {
        let one = args.ask(context, &mut open, choice);
        stored.push(one.map_err(|error| stays(context, &kept, error))?);
    }
    for (wish, read) in given {
        let profile = wish.profile.to_string();
        let one = storing::store(context, &mut open, wish, |_| Ok(read));
        stored.push(one.map_err(|error| stays(context, &kept, error))?);
        kept.push(profile);
    }
    let connection = openclaw_setup::of(context, &vault)?;
    if context.json() {
        let profiles = stored.iter().map(|one| one.json(context)).collect::<Result<Vec<_>>>()?;
        context.print_json(&serde_json::json!({
            "made": made,
            "profiles": profiles,
            "openclaw": connection.config(),
        }))?;
        return Ok(0);
    }
    for one in &stored {
        one.say(context)?;
    }
    let connects = context.may_ask()
        && match secret_input::confirm(messages::SHOW_SETUP) {
            // Everything is stored by now, so an interrupt is no failure.
            Err(error) if error.code() == Code::Cancelled => false,
            answer => answer?,
        };
    if connects {
        openclaw_setup::tell(context, &vault, &connection)?;
    }
    next_steps(context);
    Ok(0)
}

/// Offers to store the keys found outside the vault. Returns whether the person wants to add another credential.
fn take_found(context: &mut Context, open: &mut Open<'_>) -> Result<bool> {
    let found = Found::look_here(&context.env, false);
    let Ok(parsed) = environment::parse(&found) else { return Ok(true) };
    if parsed.candidates.is_empty() {
        return Ok(true);
    }
    context.say(messages::FOUND_KEYS);
    for candidate in &parsed.candidates {
        context.say(&format!("  {}  {}", candidate.id, candidate.place));
    }
    if !secret_input::confirm(messages::STORE_THEM)? {
        return Ok(true);
    }
    importing::take(context, open, parsed)?;
    match secret_input::confirm(messages::ADD_ANOTHER) {
        // What was found is stored by now, so an interrupt is no failure.
        Err(error) if error.code() == Code::Cancelled => Ok(false),
        answer => answer,
    }
}

/// Warns of what was done before an error and is kept.
fn stays(context: &Context, kept: &[String], error: Error) -> Error {
    if kept.is_empty() {
        return error;
    }
    context.warn(&messages::kept(kept));
    if error.code() == Code::Cancelled {
        return error.with_remedy(messages::CONTINUE);
    }
    error
}

/// Opens the vault, or creates one. Returns the JSON description of a new one.
fn open_or_make(
    context: &mut Context,
    args: &Onboard,
) -> Result<(Option<serde_json::Value>, Vault, Session)> {
    let home = context.home()?;
    match Vault::open(&home, &context.setup(), context.lock_limit()) {
        Ok(_) => open(context, &args.vault),
        Err(error) if error.code() == Code::NoVault => {
            let asked;
            let init = if context.may_ask() {
                asked = new_vault::ask(context, &args.vault)?;
                &asked
            } else {
                &args.vault
            };
            let made = match make_vault::make(context, init) {
                // Another process created it at the same time.
                Err(error)
                    if error.code() == Code::Exists
                        && Vault::open(&home, &context.setup(), context.lock_limit()).is_ok() =>
                {
                    return open(context, &args.vault);
                }
                made => made?,
            };
            let document = made.json();
            if !context.json() {
                made.say(context)?;
            }
            let vault = context.vault()?;
            let session = made.open(context, &vault)?;
            Ok((Some(document), vault, session))
        }
        Err(error) => Err(error),
    }
}

fn open(context: &Context, flags: &Init) -> Result<(Option<serde_json::Value>, Vault, Session)> {
    let vault = context.vault()?;
    if flags.store != make_vault::Store::Auto || flags.unlock != Unlock::Auto {
        context.warn(messages::ONLY_NEW_VAULT);
    }
    context.say(&messages::existing_vault(vault.home().path()));
    let mut session = context.session(&vault)?;
    if vault.file().is_none() {
        // The command that created it was interrupted.
        vault_init::finish(&vault, &mut session, &context.waits("onboard"))?;
    }
    Ok((None, vault, session))
}

impl Onboard {
    fn ends(&self) -> Ends {
        Ends { expires_in: self.token_expires_in.clone(), expires_at: self.token_expires_at.clone() }
    }

    /// Returns what the flags ask to store: the credential, its flag, and where its secret comes from.
    fn wishes(&self, context: &Context, choice: Option<Choice>) -> Result<Vec<(Wish, String, Source)>> {
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
            super::context::not_a_secret(name)?;
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

    fn ask(&self, context: &mut Context, open: &mut Open<'_>, choice: Option<Choice>) -> Result<Stored> {
        let provider = match (&self.token_provider, choice) {
            (Some(name), _) => {
                super::context::not_a_secret(name)?;
                Some(name.parse()?)
            }
            (None, Some(Choice { key: Some((_, provider)), .. })) => Some(provider.parse()?),
            (None, Some(_)) => Some("anthropic".parse()?),
            (None, None) => None,
        };
        let known = Known {
            provider,
            method: choice.map(|choice| choice.method),
            profile_id: self.token_profile_id.clone(),
            ends: self.ends(),
            store: None,
        };
        adding::ask_and_store(context, open, known)
    }
}

fn next_steps(context: &Context) {
    for line in messages::NEXT {
        context.say(line);
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
    fn read(self, context: &Context, provider: &Provider, flag: &str) -> Result<secret_argument::Read> {
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
