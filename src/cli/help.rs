//! What `--help` prints: a screen at each level, verbs in groups, and options a line each.

use clap::{Arg, ArgAction, Command};

/// The grouped list of verbs under `--help`. A test holds it against the commands.
pub(super) const VERBS: &str = "\
Begin:
  init             Make a vault: choose where records rest and what unlocks it
  onboard          Make a vault and store a first credential, asking or by flags
  recover          Rebuild a vault whose unlock files are lost, with the recovery key

Credentials:
  paste-token      Store a token (setup-token, bearer token)
  paste-api-key    Store an API key
  setup-token      Make a setup-token with `claude setup-token`, and store it
  list             Show what is stored, without unlocking
  get              Print one secret
  rotate           Give a profile a new secret, and keep the rest of it
  rename, remove   Give a profile another id; remove it from the vault
  order            Show or set which profile of a provider is used first
  pin              Pin a profile for one session, or show its pin
  store            Move profiles between files and the keychain; clear up there

State:
  status           Show which credentials are usable, and which is next
  report           Say how a request with a profile went
  doctor           Look for what is wrong, and mend it
  verify           Open and check every record, index and log
  log              Show what was changed, and when

Other machines and programs:
  import           Take over auth-profiles.json, .env files and bundles
  export           Seal profiles for another machine
  recipient        Print to whom others should export
  resolve          Answer OpenClaw's exec secret protocol on stdin and stdout

Keys:
  unlock, lock     Keep the vault open for a time; forget what that keeps
  unlock-method    Show, add or remove ways to unlock the vault
  rekey            Make a new vault key and seal every record anew
  recovery-key     Print the key that opens every record with stock age

For your shell:
  completions, man   Print shell completions; write the manual pages";

/// The grouped list of verbs under `models auth --help`. A test holds it against the commands.
pub(super) const AUTH_VERBS: &str = "\
Sign in:
  add              Add a credential: asks for provider and method
  login            Sign in, as far as that goes without a browser
  setup-token      Make a setup-token with `claude setup-token`, and store it
  paste-token      Store a token (setup-token, bearer token)
  paste-api-key    Store an API key

Look and use:
  list             Show what is stored, without unlocking
  get              Print one secret
  order            Show or set which profile of a provider is used first

Change:
  rotate           Give a profile a new secret, and keep the rest of it
  rename           Give a profile another id
  remove           Remove a profile from the vault
  logout           The same, by OpenClaw's name";

/// Where a list of verbs stands, the options of every command go under it in few lines.
const OPTIONS: &str = "\
Options of every command (`strongroom list --help` says more of them):
  --home DIR, --agent A, --json, --no-input, --lock-timeout TIME, --keychain-timeout TIME
  --key-file F, --passphrase-file F, --passphrase-fd N, -h/--help";

/// How long a line of running text gets, in characters.
const WIDTH: usize = 100;

/// `-h` and `--help`, which are the same.
pub(super) fn argument() -> Arg {
    Arg::new("help").short('h').long("help").action(ArgAction::HelpShort).help("Print help")
}

/// A command with its page laid out.
pub(super) fn laid_out(command: Command) -> Command {
    let version = if command.get_version().is_some() { ", -V/--version" } else { "" };
    let about = command.get_long_about().or(command.get_about());
    let about = about.map(|about| wrapped(&about.to_string())).unwrap_or_default();
    let rest = if command.get_after_help().is_some() {
        format!("{{after-help}}\n\n{OPTIONS}{version}")
    } else {
        "\n\n{all-args}".to_owned()
    };
    command.help_template(format!("{about}\n\n{{usage-heading}} {{usage}}{rest}"))
}

/// Paragraphs with their lines broken between words.
fn wrapped(text: &str) -> String {
    let paragraphs = text.split("\n\n").map(|paragraph| {
        let mut lines = String::new();
        let mut width = 0;
        for word in paragraph.split_whitespace() {
            let length = word.chars().count();
            if width > 0 {
                let breaks = width + 1 + length > WIDTH;
                lines.push(if breaks { '\n' } else { ' ' });
                width = if breaks { 0 } else { width + 1 };
            }
            lines.push_str(word);
            width += length;
        }
        lines
    });
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most lines that a page may have, to be seen at once in a window.
    const SCREEN: usize = 48;

    /// Every command with its names.
    fn all(command: &Command, names: &str, found: &mut Vec<(String, Command)>) {
        found.push((names.to_owned(), command.clone()));
        for verb in command.get_subcommands() {
            all(verb, &format!("{names} {}", verb.get_name()), found);
        }
    }

    #[test]
    fn every_page_fits_a_screen() {
        let mut root = super::super::command();
        root.build();
        let mut found = Vec::new();
        all(&root, "strongroom", &mut found);
        assert!(found.len() > 50, "{}", found.len());
        for (names, mut command) in found {
            let page = command.render_help().to_string();
            let lines = page.lines().count();
            assert!(lines <= SCREEN, "{names}: {lines} lines");
            // Half of today's screens are this wide; longer lines wrap, and make a page longer.
            let wide = page.lines().filter(|line| line.chars().count() > 120).count();
            assert!(lines + wide <= SCREEN, "{names}: {wide} long lines");
        }
    }

    #[test]
    fn the_grouped_help_names_exactly_the_visible_verbs() {
        for (names, text) in [(&[][..], VERBS), (&["models", "auth"], AUTH_VERBS)] {
            let mut root = super::super::command();
            root.build();
            let under = |command: Command, name: &&str| command.find_subcommand(name).unwrap().clone();
            let command = names.iter().fold(root, under);
            let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
            let mut visible: Vec<_> = verbs.map(|verb| verb.get_name().to_owned()).collect();
            let mut listed: Vec<_> = text
                .lines()
                .filter_map(|line| line.strip_prefix("  ")?.split_once("  "))
                .flat_map(|(verbs, _)| verbs.split(", ").map(str::to_owned))
                .collect();
            visible.sort();
            listed.sort();
            assert_eq!(listed, visible);
        }
    }
}
