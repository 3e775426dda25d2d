//! Providers that share their profiles in the client.

use crate::select::aliases::Aliases;

/// The providers that share their profiles.
pub const ALIASES: Aliases = Aliases::of(&TABLE);

/// The results of `resolveProviderIdForAuth` of OpenClaw 2026.6.1: the `providerAuthAliases` and deprecated choices of
/// its bundled plugins, whether they are enabled or not. `tests/real/selection.sh` compares it with the client. Plugins
/// that a user installs can add more, which are not known here.
const TABLE: [(&str, &str); 21] = [
    ("byteplus-plan", "byteplus"),
    ("claude-cli", "anthropic"),
    ("gmi-cloud", "gmi"),
    ("gmicloud", "gmi"),
    ("minimax-api", "minimax"),
    ("minimax-api-key-cn", "minimax"),
    ("minimax-api-lightning", "minimax"),
    ("minimax-cloud", "minimax"),
    ("minimax-cn", "minimax"),
    ("minimax-portal-cn", "minimax-portal"),
    ("modelstudio-api-key", "qwen"),
    ("modelstudio-api-key-cn", "qwen"),
    ("modelstudio-standard-api-key", "qwen"),
    ("modelstudio-standard-api-key-cn", "qwen"),
    ("moonshot-ai", "moonshot"),
    ("moonshotai", "moonshot"),
    ("novita-ai", "novita"),
    ("novitaai", "novita"),
    ("qwen-cli", "qwen-oauth"),
    ("qwen-portal", "qwen-oauth"),
    ("volcengine-plan", "volcengine"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::id::Provider;

    fn provider(text: &str) -> Provider {
        text.parse().unwrap()
    }

    #[test]
    fn aliases_are_providers_and_lead_to_no_alias() {
        for (alias, target) in TABLE {
            assert_eq!(ALIASES.served_by(&provider(alias)), target);
            assert_eq!(ALIASES.served_by(&provider(target)), target);
            assert!(
                ALIASES.shared(&provider(alias), &provider(target))
                    && !ALIASES.shared(&provider(alias), &provider("groq"))
            );
        }
        assert!(TABLE.is_sorted());
    }
}
