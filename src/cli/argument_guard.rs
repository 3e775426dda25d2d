//! Checks what was given on the command line before anything is done with it, so that a secret in the place of a name
//! or a path is not repeated, stored, or used as the name of a file.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::builder::ValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use strongroom_backends::{Given, is_opaque, key_file};

use super::context;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::looks::{instead, is_drawn, refuse_as_path};
use crate::messages::cli::arguments as messages;
use crate::unlock::read::Stream;

/// Variables that hold a path.
const VARIABLES: [&str; 17] = [
    "STRONGROOM_HOME",
    "STRONGROOM_KEY_FILE",
    "STRONGROOM_PASSPHRASE_FILE",
    "STRONGROOM_ANCHOR",
    "CREDENTIALS_DIRECTORY",
    "STATE_DIRECTORY",
    "OPENCLAW_CONFIG_PATH",
    "OPENCLAW_STATE_DIR",
    "OPENCLAW_AGENT_DIR",
    "OPENCLAW_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_RUNTIME_DIR",
    "LOCALAPPDATA",
    "SHELL",
    "HOME",
];

/// The variables of [`VARIABLES`] below which commands make directories.
const MAKING: [&str; 7] = [
    "STRONGROOM_HOME",
    "STRONGROOM_ANCHOR",
    "STATE_DIRECTORY",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "HOME",
];

/// Commands that make a home and a key file.
const MAKERS: [&str; 3] = ["init", "onboard", "recover"];

/// Commands that read a secret from standard input if it is not a terminal.
const READERS: [&str; 5] = ["paste-token", "paste-api-key", "rotate", "add", "login"];

/// Arguments that are whole texts, or that their commands check.
const TEXTS: [&str; 17] = [
    "env",
    "explain_error",
    "accept_rollback",
    "to",
    "rename",
    "with",
    "username",
    "host",
    "no_host",
    "helper",
    "no_helper",
    "note",
    "display_name",
    "matching",
    "upstreams",
    "listen",
    "hosts",
];

/// Arguments that are ids of profiles and sessions, which may look random.
const IDS: [&str; 11] = [
    "profiles",
    "id",
    "ids",
    "old",
    "new",
    "profile",
    "profile_id",
    "token_profile_id",
    "wish",
    "session",
    "model",
];

/// Ids of [`IDS`] that become a new name, or are stored unencrypted.
const NEW: [&str; 4] = ["new", "profile_id", "token_profile_id", "session"];

/// Arguments that name a file, not a directory.
const FILES: [&str; 13] = [
    "env_file",
    "out",
    "key_file",
    "new_key_file",
    "passphrase_file",
    "new_passphrase_file",
    "bundle_passphrase_file",
    "bundle_identity",
    "recovery_key",
    "with",
    "token_file",
    "authorities",
    "socket",
];

/// Checks the arguments and variables, and remembers the paths among them for messages.
///
/// # Errors
/// `USAGE` for a secret in the place of something else, and for two arguments that read one stream; never for
/// `resolve`, which reports errors in its own protocol.
pub(super) fn look(command: &Command, matches: &ArgMatches, env: &Env) -> Result<()> {
    let mut found = Found::default();
    found.visit(command, matches);
    let answers = found.verbs.contains(&"resolve");
    for name in VARIABLES {
        if let Some(path) = env.path(name) {
            if !answers
                && MAKING.contains(&name)
                && !found.given.iter().any(|given| given.place == flag_of(name))
            {
                found.note(refuse_as_path(&path, name));
            }
            let is_made = found.makes(name);
            found.given.push(Given { path, place: name.to_owned(), is_variable: true, is_made });
        }
    }
    found.streams_of_variables(env);
    if found.reads_secret && !env.stdin_tty {
        found.streams.push((Stream::Stdin, messages::THE_SECRET.to_owned()));
    }
    strongroom_backends::note_given(std::mem::take(&mut found.given));
    if answers {
        return Ok(());
    }
    if let Some(error) = found.wrong.take() {
        return Err(error);
    }
    found.refuse_twice()
}

/// Returns the flag that overrides a variable.
fn flag_of(variable: &str) -> String {
    format!("--{}", variable.trim_start_matches("STRONGROOM_").to_ascii_lowercase())
}

#[derive(Default)]
struct Found<'m> {
    /// The names of the commands, from the outermost in.
    verbs: Vec<&'m str>,
    given: Vec<Given>,
    /// The streams that are read, and the argument that names each.
    streams: Vec<(Stream, String)>,
    /// Whether a flag says what unlocks the vault, so that the variables are ignored.
    is_unlocked_by_flag: bool,
    /// Whether the command explains a message, for which nothing is unlocked.
    explains: bool,
    reads_secret: bool,
    wrong: Option<Error>,
}

impl<'m> Found<'m> {
    fn visit(&mut self, command: &Command, matches: &'m ArgMatches) {
        // The commands first: they decide what may be made.
        let inner = matches.subcommand();
        if let Some((name, _)) = inner {
            self.verbs.push(name);
        }
        if let Some((name, matches)) = inner
            && let Some(command) = command.find_subcommand(name)
        {
            self.visit(command, matches);
        }
        for id in matches.ids() {
            if matches.value_source(id.as_str()) == Some(ValueSource::CommandLine)
                && let Some(arg) = command.get_arguments().find(|arg| arg.get_id() == id)
                && arg.get_action().takes_values()
                && let Some(values) = matches.get_raw(id.as_str())
            {
                values.for_each(|value| self.argument(arg, value));
            }
        }
        if inner.is_none() {
            self.reads_secret = self.verbs.last().is_some_and(|verb| READERS.contains(verb))
                && !self.verbs.contains(&"unlock-method")
                && !matches.ids().any(|id| id.as_str() == "secret_fd");
        }
    }

    fn argument(&mut self, arg: &Arg, value: &OsStr) {
        let (id, kind) = (arg.get_id().as_str(), arg.get_value_parser().type_id());
        self.is_unlocked_by_flag |= matches!(id, "key_file" | "passphrase_file" | "passphrase_fd");
        self.explains |= id == "explain_error";
        let checked = if id == "command" {
            // It is another program's.
            Ok(())
        } else if kind == ValueParser::path_buf().type_id() {
            self.path(arg, id, Path::new(value))
        } else if id == "with" {
            let text = value.to_string_lossy();
            text.split_once('=').map_or(Ok(()), |(_, file)| self.path(arg, id, Path::new(file)))
        } else if id == "rename" {
            let text = value.to_string_lossy();
            text.split_once('=').map_or(Ok(()), |(_, new)| self::text("new", new))
        } else if matches!(id, "passphrase_fd" | "secret_fd" | "new_passphrase_fd") {
            let number = value.to_str().and_then(|text| text.parse().ok());
            self.streams.extend(number.map(|number| (Stream::Descriptor(number), place_of(arg))));
            Ok(())
        } else if kind != ValueParser::string().type_id() || id == "explain_error" {
            // These arguments take `-` for standard input.
            self.streams.extend((value == "-").then(|| (Stream::Stdin, place_of(arg))));
            Ok(())
        } else if id == "which" && Path::new(value).components().count() > 1 {
            // The path of a deleted home. A directory's name may be as random as a key.
            refuse_as_path(Path::new(value), &place_of(arg))
        } else if kind == ValueParser::string().type_id() && !TEXTS.contains(&id) {
            text(id, &value.to_string_lossy())
        } else {
            Ok(())
        };
        self.note(checked);
    }

    /// Adds the streams in variables that say what unlocks the vault.
    fn streams_of_variables(&mut self, env: &Env) {
        if self.is_unlocked_by_flag || self.explains {
            return;
        }
        for name in ["STRONGROOM_KEY_FILE", "STRONGROOM_PASSPHRASE_FILE"] {
            let stream = env.path(name).and_then(|path| Stream::of(&path));
            self.streams.extend(stream.map(|stream| (stream, name.to_owned())));
        }
    }

    /// Fails if two arguments read one stream: the second reader would find its end.
    fn refuse_twice(&self) -> Result<()> {
        for (at, (stream, second)) in self.streams.iter().enumerate() {
            let before = self.streams.iter().take(at);
            let Some((_, first)) = before.clone().find(|(earlier, _)| earlier == stream) else { continue };
            let is_stdin = *stream == Stream::Stdin;
            return Err(messages::one_stream_twice(first, second, &stream.told(), is_stdin));
        }
        Ok(())
    }

    fn note(&mut self, checked: Result<()>) {
        if let Err(error) = checked {
            self.wrong.get_or_insert(error);
        }
    }

    fn path(&mut self, arg: &Arg, id: &str, path: &Path) -> Result<()> {
        let place = place_of(arg);
        match Stream::of(path) {
            // In these three `-` is standard output.
            Some(stream) if !matches!(id, "out" | "new_key_file" | "directory") => {
                self.streams.push((stream, place));
            }
            Some(_) => {}
            None => {
                refuse_as_path(path, &place)?;
                if FILES.contains(&id) {
                    refuse_slash(path, &place)?;
                }
                let is_made = self.makes(id);
                self.given.push(Given { path: PathBuf::from(path), place, is_variable: false, is_made });
            }
        }
        Ok(())
    }

    /// Returns whether this command may create what the path names.
    fn makes(&self, id: &str) -> bool {
        match id {
            "out" | "new_key_file" | "directory" => true,
            "home" | "key_file" | "STRONGROOM_HOME" | "STRONGROOM_KEY_FILE" => {
                self.verbs.last().is_some_and(|verb| MAKERS.contains(verb))
            }
            _ => false,
        }
    }
}

/// Returns how an argument is named in messages: by its flag or its placeholder.
fn place_of(arg: &Arg) -> String {
    match (arg.get_long(), arg.get_value_names()) {
        (Some(long), _) => format!("--{long}"),
        (None, Some([name, ..])) => messages::argument(name),
        (None, _) => messages::AN_ARGUMENT.to_owned(),
    }
}

/// Fails if the path of a file ends with a slash, as only a directory's can.
fn refuse_slash(path: &Path, place: &str) -> Result<()> {
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(messages::file_with_slash(place, key_file::SLASH));
    }
    Ok(())
}

/// Fails if a text argument looks like a secret.
fn text(id: &str, text: &str) -> Result<()> {
    if NEW.contains(&id) && instead(text).is_none() && text.split([':', '@', '/']).any(is_drawn) {
        return Err(if id == "session" { messages::session_like_key() } else { messages::name_like_key() });
    }
    let key = |text: &str| text.len() >= KEY_MIN && is_opaque(text);
    let is_secret = instead(text).is_some()
        || if IDS.contains(&id) { text.split([':', '@']).any(key) } else { id != "agent" && is_opaque(text) };
    if is_secret { context::is_a_secret() } else { Ok(()) }
}

/// The length of 32 bytes in Base64 without padding: no shorter part of an id is taken for a key.
const KEY_MIN: usize = 43;
