//! Hermes' `secrets.command`: `NAME=VALUE` lines on standard output, as in a `.env` file.

use std::collections::BTreeSet;

use super::line_of;
use crate::env_names::handed_over_as;
use crate::error::Result;
use crate::messages::helper as messages;
use crate::secret::Buffer;
use crate::vault::record::Record;

/// Returns the answer: a line for each variable in which `run` gives these credentials to a program, in the order of the
/// records. Of two with the same name, the first is taken.
///
/// # Errors
/// `BAD_DATA` for a secret that programs would read differently from such a line.
pub fn answer(records: &[Record]) -> Result<Buffer> {
    let mut out = Buffer::with_capacity(1024);
    let mut seen = BTreeSet::new();
    for record in records {
        let credential = &record.credential;
        let names = handed_over_as(credential.provider.as_str(), credential.kind, &credential.secret);
        let secret = line_of(record)?;
        // Within quotes, or after a space, programs do not agree.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+/=:@%,".contains(&byte);
        if secret.is_empty() || !secret.bytes().all(is_plain) {
            return Err(messages::not_in_dotenv(&record.profile));
        }
        for name in names.into_iter().filter(|name| !seen.contains(name)).collect::<Vec<_>>() {
            out.extend(name.as_bytes());
            out.push(b'=');
            out.extend(secret.as_bytes());
            out.push(b'\n');
            seen.insert(name);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::record;
    use super::*;
    use crate::error::Code;
    use crate::looks::SETUP_TOKEN;
    use crate::secret::SecretString;
    use crate::vault::credential::CredentialType;

    fn of(provider: &str, kind: CredentialType, secret: &str) -> Record {
        let mut record = record(secret, None, None);
        record.credential.provider = provider.parse().unwrap();
        record.credential.kind = kind;
        record
    }

    #[test]
    fn each_credential_has_the_variable_of_its_provider() {
        use CredentialType::{ApiKey, Token};
        let records = [
            of("anthropic", ApiKey, "made-up-1"),
            of("anthropic", Token, &format!("{SETUP_TOKEN}2")),
            of("openrouter", ApiKey, "made-up-3"),
            of("my-own.x", ApiKey, "made-up-4"),
            of("github-copilot", Token, "made-up-5"),
            of("openai", ApiKey, "made-up-6"),
            of("openai", ApiKey, "made-up-7"),
        ];
        assert_eq!(
            answer(&records).unwrap().expose_str().unwrap(),
            "ANTHROPIC_API_KEY=made-up-1\nCLAUDE_CODE_OAUTH_TOKEN=sk-ant-oat01-2\nOPENROUTER_API_KEY=made-up-3\n\
             MY_OWN_X_API_KEY=made-up-4\nCOPILOT_GITHUB_TOKEN=made-up-5\nCODEX_API_KEY=made-up-6\nOPENAI_API_KEY=made-up-6\n"
        );
    }

    #[test]
    fn a_secret_that_needs_quotes_is_refused() {
        for secret in ["", "a b", "a#b", "a'b", "a\"b", "a$b", "a\\b", "a`b", "a\nEVIL=1", "a\r"] {
            let mut record = record("x", None, None);
            record.credential.secret = SecretString::from(secret);
            assert_eq!(answer(&[record]).unwrap_err().code(), Code::BadData, "{secret:?}");
        }
    }
}
