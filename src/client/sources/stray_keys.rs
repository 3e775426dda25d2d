//! Variables that look like keys and belong to no known provider: messages about them, and how to store them.

use crate::env_names;
use crate::messages::client as messages;
use crate::secret_format::{self, Shape};
use crate::vault::id::{ProfileId, Provider, quoted};

/// Endings of names of keys. The longest match is removed, so longer ones come first.
const ENDINGS: [&str; 20] = [
    "_SECRET_ACCESS_KEY",
    "_SUBSCRIPTION_KEY",
    "_API_ACCESS_TOKEN",
    "_ACCESS_TOKEN",
    "_BEARER_TOKEN",
    "_OAUTH_TOKEN",
    "_ACCESS_KEY",
    "_AUTH_TOKEN",
    "_SECRET_KEY",
    "_API_SECRET",
    "_API_TOKEN",
    "_AUTH_KEY",
    "_API_KEYS",
    "_API_KEY",
    "_API_PAT",
    "_APIKEY",
    "_SECRET",
    "_TOKEN",
    "_KEY",
    "_PAT",
];
/// Prefixes by which frameworks expose a variable to browsers.
const PUBLIC: [&str; 8] =
    ["NEXT_PUBLIC_", "NUXT_PUBLIC_", "EXPO_PUBLIC_", "REACT_APP_", "GATSBY_", "PUBLIC_", "VITE_", "VUE_APP_"];
/// The longest name that is shown, in bytes.
const SHOWN_MAX: usize = 80;

/// Returns a name that looks like a key's without its ending, and what follows: `OPENAI` and `2` for
/// `OPENAI_API_KEY_2`.
fn base(upper: &str) -> Option<(&str, &str)> {
    let upper = PUBLIC.iter().find_map(|prefix| upper.strip_prefix(prefix)).unwrap_or(upper);
    if ["API_KEY", "APIKEY", "API_TOKEN", "ACCESS_TOKEN", "SECRET_KEY", "TOKEN", "SECRET"].contains(&upper) {
        return Some(("", ""));
    }
    let named = |ending: &'static str| {
        if let Some(base) = upper.strip_suffix(ending) {
            return Some((base, ""));
        }
        // Any word may follow `_API_KEY`; only a number may follow the other endings.
        let at = upper.find(ending).filter(|at| upper[at + ending.len()..].starts_with('_'))?;
        let tail = &upper[at + ending.len() + 1..];
        let counted = !tail.is_empty() && tail.bytes().all(|b| b.is_ascii_digit());
        (counted || (ending == "_API_KEY" && !tail.is_empty())).then(|| (&upper[..at], tail))
    };
    ENDINGS.into_iter().find_map(named)
}

/// Returns whether a variable is a key by its name, without regard to case.
pub(crate) fn is_key_name(name: &str) -> bool {
    name.len() <= SHOWN_MAX && base(&name.to_ascii_uppercase().replace(['-', '.'], "_")).is_some()
}

/// Returns whether a variable is a key of a known provider by its name.
pub(super) fn names_provider(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    name.len() <= SHOWN_MAX && base(&upper).is_some_and(|(base, _)| provider(base).is_some())
}

/// Returns whether a value can be a key at all.
fn can_be_key(value: &str) -> bool {
    let value = value.trim_matches(secret_format::is_space);
    let switch =
        ["true", "false", "yes", "no", "on", "off"].iter().any(|word| value.eq_ignore_ascii_case(word));
    value.len() > 1 && !switch && secret_format::is_mask(value).is_none()
}

/// Returns whether a line that is not an assignment seems to contain a key.
pub(super) fn line_holds_key(line: &str) -> bool {
    let mut words =
        line.split(|c: char| c.is_whitespace() || "\"'`:=,;{}[]()<>".contains(c)).filter(|w| !w.is_empty());
    let is_value =
        |word: &str| word.len() >= 8 && word.bytes().any(|b| b.is_ascii_digit()) && can_be_key(word);
    if line.split(|c: char| c.is_whitespace() || "'`,;".contains(c)).any(secret_format::looks_secret) {
        return true;
    }
    words.by_ref().any(|word| {
        let name = word.trim_start_matches('$');
        name.len() > 3 && (env_names::known(name).is_some() || is_key_name(name))
    }) && words.any(is_value)
}

/// The most messages of one kind; for more, their number is enough.
pub(crate) const SHOWN_MOST: usize = 100;

/// Returns whether a variable looks like a key by its name or by its value.
pub(crate) fn is_one(name: &str, value: &str) -> bool {
    let by_name = is_key_name(name) || secret_format::looks_secret(name);
    (by_name || secret_format::looks_secret(value))
        && (secret_format::looks_secret(name) || can_be_key(value))
}

/// Returns the message about a variable that is not imported, if it looks like a key by its name or its value. `place`
/// follows its name.
pub(crate) fn told(name: &str, value: &str, place: &str) -> Option<String> {
    // `bWFkZSB1cA==` by itself on a line is also an assignment.
    if secret_format::looks_secret(name) {
        return Some(messages::untaken_name(place));
    }
    let (by_name, by_shape) = (is_key_name(name), secret_format::looks_secret(value));
    if !(by_name || by_shape) || !can_be_key(value) {
        return None;
    }
    let how = match name.to_ascii_uppercase() {
        upper if upper.starts_with("OPENCLAW_") || upper.starts_with("STRONGROOM_") => {
            messages::NO_PROVIDERS.to_owned()
        }
        upper => messages::how_to_store(&target(&upper, value)),
    };
    Some(messages::untaken(&shown(name), place, by_name, &how))
}

/// Returns a variable's name for people, unless it could itself be a key.
pub(crate) fn shown(name: &str) -> String {
    if secret_format::looks_random(name) {
        messages::HIDDEN_NAME.to_owned()
    } else if name.len() <= SHOWN_MAX
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
    {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// Returns `--provider P --profile-id P:name`, as far as the name and the value tell. The profile's name is unusual, so
/// that nothing is replaced.
fn target(upper: &str, value: &str) -> String {
    let upper = upper.replace(['-', '.'], "_");
    let (base, tail) = base(&upper).unwrap_or((upper.as_str(), ""));
    let provider = provider(base).or_else(|| by_shape(value)).map(ToOwned::to_owned).or_else(|| {
        // An unknown provider: the part before `_API_KEY`.
        let slug = base.to_ascii_lowercase().replace('_', "-");
        slug.parse::<Provider>().ok().filter(|_| !secret_format::looks_random(&slug)).map(|_| slug)
    });
    let Some(provider) = provider else { return "--provider PROVIDER".to_owned() };
    let own = match tail {
        "" => upper.to_ascii_lowercase().replace('_', "-"),
        tail => format!("key-{}", tail.to_ascii_lowercase().replace('_', "-")),
    };
    match format!("{provider}:{own}").parse::<ProfileId>() {
        Ok(id) if !secret_format::looks_random(&own) => format!("--provider {provider} --profile-id {id}"),
        _ => format!("--provider {provider}"),
    }
}

/// Returns the provider whose word the name begins with: `OPENAI`, also in `OPENAI_STAGING`. The longest word counts.
fn provider(base_name: &str) -> Option<&'static str> {
    let begins = |word: &str| {
        let rest = base_name.strip_prefix(word).filter(|_| !word.is_empty())?;
        (rest.is_empty() || rest.starts_with('_')).then_some(word.len())
    };
    let longest = |row: &env_names::EnvNames| {
        let slug = row.provider.to_ascii_uppercase().replace('-', "_");
        let words = row.names.iter().filter_map(|name| base(name)).map(|(word, _)| word);
        words.chain([slug.as_str()]).filter_map(begins).max()
    };
    let found = env_names::TABLE.iter().rev().filter_map(|row| Some((longest(row)?, row.provider)));
    // Of several, this takes the last, which is the first of the table.
    found.max_by_key(|(length, _)| *length).map(|(_, provider)| provider)
}

/// Returns the provider that issues keys of this shape.
fn by_shape(value: &str) -> Option<&'static str> {
    let owners = Shape::of(value)?.owners;
    owners.iter().copied().find(|owner| !env_names::names_of(owner).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_by_their_names() {
        for name in [
            "OPENAI_KEY",
            "openai_api_key",
            "OPENAI_API_KEY_2",
            "OPENAI_API_KEY_TEAM",
            "OPENAI_API_KEYS",
            "NEXT_PUBLIC_OPENAI_API_KEY",
            "VITE_GROQ_KEY",
            "SLACK_BOT_TOKEN",
            "SLACK_BOT_TOKEN_2",
            "STRIPE_SECRET",
            "OpenAI-Api-Key",
            "groq.token",
            "AWS_SECRET_ACCESS_KEY",
            "API_KEY",
            "TOKEN",
        ] {
            assert!(is_key_name(name), "{name}");
        }
        for name in [
            "PATH",
            "MONKEY",
            "KEYBOARD",
            "SSH_KEY_PATH",
            "MAX_TOKENS",
            "KEY_ID",
            "OPENAI_BASE_URL",
            "TOKEN_TTL",
            "",
        ] {
            assert!(!is_key_name(name), "{name}");
        }
        assert!(
            names_provider("OPENAI_KEY")
                && names_provider("groq_api_key")
                && !names_provider("SLACK_BOT_TOKEN")
        );
    }

    #[test]
    fn how_to_take_a_variable_can_be_pasted_and_replaces_nothing() {
        for (name, value, expected) in [
            ("OPENAI_KEY", "made-up", "--provider openai --profile-id openai:openai-key"),
            ("GEMINI_KEY", "made-up", "--provider google --profile-id google:gemini-key"),
            ("HF_API_KEY", "made-up", "--provider huggingface --profile-id huggingface:hf-api-key"),
            ("OPENAI_API_KEY_WORK_2", "made-up", "--provider openai --profile-id openai:key-work-2"),
            (
                "ANTHROPIC_ADMIN_KEY",
                "made-up",
                "--provider anthropic --profile-id anthropic:anthropic-admin-key",
            ),
            ("MY_OWN_TOKEN", "made-up", "--provider my-own --profile-id my-own:my-own-token"),
            ("MY_KEY", "sk-ant-api03-made-up", "--provider anthropic --profile-id anthropic:my-key"),
            ("WHATEVER", "sk-proj-made-up-0123", "--provider openai --profile-id openai:whatever"),
            ("API_KEY", "made-up", "--provider PROVIDER"),
        ] {
            let said = told(name, value, " (line 1)").unwrap();
            assert!(said.ends_with(&format!("strongroom paste-api-key {expected}")), "{said}");
        }
    }

    #[test]
    fn what_can_be_no_key_is_not_told_and_none_is_shown() {
        for (name, value) in [
            ("OPENAI_KEY", ""),
            ("OPENAI_KEY", "changeme"),
            ("USE_TOKEN", "true"),
            ("PATH", "/usr/bin:/bin"),
            ("GREETING", "hello"),
        ] {
            assert_eq!(told(name, value, ""), None, "{name}");
        }
        let said = told("AbCdEf0123456789AbCdEf0123456789AbCdEf01canary", "=", " (line 2)").unwrap();
        assert!(said.contains("(line 2)") && !said.contains("canary"), "{said}");
        let said = told("STRONGROOM_X_KEY", "made-up", "").unwrap();
        assert!(said.ends_with("stays there"), "{said}");
    }

    #[test]
    fn lines_that_hold_keys_are_told_from_others() {
        for line in [
            "OPENAI_API_KEY made-up-0123",
            "set -gx openai_api_key made-up-0123",
            "$env:GROQ_KEY = 'made-up-0123'",
            "curl -H 'Authorization: Bearer sk-proj-made-up-0123'",
            "sk-ant-api03-made-up-0123",
            "{ \"OPENAI_API_KEY\": \"made-up-0123\" }",
            "- FAL_KEY=made-up-0123",
            "OPENAI_API_KEY:made-up-0123",
        ] {
            assert!(line_holds_key(line), "{line}");
        }
        for line in [
            "OPENAI_API_KEY goes here",
            "unset OPENAI_API_KEY",
            "hello there",
            "---",
            "if [ -f x ]; then",
            "[section]",
        ] {
            assert!(!line_holds_key(line), "{line}");
        }
    }
}
