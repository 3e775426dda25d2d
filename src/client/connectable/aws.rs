//! AWS: `credential_process` of a profile in the shared configuration file. Some SDKs split the command as a shell does,
//! and others let one run it: single quotes are the same to both.

use std::path::PathBuf;

use super::{Client, Plan, Wanted, inserted, text_of};
use crate::client::insertion::Insertion;
use crate::env::Env;
use crate::error::Result;
use crate::messages::client::connectable as messages;
use crate::secret::Buffer;

/// The profile that commands use if they name none.
const DEFAULT: &str = "default";
/// Keys that say how a profile gets its credentials ("Configuration and credential file settings" of the AWS CLI).
const OTHERS: [&str; 10] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "credential_process",
    "credential_source",
    "login_session",
    "role_arn",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
];

/// Returns one of the shared files. The SDKs expand a `~` in its variable.
pub(super) fn file(env: &Env, variable: &str, name: &str) -> Option<PathBuf> {
    let home = env.path("HOME");
    match env.path(variable) {
        Some(path) => match path.strip_prefix("~") {
            Ok(rest) => home.map(|home| home.join(rest)),
            Err(_) => Some(path),
        },
        None => Some(home?.join(".aws").join(name)),
    }
}

pub(super) fn plan(env: &Env, text: Option<&str>, wanted: &Wanted) -> Result<Plan> {
    let called = Client::Aws.called();
    let before = text.unwrap_or_default();
    let name = wanted.name.as_deref().unwrap_or(DEFAULT);
    if name.trim() != name || name.is_empty() || name.contains(|c: char| c.is_control() || "[]#;".contains(c))
    {
        return Err(messages::bad_name());
    }
    let stored =
        file(env, "AWS_SHARED_CREDENTIALS_FILE", "credentials").as_deref().map(text_of).transpose()?;
    let stored = stored.flatten();
    let stored = String::from_utf8_lossy(stored.as_ref().map_or(&[][..], Buffer::expose));
    if !sections(&stored, |of| of == name).is_empty() {
        return Err(messages::aws_keys(name));
    }
    let command = wanted.program.shell(Client::Aws.helper(), wanted.id.as_deref());
    let line = format!("credential_process = {command}\n");
    let is_it = |of: &str| match of.strip_prefix("profile") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim().trim_matches(['"', '\'']) == name,
        _ => of == DEFAULT && name == DEFAULT,
    };
    let insertion = match sections(before, is_it).as_slice() {
        [] => {
            let header = if name == DEFAULT { DEFAULT.to_owned() } else { format!("profile {name}") };
            Insertion::at_end(before, &format!("[{header}]\n{line}"))
        }
        [section] if section.is_odd => return Err(messages::odd_section(name)),
        [section] if section.has_credentials => return Err(messages::has_section(called, name)),
        // A line that is indented more than the one before continues it.
        [section] => {
            Insertion::before_line(before, section.after_header, &format!("{}{line}", section.indent))
        }
        _ => return Err(messages::odd_section(name)),
    };
    Ok(inserted(text, vec![insertion], wanted.program.path(), (vec![name.to_owned()], Vec::new())))
}

/// A section of the file.
struct Section<'t> {
    /// Where the line after its header begins.
    after_header: usize,
    /// The white space before its first key.
    indent: &'t str,
    has_credentials: bool,
    /// Whether its header is written in a way that not every SDK reads.
    is_odd: bool,
}

/// Returns the sections whose name is accepted.
fn sections(text: &str, is_it: impl Fn(&str) -> bool) -> Vec<Section<'_>> {
    let (mut at, mut all, mut inside) = (0, Vec::<Section<'_>>::new(), false);
    let mut is_first = false;
    for line in text.split_inclusive('\n') {
        at += line.len();
        let trimmed = line.trim_start();
        let indent = line.get(..line.len() - trimmed.len()).unwrap_or_default();
        if let Some(header) = trimmed.strip_prefix('[') {
            let name = header.split(']').next().unwrap_or_default();
            (inside, is_first) = (is_it(name.trim()), true);
            if inside {
                let is_odd = !indent.is_empty() || name.starts_with([' ', '\t']);
                all.push(Section { after_header: at, indent: "", has_credentials: false, is_odd });
            }
        } else if let (true, Some(section)) = (inside, all.last_mut())
            && let Some((key, _)) = line.split_once(['=', ':']).filter(|_| !trimmed.starts_with(['#', ';']))
        {
            section.has_credentials |= OTHERS.contains(&key.trim().to_ascii_lowercase().as_str());
            if std::mem::take(&mut is_first) {
                section.indent = indent;
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::wanted;
    use super::*;

    const LINE: &str = "credential_process = '/opt/it'\\''s/strongroom' --agent main helper aws\n";

    fn named(name: &str) -> Wanted {
        Wanted { name: Some(name.to_owned()), ..wanted(&[]) }
    }

    #[test]
    fn a_profile_gets_the_process_in_its_section() {
        let text = "# mine\n[default]\nregion = eu-north-1\n[profile 'work']\nregion=x\n[profile sso]\nsso_session = y";
        for (name, before, after) in [
            ("default", "[default]\n", format!("[default]\n{LINE}")),
            ("work", "[profile 'work']\n", format!("[profile 'work']\n{LINE}")),
            ("new", "sso_session = y", format!("sso_session = y\n[profile new]\n{LINE}")),
        ] {
            let made = plan(&Env::default(), Some(text), &named(name)).unwrap();
            let expected = text.replace(before, &after);
            assert_eq!(made.text.expose_str(), Some(expected.as_str()));
            assert_eq!(made.undo.undo(&expected).unwrap().text.unwrap().expose_str(), Some(text));
        }
        assert_eq!(
            plan(&Env::default(), Some(text), &named("sso")).unwrap_err().code(),
            crate::error::Code::Exists
        );
        for odd in ["a]\nb", "", " a", "a#b"] {
            assert!(plan(&Env::default(), Some(text), &named(odd)).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn a_section_that_sdks_read_differently_is_not_touched_and_an_indented_one_stays_whole() {
        for text in [
            "  [profile work]\nregion = x\n",
            "[ profile work]\nregion = x\n",
            "[profile work]\naws_access_key_id: made-up\n",
            "[profile work]\nlogin_session = made-up\n",
            "[profile work]\na = b\n[profile 'work']\nc = d\n",
        ] {
            assert!(plan(&Env::default(), Some(text), &named("work")).is_err(), "{text}");
        }
        let made = plan(&Env::default(), Some("[profile work]\n  region = x\n"), &named("work")).unwrap();
        let expected = format!("[profile work]\n  {LINE}  region = x\n");
        assert_eq!(made.text.expose_str(), Some(expected.as_str()));
        let env = Env::default().with_var("HOME", "/h").with_var("AWS_CONFIG_FILE", "~/cfg");
        assert_eq!(file(&env, "AWS_CONFIG_FILE", "config"), Some("/h/cfg".into()));
    }

    #[test]
    fn keys_in_a_file_stay() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("credentials");
        std::fs::write(&path, "[work]\naws_access_key_id = made-up\n").unwrap();
        let env = Env::default().with_var("AWS_SHARED_CREDENTIALS_FILE", &path);
        assert!(plan(&env, None, &named("work")).is_err());
        let made = plan(&env, None, &wanted(&[])).unwrap();
        assert_eq!(made.text.expose_str(), Some(format!("[default]\n{LINE}").as_str()));
    }
}
