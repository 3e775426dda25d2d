//! `onboard`: from nothing to a stored credential, for people and for scripts.

use clap::Args;
use strongroom_backends::shown;

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
use crate::error::{Code, Error, Result, fail};
use crate::looks::may_be_repeated;
use crate::ops::open::Open;
use crate::ops::save::{End, Wish};
use crate::secret_format;
use crate::term::secret_input;
use crate::transfer::environment;
use crate::vault::credential::CredentialType;
use crate::vault::home::{Session, Vault};
use crate::vault::id::Provider;
use crate::vault::keys::init as vault_init;

/// Make a vault where there is none, and store a first credential in it.
///
/// At a terminal it asks. For scripts the flags say everything: a key or a token is `-` (standard
/// input), `env:NAME` (a variable), or the secret itself, which then stood on a command line and
/// should be rotated.
#[derive(Debug, Args)]
pub struct Onboard {
    /// Ask nothing
    #[arg(long)]
    non_interactive: bool,
    /// What kind of credential it is: apiKey, token, setup-token
    #[arg(long, value_name = "CHOICE")]
    auth_choice: Option<String>,
    /// The token: `-`, `env:NAME`, or itself
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(Source))]
    token: Option<Source>,
    /// Whom the token is for [default: anthropic]
    #[arg(long, value_name = "P")]
    token_provider: Option<String>,
    /// The token's profile id [default: <provider>:manual, of a setup-token <provider>:default]
    #[arg(long, value_name = "ID")]
    token_profile_id: Option<String>,
    /// When the token ends, from now: 90s, 15m, 12h, 365d, 2w, 1y; or never
    #[arg(long, value_name = "TIME", conflicts_with = "token_expires_at")]
    token_expires_in: Option<String>,
    /// When the token ends: 2027-01-31[THH:MM:SSZ]
    #[arg(long, value_name = "DATE")]
    token_expires_at: Option<String>,
    #[command(flatten)]
    keys: ApiKeys,
    #[command(flatten)]
    vault: Init,
    #[command(flatten)]
    client: ClientFlags,
    /// Accepted, as OpenClaw has it
    #[arg(long, hide = true)]
    accept_risk: bool,
}

/// What `--auth-choice` says.
#[derive(Clone, Copy, Debug)]
struct Choice {
    method: Method,
    /// The flag of the key, and whose it is: `openrouter-api-key` and its like.
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
                None => Err(Error::new(Code::Usage, "that is not a choice for --auth-choice")
                    .with_remedy("use one of: apiKey, token, setup-token, <provider>-api-key")),
            };
        }
    };
    Ok(Choice { method, key: None })
}

pub(super) fn run(context: &mut Context, args: &Onboard) -> Result<u8> {
    if args.non_interactive {
        context.global.no_input = true;
    }
    // Before a vault is made: what is not usable leaves nothing behind.
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
    let mut kept: Vec<String> = made.iter().map(|_| "the vault".to_owned()).collect();
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
        && match secret_input::confirm("Show how OpenClaw gets its secrets from this vault?") {
            // All is stored by now.
            Err(error) if error.code() == Code::Cancelled => false,
            answer => answer?,
        };
    if connects {
        openclaw_setup::tell(context, &vault, &connection)?;
    }
    next_steps(context);
    Ok(0)
}

/// Offers to store the keys that lie outside the vault. Returns whether the person wants to add another one.
fn take_found(context: &mut Context, open: &mut Open<'_>) -> Result<bool> {
    let found = Found::look_here(&context.env, false);
    let Ok(parsed) = environment::parse(&found) else { return Ok(true) };
    if parsed.candidates.is_empty() {
        return Ok(true);
    }
    context.say("Found keys in plain text outside the vault:");
    for candidate in &parsed.candidates {
        context.say(&format!("  {}  {}", candidate.id, candidate.place));
    }
    if !secret_input::confirm("Store them in the vault?")? {
        return Ok(true);
    }
    importing::take(context, open, parsed)?;
    match secret_input::confirm("Add another credential?") {
        // What was found is stored by now.
        Err(error) if error.code() == Code::Cancelled => Ok(false),
        answer => answer,
    }
}

/// Says what was done before an error, and is not undone by it.
fn stays(context: &Context, kept: &[String], error: Error) -> Error {
    if kept.is_empty() {
        return error;
    }
    context.warn(&format!("made before this, and kept: {}", kept.join(", ")));
    if error.code() == Code::Cancelled {
        return error.with_remedy("run `strongroom onboard` again to go on");
    }
    error
}

/// The vault that is there, or a new one, and what is told of that one to programs.
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
                // Somebody else made it meanwhile.
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
        context.warn("--store and --unlock are for a vault that is made: see `strongroom store move` and `strongroom unlock-method add`");
    }
    context.say(&format!("There is a vault in {}: it is used as it is.", shown(vault.home().path())));
    let mut session = context.session(&vault)?;
    if vault.file().is_none() {
        // Whoever made it was cut short, perhaps this command.
        vault_init::finish(&vault, &mut session, &context.waits("onboard"))?;
    }
    Ok((None, vault, session))
}

impl Onboard {
    fn ends(&self) -> Ends {
        Ends { expires_in: self.token_expires_in.clone(), expires_at: self.token_expires_at.clone() }
    }

    /// What the flags say is to be stored: the credential, the flag, and where its secret comes from.
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
            };
            wishes.push((wish, "--token".to_owned(), source.clone()));
        }
        if wishes.iter().filter(|(_, _, source)| matches!(source, Source::Stdin)).count() > 1 {
            return fail(Code::Usage, "two values are to be read from standard input");
        }
        for (place, (wish, flag, _)) in wishes.iter().enumerate() {
            let rest = wishes.iter().skip(place + 1);
            if let Some((_, other, _)) = rest.clone().find(|(other, ..)| other.profile == wish.profile) {
                return Err(Error::new(
                    Code::Usage,
                    format!("{flag} and {other} are both for {}", wish.profile),
                )
                .with_remedy("name the token's id with --token-profile-id"));
            }
        }
        self.check_flags(&wishes, choice)?;
        if !wishes.is_empty() || context.may_ask() {
            return Ok(wishes);
        }
        if choice.is_some_and(|choice| choice.method == Method::SetupToken) {
            // It says how else.
            let id = self.token_profile_id.as_deref();
            let wish = claude_token::wish(context, "anthropic", id, &Ends::default(), None)?;
            claude_token::needs_terminal(context, &wish)?;
        }
        Err(Error::new(Code::Usage, "nothing to store was given, and nobody can be asked").with_remedy("give --anthropic-api-key or another provider's, or --token; each takes `-` for standard input and `env:NAME` for a variable"))
    }

    /// Refuses flags that say something else than what was given.
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
            return fail(Code::Usage, format!("--auth-choice {choice}, and no {flag} was given"));
        }
        let of_token = [
            ("--token-provider", self.token_provider.is_some()),
            ("--token-profile-id", self.token_profile_id.is_some()),
            ("--token-expires-in", self.token_expires_in.is_some()),
            ("--token-expires-at", self.token_expires_at.is_some()),
        ];
        match of_token.iter().find(|(_, given)| *given && self.token.is_none()) {
            Some((flag, _)) => {
                fail(Code::Usage, format!("{flag} is about a token, and no --token was given"))
            }
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
    context.say("Next:");
    context.say("  strongroom status --check      is all of it usable?");
    context.say("  strongroom recovery-key        keep its output somewhere else: it opens everything if the key is lost");
    context.say("  strongroom models auth add     another credential");
}

/// The error of a variable that has no value. What is no usual name of one may be a secret in its place.
fn not_set(flag: &str, name: &str) -> Error {
    let is_name = may_be_repeated(name) && name.bytes().all(|b| !b.is_ascii_lowercase());
    let name = if is_name { name } else { "that it names" };
    Error::new(Code::NoInput, format!("{flag}: the variable {name} is not set, or empty"))
        .with_remedy("set it, or send the secret on standard input and give `-`")
}

impl Source {
    /// Reads the secret, and warns where it stood on the command line.
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
                warnings.push(format!(
                    "the secret stood on the command line ({flag}), where other users of this machine and the shell's history can have it: rotate it; `-` reads standard input, `env:NAME` a variable"
                ));
                return Ok((pasted.secret, warnings));
            }
            Self::Not(why) => {
                return Err(Error::new(Code::Usage, format!("the value of {flag} {why}")).with_remedy("is the variable set that it was to come from? a secret that looks like that goes by standard input: `-`"));
            }
            Self::Empty => {
                return Err(Error::new(Code::NoInput, format!("the value of {flag} is empty"))
                    .with_remedy("is the variable set that it was to come from?"));
            }
        };
        let pasted = secret_format::normalise(bytes.expose(), Some(provider))?;
        Ok((pasted.secret, pasted.warnings))
    }
}
