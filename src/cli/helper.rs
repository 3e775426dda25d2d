//! `helper`: gives a client a credential in that client's own protocol. Standard output has what the protocol says, and
//! nothing else; what a person has to know goes to standard error.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};

use super::deferred::Lazy;
use super::{Context, context, in_time};
use crate::client::helpers::{
    REQUEST_MAX, aws, bearer, cargo, docker, git, hermes, kubectl, mcp_headers, origin_of,
};
use crate::env::Env;
use crate::error::{Code, Error, Result};
use crate::messages::helper as messages;
use crate::ops::helper::{self, Allowed, Asked};
use crate::ops::open::{Open, reading};
use crate::ops::resolve::Scope;
use crate::ops::{backoff, report};
use crate::secret::{Buffer, ExposeSecret};
use crate::term::out;
use crate::term::stdin::{Lines, Rest, read_stdin_deadline};
use crate::vault::home::{LOCK_TIMEOUT, LockWait, Session, Vault};
use crate::vault::id::Provider;
use crate::vault::record::Record;

/// How long cargo may take until it says what it wants.
const IDLE: Duration = Duration::from_secs(5);
/// How long to wait for another command that is writing, to record that a server refused a profile.
const LOCK_LIMIT: Duration = Duration::from_millis(500);

/// Give a client a credential in its own protocol: git, docker, cargo, kubectl, AWS, Claude Code, …
///
/// A client that names a server gets only profiles that have it among their hosts. Any other client gets only profiles
/// that name the helper. `edit` adds a host or a helper to a profile. It never prompts.
#[derive(Debug, Args)]
#[command(disable_help_subcommand = true, arg_required_else_help = true)]
pub struct Helper {
    #[command(subcommand)]
    client: Client,
}

#[derive(Debug, Subcommand)]
enum Client {
    /// Answer git's credential protocol; `store` and `erase` change no profile
    Git(Lazy<Operation>),
    /// Answer Docker's credential helper protocol; `store` and `erase` change no profile
    Docker(Lazy<Operation>),
    /// Print a token for cargo, or speak its credential provider protocol
    Cargo(Lazy<Cargo>),
    /// Print an ExecCredential for kubectl
    Kubectl(Lazy<Named>),
    /// Print a key for `credential_process` of the AWS SDKs
    Aws(Lazy<Named>),
    /// Print an API key for Claude Code's apiKeyHelper
    ClaudeApiKey(Lazy<Named>),
    /// Print the headers for Claude Code's MCP servers
    ClaudeMcpHeaders(Lazy<Nothing>),
    /// Print a bearer token for a model provider of Codex
    Codex(Lazy<Codex>),
    /// Print the variables for Hermes
    Hermes(Lazy<Nothing>),
}

#[derive(Debug, Args)]
struct Nothing {}

/// What a client wants.
#[derive(Debug, Args)]
struct Operation {
    /// What the client wants: get, store, erase (list for docker)
    #[arg(value_name = "OPERATION")]
    operation: String,
}

/// The profile, if one is named.
#[derive(Debug, Args)]
struct Named {
    /// Profile id [default: the profile that is used next among those that allow it]
    #[arg(value_name = "ID")]
    id: Option<String>,
}

#[derive(Debug, Args)]
struct Cargo {
    #[command(flatten)]
    named: Named,
    /// Speak the credential provider protocol on standard input and output
    #[arg(long)]
    cargo_plugin: bool,
}

#[derive(Debug, Args)]
struct Codex {
    #[command(flatten)]
    named: Named,
    /// Use a profile of this provider
    #[arg(long, value_name = "P")]
    provider: Option<String>,
}

/// How a client wants to hear that it gets nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refusal {
    /// git goes on to the next helper, or asks. That there is no profile is nothing to report.
    Git,
    /// Docker wants a certain text.
    Docker,
    /// The status, and a message for people.
    Status,
}

impl Refusal {
    fn tell(self, error: &Error, env: &Env, json: bool) -> u8 {
        // An address, or a scheme that no profile can have, is some other helper's.
        let is_missing = matches!(error.code(), Code::NotFound | Code::Denied);
        let status = if self != Self::Status && is_missing { 0 } else { context::report(error, env, json) };
        match self {
            Self::Git => u8::from(!is_missing),
            Self::Docker => {
                let _ = out::write_text(docker::NOT_FOUND);
                1
            }
            Self::Status => status,
        }
    }
}

/// Returns the arguments of the command that the names of programs stand for: `git-credential-strongroom` is
/// `strongroom helper git`, and cargo starts every provider with `--cargo-plugin` alone.
pub(super) fn by_name(arguments: &[OsString]) -> Option<Vec<OsString>> {
    let (name, rest) = arguments.split_first()?;
    let name = std::path::Path::new(name).file_name()?.to_str()?;
    let words: &[&str] = match name.strip_suffix(".exe").unwrap_or(name) {
        "git-credential-strongroom" => &["helper", "git"],
        "docker-credential-strongroom" => &["helper", "docker"],
        _ if rest.first().is_some_and(|first| first == cargo::PLUGIN) => &["helper", "cargo"],
        _ => return None,
    };
    let words = std::iter::once("strongroom").chain(words.iter().copied()).map(OsString::from);
    Some(words.chain(rest.iter().cloned()).collect())
}

pub(super) fn run(context: &mut Context, args: &Helper) -> Result<u8> {
    let begun = Instant::now();
    if let Client::Cargo(cargo) = &args.client
        && cargo.cargo_plugin
    {
        return plugin(context, &cargo.named);
    }
    let refusal = match args.client {
        Client::Git(_) => Refusal::Git,
        Client::Docker(_) => Refusal::Docker,
        _ => Refusal::Status,
    };
    out::refuse_closed()?;
    let (env, json) = (context.env.clone(), context.json());
    let late = move || refusal.tell(&messages::late(), &env, json);
    match in_time::within(begun, late, || answer(context, &args.client)) {
        Ok(Answer::Bytes(answer)) => out::write_bytes(&answer).map(|()| 0),
        Ok(Answer::Refused(error)) => {
            // Docker shows this text to the person, and takes it for no other.
            let _ = out::write_text(&format!("{}; {}\n", error.what(), error.remedy()));
            Ok(1)
        }
        Err(error) => Ok(refusal.tell(&error, &context.env, context.json())),
    }
}

/// What a client is told.
enum Answer {
    Bytes(Buffer),
    Refused(Error),
}

fn answer(context: &Context, client: &Client) -> Result<Answer> {
    let bytes = match client {
        Client::Git(args) => of_git(context, &args.operation)?,
        Client::Docker(args) => return of_docker(context, &args.operation),
        Client::Cargo(args) => {
            let index = variable(context, cargo::INDEX_VARIABLE)?;
            let allowed = index.as_deref().map(of_registry).transpose()?;
            cargo::token(&given(context, &args.named, allowed, cargo::INDEX_VARIABLE, "cargo")?)?
        }
        Client::Kubectl(named) => {
            let request = kubectl::parse(variable(context, kubectl::INFO_VARIABLE)?.as_deref())?;
            let allowed = request.origin.clone().map(Allowed::Host);
            kubectl::answer(&request, &given(context, named, allowed, kubectl::INFO_VARIABLE, "kubectl")?)?
        }
        Client::Aws(named) => aws::answer(&by_helper(context, named, None, "aws")?)?,
        Client::ClaudeApiKey(named) => {
            bearer::answer_key(&by_helper(context, named, None, "claude-api-key")?)?
        }
        Client::ClaudeMcpHeaders(_) => {
            let url = variable(context, mcp_headers::URL_VARIABLE)?
                .ok_or_else(|| messages::nothing_named(mcp_headers::URL_VARIABLE))?;
            mcp_headers::answer(&find(context, &Asked::any(Allowed::Host(origin_of(&url)?)))?)?
        }
        Client::Codex(args) => {
            let provider = args.provider.as_deref().map(str::parse).transpose()?;
            bearer::answer(&by_helper(context, &args.named, provider, "codex")?)?
        }
        Client::Hermes(_) => {
            let read = |vault: &Vault, session: &Session, scope: &Scope| {
                helper::find_each(vault, session, "hermes", scope)
            };
            let records = with_vault(context, read)?;
            hermes::answer(&records)?
        }
    };
    Ok(Answer::Bytes(bytes))
}

fn of_git(context: &Context, operation: &str) -> Result<Buffer> {
    let request = read_stdin_deadline(REQUEST_MAX, in_time::READING, Rest::IsThrownAway)?;
    match operation {
        "get" => git::answer(&find(context, &asked_by(&git::parse(&request)?))?),
        "erase" => {
            // A report that is lost is no failure of git's.
            let _ = git::parse(&request).and_then(|request| note_refused(context, &request));
            Ok(Buffer::default())
        }
        // `store` changes nothing, and an operation that is not known is to be ignored.
        _ => Ok(Buffer::default()),
    }
}

fn asked_by(request: &git::Request) -> Asked {
    let allowed = Allowed::Host(request.origin.clone());
    Asked { username: request.username.clone(), ..Asked::any(allowed) }
}

/// Records that a server refused a profile, as `report` does. git erases what was refused.
fn note_refused(context: &Context, request: &git::Request) -> Result<()> {
    let Record { profile, credential, .. } = find(context, &asked_by(request))?;
    let given = request.password.as_ref().map(ExposeSecret::expose_secret);
    if given != Some(credential.secret.expose_secret()) {
        return Ok(());
    }
    let vault = context.vault_unasked()?;
    let generation = backoff::rules(&context.env, None)?.generation;
    let (policy, _) = report::policy(&context.env, &credential.provider, generation);
    let (provider, failure) = (credential.provider, Some("auth".parse()?));
    let refused = report::Request {
        profile,
        provider,
        failure,
        model: None,
        session: None,
        generation: None,
        retry_after: None,
    };
    let waits = LockWait { limit: LOCK_LIMIT, ..context.waits("helper") };
    report::report(&vault, &context.agent()?, &refused, &policy, &context.ambient(), &waits).map(|_| ())
}

fn of_docker(context: &Context, operation: &str) -> Result<Answer> {
    let request = read_stdin_deadline(REQUEST_MAX, in_time::READING, Rest::IsThrownAway)?;
    match operation {
        "get" => {
            let url = docker::parse(&request)?;
            let record = find(context, &Asked::any(Allowed::Host(docker::origin(url)?)))?;
            docker::answer(url, &record).map(Answer::Bytes)
        }
        "list" => {
            let read = |vault: &Vault, session: &Session, scope: &Scope| {
                helper::find_all(vault, session, "docker", scope)
            };
            Ok(Answer::Bytes(docker::list(&with_vault(context, read)?)))
        }
        "store" => {
            let stored = docker::parse_stored(&request)?;
            let asked = Asked {
                username: Some(stored.username.clone()),
                ..Asked::any(Allowed::Host(docker::origin(&stored.server)?))
            };
            match find(context, &asked) {
                Ok(record) if docker::holds(&record, &stored) => Ok(Answer::Bytes(Buffer::default())),
                _ => Ok(Answer::Refused(messages::not_stored())),
            }
        }
        "erase" => {
            context.say(messages::NOT_ERASED);
            Ok(Answer::Bytes(Buffer::default()))
        }
        _ => Ok(Answer::Refused(messages::unknown_operation())),
    }
}

/// Speaks cargo's protocol until cargo closes its end.
fn plugin(context: &Context, named: &Named) -> Result<u8> {
    let mut lines = Lines::take()?;
    out::write_bytes(&Buffer::from_vec(cargo::HELLO.to_vec()))?;
    while let Some(line) = lines.next(REQUEST_MAX, IDLE)? {
        let late = || {
            let _ = out::write_bytes(&cargo::refusal(&messages::late()));
            0
        };
        let answer = in_time::within(Instant::now(), late, || of_cargo(context, named, &line));
        out::write_bytes(&answer.unwrap_or_else(|error| cargo::refusal(&error)))?;
    }
    Ok(0)
}

fn of_cargo(context: &Context, named: &Named, line: &Buffer) -> Result<Buffer> {
    let request = cargo::parse(line)?;
    if request.kind != cargo::Kind::Get {
        return Ok(cargo::unsupported());
    }
    // cargo puts the arguments of its configuration into the request.
    let id = match request.args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] | ["helper", "cargo"] => named.id.clone(),
        [id] | ["helper", "cargo", id] => Some((*id).to_owned()),
        _ => return Err(messages::cargo_arguments()),
    };
    let named = Named { id };
    let allowed = of_registry(&request.index)?;
    cargo::answer(&given(context, &named, Some(allowed), cargo::INDEX_VARIABLE, "cargo")?)
}

/// Returns what a profile has to allow for a registry.
fn of_registry(index: &str) -> Result<Allowed> {
    Ok(match cargo::registry(index)? {
        cargo::Registry::Own(origin) => Allowed::Host(origin),
        cargo::Registry::InRepository(origin) => Allowed::Both(origin, "cargo"),
    })
}

/// Returns a profile for a client that may name a destination in a variable. If it does not, a profile has to be named.
fn given(
    context: &Context,
    named: &Named,
    allowed: Option<Allowed>,
    variable: &str,
    helper: &'static str,
) -> Result<Record> {
    let allowed = match (allowed, &named.id) {
        (Some(allowed), _) => allowed,
        (None, Some(_)) => Allowed::Helper(helper),
        (None, None) => return Err(messages::nothing_named(variable)),
    };
    let id = named.id.as_deref().map(|id| context.profile_id(id)).transpose()?;
    find(context, &Asked { id, ..Asked::any(allowed) })
}

/// Returns a profile that names a helper.
fn by_helper(
    context: &Context,
    named: &Named,
    provider: Option<Provider>,
    helper: &'static str,
) -> Result<Record> {
    let id = named.id.as_deref().map(|id| context.profile_id(id)).transpose()?;
    find(context, &Asked { id, provider, ..Asked::any(Allowed::Helper(helper)) })
}

fn find(context: &Context, asked: &Asked) -> Result<Record> {
    with_vault(context, |vault, session, scope| helper::find(vault, session, asked, scope))
}

/// Opens and unlocks the vault without asking anyone, and reads from it.
fn with_vault<T>(context: &Context, read: impl Fn(&Vault, &Session, &Scope) -> Result<T>) -> Result<T> {
    context.agent()?;
    let vault = Vault::open(&context.home()?, &in_time::setup(context), LOCK_TIMEOUT)?;
    let session = vault.unlock(&context.named(), &context.env, None)?;
    let Open { mut session, agent, .. } = context.open_by(&vault, session)?;
    let scope = Scope { agent, confined: false, now: context.env.now(), env: context.env.clone() };
    reading(&vault, &mut session, |session| read(&vault, session, &scope))
}

/// Returns a variable that the client sets, if it is set and not empty.
fn variable(context: &Context, name: &str) -> Result<Option<String>> {
    let Some(value) = context.env.var(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let text = value.to_str().ok_or_else(|| messages::variable_not_text(name))?;
    Ok(Some(text.to_owned()))
}
