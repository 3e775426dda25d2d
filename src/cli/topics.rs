//! `strongroom help`: the chapters of the documents, which are part of the program, and what each error means.

use clap::Args;

use super::{Context, command, global};
use crate::error::Code;
use crate::error::Result;
use crate::looks::may_be_misspelt;
use crate::messages::help::OPTIONS_ABOUT;
use crate::messages::usage::no_topic;
use crate::term::markdown::{cells, heading, rendered};
use crate::term::style::Style;

/// Show help on a command, an error code or a topic
///
/// `strongroom help topics` lists the topics: chapters of the guide and the other documents.
#[derive(Debug, Args)]
pub(super) struct Help {
    /// A command, a topic, an error code, `options` or `topics` [default: the list of commands]
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
}

/// The topics that show a whole document, each with its text.
const DOCUMENTS: &[(&str, &str)] = &[
    ("guide", include_str!("../../docs/guide.md")),
    ("commands", include_str!("../../docs/commands.md")),
    ("errors", include_str!("../../docs/errors.md")),
    ("clients", include_str!("../../docs/clients.md")),
    ("proxy", include_str!("../../docs/proxy.md")),
    ("keychain", include_str!("../../docs/keychain.md")),
    ("platforms", include_str!("../../docs/platforms.md")),
    ("another-user", include_str!("../../docs/another-user.md")),
    ("threat-model", include_str!("../../docs/threat-model.md")),
    ("formats", include_str!("../../docs/formats.md")),
    ("glossary", include_str!("../../docs/glossary.md")),
];

/// A part of a document under one heading.
struct Chapter {
    document: &'static str,
    /// The heading in small letters and dashes.
    name: String,
    level: usize,
    /// Its text, including the chapters below it.
    text: &'static str,
}

pub(super) fn run(context: &mut Context, args: &Help) -> Result<u8> {
    let style = Style::stdout(&context.env);
    let words: Vec<_> = args.topic.iter().map(String::as_str).collect();
    let text = match *words.as_slice() {
        [] => page_of(&[]).unwrap_or_default(),
        ["topics"] => topics(),
        ["options"] => options(),
        ref names => {
            let topic = names.join("-").to_lowercase();
            let given = Some(topic.as_str()).filter(|topic| may_be_misspelt(topic));
            page_of(names)
                .or_else(|| of_code(&topic, style))
                .or_else(|| of_topic(&topic, style))
                .ok_or_else(|| no_topic(given, nearest(&topic).as_deref()))?
        }
    };
    context.print(&text)?;
    Ok(0)
}

/// Returns the help of a command.
fn page_of(names: &[&str]) -> Option<String> {
    let mut inner = command();
    inner.build();
    for name in names {
        inner = inner.find_subcommand(name)?.clone();
    }
    let line = ["strongroom"].iter().chain(names).chain(&["--help"]);
    command().try_get_matches_from(line).err().map(|page| page.to_string())
}

/// Returns the options of every command.
fn options() -> String {
    let mut all = <global::Global as Args>::augment_args(clap::Command::new("strongroom"));
    all = all.disable_help_flag(true).help_template("{all-args}").max_term_width(100);
    format!("{OPTIONS_ABOUT}\n\n{}", all.render_long_help())
}

/// Returns the description of an error code.
fn of_code(topic: &str, style: Style) -> Option<String> {
    let code = Code::ALL.iter().find(|code| code.name().eq_ignore_ascii_case(&topic.replace('-', "_")))?;
    let (_, errors) = DOCUMENTS.iter().find(|(name, _)| *name == "errors")?;
    let mut rows = errors.lines().filter(|line| line.starts_with('|'));
    let header = rows.next()?;
    let row =
        rows.find(|row| cells(row).first().is_some_and(|cell| cell.trim_matches('`') == code.name()))?;
    Some(rendered(&format!("{header}\n{row}\n"), style))
}

/// Returns the list of a document's chapters, or the text of a chapter.
fn of_topic(topic: &str, style: Style) -> Option<String> {
    let all = chapters();
    if let Some((document, text)) = DOCUMENTS.iter().find(|(name, _)| *name == topic) {
        let of = || all.iter().filter(|chapter| chapter.document == *document && chapter.level > 1);
        return if of().count() == 0 {
            Some(rendered(text, style))
        } else {
            Some(format!(
                "{}Chapters, each shown by `strongroom help CHAPTER`:\n\n{}",
                rendered(intro(text), style),
                listed(of())
            ))
        };
    }
    let chapter = all.iter().find(|chapter| chapter.name == topic)?;
    Some(rendered(chapter.text, style))
}

/// Returns the text before the first chapter.
fn intro(text: &str) -> &str {
    text.find("\n## ").map_or(text, |end| &text[..=end])
}

fn topics() -> String {
    let mut out = "Topics, each shown by `strongroom help TOPIC`:\n".to_owned();
    let all = chapters();
    for (document, _) in DOCUMENTS {
        out.push_str(&format!("  {document}\n"));
        // The reference has a chapter for each command, and they have their own help.
        if *document == "guide" {
            out.push_str(&listed(
                all.iter().filter(|chapter| chapter.document == *document && chapter.level > 1),
            ));
        }
    }
    out.push_str("  options\n  WRONG_KEY, LOCKED, and every other error code\n");
    out
}

fn listed<'a>(chapters: impl Iterator<Item = &'a Chapter>) -> String {
    chapters.map(|chapter| format!("{}{}\n", "  ".repeat(chapter.level), chapter.name)).collect()
}

/// Returns every chapter of every document.
fn chapters() -> Vec<Chapter> {
    let mut all: Vec<Chapter> = Vec::new();
    for (document, text) in DOCUMENTS {
        let (mut at, mut in_code) = (0, false);
        let mut starts: Vec<(usize, usize, &'static str)> = Vec::new();
        for line in text.split_inclusive('\n') {
            in_code ^= line.trim_start().starts_with("```");
            if let Some(title) = heading(line.trim_end()).filter(|_| !in_code) {
                starts.push((at, line.len() - line.trim_start_matches('#').len(), title));
            }
            at += line.len();
        }
        for (n, &(start, level, title)) in starts.iter().enumerate() {
            let end = starts
                .iter()
                .skip(n + 1)
                .find(|(_, next, _)| *next <= level)
                .map_or(text.len(), |(end, ..)| *end);
            let name = name_of(title);
            all.push(Chapter { document, name, level, text: &text[start..end] });
        }
    }
    all
}

/// Returns the topic of a heading: small letters, with dashes for spaces, and without its number.
fn name_of(title: &str) -> String {
    let title = title.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' '));
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// Returns the topic with the most similar name.
fn nearest(topic: &str) -> Option<String> {
    let names = DOCUMENTS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .chain(chapters().into_iter().map(|chapter| chapter.name));
    let mut ranked: Vec<_> = names.map(|name| (strsim::osa_distance(topic, &name), name)).collect();
    ranked.sort();
    let (distance, name) = ranked.into_iter().next()?;
    (distance <= 2).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_error_code_has_help() {
        for code in Code::ALL {
            let text = of_code(&code.name().to_lowercase(), Style::PLAIN).unwrap_or_default();
            assert!(text.contains(code.name()) && text.contains("remedy: "), "{}: {text}", code.name());
        }
    }

    #[test]
    fn every_chapter_of_the_guide_has_a_name_of_its_own() {
        let all = chapters();
        let of_guide: Vec<_> = all.iter().filter(|chapter| chapter.document == "guide").collect();
        assert!(of_guide.len() > 20);
        let names: BTreeSet<_> = of_guide.iter().map(|chapter| &chapter.name).collect();
        assert_eq!(names.len(), of_guide.len());
        assert!(
            names.iter().all(|name| page_of(&[name.as_str()]).is_none()),
            "a command hides a chapter: {names:?}"
        );
    }
}
