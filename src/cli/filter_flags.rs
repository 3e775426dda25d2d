//! The flags that choose profiles by provider, type and text.

use clap::Args;

use super::context::not_a_secret;
use crate::error::Result;
use crate::vault::credential::CredentialType;
use crate::vault::id::Provider;
use crate::vault::index::Entry;
use crate::vault::record::Record;

/// Which profiles are wanted, as flags say it.
#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Only profiles of this provider
    #[arg(long, value_name = "P")]
    provider: Option<String>,
    /// Only profiles of this type: api_key, token or oauth
    #[arg(long = "type", value_name = "T", value_parser = ["api_key", "token", "oauth"], hide_possible_values = true)]
    kind: Option<String>,
    /// Only profiles with this text in their id, e-mail address or display name, in upper or lower case
    #[arg(long, value_name = "TEXT")]
    matching: Option<String>,
}

/// Which profiles are wanted.
pub(super) struct Wanted {
    /// Those of this provider.
    pub provider: Option<Provider>,
    kind: Option<CredentialType>,
    /// In lower case.
    matching: Option<String>,
}

impl Filter {
    /// Reads the flags.
    ///
    /// # Errors
    /// `USAGE` for a secret, those of a provider's name.
    pub fn read(&self) -> Result<Wanted> {
        for text in [&self.provider, &self.matching].into_iter().flatten() {
            not_a_secret(text)?;
        }
        Ok(Wanted {
            provider: self.provider.as_deref().map(str::parse).transpose()?,
            kind: self.kind.as_deref().and_then(CredentialType::parse),
            matching: self.matching.as_deref().map(str::to_lowercase),
        })
    }
}

impl Wanted {
    /// Returns whether all profiles of a provider are wanted.
    pub fn is_of_provider_alone(&self) -> bool {
        self.kind.is_none() && self.matching.is_none()
    }

    /// Returns whether an entry of the index is wanted.
    pub fn has_entry(&self, entry: &Entry<'_>) -> bool {
        let texts = [Some(entry.id), entry.email.as_deref(), entry.display_name.as_deref()];
        // The provider is parsed only if it counts.
        self.provider.as_ref().is_none_or(|wanted| entry.provider().as_ref() == Some(wanted))
            && self.kind.is_none_or(|kind| entry.kind == Some(kind))
            && self.matches(texts)
    }

    /// Returns whether a record is wanted.
    pub fn has_record(&self, record: &Record) -> bool {
        let credential = &record.credential;
        let texts =
            [Some(record.profile.as_str()), credential.email.as_deref(), credential.display_name.as_deref()];
        self.provider.as_ref().is_none_or(|wanted| credential.provider == *wanted)
            && self.kind.is_none_or(|kind| credential.kind == kind)
            && self.matches(texts)
    }

    fn matches(&self, texts: [Option<&str>; 3]) -> bool {
        let Some(wanted) = &self.matching else { return true };
        texts.into_iter().flatten().any(|text| text.to_lowercase().contains(wanted.as_str()))
    }
}
