//! Prompt caching: what the client's configuration asks for, and its effect with the credential in use.

use serde::Serialize;

use crate::vault::credential::CredentialType;

/// The header that a request with [`Retention::Long`] needs.
pub const LONG_BETA: &str = "extended-cache-ttl-2025-04-11";

/// How long a provider keeps a prompt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Retention {
    /// Not at all.
    None,
    /// Five minutes.
    Short,
    /// An hour.
    Long,
}

impl Retention {
    /// Parses `cacheRetention`.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::None),
            "short" => Some(Self::Short),
            "long" => Some(Self::Long),
            _ => None,
        }
    }

    /// Parses the older `cacheControlTtl`.
    #[must_use]
    pub fn of_ttl(text: &str) -> Option<Self> {
        match text {
            "5m" => Some(Self::Short),
            "1h" => Some(Self::Long),
            _ => None,
        }
    }

    /// Returns the value of `cacheRetention`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Short => "short",
            Self::Long => "long",
        }
    }
}

/// The caching parameters at one level of the configuration. Each overrides the same parameter of the level below.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Params {
    /// `cacheRetention`.
    pub retention: Option<Retention>,
    /// `cacheControlTtl`, its older form.
    pub ttl: Option<Retention>,
}

impl Params {
    /// Returns these parameters, overridden by those of a level above.
    #[must_use]
    pub fn under(self, above: Self) -> Self {
        Self { retention: above.retention.or(self.retention), ttl: above.ttl.or(self.ttl) }
    }

    /// Returns what they ask for. The newer parameter counts.
    #[must_use]
    pub fn asked(self) -> Option<Retention> {
        self.retention.or(self.ttl)
    }
}

/// The effect of the parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// How long prompts are kept.
    pub effective: Retention,
    /// Why: `configured`, `default_with_api_key`, `subscription_token`, `no_credential`, `not_set`,
    /// `bedrock_not_anthropic` or `other_provider`.
    pub reason: &'static str,
    /// The beta header that the request needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beta_header: Option<&'static str>,
}

/// Returns the policy for a model of a provider, with the parameters of all levels and the type of the credential in
/// use. A token or a sign-in at Anthropic belongs to a subscription.
#[must_use]
pub fn policy(provider: &str, model: &str, params: Params, credential: Option<CredentialType>) -> Policy {
    let asked = params.asked();
    let (effective, reason) = match provider {
        "anthropic" => match (credential, asked) {
            (Some(CredentialType::Token | CredentialType::OAuth), _) => {
                (Retention::None, "subscription_token")
            }
            (_, Some(asked)) => (asked, "configured"),
            (Some(CredentialType::ApiKey), None) => (Retention::Short, "default_with_api_key"),
            (None, None) => (Retention::None, "no_credential"),
        },
        "amazon-bedrock" if !is_claude(model) => (Retention::None, "bedrock_not_anthropic"),
        "amazon-bedrock" => asked.map_or((Retention::None, "not_set"), |asked| (asked, "configured")),
        _ => (Retention::None, "other_provider"),
    };
    Policy { effective, reason, beta_header: (effective == Retention::Long).then_some(LONG_BETA) }
}

/// Returns whether a model of Bedrock is Anthropic's: `anthropic.claude-…`, possibly after a region.
fn is_claude(model: &str) -> bool {
    model.contains("anthropic.claude") || model.contains("anthropic/claude")
}

/// Returns a policy in words.
#[must_use]
pub fn phrase(policy: &Policy) -> String {
    let kept = match policy.effective {
        Retention::None => "none",
        Retention::Short => "short (5 minutes)",
        Retention::Long => "long (1 hour)",
    };
    match policy.reason {
        "configured" if policy.effective == Retention::Long => {
            format!("{kept}, as configured; needs the beta header {LONG_BETA}")
        }
        "configured" => format!("{kept}, as configured"),
        "default_with_api_key" => format!("{kept}, the default with an API key"),
        "subscription_token" => format!("{kept}: a subscription token ignores it"),
        "no_credential" => format!("{kept}: the provider has no credential"),
        "bedrock_not_anthropic" => format!("{kept}: not an Anthropic model"),
        "not_set" => format!("{kept}: not set"),
        _ => format!("{kept}: this provider has no such setting"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use CredentialType::{ApiKey, OAuth, Token};
    use Retention::{Long, None as Never, Short};

    #[test]
    fn the_policy_is_that_of_the_credential_in_use() {
        let claude = "claude-opus-4-6";
        for (provider, model, asked, credential, effective, reason) in [
            ("anthropic", claude, None, Some(ApiKey), Short, "default_with_api_key"),
            ("anthropic", claude, Some(Never), Some(ApiKey), Never, "configured"),
            ("anthropic", claude, Some(Short), Some(ApiKey), Short, "configured"),
            ("anthropic", claude, Some(Long), Some(ApiKey), Long, "configured"),
            ("anthropic", claude, None, Some(Token), Never, "subscription_token"),
            ("anthropic", claude, Some(Long), Some(Token), Never, "subscription_token"),
            ("anthropic", claude, Some(Long), Some(OAuth), Never, "subscription_token"),
            ("anthropic", claude, None, None, Never, "no_credential"),
            ("anthropic", claude, Some(Long), None, Long, "configured"),
            ("amazon-bedrock", "us.anthropic.claude-opus-4-6-v1:0", Some(Long), None, Long, "configured"),
            ("amazon-bedrock", "us.anthropic.claude-opus-4-6-v1:0", None, Some(ApiKey), Never, "not_set"),
            (
                "amazon-bedrock",
                "amazon.nova-pro-v1:0",
                Some(Long),
                Some(ApiKey),
                Never,
                "bedrock_not_anthropic",
            ),
            ("openrouter", "anthropic/claude-opus-4-6", Some(Long), Some(ApiKey), Never, "other_provider"),
        ] {
            let params = Params { retention: asked, ttl: None };
            let policy = policy(provider, model, params, credential);
            assert_eq!(
                (policy.effective, policy.reason),
                (effective, reason),
                "{provider}/{model} {asked:?} {credential:?}"
            );
            assert_eq!(policy.beta_header.is_some(), effective == Long);
            assert!(phrase(&policy).starts_with(effective.as_str()), "{}", phrase(&policy));
        }
    }

    #[test]
    fn the_older_parameter_counts_where_the_newer_is_not_set() {
        for (retention, ttl, asked) in [
            (None, "5m", Some(Short)),
            (None, "1h", Some(Long)),
            (None, "2h", None),
            (Some(Never), "1h", Some(Never)),
        ] {
            assert_eq!(Params { retention, ttl: Retention::of_ttl(ttl) }.asked(), asked, "{ttl}");
        }
    }

    #[test]
    fn a_level_above_overrides_key_by_key() {
        let below = Params { retention: Some(Short), ttl: Some(Long) };
        let above = Params { retention: None, ttl: Some(Short) };
        assert_eq!(below.under(above), Params { retention: Some(Short), ttl: Some(Short) });
        assert_eq!(above.under(below).asked(), Some(Short));
    }
}
