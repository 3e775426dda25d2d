//! git: a section for each host in the user's configuration. It begins with an empty `helper`, so that git asks no other
//! helper about that host (gitcredentials(7), "helper").

use std::path::PathBuf;

use super::{Client, Plan, Wanted, inserted, text_of};
use crate::client::helpers::origin_of;
use crate::client::insertion::Insertion;
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
    // The next line would be a part of it.
    if before.trim_end_matches(['\r', '\n']).ends_with('\\') {
        return Err(messages::unfinished_line(Client::Git.called()));
    }
    let stored = stored(env);
    let command = format!("!{}", wanted.program.shell(Client::Git.helper(), None));
    let command = command.replace('\\', "\\\\").replace('"', "\\\"");
    let (mut lines, mut connected, mut told) = (String::new(), Vec::new(), Vec::new());
    for host in &wanted.hosts {
        if let Some((_, place)) = stored.iter().find(|(origin, _)| origin == host) {
            told.push(messages::password_stored(host, place));
        } else {
            connected.push(host.clone());
            lines.push_str(&format!("[credential \"{host}\"]\n\thelper =\n\thelper = \"{command}\"\n"));
        }
    }
    if lines.is_empty() {
        return Err(messages::has_login(&told.join("; ")));
    }
    Ok(inserted(text, vec![Insertion::at_end(before, &lines)], wanted, (connected, told)))
}

/// Returns the hosts whose passwords git keeps in a file, each with the file (git-credential-store(1), "FILES").
fn stored(env: &Env) -> Vec<(String, PathBuf)> {
    let own = env.path("HOME").map(|home| home.join(".git-credentials"));
    let mut found = Vec::new();
    for path in own.into_iter().chain(in_xdg(env, "credentials")) {
        let Some(text) = text_of(&path) else { continue };
        for line in text.expose_str().unwrap_or_default().lines() {
            let Some((scheme, rest)) = line.split_once("://") else { continue };
            let host = rest.split('/').next().and_then(|authority| authority.rsplit('@').next());
            let origin = host.and_then(|host| origin_of(&format!("{scheme}://{host}")).ok());
            found.extend(origin.map(|origin| (origin, path.clone())));
        }
    }
    found
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
        assert!(plan(&env, Some("[a]\n\tb = c\\\n"), &wanted(&["https://y.io"])).is_err());
    }
}
