//! git: a section for each host in the user's configuration. It begins with an empty `helper`, so that git asks no other
//! helper about that host (gitcredentials(7), "helper").

use std::ffi::OsStr;
use std::path::PathBuf;

use super::{Client, Plan, Wanted, inserted, text_of};
use crate::client::helpers::origin_of;
use crate::client::insertion::Insertion;
use crate::client::program::Program;
use crate::env::Env;
use crate::error::Result;
use crate::messages::client::connectable as messages;

/// Returns the file that `git config --global` writes.
pub(super) fn config(env: &Env) -> Option<PathBuf> {
    if let Some(named) = env.path("GIT_CONFIG_GLOBAL") {
        return Some(named);
    }
    let own = env.path("HOME")?.join(".gitconfig");
    Some(in_xdg(env, "config").filter(|path| path.exists() && !own.exists()).unwrap_or(own))
}

fn in_xdg(env: &Env, name: &str) -> Option<PathBuf> {
    let directory = env.path("XDG_CONFIG_HOME").or_else(|| Some(env.path("HOME")?.join(".config")))?;
    Some(directory.join("git").join(name))
}

pub(super) fn plan(env: &Env, text: Option<&str>, wanted: &Wanted) -> Result<Plan> {
    let before = text.unwrap_or_default();
    if goes_on(before) {
        return Err(messages::unfinished_line(Client::Git.called()));
    }
    let stored = stored(env)?;
    let command = format!("!{}", wanted.program.shell(Client::Git.helper(), None));
    let others = Others::read(env, &command)?;
    let command = command.replace('\\', "\\\\").replace('"', "\\\"");
    let (mut insertions, mut connected, mut told) = (Vec::new(), Vec::new(), others.told);
    for host in &wanted.hosts {
        if let Some((_, place)) = stored.iter().find(|(origin, _)| origin == host) {
            told.push(messages::password_stored(host, place));
        } else if others.urls.iter().any(|url| is_of(url, host)) {
            told.push(messages::other_helper(Client::Git.called(), host));
        } else {
            connected.push(host.clone());
            let lines = format!("[credential \"{host}\"]\n\thelper =\n\thelper = \"{command}\"\n");
            let add = if insertions.is_empty() { Insertion::at_end } else { Insertion::after_end };
            insertions.push(add(before, &lines));
        }
    }
    if insertions.is_empty() {
        return Err(messages::has_login(&told.join("; ")));
    }
    Ok(inserted(text, insertions, wanted.program.path(), (connected, told)))
}

/// Returns whether the last line goes on in the next one, which would be a part of it.
fn goes_on(text: &str) -> bool {
    let last = text.strip_suffix('\n').unwrap_or(text);
    let last = last.strip_suffix('\r').unwrap_or(last).rsplit('\n').next().unwrap_or_default();
    let slashes = last.len() - last.trim_end_matches('\\').len();
    slashes % 2 == 1 && !last.trim_start().starts_with(['#', ';'])
}

/// What git's configuration says about credentials, with the files that it includes.
#[derive(Default)]
struct Others {
    /// The URLs that have a helper or a user name of their own.
    urls: Vec<String>,
    /// What counts for every URL, as sentences.
    told: Vec<String>,
}

impl Others {
    /// Asks git. `own` is the helper that is to be written. Without git, there is nothing to know.
    fn read(env: &Env, own: &str) -> Result<Self> {
        let mut others = Self::default();
        let Some(git) = Program::named(env, "git") else { return Ok(others) };
        let arguments = ["config", "--global", "--includes", "-z", "--get-regexp", r"^credential\."];
        let ran = git.run(&arguments.map(OsStr::new))?;
        for entry in ran.output.expose_str().unwrap_or_default().split('\0') {
            let (key, value) = entry.split_once('\n').unwrap_or((entry, ""));
            let key = key.strip_prefix("credential.").unwrap_or_default();
            let (url, name) = key.rsplit_once('.').unwrap_or(("", key));
            if value.is_empty() || value == own || !matches!(name, "helper" | "username") {
                continue;
            }
            match (url, name) {
                ("", "helper") => others.told.push(messages::GENERAL_HELPER.to_owned()),
                ("", _) => others.told.push(messages::GENERAL_USERNAME.to_owned()),
                _ => others.urls.push(url.to_owned()),
            }
        }
        others.told.dedup();
        Ok(others)
    }
}

/// Returns whether what git has for a URL may count for a host. A name can begin with `*.`, and the scheme can be left out.
fn is_of(url: &str, host: &str) -> bool {
    let name = |url: &str| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or_default();
        authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase()
    };
    let (pattern, host) = (name(url), name(host));
    let (pattern, host) = (pattern.trim_end_matches(":443"), host.trim_end_matches(":443"));
    match pattern.split_once('*') {
        Some((before, after)) => host.starts_with(before) && host.ends_with(after),
        None => pattern == host,
    }
}

/// Returns the hosts whose passwords git keeps in a file, each with the file (git-credential-store(1), "FILES").
fn stored(env: &Env) -> Result<Vec<(String, PathBuf)>> {
    let own = env.path("HOME").map(|home| home.join(".git-credentials"));
    let mut found = Vec::new();
    for path in own.into_iter().chain(in_xdg(env, "credentials")) {
        let Some(text) = text_of(&path)? else { continue };
        for line in text.expose().split(|byte| *byte == b'\n') {
            let Some((scheme, rest)) = str::from_utf8(line).ok().and_then(|line| line.split_once("://"))
            else {
                continue;
            };
            let host = rest.split('/').next().and_then(|authority| authority.rsplit('@').next());
            let origin = host.and_then(|host| origin_of(&format!("{scheme}://{}", host.trim_end())).ok());
            found.extend(origin.map(|origin| (origin, path.clone())));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::wanted;
    use super::*;

    #[test]
    fn a_section_for_each_host_is_added_at_the_end_and_goes_again() {
        let text = "# mine\n[user]\n\tname = a";
        let plan =
            plan(&Env::default(), Some(text), &wanted(&["https://x.io", "https://y.io:8443"])).unwrap();
        let after = plan.text.expose_str().unwrap();
        assert_eq!(
            after,
            "# mine\n[user]\n\tname = a\n[credential \"https://x.io\"]\n\thelper =\n\thelper = \"!'/opt/it'\\\\''s/strongroom' --agent main helper git\"\n[credential \"https://y.io:8443\"]\n\thelper =\n\thelper = \"!'/opt/it'\\\\''s/strongroom' --agent main helper git\"\n"
        );
        let undone = plan.undo.undo(after).unwrap();
        assert!(undone.identical);
        assert_eq!(undone.text.unwrap().expose_str(), Some(text));
        let undone = plan.undo.undo(&format!("{after}[alias]\n\ta = b\n")).unwrap();
        assert!(!undone.identical && undone.left.is_empty());
        assert_eq!(undone.text.unwrap().expose_str(), Some("# mine\n[user]\n\tname = a\n[alias]\n\ta = b\n"));
    }

    #[test]
    fn a_host_whose_password_git_keeps_is_left_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(".git-credentials");
        std::fs::write(&file, "https://me:made%40up@x.io\nhttps://you:made-up@z.io:444/a\n").unwrap();
        let env = Env::default().with_var("HOME", home.path());
        let planned = plan(&env, None, &wanted(&["https://x.io", "https://y.io"])).unwrap();
        assert!(!planned.text.expose_str().unwrap().contains("x.io"));
        assert!(planned.told[0].contains("https://x.io") && !planned.told[0].contains("made"));
        assert!(plan(&env, None, &wanted(&["https://z.io:444"])).is_err());
        for (text, is_refused) in [
            ("[a]\n\tb = c\\\n", true),
            ("[a]\n\tb = c\\", true),
            ("[a]\n\tb = \"c\\\\\"\\\\\n", false),
            ("[a]\n# c\\\n", false),
            ("[a]\n\tb = c\\\n\n", false),
        ] {
            assert_eq!(plan(&env, Some(text), &wanted(&["https://y.io"])).is_err(), is_refused, "{text:?}");
        }
    }

    #[test]
    fn what_git_has_for_a_host_is_known_in_each_spelling() {
        for url in
            ["https://x.io", "https://x.io/org", "https://me@X.io:443", "https://*.io", "x.io", "http://x.io"]
        {
            assert!(is_of(url, "https://x.io"), "{url}");
        }
        for url in ["https://y.io", "https://x.io:8443", "https://*.x.io", "https://x.io.evil.io"] {
            assert!(!is_of(url, "https://x.io"), "{url}");
        }
    }
}
