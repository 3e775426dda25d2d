//! The AWS SDKs' `credential_process`, version 1: one JSON object on standard output. The user name of a profile is the id
//! of the access key.

use super::{is_one_line, json_members, line_of, username_of};
use crate::error::Result;
use crate::messages::helper as messages;
use crate::secret::Buffer;
use crate::time::rfc3339;
use crate::vault::record::Record;

/// Returns the answer.
///
/// # Errors
/// `CONFIG` if the record has no user name, `BAD_DATA` if one of the two is not one line.
pub fn answer(record: &Record) -> Result<Buffer> {
    let (id, secret) = (username_of(record)?, line_of(record)?);
    if !is_one_line(id) {
        return Err(messages::not_one_line(&record.profile));
    }
    let expires = record.credential.expires.map(rfc3339);
    let mut members = vec![("AccessKeyId", id), ("SecretAccessKey", secret)];
    members.extend(expires.as_deref().map(|at| ("Expiration", at)));
    let mut out = Buffer::with_capacity(256 + 2 * secret.len());
    out.extend(b"{\"Version\":1,");
    json_members(&mut out, &members);
    out.extend(b"}\n");
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::record;
    use super::*;
    use crate::error::Code;

    #[test]
    fn a_key_has_an_id_and_perhaps_an_end() {
        let text = |record| answer(&record).unwrap().expose_str().unwrap().to_owned();
        assert_eq!(
            text(record("made/up+", Some("AKIAIOSFODNN7EXAMPLE"), None)),
            "{\"Version\":1,\"AccessKeyId\":\"AKIAIOSFODNN7EXAMPLE\",\"SecretAccessKey\":\"made/up+\"}\n"
        );
        assert_eq!(
            text(record("x", Some("ASIA"), Some(1_000))),
            "{\"Version\":1,\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":\"x\",\"Expiration\":\"1970-01-01T00:00:01.000Z\"}\n"
        );
        assert_eq!(answer(&record("x", None, None)).unwrap_err().code(), Code::Config);
        assert_eq!(answer(&record("x\ny", Some("a"), None)).unwrap_err().code(), Code::BadData);
    }
}
