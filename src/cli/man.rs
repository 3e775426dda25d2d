//! Manual pages, made from the definition of the command line and the words of the help.

use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::{command, help};
use crate::messages::help::{ENVIRONMENT, EXIT_STATUS, FILES, examples};

/// Writes the page of every command to a directory, as `strongroom-order-set.1`.
///
/// # Errors
/// Of the file system.
pub(super) fn write_all(directory: &Path) -> std::io::Result<()> {
    let mut root = command();
    root.build();
    each(&root, "strongroom", &mut |command, names| {
        let path = directory.join(format!("{}.1", names.replace(' ', "-")));
        std::fs::write(path, page(command, names)?)
    })
}

/// Returns the main page.
///
/// # Errors
/// None in practice: it is made in memory.
pub(super) fn main_page() -> std::io::Result<Vec<u8>> {
    let mut root = command();
    root.build();
    page(&root, "strongroom")
}

fn each(
    command: &Command,
    names: &str,
    write: &mut dyn FnMut(&Command, &str) -> std::io::Result<()>,
) -> std::io::Result<()> {
    write(command, names)?;
    let visible = command.get_subcommands().filter(|inner| !inner.is_hide_set());
    visible.into_iter().try_for_each(|inner| each(inner, &format!("{names} {}", inner.get_name()), write))
}

fn page(command: &Command, names: &str) -> std::io::Result<Vec<u8>> {
    let short = help::short(names.strip_prefix("strongroom").unwrap_or_default().trim_start());
    // Only the main page lists the options of every command.
    let is_main = names == "strongroom";
    let shown = command.clone().mut_args(|arg| {
        let hidden = arg.is_hide_set() || (!is_main && arg.get_help_heading().is_some());
        arg.hide(hidden)
    });
    let man = Man::new(shown).title(names.replace(' ', "-").to_uppercase()).manual("Strongroom");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut rest = Roff::new();
    section(&mut rest, "EXAMPLES");
    for line in examples(short) {
        rest.control("PP", []).control("nf", []).text([roman(*line)]).control("fi", []);
    }
    section(&mut rest, "EXIT STATUS");
    entries(&mut rest, EXIT_STATUS, |name| bold(name));
    section(&mut rest, "FILES");
    entries(&mut rest, FILES, |name| italic(name));
    section(&mut rest, "ENVIRONMENT");
    entries(&mut rest, ENVIRONMENT, |name| bold(name));
    section(&mut rest, "SEE ALSO");
    rest.text(see_also(command, names));
    rest.to_writer(&mut page)?;
    Ok(page)
}

fn section(page: &mut Roff, name: &str) {
    page.control("SH", [name]);
}

fn entries(page: &mut Roff, entries: &[(&str, &str)], style: impl Fn(&str) -> Inline) {
    for (name, words) in entries {
        page.control("TP", []).text([style(name)]).text([roman(*words)]);
    }
}

/// Returns references to the pages above and below this one, and to the topics.
fn see_also(command: &Command, names: &str) -> Vec<Inline> {
    let above = names.rsplit_once(' ').map(|(above, _)| above.replace(' ', "-"));
    let below = command.get_subcommands().filter(|inner| !inner.is_hide_set());
    let below = below.map(|inner| format!("{} {}", names, inner.get_name()).replace(' ', "-"));
    let mut words = Vec::new();
    for page in above.into_iter().chain(below) {
        words.extend([bold(page), roman("(1), ")]);
    }
    words.push(roman("and `strongroom help topics`"));
    words
}
