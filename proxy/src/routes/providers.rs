//! The providers that are known: their hosts, what of them is open, and their structured errors.

use super::{Api, Credential, Endpoint, Kind, Route};
use crate::blame::Failure;

/// Returns a route for each provider that is known, under its own name.
#[must_use]
pub fn known() -> Vec<Route> {
    let apis =
        [&ANTHROPIC, &OPENAI, &GOOGLE, &OPENROUTER, &GROQ, &MISTRAL, &XAI, &DEEPSEEK, &AZURE, &BEDROCK];
    apis.into_iter().map(|api| Route::new(api.name, api)).collect()
}

const GET: &[&str] = &["GET"];
const POST: &[&str] = &["POST"];
const ANY: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

const fn inference(path: &'static str) -> Endpoint {
    Endpoint { methods: POST, path, kind: Kind::Inference }
}

const fn reading(path: &'static str) -> Endpoint {
    Endpoint { methods: GET, path, kind: Kind::Reading }
}

const fn stored(path: &'static str) -> Endpoint {
    Endpoint { methods: ANY, path, kind: Kind::Stored }
}

/// The error types of <https://docs.claude.com/en/api/errors>.
const ANTHROPIC_ERRORS: &[(&str, Failure)] = &[
    ("authentication_error", Failure::Auth),
    ("billing_error", Failure::Billing),
    ("permission_error", Failure::Forbidden),
    ("rate_limit_error", Failure::RateLimited),
    ("overloaded_error", Failure::Overloaded),
];

/// The error codes of <https://platform.openai.com/docs/guides/error-codes>.
const OPENAI_ERRORS: &[(&str, Failure)] = &[
    ("invalid_api_key", Failure::Auth),
    ("insufficient_quota", Failure::Billing),
    ("billing_hard_limit_reached", Failure::Billing),
    ("billing_not_active", Failure::Billing),
    ("rate_limit_exceeded", Failure::RateLimited),
];

/// Apart from what steers which account pays. The names after the first two are those of Codex.
const OPENAI_HEADERS: &[&str] =
    &["openai-beta", "x-client-request-id", "originator", "session_id", "conversation_id", "x-codex-*"];

static ANTHROPIC: Api = Api {
    name: "anthropic",
    hosts: &["api.anthropic.com"],
    credential: Credential::Header("x-api-key"),
    endpoints: &[
        inference("/v1/messages"),
        inference("/v1/messages/count_tokens"),
        reading("/v1/models"),
        reading("/v1/models/*"),
        Endpoint { methods: &["GET", "HEAD"], path: "/api/hello", kind: Kind::Reading },
        stored("/v1/messages/batches"),
        stored("/v1/messages/batches/**"),
        stored("/v1/files"),
        stored("/v1/files/**"),
    ],
    headers: &[
        "anthropic-beta",
        "anthropic-version",
        "anthropic-dangerous-direct-browser-access",
        "x-app",
        "x-claude-code-*",
    ],
    errors: ANTHROPIC_ERRORS,
    refused: &[("sk-ant-oat", "tokens of a subscription are for Anthropic's own clients alone")],
};

static OPENAI: Api = Api {
    name: "openai",
    hosts: &["api.openai.com"],
    credential: Credential::Bearer,
    endpoints: &[
        inference("/v1/chat/completions"),
        inference("/v1/responses"),
        inference("/v1/responses/compact"),
        inference("/v1/responses/input_tokens"),
        inference("/v1/completions"),
        inference("/v1/embeddings"),
        inference("/v1/moderations"),
        inference("/v1/images/generations"),
        inference("/v1/images/edits"),
        inference("/v1/audio/speech"),
        inference("/v1/audio/transcriptions"),
        inference("/v1/audio/translations"),
        reading("/v1/models"),
        reading("/v1/models/*"),
        Endpoint { methods: GET, path: "/v1/realtime", kind: Kind::Socket },
        Endpoint { methods: GET, path: "/v1/responses", kind: Kind::Socket },
        stored("/v1/responses/**"),
        stored("/v1/chat/completions/**"),
        stored("/v1/conversations"),
        stored("/v1/conversations/**"),
        stored("/v1/files"),
        stored("/v1/files/**"),
        stored("/v1/uploads"),
        stored("/v1/uploads/**"),
        stored("/v1/batches"),
        stored("/v1/batches/**"),
        stored("/v1/vector_stores"),
        stored("/v1/vector_stores/**"),
    ],
    headers: OPENAI_HEADERS,
    errors: OPENAI_ERRORS,
    refused: &[],
};

static GOOGLE: Api = Api {
    name: "google",
    hosts: &["generativelanguage.googleapis.com"],
    credential: Credential::Header("x-goog-api-key"),
    endpoints: &[
        inference("/v1beta/models/*:generateContent"),
        inference("/v1beta/models/*:streamGenerateContent"),
        inference("/v1beta/models/*:countTokens"),
        inference("/v1beta/models/*:embedContent"),
        inference("/v1beta/models/*:batchEmbedContents"),
        inference("/v1/models/*:generateContent"),
        inference("/v1/models/*:streamGenerateContent"),
        inference("/v1/models/*:countTokens"),
        inference("/v1/models/*:embedContent"),
        inference("/v1/models/*:batchEmbedContents"),
        reading("/v1beta/models"),
        reading("/v1beta/models/*"),
        reading("/v1/models"),
        reading("/v1/models/*"),
        stored("/v1beta/files"),
        stored("/v1beta/files/**"),
        stored("/v1beta/cachedContents"),
        stored("/v1beta/cachedContents/**"),
    ],
    headers: &["x-goog-api-client", "x-server-timeout"],
    // A key that is not valid is a 400 there: `error.details[].reason` of google.rpc.ErrorInfo.
    errors: &[("API_KEY_INVALID", Failure::Auth), ("BILLING_DISABLED", Failure::Billing)],
    refused: &[],
};

static OPENROUTER: Api = Api {
    name: "openrouter",
    hosts: &["openrouter.ai"],
    credential: Credential::Bearer,
    endpoints: &[
        inference("/api/v1/chat/completions"),
        inference("/api/v1/completions"),
        inference("/api/v1/responses"),
        inference("/api/v1/messages"),
        inference("/api/v1/embeddings"),
        reading("/api/v1/models"),
        reading("/api/v1/models/*/*/endpoints"),
        stored("/api/v1/generation"),
    ],
    headers: &["openai-beta", "anthropic-beta", "anthropic-version", "http-referer", "x-title"],
    errors: ANTHROPIC_ERRORS,
    refused: &[],
};

static GROQ: Api = Api {
    name: "groq",
    hosts: &["api.groq.com"],
    credential: Credential::Bearer,
    endpoints: &[
        inference("/openai/v1/chat/completions"),
        inference("/openai/v1/responses"),
        inference("/openai/v1/embeddings"),
        inference("/openai/v1/audio/speech"),
        inference("/openai/v1/audio/transcriptions"),
        inference("/openai/v1/audio/translations"),
        reading("/openai/v1/models"),
        reading("/openai/v1/models/*"),
    ],
    headers: OPENAI_HEADERS,
    errors: OPENAI_ERRORS,
    refused: &[],
};

static MISTRAL: Api = Api {
    name: "mistral",
    hosts: &["api.mistral.ai"],
    credential: Credential::Bearer,
    endpoints: &[
        inference("/v1/chat/completions"),
        inference("/v1/fim/completions"),
        inference("/v1/embeddings"),
        inference("/v1/moderations"),
        inference("/v1/ocr"),
        reading("/v1/models"),
        reading("/v1/models/*"),
    ],
    headers: &[],
    errors: &[],
    refused: &[],
};

static XAI: Api = Api {
    name: "xai",
    hosts: &["api.x.ai"],
    credential: Credential::Bearer,
    endpoints: &[
        inference("/v1/chat/completions"),
        inference("/v1/responses"),
        inference("/v1/completions"),
        inference("/v1/messages"),
        inference("/v1/embeddings"),
        inference("/v1/images/generations"),
        reading("/v1/models"),
        reading("/v1/models/*"),
        reading("/v1/language-models"),
        reading("/v1/language-models/*"),
        stored("/v1/responses/*"),
    ],
    headers: &["openai-beta", "anthropic-beta", "anthropic-version", "x-grok-conv-id"],
    errors: OPENAI_ERRORS,
    refused: &[],
};

static DEEPSEEK: Api = Api {
    name: "deepseek",
    hosts: &["api.deepseek.com"],
    credential: Credential::Bearer,
    endpoints: &[
        inference("/chat/completions"),
        inference("/v1/chat/completions"),
        inference("/beta/chat/completions"),
        inference("/beta/completions"),
        reading("/models"),
        reading("/v1/models"),
    ],
    headers: OPENAI_HEADERS,
    // A balance that is used up is a 402 there.
    errors: &[],
    refused: &[],
};

/// Each resource has a host: `NAME.openai.azure.com`.
static AZURE: Api = Api {
    name: "azure",
    hosts: &[],
    credential: Credential::Header("api-key"),
    endpoints: &[
        inference("/openai/deployments/*/chat/completions"),
        inference("/openai/deployments/*/completions"),
        inference("/openai/deployments/*/embeddings"),
        inference("/openai/deployments/*/images/generations"),
        inference("/openai/deployments/*/audio/speech"),
        inference("/openai/deployments/*/audio/transcriptions"),
        inference("/openai/deployments/*/audio/translations"),
        inference("/openai/responses"),
        inference("/openai/v1/chat/completions"),
        inference("/openai/v1/responses"),
        inference("/openai/v1/embeddings"),
        reading("/openai/models"),
        reading("/openai/v1/models"),
        reading("/openai/v1/models/*"),
        stored("/openai/responses/**"),
        stored("/openai/v1/responses/**"),
    ],
    headers: &["openai-beta", "x-ms-client-request-id"],
    errors: OPENAI_ERRORS,
    refused: &[],
};

/// Each region has a host: `bedrock-runtime.REGION.amazonaws.com`. Only keys that are sent as bearer tokens: requests
/// are not signed here, because a signature covers the body and the host that the client saw.
static BEDROCK: Api = Api {
    name: "bedrock",
    hosts: &[],
    credential: Credential::Bearer,
    endpoints: &[
        inference("/model/*/converse"),
        inference("/model/*/converse-stream"),
        inference("/model/*/invoke"),
        inference("/model/*/invoke-with-response-stream"),
        inference("/model/*/count-tokens"),
    ],
    headers: &["x-amzn-bedrock-*", "amz-sdk-*"],
    // ThrottlingException comes as 429, AccessDeniedException as 403.
    errors: &[],
    refused: &[("AKIA", "access keys sign requests; only Bedrock's API keys can be sent")],
};
