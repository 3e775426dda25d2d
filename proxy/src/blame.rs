//! What a failure is laid to.
//!
//! Only the status and the provider's structured error type count, never a message: messages quote what a request said.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use http::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde_json::Value;

use crate::routes::Api;

/// The longest wait that an upstream may ask for.
const WAIT_MAX: Duration = Duration::from_secs(3600);

/// A failure that is laid to a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The credential is not valid.
    Auth,
    /// The credential may not do this.
    Forbidden,
    /// Too many requests, or tokens, in a time.
    RateLimited,
    /// The provider has too much to do.
    Overloaded,
    /// The account has no credit.
    Billing,
}

/// How a request with a profile went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider answered what needs a credential that is valid, free and paid for.
    Succeeded {
        /// How long ago the request was sent.
        took: Duration,
    },
    /// The provider refused, and it is laid to the profile.
    Failed {
        /// Why.
        failure: Failure,
        /// The status. 200 if the error came as an event.
        status: u16,
        /// How long the provider said to wait, at most one hour.
        retry_after: Option<Duration>,
    },
}

/// Returns whether the body of an answer says why it failed.
pub(crate) fn has_reason(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 401 | 402 | 403 | 429 | 529)
}

/// Returns what an answer lays to the profile. `body` is as much of it as was read.
pub(crate) fn judge(api: &Api, status: StatusCode, body: &[u8]) -> Option<Failure> {
    let named = types(body);
    if is_blameless(api, &named) {
        return None;
    }
    let by_type = of_type(api, &named);
    match status.as_u16() {
        // Some providers say so of each failure that has to do with the account.
        401 => Some(by_type.unwrap_or(Failure::Auth)),
        402 => Some(Failure::Billing),
        403 | 429 if by_type == Some(Failure::Billing) => Some(Failure::Billing),
        403 => Some(Failure::Forbidden),
        429 => Some(Failure::RateLimited),
        529 => Some(Failure::Overloaded),
        // Only what is never a fault of the request itself.
        400 => by_type.filter(|failure| matches!(failure, Failure::Auth | Failure::Billing)),
        _ => None,
    }
}

/// Returns whether an error is one that any request can cause.
pub(crate) fn is_blameless(api: &Api, named: &[String]) -> bool {
    named.iter().any(|kind| api.blameless.contains(&&**kind))
}

/// Returns the failure that the types of a structured error stand for.
pub(crate) fn of_type(api: &Api, named: &[String]) -> Option<Failure> {
    api.errors.iter().find(|(name, _)| named.iter().any(|given| given == name)).map(|(_, failure)| *failure)
}

/// Returns the types that an error names: Anthropic's `error.type`, OpenAI's `error.code`, Google's `error.status` and
/// `error.details[].reason`, Mistral's at the top, and ElevenLabs' `detail.status`.
pub(crate) fn types(body: &[u8]) -> Vec<String> {
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else { return Vec::new() };
    let nested = answer.error.unwrap_or_default();
    let details = nested.details.unwrap_or_default();
    let reasons = details.iter().filter_map(|detail| detail.get("reason")).cloned();
    let detail = answer.detail.as_ref().and_then(|detail| detail.get("status")).cloned();
    let named = [nested.kind, nested.code, nested.status, answer.code, detail].into_iter().flatten();
    named.chain(reasons).filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

#[derive(Deserialize)]
struct Answer {
    error: Option<Error>,
    code: Option<Value>,
    detail: Option<Value>,
}

#[derive(Deserialize, Default)]
struct Error {
    #[serde(rename = "type")]
    kind: Option<Value>,
    code: Option<Value>,
    status: Option<Value>,
    details: Option<Vec<Value>>,
}

/// Returns how long an upstream said to wait, at most one hour.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) if text.bytes().all(|byte| byte.is_ascii_digit()) => WAIT_MAX,
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(wait.min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::known;

    fn judged(provider: &str, status: u16, body: &str) -> Option<Failure> {
        let route = known().into_iter().find(|route| &*route.name == provider).unwrap();
        judge(route.api, StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn what_a_restricted_key_may_not_do_is_no_fault_of_the_key() {
        let refused = |code: &str| {
            judged("openai", 401, &format!(r#"{{"error":{{"type":"invalid_request_error","code":{code}}}}}"#))
        };
        for (code, failure) in [
            (r#""invalid_api_key""#, Failure::Auth),
            (r#""account_deactivated""#, Failure::Auth),
            (r#""missing_scope""#, Failure::Forbidden),
            ("null", Failure::Forbidden),
        ] {
            assert_eq!(refused(code), Some(failure), "{code}");
        }
        assert_eq!(judged("openai", 401, ""), Some(Failure::Auth));
        assert_eq!(judged("openai", 400, r#"{"error":{"type":"invalid_request_error"}}"#), None);
    }

    #[test]
    fn the_status_decides() {
        for (status, failure) in [
            (200, None),
            (400, None),
            (401, Some(Failure::Auth)),
            (402, Some(Failure::Billing)),
            (403, Some(Failure::Forbidden)),
            (404, None),
            (413, None),
            (429, Some(Failure::RateLimited)),
            (500, None),
            (503, None),
            (529, Some(Failure::Overloaded)),
        ] {
            assert_eq!(judged("anthropic", status, ""), failure, "{status}");
        }
    }

    #[test]
    fn a_400_counts_only_by_its_structured_type() {
        let billing = r#"{"type":"error","error":{"type":"billing_error","message":"no credit"}}"#;
        assert_eq!(judged("anthropic", 400, billing), Some(Failure::Billing));
        for body in [
            r#"{"error":{"type":"invalid_request_error","message":"credit balance is too low"}}"#,
            r#"{"error":{"type":"invalid_request_error","message":"{\"error\":{\"type\":\"billing_error\"}}"}}"#,
            r#"{"error":{"type":"rate_limit_error"}}"#,
            r#"{"message":"billing_error"}"#,
            r#"{"error":"billing_error"}"#,
            r#"{"error":{"type":"invalid_request_error","type":"billing_error"}}"#,
            "billing_error",
        ] {
            assert_eq!(judged("anthropic", 400, body), None, "{body}");
        }
        let reason =
            r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#;
        assert_eq!(judged("google", 400, reason), Some(Failure::Auth));
    }

    #[test]
    fn an_event_of_googles_has_its_status_in_it() {
        let event = br#"{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}}"#;
        let google = known().into_iter().find(|route| &*route.name == "google").unwrap();
        assert_eq!(of_type(google.api, &types(event)), Some(Failure::RateLimited));
    }

    #[test]
    fn a_quota_that_is_used_up_is_no_rate_limit() {
        let quota = r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota"}}"#;
        assert_eq!(judged("openai", 429, quota), Some(Failure::Billing));
        assert_eq!(judged("openai", 429, "{}"), Some(Failure::RateLimited));
    }

    #[test]
    fn a_401_is_laid_to_the_credential_only_if_no_request_can_cause_it() {
        let zen = |kind: &str| judged("opencode", 401, &format!(r#"{{"error":{{"type":"{kind}"}}}}"#));
        assert_eq!(zen("AuthError"), Some(Failure::Auth));
        assert_eq!(zen("CreditsError"), Some(Failure::Billing));
        assert_eq!(zen("ModelError"), None);
        let eleven =
            |status: &str| judged("elevenlabs", 401, &format!(r#"{{"detail":{{"status":"{status}"}}}}"#));
        assert_eq!(eleven("invalid_api_key"), Some(Failure::Auth));
        assert_eq!(eleven("quota_exceeded"), Some(Failure::RateLimited));
        assert_eq!(
            judged("elevenlabs", 401, r#"{"detail":[{"status":"quota_exceeded"}]}"#),
            Some(Failure::Auth)
        );
        let kimi = r#"{"error":{"type":"exceeded_current_quota_error"}}"#;
        assert_eq!(judged("moonshot", 429, kimi), Some(Failure::Billing));
    }

    #[test]
    fn a_wait_is_cut_at_one_hour() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, wait) in [
            ("7", Some(7)),
            ("86400", Some(3600)),
            ("99999999999999999999999", Some(3600)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sat, 06 Nov 1993 08:50:37 GMT", Some(0)),
            ("Sat, 06 Nov 2094 08:50:37 GMT", Some(3600)),
            ("soon", None),
            ("-1", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            assert_eq!(retry_after(&headers, now), wait.map(Duration::from_secs), "{text}");
        }
    }
}
