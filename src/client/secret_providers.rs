//! `secrets.providers` of the client's configuration: the programs and files that its references name.

use std::path::PathBuf;

use jsonc_parser::ast::{Object, Value};

use super::include::INCLUDE;
use crate::json::json5::{array, member, object, string};
use crate::vault::index::EXEC_PROVIDER;

/// The name of this program, at whatever path.
const PROGRAM: &str = "strongroom";

/// The secret providers of a configuration.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SecretProviders {
    /// The providers that the file itself has.
    pub providers: Vec<SecretProvider>,
    /// Whether others may be in a file that it includes.
    pub includes: bool,
}

/// A secret provider. Its arguments can name anything, so they are not kept.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretProvider {
    /// The name by which references call it.
    pub alias: String,
    /// The program that the client runs, if it runs one.
    pub command: Option<PathBuf>,
    /// The file from which this program is told to read its key.
    pub key_file: Option<PathBuf>,
    /// The file from which this program is told to read its passphrase.
    pub passphrase_file: Option<PathBuf>,
    /// The variables that the client passes on to it.
    pub pass_env: Vec<String>,
    /// Whether the configuration lets the client up to 2026.6.1 run a program that it would refuse.
    pub is_lenient: bool,
}

impl SecretProviders {
    /// Reads those of a configuration.
    pub(super) fn of(root: &Object<'_>) -> Self {
        let secrets = object(root, "secrets");
        let providers = secrets.and_then(|secrets| object(secrets, "providers"));
        let includes = [Some(root), secrets, providers];
        let entries = providers.map_or(&[][..], |providers| providers.properties.as_slice());
        let one = |entry: &jsonc_parser::ast::ObjectProp<'_>| match &entry.value {
            Value::Object(provider) => Some(SecretProvider::read(entry.name.as_str(), provider)),
            _ => None,
        };
        Self {
            providers: entries.iter().filter_map(one).collect(),
            includes: includes.into_iter().flatten().any(|part| member(part, INCLUDE).is_some()),
        }
    }

    /// Returns whether references can name a provider: the file has it, or an included one may have it.
    #[must_use]
    pub fn may_have(&self, alias: &str) -> bool {
        self.includes || self.providers.iter().any(|provider| provider.alias == alias)
    }

    /// Returns the providers that run this program.
    pub fn ours(&self) -> impl Iterator<Item = &SecretProvider> {
        self.providers.iter().filter(|provider| provider.is_strongroom())
    }
}

impl SecretProvider {
    fn read(alias: &str, provider: &Object<'_>) -> Self {
        let texts = |name| array(provider, name).iter().filter_map(Value::as_string_lit);
        let args: Vec<String> = texts("args").map(|text| text.value.to_string()).collect();
        let after = |flag: &str| {
            let joined = format!("{flag}=");
            let at = args.iter().position(|arg| arg == flag || arg.starts_with(&joined))?;
            let value = args.get(at)?.strip_prefix(&joined).or_else(|| args.get(at + 1).map(String::as_str));
            value.map(PathBuf::from)
        };
        let says = |name| member(provider, name).and_then(Value::as_boolean_lit).is_some_and(|it| it.value);
        Self {
            alias: alias.to_owned(),
            command: string(provider, "command").map(PathBuf::from),
            key_file: after("--key-file"),
            passphrase_file: after("--passphrase-file"),
            pass_env: texts("passEnv").map(|text| text.value.to_string()).collect(),
            is_lenient: says("allowInsecurePath") || says("allowSymlinkCommand"),
        }
    }

    fn is_strongroom(&self) -> bool {
        let runs = self.command.as_deref().and_then(|command| command.file_name());
        self.command.is_some() && (self.alias == EXEC_PROVIDER || runs.is_some_and(|name| name == PROGRAM))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::json5::with_root;

    fn of(text: &str) -> SecretProviders {
        with_root(text, "it", SecretProviders::of).unwrap()
    }

    #[test]
    fn the_providers_are_told_by_name_and_ours_by_name_or_program() {
        let text = "{ secrets: { providers: {
            strongroom: { source: 'exec', command: '/u/bin/x', args: ['--home', '/v', '--key-file', '/k', 'resolve'],
                passEnv: ['HOME'] },
            mine: { source: 'exec', command: '/u/.local/bin/strongroom', args: ['--key-file=/j'], allowInsecurePath: true },
            vault: { source: 'exec', command: '/u/bin/vault' }, file: { source: 'file', path: '/f' } } } }";
        let found = of(text);
        let ours: Vec<_> = found.ours().map(|one| (one.alias.as_str(), one.key_file.clone())).collect();
        assert_eq!(ours, [("strongroom", Some("/k".into())), ("mine", Some("/j".into()))]);
        assert!(found.providers[1].is_lenient && !found.providers[0].is_lenient);
        assert_eq!(found.providers[0].pass_env, ["HOME"]);
        for (alias, has) in [("vault", true), ("file", true), ("gone", false), ("", false)] {
            assert_eq!(found.may_have(alias), has, "{alias}");
        }
    }

    #[test]
    fn a_provider_may_be_in_a_file_that_is_included() {
        for text in [
            "{ $include: './x' }",
            "{ secrets: { $include: './x' } }",
            "{ secrets: { providers: { $include: ['./x'] } } }",
        ] {
            assert!(of(text).may_have("any"), "{text}");
        }
        for text in
            ["{}", "{ secrets: 1 }", "{ secrets: { providers: [] } }", "{ auth: { $include: './x' } }"]
        {
            assert!(of(text) == SecretProviders::default(), "{text}");
        }
    }
}
