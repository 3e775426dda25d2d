//! The providers with an interface of their own: their hosts, what of them is open, and their structured errors.

use super::parts::{
    ANTHROPIC_ERRORS, ANTHROPIC_HEADERS, LIKE_OPENAI, NOTHING, OPENAI_ERRORS, OPENAI_OWN_ERRORS, inference,
    kept, reading, socket, stored,
};
use super::{Api, Credential, Endpoint, Kind};
use crate::blame::Failure;

pub(super) static ANTHROPIC: Api = Api {
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
    headers: ANTHROPIC_HEADERS,
    errors: ANTHROPIC_ERRORS,
    refused: &[("sk-ant-oat", "tokens of a subscription are for Anthropic's own clients alone")],
    ..NOTHING
};

pub(super) static OPENAI: Api = Api {
    name: "openai",
    hosts: &["api.openai.com"],
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
        socket("/v1/realtime"),
        socket("/v1/responses"),
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
    errors: OPENAI_OWN_ERRORS,
    ..LIKE_OPENAI
};

pub(super) static GOOGLE: Api = Api {
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
        socket("/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"),
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
    // The last one is a status, which an event in a 200 has alone.
    errors: &[
        ("API_KEY_INVALID", Failure::Auth),
        ("BILLING_DISABLED", Failure::Billing),
        ("RESOURCE_EXHAUSTED", Failure::RateLimited),
    ],
    ..NOTHING
};

/// Each resource has a host: `NAME.openai.azure.com`.
pub(super) static AZURE: Api = Api {
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
    ..NOTHING
};

/// Each region has a host: `bedrock-runtime.REGION.amazonaws.com`. Only keys that are sent as bearer tokens: requests
/// are not signed here, because a signature covers the body and the host that the client saw.
pub(super) static BEDROCK: Api = Api {
    name: "bedrock",
    hosts: &[],
    endpoints: &[
        inference("/model/*/converse"),
        inference("/model/*/converse-stream"),
        inference("/model/*/invoke"),
        inference("/model/*/invoke-with-response-stream"),
        inference("/model/*/count-tokens"),
    ],
    headers: &["x-amzn-bedrock-*", "amz-sdk-*"],
    // ThrottlingException comes as 429, AccessDeniedException as 403.
    refused: &[("AKIA", "access keys sign requests; only Bedrock's API keys can be sent")],
    ..NOTHING
};

/// <https://docs.cohere.com/reference/about>
pub(super) static COHERE: Api = Api {
    name: "cohere",
    hosts: &["api.cohere.com"],
    endpoints: &[
        inference("/v2/chat"),
        inference("/v2/embed"),
        inference("/v2/rerank"),
        inference("/v2/audio/transcriptions"),
        inference("/v1/chat"),
        inference("/v1/generate"),
        inference("/v1/summarize"),
        inference("/v1/embed"),
        inference("/v1/rerank"),
        inference("/v1/classify"),
        inference("/v1/tokenize"),
        inference("/v1/detokenize"),
        inference("/compatibility/v1/chat/completions"),
        inference("/compatibility/v1/embeddings"),
        reading("/v1/models"),
        reading("/v1/models/*"),
    ],
    headers: &["x-client-name", "x-fern-*"],
    ..NOTHING
};

/// <https://docs.voyageai.com/reference>
pub(super) static VOYAGE: Api = Api {
    name: "voyage",
    hosts: &["api.voyageai.com"],
    endpoints: &[
        inference("/v1/embeddings"),
        inference("/v1/contextualizedembeddings"),
        inference("/v1/multimodalembeddings"),
        inference("/v1/rerank"),
    ],
    ..NOTHING
};

/// <https://developers.deepgram.com/reference>. Its agents answer at another host.
pub(super) static DEEPGRAM: Api = Api {
    name: "deepgram",
    hosts: &["api.deepgram.com"],
    credential: Credential::Scheme("Token "),
    endpoints: &[
        inference("/v1/listen"),
        inference("/v1/speak"),
        inference("/v2/speak"),
        inference("/v1/read"),
        reading("/v1/models"),
        reading("/v1/models/*"),
        socket("/v1/listen"),
        socket("/v2/listen"),
        socket("/v1/speak"),
        socket("/v2/speak"),
    ],
    headers: &["x-fern-*"],
    ..NOTHING
};

/// <https://elevenlabs.io/docs/api-reference>
pub(super) static ELEVENLABS: Api = Api {
    name: "elevenlabs",
    hosts: &["api.elevenlabs.io"],
    credential: Credential::Header("xi-api-key"),
    endpoints: &[
        inference("/v1/text-to-speech/*"),
        inference("/v1/text-to-speech/*/stream"),
        inference("/v1/text-to-speech/*/with-timestamps"),
        inference("/v1/text-to-speech/*/stream/with-timestamps"),
        inference("/v1/text-to-dialogue"),
        inference("/v1/text-to-dialogue/stream"),
        inference("/v1/text-to-dialogue/with-timestamps"),
        inference("/v1/text-to-dialogue/stream/with-timestamps"),
        inference("/v1/speech-to-speech/*"),
        inference("/v1/speech-to-speech/*/stream"),
        inference("/v1/speech-to-text"),
        inference("/v1/sound-generation"),
        inference("/v1/audio-isolation"),
        inference("/v1/audio-isolation/stream"),
        inference("/v1/music"),
        inference("/v1/music/stream"),
        inference("/v1/music/plan"),
        socket("/v1/text-to-speech/*/stream-input"),
        reading("/v1/models"),
        // Voices that were made with the same account are among them.
        kept("/v1/voices"),
        kept("/v1/voices/*"),
        kept("/v2/voices"),
        kept("/v1/speech-to-text/transcripts/*"),
    ],
    headers: &["x-fern-*"],
    // `detail.status`. A text that is too long for what is left meets `quota_exceeded`, and shorter ones do not.
    errors: &[
        ("invalid_api_key", Failure::Auth),
        ("missing_permissions", Failure::Forbidden),
        ("quota_exceeded", Failure::RateLimited),
    ],
    ..NOTHING
};
