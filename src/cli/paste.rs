//! `paste-token` and `paste-api-key`: store a secret from a prompt, standard input or a file descriptor, never from the
//! command line.

use clap::Args;

use super::Context;
use super::context::not_a_secret;
use super::details_flags::{accepted, hosts, warn_of_plain};
use super::secret_argument::{Read, Value, not_by_passphrase};
use super::storing::{StoreArg, default_name, keep_what_is_there, noun, profile_of, store};
use crate::error::Result;
use crate::looks::Shape;
use crate::messages::cli::credentials;
use crate::ops::ids;
use crate::ops::open::Open;
use crate::ops::save::Wish;
use crate::secret::ExposeSecret;
use crate::term::secret_input;
use crate::vault::credential::CredentialType;
use crate::vault::details;
use crate::vault::id::Provider;

/// Store a token or an API key
///
/// The secret is read from a hidden prompt on a terminal, otherwise from standard input. A profile
/// with the same id is replaced. --host needs an unlock method: a vault that is only kept unlocked
/// is not enough.
#[derive(Debug, Args)]
pub struct Paste {
    /// Provider of the credential, for example anthropic or openrouter
    #[arg(long, value_name = "P")]
    provider: String,
    /// Profile id [default: <provider>:manual for a token, <provider>:default for a key]
    #[arg(long, value_name = "ID")]
    profile_id: Option<String>,
    /// Store to use [default: the profile's current store, or the vault's default]
    #[arg(long, value_enum, value_name = "file|keychain", hide_possible_values = true)]
    store: Option<StoreArg>,
    /// Add a host to which the secret may be sent: https://HOST[:PORT]; can be repeated
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// Name of the account, for git, docker and AWS (an access key id)
    #[arg(long, value_name = "U")]
    username: Option<String>,
    #[command(flatten)]
    value: Value,
}

pub(super) fn run(context: &mut Context, args: &Paste, kind: CredentialType) -> Result<u8> {
    not_a_secret(&args.provider)?;
    let provider: Provider = args.provider.parse()?;
    let profile = profile_of(context, &provider, args.profile_id.as_deref(), default_name(kind))?;
    if let Some(name) = &args.username {
        accepted("--username", details::username(name))?;
    }
    let wish = Wish {
        provider,
        profile,
        named: true,
        kind,
        end: args.value.ends.read(context.env.now())?,
        store: args.store.map(Into::into),
        command: if kind == CredentialType::Token { "paste-token" } else { "paste-api-key" },
        hosts: hosts("--host", &args.host)?,
        username: args.username.clone(),
    };
    let vault = context.vault()?;
    let mut open = context.open_for(&vault, !wish.hosts.is_empty())?;
    warn_of_plain(context, &wish.hosts);
    let what = format!("{} for {}", noun(kind), wish.profile);
    let by = not_by_passphrase(&open);
    let provider = wish.provider.clone();
    let read = |context: &Context| args.value.read(context, &provider, &what, by.as_deref());
    if ids::provider(&wish.provider).is_some() && !has_any(&open, &wish.provider)? {
        let (read, meant) = ask_provider(context, &wish.provider, read)?;
        let wish = match meant {
            Some(provider) => Wish {
                profile: profile_of(context, &provider, Some(wish.profile.name()), default_name(kind))?,
                provider,
                ..wish
            },
            None => wish,
        };
        keep_what_is_there(context, &open, &Wish { named: false, ..wish.clone() }, false)?;
        return store(context, &mut open, wish, |_| Ok(read))?.tell(context);
    }
    let stored = store(context, &mut open, wish, read)?;
    stored.tell(context)
}

/// Reads the secret, then asks which provider is meant if the given one is one letter away from a known one.
///
/// The secret is read first, so that the hidden prompt comes before the question whose answer is shown.
///
/// # Errors
/// Those of reading the secret and of asking.
fn ask_provider(
    context: &Context,
    given: &Provider,
    read: impl FnOnce(&Context) -> Result<Read>,
) -> Result<(Read, Option<Provider>)> {
    let mut read = read(context)?;
    let shape = Shape::of(read.0.expose_secret());
    let fits = |known: &Provider| shape.is_none_or(|shape| shape.belongs_to(known.as_str()));
    let Some(known) = ids::provider(given).filter(fits) else { return Ok((read, None)) };
    if !context.may_ask() {
        read.1.push(credentials::unknown_provider(given, &known));
        return Ok((read, None));
    }
    let meant = secret_input::confirm(&credentials::unknown_provider_prompt(given, &known))?;
    Ok((read, meant.then_some(known)))
}

/// Returns whether the agent has a profile of that provider, so that its name is surely not a typing error.
fn has_any(open: &Open<'_>, provider: &Provider) -> Result<bool> {
    let Some(found) = open.vault.agent(&open.agent)? else { return Ok(false) };
    let index = found.index()?;
    Ok(index.entries().any(|entry| entry.is_of(provider)))
}
