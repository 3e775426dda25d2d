//! What secrets look like: known prefixes, and other signs of a secret where a name should be.

use std::borrow::Cow;
use std::path::Path;

use sha2::Digest;
use strongroom_backends::{is_of_words, is_opaque};

use crate::error::Result;
use crate::hex::hex;
use crate::messages::places;

/// Parts of a text that are shorter than this, in bytes, are not secrets.
const PART_MIN: usize = 12;
/// As [`PART_MIN`], for running text, which may mention prefixes.
const WORD_MIN: usize = 20;
/// How many bytes of its digest stand for a masked secret.
const HANDLE_BYTES: usize = 4;
/// The length of the shortest age recipient, in characters.
const RECIPIENT_MIN: usize = 59;

/// The beginning of a vault's key, of any version.
pub const OWN_KEY: &str = "strongroom-key-v";

/// What a secret of a known shape is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// An API key.
    Key,
    /// A bearer token.
    Token,
    /// A key or a token; the provider makes no difference.
    Either,
    /// A token that renews another token and authenticates nothing itself.
    Refresh,
    /// Not a provider's key, but something else.
    Other,
}

/// A kind of secret with a known prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// The prefix.
    pub prefix: &'static str,
    /// What it is, with its article.
    pub what: &'static str,
    /// Words. The name of each provider that issues it contains one of them.
    pub owners: &'static [&'static str],
    /// What it is for.
    pub role: Role,
    /// Its usual length, in bytes.
    pub length: Option<usize>,
}

const fn shape(
    prefix: &'static str,
    what: &'static str,
    owners: &'static [&'static str],
    role: Role,
    length: Option<usize>,
) -> Shape {
    Shape { prefix, what, owners, role, length }
}

const ANTHROPIC: &[&str] = &["anthropic", "claude"];
const OPENAI: &[&str] = &["openai", "codex", "azure"];
const GOOGLE: &[&str] = &["google", "gemini", "vertex"];
const GITHUB: &[&str] = &["github", "copilot"];

/// How setup-tokens begin.
pub const SETUP_TOKEN: &str = "sk-ant-oat01-";

/// All known shapes. The longest matching prefix decides.
pub const SHAPES: &[Shape] = &[
    shape("sk-ant-api03-", "an Anthropic API key", ANTHROPIC, Role::Key, Some(108)),
    shape("sk-ant-admin01-", "an Anthropic admin key", ANTHROPIC, Role::Key, Some(110)),
    shape(SETUP_TOKEN, "a setup-token", ANTHROPIC, Role::Token, Some(108)),
    shape("sk-ant-ort01-", "an Anthropic refresh token", ANTHROPIC, Role::Refresh, None),
    shape("sk-ant-sid01-", "an Anthropic session key", ANTHROPIC, Role::Other, None),
    shape("sk-ant-", "an Anthropic secret", ANTHROPIC, Role::Either, None),
    shape("sk-proj-", "an OpenAI project key", OPENAI, Role::Key, None),
    shape("sk-svcacct-", "an OpenAI service account key", OPENAI, Role::Key, None),
    shape("sk-admin-", "an OpenAI admin key", OPENAI, Role::Key, None),
    // Its prefix and 64 hexadecimal digits.
    shape("sk-or-v1-", "an OpenRouter key", &["openrouter"], Role::Key, Some(73)),
    shape("AIza", "a Google API key", GOOGLE, Role::Key, Some(39)),
    shape("ya29.", "a Google access token", GOOGLE, Role::Token, None),
    shape("1//", "a Google refresh token", GOOGLE, Role::Refresh, None),
    shape("gsk_", "a Groq key", &["groq"], Role::Key, None),
    shape("xai-", "an xAI key", &["xai", "grok"], Role::Key, None),
    shape("pplx-", "a Perplexity key", &["perplexity"], Role::Key, Some(53)),
    shape("hf_", "a Hugging Face token", &["huggingface"], Role::Either, Some(37)),
    shape("r8_", "a Replicate key", &["replicate"], Role::Either, None),
    shape("fw_", "a Fireworks key", &["fireworks"], Role::Key, None),
    shape("csk-", "a Cerebras key", &["cerebras"], Role::Key, None),
    shape("nvapi-", "an NVIDIA key", &["nvidia"], Role::Key, None),
    shape("ABSK", "a Bedrock key", &["bedrock", "aws", "amazon"], Role::Either, None),
    shape("AKIA", "an AWS access key id", &["bedrock", "aws", "amazon"], Role::Other, None),
    shape("ghp_", "a GitHub token", GITHUB, Role::Either, Some(40)),
    shape("gho_", "a GitHub token", GITHUB, Role::Either, Some(40)),
    shape("ghu_", "a GitHub token", GITHUB, Role::Either, Some(40)),
    shape("ghs_", "a GitHub token", GITHUB, Role::Either, Some(40)),
    shape("ghr_", "a GitHub refresh token", GITHUB, Role::Refresh, None),
    shape("github_pat_", "a GitHub token", GITHUB, Role::Either, Some(93)),
    shape("glpat-", "a GitLab token", &["gitlab"], Role::Either, None),
    shape("xoxb-", "a Slack token", &["slack"], Role::Either, None),
    shape("xapp-", "a Slack token", &["slack"], Role::Either, None),
    shape("tvly-", "a Tavily key", &["tavily"], Role::Key, None),
    shape("npm_", "an npm token", &["npm"], Role::Either, None),
    shape("hvs.", "a Vault token", &["vault"], Role::Either, None),
    shape("ops_eyJ", "a 1Password service account token", &["1password"], Role::Other, None),
    shape("AGE-SECRET-KEY-", "an age identity", &["age"], Role::Other, None),
];

impl Shape {
    /// Returns the known shape of a secret.
    #[must_use]
    pub fn of(secret: &str) -> Option<&'static Self> {
        SHAPES.iter().filter(|s| secret.starts_with(s.prefix)).max_by_key(|s| s.prefix.len())
    }

    /// Returns whether a provider with this name issues such secrets.
    #[must_use]
    pub fn belongs_to(&self, provider: &str) -> bool {
        self.owners.iter().any(|owner| provider.contains(owner))
    }
}

/// Returns the parts of a text that may be secrets.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !is_part(c))
}

/// Returns whether a text contains a secret of a known shape.
#[must_use]
pub fn looks_known(text: &str) -> bool {
    parts(text).any(|part| {
        part.len() >= PART_MIN
            && (Shape::of(part).is_some() || part.starts_with("sk-") || part.starts_with("eyJ"))
    })
}

fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '.')
}

/// Returns a text with every secret of a known shape replaced by a handle: `~` and eight digits of its SHA-256. An
/// index of another program may have a secret where an id should be. Directories are left alone.
#[must_use]
pub fn masked(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (mut kept, mut at) = (0, 0);
    for part in text.split(|c: char| !is_part(c)) {
        let (start, after) = (at, at + part.len());
        // The separator may be longer than one byte.
        at = after + text[after..].chars().next().map_or(0, char::len_utf8);
        // A full stop may end a sentence.
        let part = part.trim_end_matches('.');
        let end = start + part.len();
        if part.len() < PART_MIN {
            continue;
        }
        let is_secret = match text[..start].chars().next_back() {
            Some('/' | '\\') => false,
            Some(':') => looks_secret(part),
            _ => part.len() >= WORD_MIN && looks_known(part),
        };
        if is_secret {
            out.push_str(&text[kept..start]);
            out.push_str(&handle(part));
            kept = end;
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

fn handle(secret: &str) -> String {
    let digest = sha2::Sha256::digest(secret.as_bytes());
    format!("~{}", hex(&digest[..HANDLE_BYTES]))
}

/// Returns whether a text contains a handle of [`masked`]. No part of a valid profile id looks like one.
#[must_use]
pub fn has_handle(text: &str) -> bool {
    let hex = |digits: &str| digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    text.split(':').any(|part| {
        part.strip_prefix('~').is_some_and(|digits| digits.len() == 2 * HANDLE_BYTES && hex(digits))
    })
}

/// Returns whether a text that should be a name or an address looks like a secret.
#[must_use]
pub fn looks_secret(text: &str) -> bool {
    looks_known(text)
        || parts(text).any(|part| {
            part.len() >= 40
                && !part.split('.').all(|part| is_of_words(part) || is_extension(part))
                && part.bytes().any(|b| b.is_ascii_uppercase())
                && part.bytes().any(|b| b.is_ascii_lowercase())
                && part.bytes().any(|b| b.is_ascii_digit())
        })
}

/// Returns whether a part looks like the extension of a file's name.
fn is_extension(part: &str) -> bool {
    part.len() <= 5 && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Returns whether a text that should be a provider's name looks like a key. Some providers' keys consist of lower-case
/// letters and digits only.
#[must_use]
pub fn looks_random(text: &str) -> bool {
    looks_secret(text) || (text.len() >= 24 && text.bytes().filter(u8::is_ascii_digit).count() >= 6)
}

/// Returns what a text is, with its article, if it is not the name, path or other short word that it should be: a key,
/// an assignment, the text of a file.
#[must_use]
pub fn instead(text: &str) -> Option<&'static str> {
    let trimmed = text.trim_start();
    let begins =
        |prefix: &str| trimmed.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if begins("AGE-SECRET-KEY-") {
        Some("an age identity")
    } else if begins(OWN_KEY) {
        Some("a key")
    } else if begins("age1") && text.len() >= RECIPIENT_MIN && !text.contains('/') {
        Some("an age recipient")
    } else if text.contains(['\n', '\r']) || text.contains("-----BEGIN") || is_document(trimmed) {
        Some("the text of a file")
    } else if is_assignment(trimmed) {
        Some("an assignment")
    } else if holds_password(trimmed) {
        Some("a URL with a password")
    } else if looks_secret(text) {
        Some("a key")
    } else {
        None
    }
}

/// Returns whether a text begins like JSON.
fn is_document(text: &str) -> bool {
    text.starts_with(['{', '[']) && text.contains('"')
}

/// Returns whether a text is `NAME=value`, with or without `export`.
fn is_assignment(text: &str) -> bool {
    let text = text.strip_prefix("export ").unwrap_or(text);
    text.split_once('=').is_some_and(|(name, value)| {
        !value.trim_matches('=').is_empty()
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// Returns whether a text is like `scheme://user:password@host`.
fn holds_password(text: &str) -> bool {
    let is_scheme =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+');
    text.split_once("://").is_some_and(|(scheme, rest)| {
        let user = rest.split('/').next().and_then(|host| host.rsplit_once('@')).map(|(user, _)| user);
        is_scheme(scheme)
            && user.and_then(|user| user.split_once(':')).is_some_and(|(_, word)| !word.is_empty())
    })
}

/// Returns whether a message may quote a text that is not a valid name: one word that does not look like a secret.
/// Several words may be a passphrase.
#[must_use]
pub fn may_be_repeated(text: &str) -> bool {
    instead(text).is_none() && !is_opaque(text) && !text.trim().contains(char::is_whitespace)
}

/// Returns whether a message may quote a text that is not a valid agent, provider or id. Generated passwords have
/// characters that no such name has; anything else is a name with a mistake in it.
#[must_use]
pub fn may_be_misspelt(text: &str) -> bool {
    let is_of_names = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'@' | b'-');
    // It may be a path instead of a name.
    let plain = text.replace("../", "");
    plain.bytes().all(is_of_names) && may_be_repeated(text) && !is_colon_hex(text)
}

/// Returns whether a text is bytes as fingerprints and some keys are written: `0f:1e:2d:3c`.
fn is_colon_hex(text: &str) -> bool {
    let mut bytes = text.split(':');
    bytes.clone().count() >= 4
        && bytes.all(|byte| byte.len() == 2 && byte.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Returns whether a part of a new name, or of a session's, is as long as a key and looks random: 32 letters of both
/// cases and digits, or 32 hexadecimal digits that are not a UUID. Account ids look random too, but are shorter, digits
/// only, or UUIDs.
#[must_use]
pub fn is_drawn(part: &str) -> bool {
    const MIN: usize = 32;
    let plain = part.len() >= MIN && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let has = |is: fn(&u8) -> bool| part.bytes().any(|b| is(&b));
    let is_hex = part.bytes().all(|b| b.is_ascii_hexdigit()) && has(u8::is_ascii_alphabetic);
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    plain && ((is_hex && !is_uuid(part)) || (is_mixed && !is_hex && is_opaque(part)))
}

/// Returns whether hexadecimal digits are a UUID without its dashes, by the digits of its version and variant. One in
/// eight random texts has those.
fn is_uuid(hex: &str) -> bool {
    hex.len() == 32
        && matches!(hex.as_bytes().get(12), Some(b'1'..=b'8'))
        && matches!(hex.as_bytes().get(16), Some(b'8' | b'9' | b'a' | b'b' | b'A' | b'B'))
}

/// Returns whether an absolute path begins as paths do, with a short lower-case word: `/nix/store/…`. One in a thousand
/// Base64 texts that begin with a slash does.
fn is_below_a_word(text: &str) -> bool {
    let mut parts = text.split('/').skip(1);
    parts
        .next()
        .is_some_and(|first| (2..=12).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_lowercase()))
        && parts.next().is_some()
}

fn is_below_root(path: &Path) -> bool {
    path.parent().is_some() && path.symlink_metadata().is_ok()
}

/// Refuses a secret where the path of a file should be. `place` is the flag, argument or variable. A path that exists
/// is always accepted.
///
/// # Errors
/// `USAGE`, which does not quote it.
pub fn refuse_as_path(path: &Path, place: &str) -> Result<()> {
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    let text = path.as_os_str().to_string_lossy();
    // A path has a directory; a single word, or Base64 with slashes in it, may be anything.
    let is_path = ["/", "./", "../", "~/"].iter().any(|start| text.starts_with(start))
        || path.parent().is_some_and(|parent| !parent.as_os_str().is_empty() && parent.is_dir());
    let words = text.split_whitespace().count();
    let line = text.trim_end_matches(['\n', '\r']);
    if line != text && instead(line).is_none() && line.split_whitespace().count() == 1 {
        return Err(places::path_with_line_break(place));
    }
    let what = match instead(&text) {
        Some(what) if !is_path || !matches!(what, "a key" | "an assignment") => what,
        None if !is_path && is_opaque(&text) => "a key",
        None if !is_path && words >= 3 && !text.contains('.') => "what may be a passphrase",
        // Nothing of it exists except the root.
        _ if text.starts_with('/')
            && is_opaque(&text)
            && !path.ancestors().any(is_below_root)
            && !is_below_a_word(&text) =>
        {
            "a key"
        }
        _ => return Ok(()),
    };
    Err(places::not_a_path(place, what))
}

#[cfg(test)]
#[path = "looks_tests.rs"]
mod tests;
