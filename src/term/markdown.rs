//! The project's own documents, shown in a terminal: headings, paragraphs, lists, tables, code and links, in the forms
//! that they use.

use super::style::Style;

/// The widest line that is made, in characters.
const WIDTH: usize = 96;

/// Returns a document's text for a terminal: paragraphs wrapped, a table as a list of its rows, links as their words.
#[must_use]
pub fn rendered(text: &str, style: Style) -> String {
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim_start().starts_with("```") {
            for code in lines.by_ref().take_while(|code| !code.trim_start().starts_with("```")) {
                out.push_str(format!("    {code}").trim_end());
                out.push('\n');
            }
        } else if line.starts_with("<!--") {
            // Comments are instructions to the script that types the document.
            let mut remark = Some(line);
            while remark.is_some_and(|remark| !remark.contains("-->")) {
                remark = lines.next();
            }
        } else if let Some(heading) = heading(line) {
            out.push_str(&format!("{}\n", style.bold(words(heading))));
        } else if line.starts_with('|') {
            let mut rows = vec![cells(line)];
            while let Some(row) = lines.next_if(|next| next.starts_with('|')) {
                rows.push(cells(row));
            }
            out.push_str(&table(&rows, style));
        } else if line.trim().is_empty() {
            out.push('\n');
        } else {
            let mut paragraph = line.to_owned();
            while let Some(next) = lines.next_if(|next| continues(next)) {
                paragraph.push(' ');
                paragraph.push_str(next.trim());
            }
            out.push_str(&wrapped(&words(&paragraph), marker(&paragraph)));
        }
    }
    out
}

/// Returns the words of a heading, without its marks.
#[must_use]
pub fn heading(line: &str) -> Option<&str> {
    let words = line.trim_start_matches('#');
    let level = line.len() - words.len();
    ((1..=4).contains(&level)).then(|| words.strip_prefix(' ')).flatten()
}

/// Returns whether a line continues the paragraph before it.
fn continues(line: &str) -> bool {
    let text = line.trim_start();
    !text.is_empty()
        && !text.starts_with(['#', '|'])
        && !text.starts_with("```")
        && !text.starts_with("<!--")
        && marker(line) == line.len() - text.len()
}

/// Returns how far a line's words are indented: past the mark of a list, if it has one.
fn marker(line: &str) -> usize {
    let text = line.trim_start();
    let indent = line.len() - text.len();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if text.starts_with("- ") {
        indent + 2
    } else if digits > 0 && text[digits..].starts_with(". ") {
        indent + digits + 2
    } else {
        indent
    }
}

/// Returns the cells of a table row.
#[must_use]
pub fn cells(row: &str) -> Vec<String> {
    // A bar in a cell is written `\|`.
    let row = row.trim().trim_matches('|').replace("\\|", "\u{1}");
    row.split('|').map(|cell| words(cell.trim()).replace('\u{1}', "|")).collect()
}

/// Returns a table as a list: the first cell, and the others below it, each with the name of its column.
fn table(rows: &[Vec<String>], style: Style) -> String {
    let is_rule =
        |row: &[String]| row.iter().all(|cell| !cell.is_empty() && cell.trim_matches(['-', ':']).is_empty());
    let mut rows = rows.iter().filter(|row| !is_rule(row));
    let Some(header) = rows.next() else { return String::new() };
    let mut out = String::new();
    for row in rows {
        let mut cells = row.iter();
        let first = cells.next().map_or("", String::as_str);
        out.push_str(&format!("{}\n", style.bold(first)));
        for (cell, column) in cells.zip(header.iter().skip(1)).filter(|(cell, _)| !cell.is_empty()) {
            let text = if column.is_empty() { format!("  {cell}") } else { format!("  {column}: {cell}") };
            out.push_str(&wrapped(&text, 4));
        }
    }
    out
}

/// Returns text without Markdown marks: a link becomes its text, and bold text becomes plain.
fn words(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let (before, link) = rest.split_at(at);
        out.push_str(before);
        let parts = link.split_once("](").and_then(|(label, after)| Some((label, after.split_once(')')?.1)));
        match parts {
            Some((label, after)) if !label.contains('`') || label.matches('`').count() % 2 == 0 => {
                out.push_str(&label[1..]);
                rest = after;
            }
            _ => {
                out.push('[');
                rest = &link[1..];
            }
        }
    }
    out.push_str(rest);
    out.replace("**", "")
}

/// Returns a paragraph in lines; all but the first are indented.
#[must_use]
pub fn wrapped(text: &str, indent: usize) -> String {
    let start = text.len() - text.trim_start().len();
    let mut out = " ".repeat(start);
    let mut width = start;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if width > indent.max(start) && width + 1 + length > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            width = indent;
        } else if width > start && !out.ends_with(' ') {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += length;
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        rendered(text, Style::PLAIN)
    }

    #[test]
    fn a_document_is_shown_without_its_marks() {
        let document = "# Title\n\n<!-- first: a\nb -->\nWords with a [link](a.md#b) and **weight**,\nin two lines.\n\n- an item that\n  goes on\n- another\n\n```sh\n$ strongroom list\n```\n";
        let shown = "Title\n\nWords with a link and weight, in two lines.\n\n- an item that goes on\n- another\n\n    $ strongroom list\n";
        assert_eq!(plain(document), shown);
    }

    #[test]
    fn a_table_is_a_list_of_its_rows() {
        let table = "| code | exit | meaning |\n|---|---|---|\n| `IO` | 74 | a \\| b |\n";
        assert_eq!(plain(table), "`IO`\n  exit: 74\n  meaning: a | b\n");
    }

    #[test]
    fn long_paragraphs_wrap_at_words() {
        let long = "- word ".to_owned() + &"word ".repeat(60);
        let shown = plain(&long);
        assert!(shown.lines().count() > 2);
        for (at, line) in shown.lines().enumerate() {
            assert!(
                line.len() <= WIDTH && line.starts_with(if at == 0 { "- word" } else { "  word" }),
                "{line}"
            );
        }
    }
}
