//! Claude Code's `headersHelper` for MCP servers: one JSON object of headers on standard output. Claude Code names the
//! server in a variable since 2.1.85.

use super::{bearer, json_text};
use crate::error::Result;
use crate::secret::Buffer;
use crate::vault::record::Record;

/// The variable with the URL of the server.
pub const URL_VARIABLE: &str = "CLAUDE_CODE_MCP_SERVER_URL";

/// Returns the headers.
///
/// # Errors
/// `BAD_DATA` for a secret that a header cannot have.
pub fn answer(record: &Record) -> Result<Buffer> {
    let mut value = Buffer::with_capacity(512);
    value.extend(b"Bearer ");
    value.extend(bearer::answer(record)?.expose());
    value.truncate(value.len() - 1);
    let mut out = Buffer::with_capacity(64 + 2 * value.len());
    out.extend(b"{\"Authorization\":");
    json_text(&mut out, value.expose_str().unwrap_or_default());
    out.extend(b"}\n");
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::record;
    use super::*;

    #[test]
    fn a_header_is_text_in_an_object() {
        let out = answer(&record("made\"up", None, None)).unwrap();
        assert_eq!(out.expose(), b"{\"Authorization\":\"Bearer made\\\"up\"}\n");
        assert!(answer(&record("a\r\nX-Evil: 1", None, None)).is_err());
    }
}
