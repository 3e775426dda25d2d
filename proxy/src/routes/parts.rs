//! What the interfaces of providers have in common.

use super::{Api, Credential, Endpoint, Kind};
use crate::blame::Failure;

/// An interface without anything, which sends the credential as a bearer token.
pub(super) const NOTHING: Api = Api {
    name: "",
    hosts: &[],
    credential: Credential::Bearer,
    elsewhere: &[],
    endpoints: &[],
    headers: &[],
    errors: &[],
    blameless: &[],
    refused: &[],
};

/// An interface that is like OpenAI's, without its endpoints.
pub(super) const LIKE_OPENAI: Api = Api { headers: OPENAI_HEADERS, errors: OPENAI_ERRORS, ..NOTHING };

/// An interface that is like OpenAI's and Anthropic's, without its endpoints.
pub(super) const LIKE_BOTH: Api = Api { headers: BOTH_HEADERS, errors: BOTH_ERRORS, ..NOTHING };

pub(super) const GET: &[&str] = &["GET"];
pub(super) const POST: &[&str] = &["POST"];
pub(super) const ANY: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

pub(super) const fn inference(path: &'static str) -> Endpoint {
    Endpoint { methods: POST, path, kind: Kind::Inference }
}

pub(super) const fn reading(path: &'static str) -> Endpoint {
    Endpoint { methods: GET, path, kind: Kind::Reading }
}

pub(super) const fn stored(path: &'static str) -> Endpoint {
    Endpoint { methods: ANY, path, kind: Kind::Stored }
}

/// Reads stored objects alone.
pub(super) const fn kept(path: &'static str) -> Endpoint {
    Endpoint { methods: GET, path, kind: Kind::Stored }
}

pub(super) const fn socket(path: &'static str) -> Endpoint {
    Endpoint { methods: GET, path, kind: Kind::Socket }
}

/// The error types of <https://docs.claude.com/en/api/errors>.
pub(super) const ANTHROPIC_ERRORS: &[(&str, Failure)] = &[
    ("authentication_error", Failure::Auth),
    ("billing_error", Failure::Billing),
    ("permission_error", Failure::Forbidden),
    ("rate_limit_error", Failure::RateLimited),
    ("overloaded_error", Failure::Overloaded),
];

/// The error codes of <https://platform.openai.com/docs/guides/error-codes>.
pub(super) const OPENAI_ERRORS: &[(&str, Failure)] = &[
    ("invalid_api_key", Failure::Auth),
    ("insufficient_quota", Failure::Billing),
    ("billing_hard_limit_reached", Failure::Billing),
    ("billing_not_active", Failure::Billing),
    ("rate_limit_exceeded", Failure::RateLimited),
];

/// Those of OpenAI itself. A key that is restricted gets a 401 too for what it may not do, with this type and another code or
/// none; one that is not valid has a code of its own.
pub(super) const OPENAI_OWN_ERRORS: &[(&str, Failure)] = &[
    ("invalid_api_key", Failure::Auth),
    ("account_deactivated", Failure::Auth),
    ("insufficient_quota", Failure::Billing),
    ("billing_hard_limit_reached", Failure::Billing),
    ("billing_not_active", Failure::Billing),
    ("rate_limit_exceeded", Failure::RateLimited),
    ("missing_scope", Failure::Forbidden),
    ("invalid_request_error", Failure::Forbidden),
];

/// Apart from what steers which account pays. The names after the first two are those of Codex, which wrote them with
/// `_` in earlier versions.
pub(super) const OPENAI_HEADERS: &[&str] = &[
    "openai-beta",
    "x-client-request-id",
    "originator",
    "session-id",
    "session_id",
    "thread-id",
    "conversation_id",
    "x-codex-*",
];

/// The last two are those of Claude Code.
pub(super) const ANTHROPIC_HEADERS: &[&str] = &[
    "anthropic-beta",
    "anthropic-version",
    "anthropic-dangerous-direct-browser-access",
    "x-app",
    "x-claude-code-*",
];

const BOTH_HEADERS: &[&str] = &[
    "anthropic-beta",
    "anthropic-version",
    "conversation_id",
    "openai-beta",
    "originator",
    "session-id",
    "session_id",
    "thread-id",
    "x-app",
    "x-claude-code-*",
    "x-client-request-id",
    "x-codex-*",
];

const BOTH_ERRORS: &[(&str, Failure)] = &[
    ("authentication_error", Failure::Auth),
    ("invalid_api_key", Failure::Auth),
    ("billing_error", Failure::Billing),
    ("insufficient_quota", Failure::Billing),
    ("billing_hard_limit_reached", Failure::Billing),
    ("billing_not_active", Failure::Billing),
    ("permission_error", Failure::Forbidden),
    ("rate_limit_error", Failure::RateLimited),
    ("rate_limit_exceeded", Failure::RateLimited),
    ("overloaded_error", Failure::Overloaded),
];
