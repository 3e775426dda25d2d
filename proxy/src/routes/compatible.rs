//! The providers that speak OpenAI's interface, some of them Anthropic's too.

use super::parts::{
    ANTHROPIC_ERRORS, LIKE_BOTH, LIKE_OPENAI, NOTHING, OPENAI_ERRORS, OPENAI_HEADERS, inference, reading,
    stored,
};
use super::{Api, Credential};
use crate::blame::Failure;

/// What a person names a host for, without the provider being known here. Some hosts want the version in the base URL,
/// others not.
pub(super) static COMPATIBLE: Api = Api {
    name: "compatible",
    endpoints: &[
        inference("/v1/chat/completions"),
        inference("/v1/responses"),
        inference("/v1/completions"),
        inference("/v1/embeddings"),
        reading("/v1/models"),
        reading("/v1/models/*"),
        inference("/chat/completions"),
        inference("/responses"),
        inference("/completions"),
        inference("/embeddings"),
        reading("/models"),
        reading("/models/*"),
    ],
    ..LIKE_OPENAI
};

pub(super) static OPENROUTER: Api = Api {
    name: "openrouter",
    hosts: &["openrouter.ai"],
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
    ..NOTHING
};

pub(super) static GROQ: Api = Api {
    name: "groq",
    hosts: &["api.groq.com"],
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
    ..LIKE_OPENAI
};

pub(super) static MISTRAL: Api = Api {
    name: "mistral",
    hosts: &["api.mistral.ai"],
    endpoints: &[
        inference("/v1/chat/completions"),
        inference("/v1/fim/completions"),
        inference("/v1/embeddings"),
        inference("/v1/moderations"),
        inference("/v1/ocr"),
        reading("/v1/models"),
        reading("/v1/models/*"),
    ],
    ..NOTHING
};

pub(super) static XAI: Api = Api {
    name: "xai",
    hosts: &["api.x.ai"],
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
    ..NOTHING
};

pub(super) static DEEPSEEK: Api = Api {
    name: "deepseek",
    hosts: &["api.deepseek.com"],
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
    ..NOTHING
};

/// <https://inference-docs.cerebras.ai/api-reference>
pub(super) static CEREBRAS: Api = Api {
    name: "cerebras",
    hosts: &["api.cerebras.ai"],
    endpoints: &[
        inference("/v1/chat/completions"),
        inference("/v1/completions"),
        reading("/v1/models"),
        reading("/v1/models/*"),
    ],
    ..LIKE_OPENAI
};

/// <https://docs.together.ai/reference>
pub(super) static TOGETHER: Api = Api {
    name: "together",
    hosts: &["api.together.xyz"],
    endpoints: &[
        inference("/v1/chat/completions"),
        inference("/v1/completions"),
        inference("/v1/embeddings"),
        inference("/v1/rerank"),
        inference("/v1/images/generations"),
        inference("/v1/audio/speech"),
        reading("/v1/models"),
    ],
    ..LIKE_OPENAI
};

/// <https://docs.fireworks.ai/api-reference>
pub(super) static FIREWORKS: Api = Api {
    name: "fireworks",
    hosts: &["api.fireworks.ai"],
    endpoints: &[
        inference("/inference/v1/chat/completions"),
        inference("/inference/v1/completions"),
        inference("/inference/v1/responses"),
        inference("/inference/v1/messages"),
        inference("/inference/v1/embeddings"),
        inference("/inference/v1/rerank"),
        reading("/inference/v1/models"),
        stored("/inference/v1/responses/*"),
    ],
    ..LIKE_BOTH
};

/// <https://docs.perplexity.ai/api-reference>
pub(super) static PERPLEXITY: Api = Api {
    name: "perplexity",
    hosts: &["api.perplexity.ai"],
    endpoints: &[
        inference("/chat/completions"),
        inference("/search"),
        inference("/v1/responses"),
        inference("/v1/embeddings"),
        inference("/v1/contextualizedembeddings"),
        stored("/v1/responses/*"),
        stored("/async/chat/completions"),
        stored("/async/chat/completions/*"),
    ],
    ..LIKE_OPENAI
};

/// <https://docs.api.nvidia.com/nim/reference>
pub(super) static NVIDIA: Api = Api {
    name: "nvidia",
    hosts: &["integrate.api.nvidia.com"],
    endpoints: &[
        inference("/v1/chat/completions"),
        inference("/v1/completions"),
        inference("/v1/responses"),
        inference("/v1/embeddings"),
        reading("/v1/models"),
    ],
    ..LIKE_OPENAI
};

/// <https://huggingface.co/docs/inference-providers>. The hub itself, where tokens are made, is not open.
pub(super) static HUGGINGFACE: Api = Api {
    name: "huggingface",
    hosts: &["router.huggingface.co"],
    endpoints: &[
        inference("/v1/chat/completions"),
        inference("/v1/responses"),
        inference("/hf-inference/models/*/*"),
        inference("/hf-inference/models/*/*/pipeline/*"),
        reading("/v1/models"),
    ],
    ..LIKE_OPENAI
};

/// <https://docs.z.ai/api-reference>. An account in arrears is code 1113 in a 429, and so is a key of a coding plan at the
/// general interface, which any request can cause: it counts as a rate limit.
pub(super) static ZAI: Api = Api {
    name: "zai",
    hosts: &["api.z.ai"],
    endpoints: &[
        inference("/api/paas/v4/chat/completions"),
        inference("/api/paas/v4/embeddings"),
        inference("/api/paas/v4/images/generations"),
        inference("/api/paas/v4/audio/transcriptions"),
        inference("/api/paas/v4/audio/speech"),
        inference("/api/paas/v4/moderations"),
        inference("/api/paas/v4/web_search"),
        inference("/api/coding/paas/v4/chat/completions"),
        inference("/api/anthropic/v1/messages"),
        reading("/api/coding/paas/v4/models"),
    ],
    ..LIKE_BOTH
};

/// <https://platform.kimi.ai/docs/api>
pub(super) static MOONSHOT: Api = Api {
    name: "moonshot",
    hosts: &["api.moonshot.ai"],
    endpoints: &[
        inference("/v1/chat/completions"),
        inference("/v1/responses"),
        inference("/v1/tokenizers/estimate-token-count"),
        inference("/anthropic/v1/messages"),
        reading("/v1/models"),
        stored("/v1/files"),
        stored("/v1/files/**"),
        stored("/v1/batches"),
        stored("/v1/batches/**"),
    ],
    errors: &[
        ("invalid_authentication_error", Failure::Auth),
        ("exceeded_current_quota_error", Failure::Billing),
        ("rate_limit_reached_error", Failure::RateLimited),
        ("engine_overloaded_error", Failure::Overloaded),
    ],
    ..LIKE_BOTH
};

/// <https://platform.minimax.io/docs/api-reference>
pub(super) static MINIMAX: Api = Api {
    name: "minimax",
    hosts: &["api.minimax.io"],
    endpoints: &[
        inference("/v1/chat/completions"),
        inference("/v1/responses"),
        inference("/anthropic/v1/messages"),
        reading("/v1/models"),
    ],
    ..LIKE_BOTH
};

/// <https://vercel.com/docs/ai-gateway/sdks-and-apis>
pub(super) static VERCEL: Api = Api {
    name: "vercel-ai-gateway",
    hosts: &["ai-gateway.vercel.sh"],
    endpoints: &[
        inference("/v1/chat/completions"),
        inference("/v1/responses"),
        inference("/v1/messages"),
        inference("/v1/embeddings"),
        reading("/v1/models"),
    ],
    ..LIKE_BOTH
};

/// <https://opencode.ai/docs/zen>: three interfaces, each of which reads the key in its own place.
pub(super) static OPENCODE: Api = Api {
    name: "opencode",
    hosts: &["opencode.ai"],
    elsewhere: &[
        ("/zen/v1/messages", Credential::Header("x-api-key")),
        ("/zen/go/v1/messages", Credential::Header("x-api-key")),
        ("/zen/v1/models/", Credential::Header("x-goog-api-key")),
    ],
    endpoints: &[
        inference("/zen/v1/chat/completions"),
        inference("/zen/v1/responses"),
        inference("/zen/v1/messages"),
        inference("/zen/v1/models/*:generateContent"),
        inference("/zen/v1/models/*:streamGenerateContent"),
        reading("/zen/v1/models"),
        inference("/zen/go/v1/chat/completions"),
        inference("/zen/go/v1/responses"),
        inference("/zen/go/v1/messages"),
        reading("/zen/go/v1/models"),
    ],
    // The first four come as 401.
    errors: &[
        ("AuthError", Failure::Auth),
        ("CreditsError", Failure::Billing),
        ("MonthlyLimitError", Failure::Billing),
        ("UserLimitError", Failure::Billing),
        ("RateLimitError", Failure::RateLimited),
    ],
    // A model that is not there is a 401 too.
    blameless: &["ModelError"],
    ..LIKE_BOTH
};
