//! `paste-token` and `paste-api-key`: a secret from the prompt, standard input or a
//! descriptor. Never from the command line.

use clap::Args;

use super::context::not_a_secret;
use super::ends::{End, Ends};
use super::store::{StoreArg, choose};
use super::{Context, near};
use crate::error::{Code, Error, Result, fail};
use crate::ops::open::Open;
use crate::seal::unlock_file::Kind;
use crate::secret::{Buffer, SecretString};
use crate::shape;
use crate::term::escape::safe;
use crate::term::{out, secret_input, stdin};
use crate::unlock::slots::Slot;
use crate::unlock::{Opened, read};
use crate::vault::credential::{Credential, CredentialType};
use crate::vault::generation::next_record;
use crate::vault::home::Vault;
use crate::vault::id::{AgentName, ProfileId, Provider};
use crate::vault::index::exposed;
use crate::vault::record::Record;
use crate::vault::transaction::change::{Change, Outcome};
use crate::when::rfc3339;

/// So many ids are tried beside one that is in use.
const FREE_MAX: u32 = 1000;
/// The largest input that is read for a secret, in bytes; its white space is then removed.
pub(super) const INPUT_MAX: usize = 64 * 1024;

/// Store a token or an API key.
///
/// The secret is read from a hidden prompt on a terminal, else from standard input. A profile of
/// the same id is replaced.
#[derive(Debug, Args)]
pub struct Paste {
    /// Whom the credential is for, for example anthropic or openrouter
    #[arg(long, value_name = "P")]
    provider: String,
    /// The profile's id [default: <provider>:manual for a token, <provider>:default for a key]
    #[arg(long, value_name = "ID")]
    profile_id: Option<String>,
    /// Where the record is to rest [default: where it rests already, else the vault's store]
    #[arg(long, value_enum, value_name = "file|keychain", hide_possible_values = true)]
    store: Option<StoreArg>,
    #[command(flatten)]
    value: Value,
}

/// How a secret comes, and when it ends.
#[derive(Debug, Args)]
pub(super) struct Value {
    #[command(flatten)]
    pub ends: Ends,
    /// Read the secret from this file descriptor
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(0..))]
    secret_fd: Option<i32>,
}

impl Value {
    /// Reads the secret. What opened the vault in place of the passphrase is said before a prompt.
    pub(super) fn read(
        &self,
        context: &Context,
        provider: &Provider,
        what: &str,
        by: Option<&str>,
    ) -> Result<Read> {
        let bytes = self.read_bytes(context, what, by)?;
        let pasted = shape::normalise(bytes.expose(), Some(provider))?;
        Ok((pasted.secret, pasted.warnings))
    }

    fn read_bytes(&self, context: &Context, what: &str, by: Option<&str>) -> Result<Buffer> {
        if let Some(number) = self.secret_fd {
            return read::read_fd(number, INPUT_MAX);
        }
        if !context.env.stdin_tty {
            return stdin::read_stdin(INPUT_MAX);
        }
        if context.global.no_input {
            return Err(Error::new(
                Code::NoInput,
                "nobody may be asked for the secret (--no-input), and standard input is a terminal",
            )
            .with_remedy("send it on standard input, or name a descriptor with --secret-fd"));
        }
        if let Some(by) = by {
            out::write_error(&format!("{}\n", safe(&format!("Unlocked by {by}, not by the passphrase."))));
        }
        let prompt = format!("Paste the {what} (hidden), then Enter: ");
        secret_input::until(&prompt, |error| secret_input::empty(error.code()), secret_input::read_secret)
    }
}

/// A credential that is to be stored, but for its secret.
#[derive(Clone)]
pub(super) struct Wish {
    /// Whom it is for.
    pub provider: Provider,
    /// Under which id.
    pub profile: ProfileId,
    /// Whether somebody named that id, and it is not a default.
    pub named: bool,
    /// Token or API key.
    pub kind: CredentialType,
    /// When it ends.
    pub end: End,
    /// Where its record is to rest, where that was said.
    pub store: Option<StoreArg>,
    /// The command that stores it.
    pub command: &'static str,
}

/// A secret that was read, and what had to be said about it.
pub(super) type Read = (SecretString, Vec<String>);

/// What was stored.
pub(super) struct Stored {
    /// `Stored`, `Replaced`, `Rotated`.
    pub verb: &'static str,
    /// The record.
    pub record: Record,
    /// What had to be said.
    pub warnings: Vec<String>,
}

pub(super) fn run(context: &mut Context, args: &Paste, kind: CredentialType) -> Result<u8> {
    not_a_secret(&args.provider)?;
    let provider: Provider = args.provider.parse()?;
    let profile = profile_of(context, &provider, args.profile_id.as_deref(), default_name(kind))?;
    let wish = Wish {
        provider,
        profile,
        named: true,
        kind,
        end: args.value.ends.read(context.env.now())?,
        store: args.store,
        command: if kind == CredentialType::Token { "paste-token" } else { "paste-api-key" },
    };
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let what = format!("{} for {}", noun(kind), wish.profile);
    let by = not_by_passphrase(&open);
    let provider = wish.provider.clone();
    let read = |context: &Context| args.value.read(context, &provider, &what, by.as_deref());
    if near::provider(&wish.provider).is_some() && !has_any(&open, &wish.provider)? {
        let (read, meant) = near::ask(context, &wish.provider, read)?;
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

/// Whether the agent has a profile of that provider: then its name is meant as it stands.
fn has_any(open: &Open<'_>, provider: &Provider) -> Result<bool> {
    let Some(found) = open.vault.agent(&open.agent)? else { return Ok(false) };
    let index = found.index()?;
    Ok(index.entry_refs().any(|entry| entry.is_of(provider)))
}

/// The name of a profile that is pasted without one.
pub(super) fn default_name(kind: CredentialType) -> &'static str {
    if kind == CredentialType::Token { "manual" } else { "default" }
}

/// What a credential is called in a sentence.
pub(super) fn noun(kind: CredentialType) -> &'static str {
    if kind == CredentialType::Token { "token" } else { "API key" }
}

/// The warning about an end that is over already.
pub(super) fn past(end: End, now: i64) -> Option<String> {
    let at = end.instant().filter(|at| *at <= now)?;
    Some(format!("it ended at {}, and counts as expired", rfc3339(at)))
}

/// Reads a secret of a provider, from a hidden prompt if standard input is a terminal, else from standard input.
///
/// # Errors
/// Those of reading, and of what is no secret.
pub(super) fn read(context: &Context, provider: &Provider, what: &str) -> Result<Read> {
    Value { ends: Ends::default(), secret_fd: None }.read(context, provider, what, None)
}

/// What opened a vault that has a passphrase, unless that did: whoever put it there could read what is
/// pasted next.
pub(super) fn not_by_passphrase(open: &Open<'_>) -> Option<String> {
    let has_one = |slot: &Slot| matches!(slot.kind, Ok((Kind::Passphrase, _)));
    if !open.vault.slots().ok()?.iter().any(has_one) {
        return None;
    }
    match &open.session.opened {
        Opened::By(unlocked) if unlocked.secret.kind() == Kind::Passphrase => None,
        Opened::By(unlocked) => Some(unlocked.from.clone()),
        Opened::Cached(_) => Some("what `strongroom unlock` keeps".to_owned()),
    }
}

/// Refuses to put a credential in the place of one of another type under an id that nobody named: at a
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
    let Some(reader) = open.reader()? else { return Ok(()) };
    // The record governs; without one that opens, the entry tells what another program keeps there.
    let kind = match reader.record(&wish.profile) {
        Ok(Some(record)) => Some(record.credential.kind),
        _ => match reader.index()?.entry(wish.profile.as_str()) {
            Some(entry) => entry.kind,
            None => return Ok(()),
        },
    };
    if !asks_anyway && (wish.named || kind == Some(wish.kind)) {
        return Ok(());
    }
    let what = match kind {
        Some(CredentialType::OAuth) => "an OAuth sign-in",
        Some(CredentialType::Token) => "a token",
        Some(CredentialType::ApiKey) => "an API key",
        None => "something else",
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

/// An id beside that of a profile under which the agent has nothing yet.
///
/// # Errors
/// Those of reading what is there.
pub(super) fn free_beside(vault: &Vault, agent: &AgentName, profile: &ProfileId) -> Result<ProfileId> {
    for number in 2..=FREE_MAX {
        let id = ProfileId::new(&profile.provider(), &format!("{}-{number}", profile.name()))?;
        if !near::is_there(vault, agent, &id)? {
            return Ok(id);
        }
    }
    fail(Code::Exists, format!("{profile} and the ids after it are all in use"))
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
    let Wish { provider, profile, kind, end, .. } = wish;
    let place = choose(open, &profile, wish.store)?;
    let (secret, mut warnings) = read(context)?;
    warnings.extend(shape::advise(&provider, kind, crate::secret::ExposeSecret::expose_secret(&secret)));
    let mut credential = Credential::new(kind, provider, secret);
    credential.expires = end.instant();
    warnings.extend(past(end, context.env.now()));

    let writer = open.writer(wish.command)?;
    let reader = writer.reader()?;
    // A record that does not open is what a paste is there to mend.
    let found = reader.found(&profile).unwrap_or(None);
    let generations = writer.generations()?;
    let record = next_record(&profile, credential, found.as_ref(), &generations, writer.now)?;
    let current = found.map(|found| found.record);
    let mut change = Change::default();
    change.put_given("paste", record.clone(), place);
    let lifted = super::lift::of_stored(&mut change, &writer, current.as_ref(), &record);
    let outcome = writer.commit(change)?;
    warnings.extend(lifted);
    drop(writer);
    open.committed(&outcome);
    if outcome.plaintext.contains(&profile) {
        warnings
            .push(format!("the index held a secret of {profile} in plain text, which this paste replaced"));
    }
    warnings.extend(sealed_besides(&outcome));
    if let Some(was) = current.as_ref().map(|record| &record.credential) {
        if was.kind != kind {
            warnings.push(format!("{profile} was of type {}, which this replaced", was.kind));
        } else if let (Some(at), End::Unsaid) = (was.expires, end) {
            warnings.push(format!(
                "{profile} was to expire at {}; the new one has no expiry, so that nothing warns before it ends (say when with --expires-in or --expires-at)",
                rfc3339(at)
            ));
        }
    }
    for warning in &warnings {
        context.warn(warning);
    }
    let verb = if current.is_some() { "Replaced" } else { "Stored" };
    Ok(Stored { verb, record, warnings })
}

/// What is said of fields of other programs that were sealed with a record.
pub(super) fn sealed_besides(outcome: &Outcome) -> Vec<String> {
    let told = |(profile, fields): &(ProfileId, Vec<String>)| {
        let fields: Vec<_> = fields.iter().map(|field| exposed::shown_name(field)).collect();
        format!(
            "another program wrote {} into the index entry of {profile}; it is now stored encrypted with the profile",
            fields.join(", ")
        )
    };
    outcome.sealed.iter().map(told).collect()
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
