//! Parses `/model` as typed in a chat: `/model`, `/model list`, `/model status`,
//! `/model <alias-or-id>[@<profile>]`.

/// What a `/model` line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ModelCommand {
    /// The choices.
    List,
    /// What is in use.
    Status,
    /// A model, by alias, number or `<provider>/<model>`, and the profile to use with it.
    Pick {
        /// The model.
        model: String,
        /// The profile; not yet checked against its grammar.
        profile: Option<String>,
    },
}

/// Parses a `/model` line. Returns `None` if it is something else.
///
/// As in the client, the case of the command does not matter, and a colon may follow it. What follows the model is
/// ignored.
#[must_use]
pub fn parse(line: &str) -> Option<ModelCommand> {
    const COMMAND: &str = "/model";
    let line = line.trim();
    let rest = match line.get(..COMMAND.len()) {
        Some(start) if start.eq_ignore_ascii_case(COMMAND) => &line[COMMAND.len()..],
        _ => return None,
    };
    if !(rest.is_empty() || rest.starts_with(':') || rest.starts_with(char::is_whitespace)) {
        return None;
    }
    let rest = rest.trim_start();
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let Some(word) = rest.split_whitespace().next() else { return Some(ModelCommand::List) };
    Some(match word.to_ascii_lowercase().as_str() {
        "list" => ModelCommand::List,
        "status" => ModelCommand::Status,
        _ => {
            let (model, profile) = split(word);
            ModelCommand::Pick { model: model.to_owned(), profile: profile.map(str::to_owned) }
        }
    })
}

/// Splits a model and the profile after it at the first `@` after the last `/`. A date or a quantisation after an `@`
/// belongs to the model: `claude-x@20250514`, `llama@q4_k_m`.
#[must_use]
pub fn split(text: &str) -> (&str, Option<&str>) {
    let whole = (text, None);
    let from = text.rfind('/').map_or(0, |slash| slash + 1);
    let Some(mut at) = text[from..].find('@').map(|at| from + at).filter(|at| *at > 0) else { return whole };
    for of_model in [is_date, is_quantisation] {
        let after = &text[at + 1..];
        let word = after.split('@').next().unwrap_or_default();
        if of_model(word) {
            match after.find('@') {
                Some(next) => at += 1 + next,
                None => return whole,
            }
        }
    }
    let (model, profile) = (&text[..at], &text[at + 1..]);
    if profile.is_empty() { whole } else { (model, Some(profile)) }
}

fn is_date(word: &str) -> bool {
    word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether a word is like `q4_k_m`, `iq3_xs` or `8bit`.
fn is_quantisation(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if word.strip_suffix("bit").is_some_and(digits) {
        return true;
    }
    let Some(rest) = word.strip_prefix('i').unwrap_or(&word).strip_prefix('q') else { return false };
    let mut parts = rest.split('_');
    parts.next().is_some_and(digits)
        && parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// What `models pin` should do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wish {
    /// Pin a profile; the id is not yet checked against its grammar.
    Pin {
        /// The model before the `@`.
        model: Option<String>,
        /// The profile after it.
        profile: String,
    },
    /// Choose a model, and keep the profile.
    Model(String),
    /// Show the choices.
    List,
    /// Show what is in use.
    Status,
}

/// Parses the argument of `models pin`: `[ALIAS@]PROFILE`, or a `/model` line of a chat.
#[must_use]
pub fn wish(text: &str) -> Wish {
    if let Some(asked) = parse(text) {
        return match asked {
            ModelCommand::List => Wish::List,
            ModelCommand::Status => Wish::Status,
            ModelCommand::Pick { model, profile: Some(profile) } => Wish::Pin { model: Some(model), profile },
            ModelCommand::Pick { model, profile: None } => Wish::Model(model),
        };
    }
    // A profile's name may contain an `@`, its provider may not: `openai-codex:me@x.io`.
    match split(text) {
        (model, Some(profile)) if profile.contains(':') => {
            Wish::Pin { model: Some(model.to_owned()), profile: profile.to_owned() }
        }
        _ => Wish::Pin { model: None, profile: text.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(model: &str, profile: Option<&str>) -> ModelCommand {
        ModelCommand::Pick { model: model.to_owned(), profile: profile.map(str::to_owned) }
    }

    #[test]
    fn the_documented_spellings_are_read() {
        for (line, expected) in [
            ("/model", Some(ModelCommand::List)),
            ("/model list", Some(ModelCommand::List)),
            ("/model LIST", Some(ModelCommand::List)),
            ("/model:", Some(ModelCommand::List)),
            ("/model status", Some(ModelCommand::Status)),
            ("/Model status", Some(ModelCommand::Status)),
            ("  /model  status  ", Some(ModelCommand::Status)),
            ("/model 3", Some(pick("3", None))),
            ("/model sonnet", Some(pick("sonnet", None))),
            ("/model: sonnet", Some(pick("sonnet", None))),
            ("/model :sonnet", Some(pick("sonnet", None))),
            ("/model openai/gpt-5.4", Some(pick("openai/gpt-5.4", None))),
            ("/model opus@anthropic:default", Some(pick("opus", Some("anthropic:default")))),
            (
                "/model anthropic/claude-x@anthropic:work",
                Some(pick("anthropic/claude-x", Some("anthropic:work"))),
            ),
            ("/model gpt@openai-codex:me@x.io", Some(pick("gpt", Some("openai-codex:me@x.io")))),
            ("/model openrouter/a/b@openrouter:k", Some(pick("openrouter/a/b", Some("openrouter:k")))),
            ("/model opus@anthropic:work --runtime codex", Some(pick("opus", Some("anthropic:work")))),
            ("/model opus@", Some(pick("opus@", None))),
            ("/model @anthropic:work", Some(pick("@anthropic:work", None))),
            ("/models", None),
            ("/modelx status", None),
            ("model status", None),
            ("", None),
            ("/mod", None),
            ("/mödel", None),
        ] {
            assert_eq!(parse(line), expected, "{line:?}");
        }
    }

    #[test]
    fn dates_and_quantisations_belong_to_the_model() {
        for (text, model, profile) in [
            ("v/claude@20250514", "v/claude@20250514", None),
            ("v/claude@20250514@anthropic:work", "v/claude@20250514", Some("anthropic:work")),
            ("v/claude@2025051@x:y", "v/claude", Some("2025051@x:y")),
            ("llama@q4_k_m", "llama@q4_k_m", None),
            ("llama@Q4_K_M@ollama:home", "llama@Q4_K_M", Some("ollama:home")),
            ("llama@iq3_xs@ollama:home", "llama@iq3_xs", Some("ollama:home")),
            ("llama@8bit@ollama:home", "llama@8bit", Some("ollama:home")),
            ("llama@20250514@q8_0@ollama:home", "llama@20250514@q8_0", Some("ollama:home")),
            ("llama@qwen:home", "llama", Some("qwen:home")),
            ("a@b/c", "a@b/c", None),
        ] {
            assert_eq!(split(text), (model, profile), "{text}");
        }
    }

    #[test]
    fn a_profile_stands_alone_or_behind_a_model() {
        let pin = |model: Option<&str>, profile: &str| Wish::Pin {
            model: model.map(str::to_owned),
            profile: profile.to_owned(),
        };
        for (text, expected) in [
            ("anthropic:work", pin(None, "anthropic:work")),
            ("openai-codex:me@x.io", pin(None, "openai-codex:me@x.io")),
            ("sonnet@anthropic:work", pin(Some("sonnet"), "anthropic:work")),
            ("gpt@openai-codex:me@x.io", pin(Some("gpt"), "openai-codex:me@x.io")),
            (
                "anthropic/claude-x@20250514@anthropic:work",
                pin(Some("anthropic/claude-x@20250514"), "anthropic:work"),
            ),
            ("/model sonnet@anthropic:work", pin(Some("sonnet"), "anthropic:work")),
            ("/model sonnet", Wish::Model("sonnet".to_owned())),
            ("/model", Wish::List),
            ("/model list", Wish::List),
            (" /model status ", Wish::Status),
        ] {
            assert_eq!(wish(text), expected, "{text}");
        }
    }
}
