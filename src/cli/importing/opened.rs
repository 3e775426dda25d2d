//! Reads what is imported, detects its format, decrypts it and parses it.

use std::path::Path;

use strongroom_backends::key_file::Trust;
use strongroom_backends::shown;

use super::super::Context;
use super::{From, Import};
use crate::client::config::ClientConfig;
use crate::client::sources::Found;
use crate::client::stores::{Form, Installation, StoreFile};
use crate::env::Env;
use crate::error::Result;
use crate::messages::cli::bundles;
use crate::seal::bundle::{self as sealed_bundle, Opener};
use crate::seal::{received, recovery};
use crate::secret::Buffer;
use crate::term::{secret_input, stdin};
use crate::transfer::source::{self, SOURCE_MAX};
use crate::transfer::{
    self, Format, ParseOptions, Parsed, Renames, Skipped, bundle, environment, installation,
};
use crate::unlock::read::{self, Stream};
use crate::unlock::unlock_files::Unlocked;
use crate::vault::credential::{Credential, CredentialType};
use crate::vault::history::Version;
use crate::vault::home::{Session, Vault};
use crate::vault::id::AgentName;

/// A source that was read, decrypted and parsed.
pub(super) struct Source {
    /// Its entries.
    pub parsed: Parsed,
    /// Its format.
    pub format: Format,
    /// The SHA-256 of a bundle, in hexadecimal.
    pub digest: Option<String>,
    /// Whether OpenClaw itself uses the source, so that it is not to be removed.
    pub is_in_use: bool,
}

impl Source {
    /// Returns a source that is no bundle.
    pub(super) fn of(parsed: Parsed, format: Format) -> Self {
        Self { parsed, format, digest: None, is_in_use: false }
    }
}

/// Reads the source of an import.
///
/// # Errors
/// Those of reading, decrypting and parsing it.
pub(super) fn read(context: &Context, args: &Import, vault: &Vault, session: &Session) -> Result<Source> {
    let renames = Renames::parse(&args.rename)?;
    let options = ParseOptions { include_oauth: args.include_oauth, renames: Some(&renames) };
    let Some(path) = &args.path else {
        if args.from != Some(From::Env) {
            return Err(bundles::no_path());
        }
        let found = Found::look_here(&context.env, true);
        let mut parsed = environment::parse(&found)?;
        options.rename(&mut parsed);
        options.all_renamed("what is set here")?;
        return Ok(Source::of(parsed, Format::Dotenv));
    };
    if path.is_dir() {
        let env = of_directory(path, &context.env);
        let config = ClientConfig::of(&env)?;
        let installation = Installation::of(&env, config.as_ref());
        let found = Found::look_with(&env, None, config);
        let parsed = installation::parse(&installation, &found, &options)?;
        return Ok(Source { is_in_use: true, ..Source::of(parsed, Format::OpenClaw) });
    }
    if let Some(store) = database_at(path) {
        let parsed = installation::parse_store(&store, &options)?;
        return Ok(Source { is_in_use: true, ..Source::of(parsed, Format::OpenClaw) });
    }
    let (bytes, what) = read_bytes(context, path)?;
    let format = match args.from {
        Some(From::Openclaw) => Format::OpenClaw,
        Some(From::Env) => Format::Dotenv,
        Some(From::Bundle) => Format::Bundle,
        None => Format::detect(bytes.expose()),
    };
    if format != Format::Bundle {
        let parsed = transfer::parse(bytes.expose(), format, &what, &options)?;
        let is_in_use = format == Format::OpenClaw && agent_of(path).is_some();
        return Ok(Source { is_in_use, ..Source::of(parsed, format) });
    }
    let raw = received::open(bytes.expose())?;
    // The sender sees the same digest, whatever text the bundle was sent as.
    let digest = sealed_bundle::digest(&raw);
    let plaintext = open(context, args, vault, session, &raw)?;
    let parsed = if bundle::is_bundle(plaintext.expose()) {
        let mut parsed = bundle::parse(plaintext.expose(), &options)?;
        if args.include_oauth {
            warn_of_oauth(&mut parsed);
        } else {
            skip_oauth(&mut parsed);
        }
        parsed
    } else {
        // A person encrypted a file of another format with age.
        let inner = match Format::detect(plaintext.expose()) {
            Format::Bundle => return Err(bundles::nested_bundle()),
            inner => inner,
        };
        transfer::parse(plaintext.expose(), inner, "the bundle", &options)?
    };
    Ok(Source { digest: Some(digest), ..Source::of(parsed, format) })
}

/// Returns an environment in which the client's files are in a directory: its state directory, or the home with one in it.
fn of_directory(directory: &Path, env: &Env) -> Env {
    let inside = directory.join(".openclaw");
    let state = if inside.is_dir() { inside } else { directory.to_owned() };
    let bare = Env::default().with_var("OPENCLAW_STATE_DIR", state);
    env.var("HOME").map_or_else(|| bare.clone(), |home| bare.clone().with_var("HOME", home))
}

/// Returns the client's database at a path, if its name is that of one.
fn database_at(path: &Path) -> Option<StoreFile> {
    let form = match path.file_name()?.to_str()? {
        "openclaw-agent.sqlite" => Form::AgentDatabase,
        "openclaw.sqlite" => Form::SharedDatabase,
        _ => return None,
    };
    Some(StoreFile { form, path: path.to_owned(), agent: agent_of(path) })
}

/// Returns the agent in whose directory a file of the client is: the name after the last `agents` of its path.
pub(super) fn agent_of(path: &Path) -> Option<AgentName> {
    let full = std::path::absolute(path).ok()?;
    let names: Vec<_> = full.parent()?.iter().filter_map(|name| name.to_str()).collect();
    let at = names.iter().rposition(|name| *name == "agents")?;
    names.get(at + 1)?.parse().ok()
}

/// Moves the OAuth sign-ins to the skipped entries.
fn skip_oauth(parsed: &mut Parsed) {
    let (oauth, kept) = std::mem::take(&mut parsed.candidates)
        .into_iter()
        .partition(|candidate| candidate.credential.kind == CredentialType::OAuth);
    parsed.candidates = kept;
    let is_kept = |version: &Version| version.record.credential.kind != CredentialType::OAuth;
    for candidate in &mut parsed.candidates {
        let before = candidate.versions.len();
        candidate.versions.retain(is_kept);
        let left_out = before - candidate.versions.len();
        if left_out > 0 {
            let said = bundles::oauth_versions_skipped(left_out);
            parsed.warnings.push(format!("{} ({}): {said}", candidate.place, candidate.id));
        }
    }
    parsed.skipped.extend(oauth.into_iter().map(|candidate| Skipped {
        place: format!("{} ({})", candidate.place, candidate.id),
        reason: bundles::OAUTH_SKIPPED.to_owned(),
    }));
}

/// Adds a warning if there are OAuth sign-ins.
fn warn_of_oauth(parsed: &mut Parsed) {
    let is_oauth = |credential: &Credential| credential.kind == CredentialType::OAuth;
    if parsed.candidates.iter().any(|candidate| {
        is_oauth(&candidate.credential)
            || candidate.versions.iter().any(|version| is_oauth(&version.record.credential))
    }) {
        parsed.warnings.push(bundles::OAUTH_IN_TWO_PLACES.to_owned());
    }
}

/// Reads the source's bytes, and returns them with the source's name for messages.
fn read_bytes(context: &Context, path: &Path) -> Result<(Buffer, String)> {
    let max = usize::try_from(SOURCE_MAX).unwrap_or(usize::MAX);
    match Stream::of(path) {
        Some(Stream::Stdin) if context.env.stdin_tty => {
            return Err(bundles::import_from_terminal());
        }
        // Without a deadline: a person may be typing into the command that sends it.
        Some(Stream::Stdin) => return Ok((stdin::read_stdin(max)?, "the input".to_owned())),
        Some(stream) => return Ok((stream.read(max)?, "the input".to_owned())),
        None => {}
    }
    let (bytes, warnings) = source::read(path, SOURCE_MAX)?;
    for warning in &warnings {
        context.warn(warning);
    }
    Ok((bytes, shown(path)))
}

/// Decrypts a bundle, with a passphrase or with the vault's own and the given identities.
fn open(context: &Context, args: &Import, vault: &Vault, session: &Session, bytes: &[u8]) -> Result<Buffer> {
    let mut openers = Vec::new();
    if sealed_bundle::wants_passphrase(bytes)? {
        let passphrase = match &args.bundle_passphrase_file {
            Some(path) => read::passphrase_of_file(path, Trust::Own)?,
            None if context.may_ask() => secret_input::read_passphrase(bundles::PASSPHRASE_PROMPT)?,
            None => return Err(bundles::no_passphrase(context.env.stdin_tty)),
        };
        let passphrase = passphrase.to_secret().ok_or_else(bundles::passphrase_not_utf8)?;
        openers.push(Opener::Passphrase(passphrase));
    } else {
        let own = |unlocked: &Unlocked| -> Result<Vec<Opener>> {
            let identities = unlocked.payload.transfer_identities(context.env.now())?;
            Ok(identities.into_iter().map(Opener::Identity).collect())
        };
        match session.unlocked() {
            Ok(unlocked) => openers.extend(own(unlocked)?),
            // The cache of `strongroom unlock` does not hold the vault's own identity.
            Err(_) if args.bundle_identity.is_none() => {
                let afresh = context.session_afresh(vault)?;
                openers.extend(own(afresh.unlocked()?)?);
            }
            Err(_) => {}
        }
        if let Some(path) = &args.bundle_identity {
            openers.extend(identities_of(path)?.into_iter().map(Opener::Identity));
        }
    }
    sealed_bundle::open(&openers, bytes)
}

/// Reads the age identities of a file.
fn identities_of(path: &Path) -> Result<Vec<age::x25519::Identity>> {
    let bytes = read::bytes_of(path, "identity file", Trust::Own)?;
    recovery::parse_all(bytes.expose(), "the identity file")
}
