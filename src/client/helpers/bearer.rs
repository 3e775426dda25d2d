//! Clients that read a secret alone, in one line: Claude Code's `apiKeyHelper`, Codex' `auth.command`, and
//! `cargo:token-from-stdout`.

use super::line_of;
use crate::error::Result;
use crate::looks::SETUP_TOKEN;
use crate::messages::helper as messages;
use crate::secret::Buffer;
use crate::vault::record::Record;

/// Returns the secret and a line break.
///
/// # Errors
/// `BAD_DATA` for a secret that is not printable ASCII: since 2.1.227 Claude Code takes anything else for a failure, and a
/// header cannot have it.
pub fn answer(record: &Record) -> Result<Buffer> {
    let secret = line_of(record)?;
    if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(messages::not_printable(&record.profile));
    }
    let mut out = Buffer::with_capacity(secret.len() + 1);
    out.extend(secret.as_bytes());
    out.push(b'\n');
    Ok(out)
}

/// Returns the same for Claude Code, which sends it in `x-api-key` too.
///
/// # Errors
/// As [`answer`], and `BAD_DATA` for a token of a subscription, which Anthropic refuses there.
pub fn answer_key(record: &Record) -> Result<Buffer> {
    if line_of(record)?.starts_with(SETUP_TOKEN) {
        return Err(messages::setup_token(&record.profile));
    }
    answer(record)
}

#[cfg(test)]
mod tests {
    use super::super::record;
    use super::*;
    use crate::error::Code;

    #[test]
    fn a_secret_is_one_printable_line() {
        assert_eq!(answer(&record("made-up", None, None)).unwrap().expose(), b"made-up\n");
        for secret in ["", "a b", "a\nb", "a\r", "a\0b", "ü", "\u{1b}[0m"] {
            assert_eq!(answer(&record(secret, None, None)).unwrap_err().code(), Code::BadData, "{secret:?}");
        }
    }

    #[test]
    fn a_setup_token_is_no_api_key() {
        let token = format!("{SETUP_TOKEN}made-up");
        assert_eq!(answer_key(&record(&token, None, None)).unwrap_err().code(), Code::BadData);
        assert!(answer_key(&record("made-up", None, None)).is_ok());
    }
}
