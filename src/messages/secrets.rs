//! Messages about pasted secrets. None of them quotes a value; `seen` is what may be shown of it.

use std::borrow::Cow;
use std::fmt::Display;

use crate::error::{Code, Error};

/// Why a value is refused. Quotes nothing of it.
#[derive(Debug)]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// What is wrong, as a predicate: "is empty".
    pub why: Cow<'static, str>,
    /// What to do, if that is more than the remedy of the code.
    pub remedy: Option<Cow<'static, str>>,
}

impl Refusal {
    fn new(code: Code, why: impl Into<Cow<'static, str>>) -> Self {
        Self { code, why: why.into(), remedy: None }
    }

    fn bad(why: impl Into<Cow<'static, str>>, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::BadData, why).with_remedy(remedy)
    }

    fn with_remedy(self, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    /// Returns the refusal as an error about `what`.
    pub fn of(self, what: &str) -> Error {
        let error = Error::new(self.code, format!("{what} {}", self.why));
        match self.remedy {
            Some(remedy) => error.with_remedy(remedy),
            None => error,
        }
    }
}

/// What a pasted value is called in messages.
pub const PASTED: &str = "the pasted value";

const ALONE: &str = "nothing was changed; paste only the secret, on one line";
const VALUE_ONLY: &str = "paste only the value, without the text before and after it";

/// The value is not text.
pub fn not_text() -> Error {
    Error::new(Code::BadData, "the pasted value is not UTF-8 text")
}

/// The value is UTF-16.
pub fn utf16() -> Error {
    Error::new(Code::BadData, "the pasted value is UTF-16 text").with_remedy(
        "convert it to UTF-8: `iconv -f UTF-16 -t UTF-8 FILE` (in PowerShell: `Set-Content -Encoding ascii`)",
    )
}

/// Nothing was pasted.
pub fn nothing_pasted() -> Error {
    Error::new(Code::NoInput, "the pasted value is empty")
        .with_remedy("paste the secret, or send it on standard input")
}

/// The value is too long.
pub fn too_long(max: usize) -> Error {
    Error::new(Code::TooLarge, format!("the pasted value is longer than {max} bytes"))
}

/// A bug: a value is no longer text.
pub fn lost_encoding() -> Error {
    Error::new(Code::Internal, "a pasted value lost its encoding")
}

/// The value is empty.
pub fn empty() -> Refusal {
    Refusal::new(Code::BadData, "is empty")
}

/// The value is a mask, a reference or a placeholder.
pub fn mask(why: &str) -> Refusal {
    Refusal::new(Code::NotASecret, format!("is not a secret: {why}"))
}

/// The value is a word for nothing.
pub fn word_for_nothing() -> Refusal {
    Refusal::new(Code::NotASecret, "is not a secret: programs print this word if they have no value")
}

/// Nothing is left of the value without its quotes or its name.
pub fn nothing_inside() -> Refusal {
    Refusal::new(Code::NotASecret, "is not a secret: it contains no value")
}

/// The value is a key of a vault.
pub fn own_key() -> Refusal {
    Refusal::new(Code::NotASecret, "is a Strongroom key, which unlocks a vault")
        .with_remedy("paste what the provider issued; the vault's key stays in its file (`--key-file FILE`)")
}

/// The value is several lines.
pub fn several_lines() -> Refusal {
    Refusal::bad("has several lines, and they are not one wrapped token", ALONE)
}

/// The value has white space inside.
pub fn white_space() -> Refusal {
    Refusal::bad("contains white space, and is not one wrapped token", ALONE)
}

/// The value has a quote at one end.
pub fn half_quoted() -> Refusal {
    Refusal::bad("has a quote at only one end", "copy it again, and paste only the secret")
}

/// The value has characters that cannot be seen.
pub fn unseen() -> Refusal {
    Refusal::bad("contains invisible characters", "copy it again, without the text around it")
}

/// The value has quotes or dashes for print.
pub fn typographic() -> Refusal {
    Refusal::bad(
        "contains curly quotes, back quotes or dashes, which no key has",
        "copy it again from the provider's page",
    )
}

/// The value is more than a key.
pub fn surrounded() -> Refusal {
    Refusal::bad(
        "has characters around the key that are not part of it",
        "copy only the key, without the text around it",
    )
}

/// The value sets a variable of another provider.
pub fn assigns_for_another(name: &str, provider: impl Display) -> Refusal {
    Refusal::bad(
        format!("is an assignment to {name}, which is not a variable of {provider}"),
        format!("paste the secret of {provider}; if this is it, paste only the part after the name"),
    )
}

/// The value of a file sets a variable.
pub fn assigns_in_file(name: &str) -> Refusal {
    Refusal::bad(format!("is an assignment to {name}"), "keep only the part after the name")
}

/// The value sets a variable.
pub fn assigns(name: &str) -> Refusal {
    Refusal::bad(
        format!("is an assignment to {name}"),
        "paste only the part after the name, or import the file with `strongroom import`",
    )
}

/// The value sets something.
pub fn assigns_something() -> Refusal {
    Refusal::bad("is an assignment: there is a name before the secret", VALUE_ONLY)
}

/// The value is a header.
pub fn header() -> Refusal {
    Refusal::bad("is an HTTP header", VALUE_ONLY)
}

/// The value is a header or a sentence.
pub fn header_or_sentence() -> Refusal {
    Refusal::bad("is an HTTP header, or a sentence", VALUE_ONLY)
}

/// The value is for HTTP Basic authentication.
pub fn basic() -> Refusal {
    Refusal::bad(
        "is HTTP Basic authentication, which is a user name and a password",
        "paste only the key or the token",
    )
}

/// The value is a document.
pub fn document() -> Refusal {
    Refusal::bad(
        "is a document (JSON, PEM or a page), not a key or a token",
        "paste only the secret itself; `strongroom import` reads OpenClaw's files",
    )
}

/// A code fence was removed.
pub const FENCE: &str = "removed the code fence around the value";
/// Line breaks were removed.
pub const LINE_BREAKS: &str = "removed the line breaks inside the value";
/// White space was removed.
pub const SPACES: &str = "removed the white space inside the value";
/// Quotes were removed.
pub const QUOTES: &str = "removed the quotes around the value";
/// A name was removed.
pub const NAME: &str = "removed the name before the value";
/// The name of a header was removed.
pub const HEADER: &str = "removed the header name before the value";

/// A known name was removed.
pub fn without_name(name: &str) -> String {
    format!("removed the name before the value ({name}=)")
}

/// A word was removed.
pub fn without_word(word: &str) -> String {
    format!("removed the word {word} before the value")
}

/// A mark was removed.
pub fn without_mark(mark: char) -> String {
    format!("removed the `{mark}` at the end")
}

/// Why a value is not a secret: it is a marker.
pub const MARKER: &str = "it is a marker in place of a secret";
/// Why a value is not a secret: it was redacted.
pub const REDACTED: &str = "it was redacted";
/// Why a value is not a secret: it is masked.
pub const MASKED: &str = "it is masked";
/// Why a value is not a secret: it is shortened.
pub const SHORTENED: &str = "it is shortened or masked";
/// Why a value is not a secret: it is a reference.
pub const REFERENCE: &str = "it is a reference to a secret that is stored elsewhere";
/// Why a value is not a secret: it is a placeholder of a program.
pub const FILLED_IN: &str = "it is a placeholder that another program fills in";
/// Why a value is not a secret: it is a placeholder of an example.
pub const PLACEHOLDER: &str = "it is a placeholder from an example";

/// A secret is not ASCII.
pub fn not_ascii(seen: &str) -> String {
    format!("the secret contains characters outside ASCII, which keys never do ({seen})")
}

/// A secret for Anthropic does not look like one.
pub fn not_anthropic(seen: &str) -> String {
    format!("the secret does not begin with sk-ant-, as Anthropic's secrets do ({seen})")
}

/// A secret is short.
pub fn short(seen: &str) -> String {
    format!("the secret is unusually short ({seen})")
}

/// A secret's prefix occurs twice.
pub fn twice(seen: &str) -> String {
    format!("the prefix of the secret occurs twice in it: check that it was not pasted twice ({seen})")
}

/// A secret looks like one of another provider.
pub fn of_another(what: &str, provider: impl Display, seen: &str) -> String {
    format!("the secret looks like {what}, not like one for {provider} ({seen})")
}

/// A secret only renews others.
pub fn only_renews(what: &str, seen: &str) -> String {
    format!("the secret looks like {what}, which renews a token but cannot be used as one ({seen})")
}

/// A secret is of no use for a model.
pub fn of_no_provider(what: &str, seen: &str) -> String {
    format!("the secret looks like {what}, which no model provider accepts ({seen})")
}

/// A token is stored as a key.
pub fn not_a_key(what: &str, seen: &str) -> String {
    format!("the secret looks like {what}: store it with `paste-token`, not as an API key ({seen})")
}

/// A key is stored as a token.
pub fn not_a_token(what: &str, seen: &str) -> String {
    format!("the secret looks like {what}: store it with `paste-api-key`, not as a token ({seen})")
}

/// A secret looks cut off.
pub fn cut_off(what: &str, usual: usize, seen: &str) -> String {
    format!("the secret looks cut off: {what} usually has {usual} characters ({seen})")
}

/// A secret has an unusual length.
pub fn unusual_length(what: &str, usual: usize, seen: &str) -> String {
    format!("the secret has an unusual length: {what} usually has {usual} characters ({seen})")
}
