//! Takes a part out of a document that another program has written again since it was inserted, so that its lines are
//! not those that were inserted.

use granit_parser::StructureStyle;

use super::document::{Document, Node, What};
use super::meaning::is_same;
use crate::secret::Buffer;

/// Returns a document without an item of a list at the root, by its `name`. Returns nothing if the item is not there or
/// no longer mentions a program, or if more than its lines would change.
#[must_use]
pub fn without_item(text: &str, list: &str, name: &str, program: &str) -> Option<Buffer> {
    let document = Document::of(text).ok()?;
    let root = document.root.as_ref()?;
    let items = items(root, list)?;
    let is_it = |item: &&Node<'_>| {
        item.member("name", "").ok().flatten().and_then(|(_, value)| value.as_text()) == Some(name)
    };
    let item = items.iter().find(is_it)?;
    let out = without(&document, text, (item, item), program)?;
    let after = Document::of(out.expose_str()?).ok()?;
    let left: Vec<_> = items.iter().filter(|other| !std::ptr::eq(*other, item)).collect();
    let now = after.root.as_ref().and_then(|root| self::items(root, list)).unwrap_or_default();
    let same = left.len() == now.len() && left.iter().zip(now).all(|(one, other)| is_same(one, other));
    let same = same && is_rest_same(root, after.root.as_ref(), list);
    drop(after);
    same.then_some(out)
}

/// Returns a document without a member, as [`without_item`] does.
#[must_use]
pub fn without_member(text: &str, path: &[String], program: &str) -> Option<Buffer> {
    let document = Document::of(text).ok()?;
    let root = document.root.as_ref()?;
    let ([outer @ .., name], Some(first)) = (path, path.first()) else { return None };
    let parent =
        |root| outer.iter().try_fold(root, |node: &Node<'_>, name| Some(node.member(name, "").ok()??.1));
    let (key, value) = parent(root)?.member(name, "").ok()??;
    let out = without(&document, text, (key, value), program)?;
    let after = Document::of(out.expose_str()?).ok()?;
    let now = after.root.as_ref();
    let is_gone = now.and_then(parent).is_none_or(|parent| matches!(parent.member(name, ""), Ok(None)));
    let same = is_gone && is_rest_same(root, now, first);
    drop(after);
    same.then_some(out)
}

/// Returns the items of a list in lines.
fn items<'d, 't>(root: &'d Node<'t>, list: &str) -> Option<&'d [Node<'t>]> {
    match &root.member(list, "").ok()??.1.what {
        What::List(StructureStyle::Block, items) => Some(items),
        _ => None,
    }
}

/// Returns a text without the lines from the beginning of one node to the end of another one.
fn without(
    document: &Document<'_>,
    text: &str,
    (first, last): (&Node<'_>, &Node<'_>),
    program: &str,
) -> Option<Buffer> {
    let (body, start) = (document.body, first.range.start);
    let written = body.get(start..last.range.end)?.trim_end();
    let line = body.get(..start)?.rfind('\n').map_or(0, |end| end + 1);
    let before = body.get(line..start)?;
    if !before.trim_matches([' ', '-']).is_empty() || !written.contains(program) {
        return None;
    }
    let rest = body.get(start + written.len()..)?;
    let rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    let mut out = Buffer::with_capacity(text.len());
    for part in [text.get(..document.mark)?, body.get(..line)?, rest] {
        out.extend(part.as_bytes());
    }
    Some(out)
}

/// Returns whether all members of the root but one are the same as before.
fn is_rest_same(before: &Node<'_>, after: Option<&Node<'_>>, but: &str) -> bool {
    let rest = |node: &Node<'_>| match &node.what {
        What::Map(_, members) => members.iter().filter(|(key, _)| key.as_text() != Some(but)).count(),
        _ => 0,
    };
    let What::Map(_, members) = &before.what else { return false };
    let others = members.iter().filter(|(key, _)| key.as_text() != Some(but));
    let same = others.clone().all(|(key, value)| {
        let now = after.zip(key.as_text()).and_then(|(after, key)| after.member(key, "").ok()?);
        now.is_some_and(|(_, now)| is_same(value, now))
    });
    same && others.count() == after.map_or(0, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kubectl_and_hermes_wrote_again_is_found_and_nothing_else_goes() {
        let text = "contexts: []\nusers:\n- name: a\n  user:\n    token: made-up\n- name: strongroom\n  user:\n    exec:\n      args:\n      - --agent\n      command: /p/strongroom\n      env: null\nkind: Config\n";
        let out = without_item(text, "users", "strongroom", "/p/strongroom").unwrap();
        assert_eq!(
            out.expose_str().unwrap(),
            "contexts: []\nusers:\n- name: a\n  user:\n    token: made-up\nkind: Config\n"
        );
        assert!(without_item(text, "users", "strongroom", "/q/strongroom").is_none());
        assert!(without_item(text, "users", "b", "/p/strongroom").is_none());
        let flow = "users: [{name: strongroom, run: /p/strongroom}]\n";
        assert!(without_item(flow, "users", "strongroom", "/p/strongroom").is_none());

        let path = ["secrets".to_owned(), "command".to_owned()];
        let text =
            "secrets:\n  command:\n    command: /p/strongroom --agent main\n    enabled: true\n  other: 1\n";
        let out = without_member(text, &path, "/p/strongroom").unwrap();
        assert_eq!(out.expose_str().unwrap(), "secrets:\n  other: 1\n");
        assert!(without_member("secrets:\n  command: x\n", &path, "/p/strongroom").is_none());
    }
}
