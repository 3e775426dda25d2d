use serde_json::json;

use super::document::NODES_MAX;
use super::*;
use crate::client::config::CONFIG_MAX;
use crate::error::Code;

/// The user of most tests.
fn user() -> Value {
    json!({ "name": "vault", "user": { "exec": {
        "command": "/h/bin/strongroom", "args": ["--home", "/h/v"], "provideClusterInfo": true,
    } } })
}

/// Inserts, and checks what holds for every insertion: whole lines, and the bytes before if they are taken out.
pub(super) fn after(text: &str, insertion: &Insertion) -> String {
    let after = insertion.applied(text);
    let after = after.expose_str().unwrap();
    assert!(insertion.text.ends_with('\n'));
    assert!(insertion.text.starts_with(['\r', '\n']) || is_line_start(text, insertion.at), "{text:?}");
    let mut undone = after.to_owned();
    undone.replace_range(insertion.at..insertion.at + insertion.text.len(), "");
    assert_eq!(undone, text);
    after.to_owned()
}

fn is_line_start(text: &str, at: usize) -> bool {
    let before = text[..at].trim_start_matches('\u{feff}');
    before.is_empty() || before.ends_with('\n')
}

fn item(text: &str, list: &str, item: &Value) -> String {
    after(text, &with_item(text, list, item).unwrap_or_else(|error| panic!("{error}: {text:?}")))
}

fn member(text: &str, path: &[&str], value: &Value) -> String {
    after(text, &with_member(text, path, value).unwrap_or_else(|error| panic!("{error}: {text:?}")))
}

#[test]
fn an_item_is_written_as_the_rest_of_the_file() {
    for (before, expected) in [
        // As `kubectl` writes it.
        (
            "apiVersion: v1\nusers:\n- name: a\n  user:\n    token: made-up\n",
            "apiVersion: v1\nusers:\n- name: a\n  user:\n    token: made-up\n- name: vault\n  user:\n    exec:\n      args:\n      - \"--home\"\n      - /h/v\n      command: /h/bin/strongroom\n      provideClusterInfo: true\n",
        ),
        // Indented lists, four spaces, the line ends of Windows, a byte order mark, no line end.
        (
            "\u{feff}users:\r\n    -   name: a\r\n        user:\r\n            token: made-up",
            "\u{feff}users:\r\n    -   name: a\r\n        user:\r\n            token: made-up\r\n    -   name: vault\r\n        user:\r\n            exec:\r\n                args:\r\n                    -   \"--home\"\r\n                    -   /h/v\r\n                command: /h/bin/strongroom\r\n                provideClusterInfo: true\r\n",
        ),
        // Nothing yet.
        (
            "",
            "users:\n- name: vault\n  user:\n    exec:\n      args:\n      - \"--home\"\n      - /h/v\n      command: /h/bin/strongroom\n      provideClusterInfo: true\n",
        ),
    ] {
        assert_eq!(item(before, "users", &user()), expected);
    }
}

#[test]
fn an_item_follows_the_last_one() {
    let new = json!({ "name": "new" });
    for (before, expected) in [
        // The list is missing: it is made at the end.
        ("\u{feff}", "\u{feff}l:\n- name: new\n"),
        ("# none", "# none\nl:\n- name: new\n"),
        ("---\n", "---\nl:\n- name: new\n"),
        ("---", "---\nl:\n- name: new\n"),
        ("%YAML 1.1\n--- # why\n", "%YAML 1.1\n--- # why\nl:\n- name: new\n"),
        ("a:\n  - 1\n\n# end\n", "a:\n  - 1\n\n# end\nl:\n  - name: new\n"),
        ("  a: 1\n  b: 2\n", "  a: 1\n  b: 2\n  l:\n  - name: new\n"),
        ("a: |+\n  x\n\n", "a: |+\n  x\n\nl:\n- name: new\n"),
        ("a: |-\n  x", "a: |-\n  x\nl:\n- name: new\n"),
        ("a: 1 # why", "a: 1 # why\nl:\n- name: new\n"),
        ("a: 1\n  ", "a: 1\n  \nl:\n- name: new\n"),
        // The list has no value.
        ("l:\nb: 1\n", "l:\n- name: new\nb: 1\n"),
        ("l:   # none\n# of b\nb: 1\n", "l:   # none\n- name: new\n# of b\nb: 1\n"),
        ("a:\n  - 1\nl:\n  # none\n\nb: 1\n", "a:\n  - 1\nl:\n  # none\n  - name: new\n\nb: 1\n"),
        ("l:", "l:\n- name: new\n"),
        // Comments that are indented as the item belong to the list; others to what follows.
        ("l:\n- a # 1\n\n  # 2\n# 3\n\nb: 1\n", "l:\n- a # 1\n\n  # 2\n- name: new\n# 3\n\nb: 1\n"),
        ("l:\n  - a\n  # 1\n # 2\nb: 1\n", "l:\n  - a\n  # 1\n  - name: new\n # 2\nb: 1\n"),
        // What the last item ends with.
        ("l:\n- a: |\n    x\n\n\nb: 1\n", "l:\n- a: |\n    x\n- name: new\n\n\nb: 1\n"),
        ("l:\n- a: |+\n    x\n\n\nb: 1\n", "l:\n- a: |+\n    x\n\n\n- name: new\nb: 1\n"),
        ("l:\n- a: >-\n    x\n\n# c\nb: 1\n", "l:\n- a: >-\n    x\n- name: new\n\n# c\nb: 1\n"),
        // A line of spaces that are further to the right is a line of the text.
        ("l:\n- a: |\n    x\n      \n\nb: 1\n", "l:\n- a: |\n    x\n      \n\n- name: new\nb: 1\n"),
        ("l:\n- a: |\n\nb: 1\n", "l:\n- a: |\n\n- name: new\nb: 1\n"),
        ("l:\n- \"a\n  b\"\n\nb: 1\n", "l:\n- \"a\n  b\"\n- name: new\n\nb: 1\n"),
        ("l:\n- a\n  b\n\nb: 1\n", "l:\n- a\n  b\n- name: new\n\nb: 1\n"),
        ("l:\n- {a: 1,\n  b: [2]} # c\nb: 1\n", "l:\n- {a: 1,\n  b: [2]} # c\n- name: new\nb: 1\n"),
        ("l:\n- a:\n    - 1\nb: 1\n", "l:\n- a:\n    - 1\n- name: new\nb: 1\n"),
        ("l:\n- a:\n-\nb: 1\n", "l:\n- a:\n-\n- name: new\nb: 1\n"),
        ("l:\n  -\n    a: 1\nb: 1\n", "l:\n  -\n    a: 1\n  - name: new\nb: 1\n"),
        ("l:\n-\n  a: 1\nb: 1\n", "l:\n-\n  a: 1\n- name: new\nb: 1\n"),
        ("l:\n- - a\n  - b\n", "l:\n- - a\n  - b\n- name: new\n"),
        ("l:\n  - - a\n    - b\n", "l:\n  - - a\n    - b\n  - name: new\n"),
        ("l:\n- &x a\n- *x\n", "l:\n- &x a\n- *x\n- name: new\n"),
        // A document that says where it ends.
        ("---\nl:\n- a\n...\n# end\n", "---\nl:\n- a\n- name: new\n...\n# end\n"),
        // Other writings of the key, and letters of more than a byte.
        (
            "\"l\" :\n- \u{e4}\u{20ac}\u{1f511}\nb: 1\n",
            "\"l\" :\n- \u{e4}\u{20ac}\u{1f511}\n- name: new\nb: 1\n",
        ),
        (
            "\u{e4}: \u{20ac}\n'\\u006c': 1\n\"\\u006c\":\n- a",
            "\u{e4}: \u{20ac}\n'\\u006c': 1\n\"\\u006c\":\n- a\n- name: new\n",
        ),
    ] {
        assert_eq!(item(before, "l", &new), expected, "{before:?}");
    }
}

#[test]
fn a_member_goes_below_the_names_that_exist() {
    let path = ["secrets", "command"];
    for (before, expected) in [
        ("", "secrets:\n  command: x\n"),
        ("model: a\nsecrets:\n", "model: a\nsecrets:\n  command: x\n"),
        ("secrets:\n    a:\n        b: 1\nz: 1\n", "secrets:\n    a:\n        b: 1\n    command: x\nz: 1\n"),
        ("secrets:\n  a: 1\n\n  # 1\n# 2\nz: 1\n", "secrets:\n  a: 1\n\n  # 1\n  command: x\n# 2\nz: 1\n"),
        ("a:\n   b:\n      c: 1\nsecrets:\n", "a:\n   b:\n      c: 1\nsecrets:\n   command: x\n"),
        ("secrets:\n  ? a\n  : 1\n", "secrets:\n  ? a\n  : 1\n  command: x\n"),
        ("secrets:\n  a:\n  - 1\n", "secrets:\n  a:\n  - 1\n  command: x\n"),
    ] {
        assert_eq!(member(before, &path, &json!("x")), expected, "{before:?}");
    }
    let value =
        json!({ "enabled": true, "command": "a b", "helper_timeout_seconds": 3, "none": {}, "l": [] });
    assert_eq!(
        member("a: 1\n", &["secrets", "command"], &value),
        "a: 1\nsecrets:\n  command:\n    command: \"a b\"\n    enabled: true\n    helper_timeout_seconds: 3\n    l: []\n    none: {}\n"
    );
}

#[test]
fn a_text_is_quoted_if_a_reader_could_take_it_for_something_else() {
    for (text, written) in [
        ("a", "a"),
        ("/h/.local/bin/x-1_@+y", "/h/.local/bin/x-1_@+y"),
        ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1"),
        ("", "\"\""),
        ("Yes", "\"Yes\""),
        ("off", "\"off\""),
        ("y", "\"y\""),
        ("NULL", "\"NULL\""),
        ("~", "\"~\""),
        ("1e3", "\"1e3\""),
        ("0x1f", "\"0x1f\""),
        ("2026-11-29", "\"2026-11-29\""),
        ("12:30", "\"12:30\""),
        (".inf", "\".inf\""),
        ("-", "\"-\""),
        ("<<", "\"<<\""),
        ("=", "\"=\""),
        ("a: b", "\"a: b\""),
        ("a #b", "\"a #b\""),
        ("*a", "\"*a\""),
        ("%a", "\"%a\""),
        ("a\tb\n\"c\"\\", "\"a\\tb\\n\\\"c\\\"\\\\\""),
        ("\u{e4}\u{1f511}", "\"\u{e4}\u{1f511}\""),
        ("a\u{7f}\u{85}\u{2028}\u{feff}\u{1}", "\"a\\u007f\\u0085\\u2028\\ufeff\\u0001\""),
    ] {
        assert_eq!(member("", &["a"], &json!(text)), format!("a: {written}\n"));
        assert_eq!(at(&format!("a: {written}\n"), &["a"]).unwrap(), Some(json!(text)));
    }
    for (value, written) in [
        (json!(null), "null"),
        (json!(-7), "-7"),
        (json!(18_446_744_073_709_551_615_u64), "18446744073709551615"),
        (json!(1e20), "100000000000000000000.0"),
        (json!(0.5), "0.5"),
        (json!(1e-7), "0.0000001"),
        (json!([[1, []], [{}], { "a b": [2] }]), "\n- - 1\n  - []\n- - {}\n- \"a b\":\n  - 2"),
    ] {
        let text = member("", &["a"], &value);
        assert_eq!(text.trim_end(), format!("a: {written}").replace(": \n", ":\n"));
        assert_eq!(at(&text, &["a"]).unwrap(), Some(value));
    }
}

#[test]
fn what_cannot_be_inserted_into_is_refused_with_the_reason() {
    let item = json!({ "name": "new" });
    for (text, code, what) in [
        ("l: []\n", Code::Config, "brackets"),
        ("l: [\n]\n", Code::Config, "brackets"),
        ("{\"l\": [1]}", Code::Config, "brackets"),
        ("{}", Code::Config, "brackets"),
        ("l: null\n", Code::BadData, "not a list"),
        ("l: ~\n", Code::BadData, "not a list"),
        ("l: ''\n", Code::BadData, "not a list"),
        ("l: canary\n", Code::BadData, "not a list"),
        ("l:\n  a: canary\n", Code::BadData, "not a list"),
        ("- canary\n", Code::BadData, "not a mapping"),
        ("canary", Code::BadData, "not a mapping"),
        ("--- ~\n", Code::BadData, "not a mapping"),
        ("l:\n- canary\n---\n", Code::Config, "more than one document"),
        ("a: 1\n...\n", Code::Config, "`...`"),
        ("--- # a\n...\n", Code::Config, "`...`"),
        ("l: &canary\n- a\n", Code::Config, "anchor"),
        ("&canary\nl:\n- a\n", Code::Config, "anchor"),
        ("l: &canary\n", Code::Config, "anchor"),
        ("a: &canary\n- a\nl: *canary\n", Code::Config, "alias"),
        ("a: &canary\n  l:\n  - a\n<<: *canary\nl:\n- a\n", Code::Config, "merge key"),
        ("a: &canary\n  l:\n  - a\n<<: *canary\n", Code::Config, "merge key"),
        ("l: !canary\n- a\n", Code::Config, "tag"),
        ("--- !!map\nl:\n- a\n", Code::Config, "tag"),
        ("l:\n- a\nl:\n- canary\n", Code::DuplicateKey, "names l twice"),
        ("l:\n- a\n\"l\":\n- canary\n", Code::DuplicateKey, "names l twice"),
        ("? l\n: - canary\n", Code::Config, "begin its line"),
        ("a: 1\n? l\n:\n- canary\n", Code::Config, "begin its line"),
        ("l:\n\t- canary\n", Code::BadData, "line 2"),
        ("l:\n- canary: {\n", Code::BadData, "line"),
        ("l:\n- *canary\n", Code::BadData, "line 2"),
        ("a: |\n  canary", Code::Config, "block of text"),
        ("a: |+\n  canary\n\n  ", Code::Config, "block of text"),
        ("l:\n- a: >\n    canary", Code::Config, "block of text"),
        ("a: 1\rl:\r- canary\r", Code::Config, "line ends"),
    ] {
        let error = with_item(text, "l", &item).unwrap_err();
        assert_eq!(error.code(), code, "{error}: {text:?}");
        assert!(error.what().contains(what), "{error}: {text:?}");
        assert!(!format!("{error:?} {error} {}", error.remedy()).contains("canary"), "{error:?}");
    }
    for (text, code) in [
        ("a:\n  b: 1\n", Code::Exists),
        ("a:\n  b:\n", Code::Exists),
        ("a: 1\n", Code::BadData),
        ("a: {}\n", Code::Config),
        ("a:\n- 1\n", Code::BadData),
        ("a: &x\n  c: 1\n", Code::Config),
    ] {
        assert_eq!(with_member(text, &["a", "b"], &item).unwrap_err().code(), code, "{text:?}");
    }
    assert_eq!(with_member("", &[], &item).unwrap_err().code(), Code::Exists);
    let large = format!("# {}\n", "x".repeat(usize::try_from(CONFIG_MAX).unwrap() - 10));
    assert_eq!(with_item(&large, "l", &item).unwrap_err().code(), Code::TooLarge);
    assert_eq!(at(&large.repeat(2), &["l"]).unwrap_err().code(), Code::TooLarge);
}

#[test]
fn values_are_read_by_the_core_schema() {
    let text = "a: [yes, 'true', true, ~, 0x1F, 0o17, -012, +1, .5, 1e3, .inf, 1_0, \"1\", !!str 2, nan]\nb:\n  c: >\n    d\n    e\n{f: g}: 1\n";
    let all = json!(["yes", "true", true, null, 31, 15, -12, 1, 0.5, 1000.0, ".inf", "1_0", "1", "2", "nan"]);
    assert_eq!(at(text, &["a"]).unwrap(), Some(all));
    assert_eq!(at(text, &["b"]).unwrap(), Some(json!({ "c": "d e\n" })));
    assert_eq!(at(text, &["b", "c", "d"]).unwrap(), None);
    assert_eq!(at("", &["a"]).unwrap(), None);
    assert_eq!(at(text, &[]).unwrap_err().code(), Code::Config);
    for (text, code) in [
        ("x: &x 1\na:\n  b: *x\n", Code::Config),
        ("x: &x\n  b: 1\na: *x\n", Code::Config),
        ("x: &x\n  b: 1\na:\n  <<: *x\n", Code::Config),
        ("a:\n  b: !canary 1\n", Code::Config),
        ("a:\n  b: !!int '1'\n", Code::Config),
        ("a: 1\n---\na: 2\n", Code::Config),
        ("a:\n  b:\n    c: 1\n    c: 2\n", Code::DuplicateKey),
        ("a: \"", Code::BadData),
    ] {
        assert_eq!(at(text, &["a", "b"]).unwrap_err().code(), code, "{text:?}");
    }
}

#[test]
fn items_are_named_without_their_values() {
    let text = "users:\n- name: a\n  user:\n    token: canary\n    \"exec\": {command: canary}\n- user: {}\n- name: b\n- {name: c, user: }\n- x\n";
    let named = |name: &str, members: &[&str]| Named {
        name: name.to_owned(),
        members: members.iter().map(|name| (*name).to_owned()).collect(),
    };
    let all = [named("a", &["token", "exec"]), named("b", &[]), named("c", &[])];
    assert_eq!(names(text, "users", "user").unwrap(), all);
    for text in ["", "users:\n", "users: null\n", "users: []\n", "a: 1\n"] {
        assert_eq!(names(text, "users", "user").unwrap(), [], "{text:?}");
    }
    for (text, code) in [
        ("users: 1\n", Code::BadData),
        ("users: {}\n", Code::BadData),
        ("a: &a []\nusers: *a\n", Code::Config),
        ("a: &a {}\nusers:\n- *a\n", Code::Config),
        ("a: &a {}\nusers:\n- name: b\n  user: *a\n", Code::Config),
        ("a: &a {}\nusers:\n- name: b\n  user: {<<: *a}\n", Code::Config),
        ("users:\n- name: a\n  name: b\n", Code::DuplicateKey),
    ] {
        assert_eq!(names(text, "users", "user").unwrap_err().code(), code, "{text:?}");
    }
}

#[test]
fn a_hostile_file_is_refused_or_inserted_into() {
    let max = usize::try_from(CONFIG_MAX).unwrap() - 1_000;
    for part in [
        "[",
        "{",
        "- ",
        "? ",
        "a: ",
        "- a\n",
        "[],",
        "[[a]],",
        "&a ",
        "\"\\u0061",
        "a\n",
        "!!a ",
        "*a ",
        "|\n ",
        "' \n",
        "  #\n",
        "? a\n",
    ] {
        let text = part.repeat(max / part.len());
        for text in [format!("l:\n- {text}\n"), format!("l:\n- [{text}]\n"), text] {
            if let Err(error) = with_item(&text, "l", &json!(1)) {
                assert_ne!(error.code(), Code::Internal, "{part:?}");
            }
        }
    }
    let many = format!("l:\n{}", "- a\n".repeat(NODES_MAX));
    assert_eq!(with_item(&many, "l", &json!(1)).unwrap_err().code(), Code::TooLarge);
}
