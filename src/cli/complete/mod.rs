//! What a shell's script asks while a command line is typed: which words may follow. The scripts are in `scripts/`.
//!
//! The question is `_STRONGROOM_COMPLETE=SHELL strongroom -- WORDS…`, where the last word is the one at the cursor. No
//! command begins with `--`, so that the variable alone changes no command: a `resolve` in whose environment it was
//! left answers as ever. The answer is a word a line, or one of [`FILES`] and [`DIRECTORIES`]; it is empty if anything
//! is wrong, with status 0, and nothing is written on standard error, in the middle of a command line.

mod words;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{Arg, Command, ValueHint};
use clap_complete::engine::{self, ArgValueCompleter, CompletionCandidate};

use super::command;
use crate::env::Env;
use crate::harden;
use crate::ops::nameable::{Nameable, known_providers};
use crate::select::backoff::Failure;
use crate::term::out;
use crate::vault::home;
use crate::vault::id::AgentName;
use crate::vault::settings;

/// The variable in which a script names its shell.
const VARIABLE: &str = "_STRONGROOM_COMPLETE";
/// The answer that leaves the names of files to the shell, which quotes them.
const FILES: &str = ":files";
/// As [`FILES`], for directories only.
const DIRECTORIES: &str = ":directories";

/// How a shell reads an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shell {
    /// Words alone.
    Bash,
    /// A word and its description, with a colon between them.
    Zsh,
    /// A word and its description, with a tab between them.
    Fish,
}

/// Returns whether the command line is the question of a shell's script.
pub(super) fn is_asked(arguments: &[OsString], env: &Env) -> bool {
    arguments.get(1).is_some_and(|first| first == "--") && env.var(VARIABLE).is_some()
}

/// Answers the question of a shell's script, and returns the exit status.
pub(super) fn run(arguments: &[OsString], env: &Env) -> u8 {
    harden::no_new_privileges();
    if let Some(answer) = answer(arguments.get(2..).unwrap_or_default(), env) {
        // No one could be told: the shell is drawing its line.
        let _ = out::write_text(&answer);
    }
    0
}

fn answer(words: &[OsString], env: &Env) -> Option<String> {
    let shell = match env.var(VARIABLE)?.to_str()? {
        "bash" => Shell::Bash,
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        _ => return None,
    };
    let words = words::plain(words);
    let current = words.last()?.clone();
    let asked = Arc::new(Asked::of(&words, env));
    let mut command = completed(command(), &asked);
    let found =
        engine::complete(&mut command, words.iter().map(OsString::from).collect(), words.len() - 1, None);
    if asked.directories.load(Ordering::Relaxed) {
        return Some(format!("{DIRECTORIES}\n"));
    }
    if asked.files.load(Ordering::Relaxed) {
        return Some(format!("{FILES}\n"));
    }
    Some(listed(&found.ok()?, &current, shell))
}

/// Returns the answer with these words. Options are offered only after a dash, or if there is nothing else.
fn listed(found: &[CompletionCandidate], current: &str, shell: Shell) -> String {
    let is_option = |one: &&CompletionCandidate| one.get_value().as_encoded_bytes().starts_with(b"-");
    let has_words = !current.starts_with('-') && found.iter().any(|one| !is_option(&one));
    let mut text = String::with_capacity(found.len() * 32);
    for one in found.iter().filter(|one| !has_words || !is_option(one)) {
        let Some(word) = one.get_value().to_str() else { continue };
        match shell {
            Shell::Bash | Shell::Fish => text.push_str(word),
            Shell::Zsh => text.push_str(&word.replace('\\', "\\\\").replace(':', "\\:")),
        }
        let help = one.get_help().filter(|_| shell != Shell::Bash).map(ToString::to_string);
        if let Some(help) = help.as_deref().and_then(|help| help.lines().next()) {
            text.push(if shell == Shell::Zsh { ':' } else { '\t' });
            text.push_str(help);
        }
        text.push('\n');
    }
    text
}

/// What the command line says about the vault, and what of it the shell is to complete.
struct Asked {
    home: Option<PathBuf>,
    agent: AgentName,
    provider: Option<String>,
    /// Whether a file is named at the cursor.
    files: AtomicBool,
    /// Whether a directory is named at the cursor.
    directories: AtomicBool,
}

/// What an argument names.
#[derive(Clone, Copy)]
enum Kind {
    Profiles,
    /// Removed ones too, if they can be brought back.
    ProfilesAndRemoved,
    Agents,
    Providers,
    UnlockMethods,
    Failures,
    Settings,
    Files,
    Directories,
}

impl Asked {
    fn of(words: &[String], env: &Env) -> Self {
        let flag = |name| words::value_of(words, name);
        let named = flag("--home").map(|home| words::expanded(&home, env));
        let variable = env.var("STRONGROOM_AGENT").map(|name| name.to_string_lossy().into_owned());
        let agent = flag("--agent").or(variable);
        Self {
            home: home::locate(named.as_deref(), env).ok(),
            agent: agent.and_then(|name| name.parse().ok()).unwrap_or_default(),
            provider: flag("--provider"),
            files: AtomicBool::new(false),
            directories: AtomicBool::new(false),
        }
    }

    fn vault(&self) -> Option<Nameable> {
        Nameable::at(self.home.as_deref()?)
    }

    /// Returns the words that begin with `start`.
    fn words(&self, kind: Kind, start: &str) -> Vec<String> {
        let mut words = match kind {
            Kind::Profiles | Kind::ProfilesAndRemoved => {
                let Some(vault) = self.vault() else { return Vec::new() };
                let of = self.provider.as_deref();
                return match kind {
                    Kind::Profiles => vault.profiles(&self.agent, start, of),
                    _ => vault.profiles_and_removed(&self.agent, start, of),
                };
            }
            Kind::Agents => self.vault().map(|vault| vault.agents()).unwrap_or_default(),
            Kind::Providers => {
                let own = self.vault().map(|vault| vault.providers(&self.agent)).unwrap_or_default();
                known_providers().map(str::to_owned).chain(own).collect()
            }
            Kind::UnlockMethods => self.vault().map(|vault| vault.unlock_methods()).unwrap_or_default(),
            Kind::Failures => Failure::ALL.iter().map(|name| (*name).to_owned()).collect(),
            Kind::Settings => settings::Key::ALL.iter().map(|key| key.as_str().to_owned()).collect(),
            Kind::Files | Kind::Directories => {
                let flag = if matches!(kind, Kind::Files) { &self.files } else { &self.directories };
                flag.store(true, Ordering::Relaxed);
                return Vec::new();
            }
        };
        words.retain(|word| word.starts_with(start));
        words.sort_unstable();
        words.dedup();
        words
    }
}

/// Returns the command with a completer for each argument that names something. A definition with completers would be
/// more work at every start, so only this question adds them.
fn completed(mut command: Command, asked: &Arc<Asked>) -> Command {
    command.build();
    with_completers(command, asked)
}

fn with_completers(command: Command, asked: &Arc<Asked>) -> Command {
    let of_versions = OF_VERSIONS.contains(&command.get_name());
    command
        .mut_args(|arg| with_completer(arg, asked, of_versions))
        .mut_subcommands(|inner| with_completers(inner, asked))
}

/// The commands about earlier versions, which a removed profile has too.
const OF_VERSIONS: [&str; 3] = ["history", "undo", "forget"];

fn with_completer(arg: Arg, asked: &Arc<Asked>, of_versions: bool) -> Arg {
    let kind = match kind_of(&arg) {
        None => return arg,
        Some(Kind::Profiles) if of_versions => Kind::ProfilesAndRemoved,
        Some(kind) => kind,
    };
    let asked = Arc::clone(asked);
    arg.add(ArgValueCompleter::new(move |current: &OsStr| {
        let start = current.to_str().unwrap_or_default();
        let candidate = |word: String| CompletionCandidate::new(word).tag(Some(TAG.into()));
        asked.words(kind, start).into_iter().map(candidate).collect()
    }))
}

/// The group of the words; without one, the engine would make its name for each word.
const TAG: &str = "names";

/// Returns what an argument names, by its name.
fn kind_of(arg: &Arg) -> Option<Kind> {
    let is_fixed = !arg.get_possible_values().is_empty();
    match arg.get_id().as_str() {
        _ if is_fixed || !arg.get_action().takes_values() => None,
        "id" | "ids" | "old" | "profile" | "profiles" | "wish" => Some(Kind::Profiles),
        "agent" | "to_agent" => Some(Kind::Agents),
        "provider" | "providers" | "token_provider" | "explain" => Some(Kind::Providers),
        "method" | "drop" => Some(Kind::UnlockMethods),
        "failure" => Some(Kind::Failures),
        "key" => Some(Kind::Settings),
        "home" | "anchor" | "directory" => Some(Kind::Directories),
        _ => match arg.get_value_hint() {
            ValueHint::DirPath => Some(Kind::Directories),
            ValueHint::AnyPath | ValueHint::FilePath => Some(Kind::Files),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each_arg(command: &Command, look: &mut dyn FnMut(&Command, &Arg)) {
        command.get_arguments().for_each(|arg| look(command, arg));
        command.get_subcommands().for_each(|inner| each_arg(inner, look));
    }

    #[test]
    fn each_argument_that_names_something_has_a_completer() {
        let asked = Arc::new(Asked::of(&[], &Env::default()));
        let command = completed(command(), &asked);
        let mut without = Vec::new();
        let mut with = 0;
        each_arg(&command, &mut |command, arg| {
            let names = arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string);
            let known = ["ID", "KEY", "P", "F", "FILE", "DIR", "METHOD", "OLD", "PATH"];
            if !arg.get_action().takes_values() || !names.into_iter().any(|name| known.contains(&&*name)) {
                return;
            }
            if arg.get::<ArgValueCompleter>().is_some() {
                with += 1;
            } else {
                without.push(format!("{} {}", command.get_name(), arg.get_id()));
            }
        });
        assert!(with > 100, "{with}");
        without.sort();
        without.dedup();
        // The ids of new profiles, and words of a fixed list, which the engine has itself.
        let free = [
            "add method",
            "add profile_id",
            "get field",
            "login profile_id",
            "onboard token_profile_id",
            "paste-api-key profile_id",
            "paste-token profile_id",
            "setup-token profile_id",
        ];
        assert_eq!(without, free);
    }

    /// The engine ends the program if an unknown option follows one without its value and such an argument is next.
    #[test]
    fn no_positional_argument_takes_a_dash() {
        let mut built = command();
        built.build();
        each_arg(&built, &mut |command, arg| {
            let takes_dash = arg.is_positional() && arg.is_allow_hyphen_values_set();
            assert!(!takes_dash, "{} {}", command.get_name(), arg.get_id());
        });
    }
}
