//! What `--help` prints: a screen at each level, the commands by subject, and examples that can be pasted.

use clap::{Arg, ArgAction, Command};

use crate::messages::help::{AUTH_COMMANDS, COMMANDS, OPTIONS, examples};

/// No line of help is longer, in characters.
const WIDTH: usize = 100;

/// Returns the argument `-h` or `--help`; both print the same page.
pub(super) fn argument() -> Arg {
    Arg::new("help")
        .short('h')
        .long("help")
        .action(ArgAction::HelpShort)
        .help_heading(None)
        .help("Print help")
}

/// Returns a command with the layout of its page.
pub(super) fn laid_out(command: Command) -> Command {
    let names = names_of(&command);
    let about = command.get_long_about().or(command.get_about()).cloned().unwrap_or_default();
    // The first line is a title, as that of a list of commands.
    let about = about.to_string();
    let (title, rest) =
        about.split_once("\n\n").map_or((about.as_str(), None), |(title, rest)| (title, Some(rest)));
    let title = title.trim_end_matches('.');
    let about = rest.map_or_else(|| title.to_owned(), |rest| format!("{title}\n\n{rest}"));
    let mut page = "{about}\n\n{usage-heading} {usage}".to_owned();
    match names.as_str() {
        "" => page.push_str(&format!("\n\n{COMMANDS}")),
        "models auth" => page.push_str(&format!("\n\n{AUTH_COMMANDS}")),
        _ => page.push_str("\n\n{all-args}"),
    }
    let examples = examples(short(&names));
    if !examples.is_empty() {
        page.push_str(if examples.len() == 1 { "\n\nExample:" } else { "\n\nExamples:" });
        for line in examples {
            page.push_str(&format!("\n  {line}"));
        }
    }
    page.push_str(&format!("\n\n{OPTIONS}"));
    command.about(about).max_term_width(WIDTH).help_template(page)
}

/// Returns the names of a command after `strongroom`. clap sets them while it parses the arguments.
fn names_of(command: &Command) -> String {
    let names = command.get_bin_name().unwrap_or_default().split(' ').skip(1);
    names.collect::<Vec<_>>().join(" ")
}

/// Returns the names of a command in the short spelling.
pub(super) fn short(names: &str) -> &str {
    if names == "models auth" {
        return "auth";
    }
    ["models auth ", "models "].iter().find_map(|start| names.strip_prefix(start)).unwrap_or(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::help::EXAMPLES;

    /// The most lines that a page may have, to be seen at once in a window.
    const SCREEN: usize = 48;
    /// As [`SCREEN`], of the list of commands.
    const FIRST: usize = 44;

    /// Every command with its names.
    fn all(command: &Command, names: &str, found: &mut Vec<String>) {
        found.push(names.to_owned());
        for verb in command.get_subcommands() {
            all(verb, &format!("{names} {}", verb.get_name()), found);
        }
    }

    fn every_command() -> Vec<String> {
        let mut root = super::super::command();
        root.build();
        let mut found = Vec::new();
        all(&root, "strongroom", &mut found);
        assert!(found.len() > 50, "{}", found.len());
        found
    }

    fn page_of(names: &str) -> String {
        let words = names.split(' ').chain(["--help"]);
        super::super::command().try_get_matches_from(words).unwrap_err().to_string()
    }

    #[test]
    fn every_page_fits_a_screen_and_has_an_example_and_a_plain_first_line() {
        let mut wrong = Vec::new();
        for names in every_command() {
            let page = page_of(&names);
            let lines = page.lines().count();
            let wide = page.lines().filter(|line| line.chars().count() > WIDTH + 2).count();
            let first = page.lines().next().unwrap();
            let is_plain = first.starts_with(|c: char| c.is_ascii_uppercase()) && !first.ends_with('.');
            let most = if names == "strongroom" { FIRST } else { SCREEN };
            if lines > most || wide > 0 || !page.contains("\nExample") || !is_plain {
                wrong.push(format!("{names}: {lines} lines, {wide} too long, begins {first:?}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn every_example_is_a_command_line_that_is_accepted() {
        let refused = EXAMPLES.iter().flat_map(|(_, lines)| *lines).filter(|line| {
            let words = line.split(' ').take_while(|word| !["<", ">", "|", "&&"].contains(word));
            super::super::command().try_get_matches_from(words).is_err()
        });
        assert_eq!(refused.collect::<Vec<_>>(), Vec::<&&str>::new());
        let known = every_command();
        for (names, _) in EXAMPLES.iter().filter(|(names, _)| !names.is_empty()) {
            let is_of = |command: &String| short(command.trim_start_matches("strongroom ")) == *names;
            assert!(known.iter().any(is_of), "{names} is no command");
        }
    }

    #[test]
    fn the_grouped_help_names_exactly_the_visible_commands() {
        for (names, text) in [(&[][..], COMMANDS), (&["models", "auth"], AUTH_COMMANDS)] {
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
