//! `--<provider>-api-key`: one flag for every provider whose API key OpenClaw knows.

use clap::{Arg, ArgMatches, Args, FromArgMatches};

use crate::secret::SecretString;

/// The flags in OpenClaw's spelling, and the provider of each; help lists the first [`SHOWN`].
const FLAGS: [(&str, &str); 37] = [
    ("anthropic-api-key", "anthropic"),
    ("openai-api-key", "openai"),
    ("openrouter-api-key", "openrouter"),
    ("gemini-api-key", "google"),
    ("ai-gateway-api-key", "vercel-ai-gateway"),
    ("azure-api-key", "azure"),
    ("byteplus-api-key", "byteplus"),
    ("cerebras-api-key", "cerebras"),
    ("chutes-api-key", "chutes"),
    ("cloudflare-ai-gateway-api-key", "cloudflare-ai-gateway"),
    ("deepgram-api-key", "deepgram"),
    ("deepseek-api-key", "deepseek"),
    ("fireworks-api-key", "fireworks"),
    ("groq-api-key", "groq"),
    ("huggingface-api-key", "huggingface"),
    ("kilocode-api-key", "kilocode"),
    ("kimi-code-api-key", "kimi-coding"),
    ("litellm-api-key", "litellm"),
    ("minimax-api-key", "minimax"),
    ("mistral-api-key", "mistral"),
    ("modelstudio-api-key", "modelstudio"),
    ("moonshot-api-key", "moonshot"),
    ("nexos-api-key", "nexos"),
    ("nvidia-api-key", "nvidia"),
    ("ollama-api-key", "ollama"),
    ("opencode-zen-api-key", "opencode"),
    ("qianfan-api-key", "qianfan"),
    ("qwen-dashscope-api-key", "qwen-dashscope"),
    ("synthetic-api-key", "synthetic"),
    ("together-api-key", "together"),
    ("venice-api-key", "venice"),
    ("volcengine-api-key", "volcengine"),
    ("voyage-api-key", "voyage"),
    ("xai-api-key", "xai"),
    ("xiaomi-api-key", "xiaomi"),
    ("zai-api-key", "zai"),
    ("zenmux-api-key", "zenmux"),
];
const SHOWN: usize = 4;

/// Returns a flag without its dashes, and the provider whose key it gives.
pub(super) fn flag(name: &str) -> Option<(&'static str, &'static str)> {
    FLAGS.iter().find(|(flag, _)| *flag == name).copied()
}

/// What a value on the command line says about the secret.
#[derive(Clone, Debug)]
pub enum Source {
    /// `-`: read standard input.
    Stdin,
    /// `env:NAME`: read a variable.
    Variable(String),
    /// The secret itself.
    Given(SecretString),
    /// Nothing, as from a variable that is not set.
    Empty,
    /// A value that is not a secret, and why.
    Not(&'static str),
}

impl From<&str> for Source {
    fn from(text: &str) -> Self {
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        match text.strip_prefix("env:") {
            _ if text.trim().is_empty() => Self::Empty,
            _ if text == "-" => Self::Stdin,
            Some(name) if is_name(name) => Self::Variable(name.to_owned()),
            Some(_) => Self::Not("begins with `env:` but names no variable"),
            // `--openai-api-key $KEY --json` becomes this if the variable is not set.
            _ if is_flag(text) => Self::Not("is another flag"),
            _ => Self::Given(SecretString::from(text)),
        }
    }
}

fn is_flag(text: &str) -> bool {
    match text.strip_prefix("--") {
        Some(long) => long.starts_with(char::is_alphabetic),
        None => text.len() == 2 && text.starts_with('-'),
    }
}

/// The API keys that were given.
#[derive(Clone, Debug, Default)]
pub struct ApiKeys(Vec<(&'static str, String, Source)>);

impl ApiKeys {
    /// Returns each key's provider, its flag, and its source.
    pub(super) fn given(&self) -> impl Iterator<Item = (&'static str, &str, &Source)> {
        self.0.iter().map(|(provider, flag, source)| (*provider, flag.as_str(), source))
    }
}

impl FromArgMatches for ApiKeys {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut keys = Self::default();
        keys.update_from_arg_matches(matches)?;
        Ok(keys)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for (flag, provider) in FLAGS {
            if let Some(source) = matches.get_one::<Source>(flag) {
                self.0.push((provider, format!("--{flag}"), source.clone()));
            }
        }
        Ok(())
    }
}

impl Args for ApiKeys {
    fn augment_args(command: clap::Command) -> clap::Command {
        FLAGS.iter().enumerate().fold(command, |command, (place, (flag, provider))| {
            let help = if place == 0 {
                "API key: `-` for standard input, `env:NAME`, or the key itself; every provider has such a flag"
                    .to_owned()
            } else {
                format!("API key for {provider}")
            };
            command.arg(
                Arg::new(*flag)
                    .long(*flag)
                    .value_name("K")
                    .value_parser(clap::value_parser!(Source))
                    .allow_hyphen_values(true)
                    .hide(place >= SHOWN)
                    .help(help),
            )
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env_names;

    #[test]
    fn every_flag_is_for_a_known_provider() {
        for (flag, provider) in FLAGS {
            assert!(!env_names::names_of(provider).is_empty(), "{flag}");
        }
    }
}
