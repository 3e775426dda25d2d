//! AWS: `credential_process` of a profile in the shared configuration file. Some SDKs split the command as a shell does,
//! and others let one run it: single quotes are the same to both.

use super::{Client, Plan, Wanted, inserted, text_of};
use crate::client::insertion::Insertion;
use crate::env::Env;
use crate::error::Result;
use crate::messages::client::connectable as messages;

/// The profile that commands use if they name none.
const DEFAULT: &str = "default";
/// Keys that say how a profile gets its credentials ("Configuration and credential file settings" of the AWS CLI).
const OTHERS: [&str; 9] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "credential_process",
    "credential_source",
    "role_arn",
    "sso_session",
    "sso_start_url",
    "web_identity_token_file",
];

pub(super) fn plan(env: &Env, text: Option<&str>, wanted: &Wanted) -> Result<Plan> {
    let called = Client::Aws.called();
    let before = text.unwrap_or_default();
    let name = wanted.name.as_deref().unwrap_or(DEFAULT);
    if name.trim() != name || name.is_empty() || name.contains(|c: char| c.is_control() || "[]#;".contains(c))
    {
        return Err(messages::bad_name());
    }
    let credentials = env
        .path("AWS_SHARED_CREDENTIALS_FILE")
        .or_else(|| Some(env.path("HOME")?.join(".aws").join("credentials")));
    let stored = credentials.as_deref().and_then(text_of);
    let stored = stored.as_ref().and_then(|text| text.expose_str()).unwrap_or_default();
    if section(stored, |of| of == name).is_some() {
        return Err(messages::aws_keys(name));
    }
    let command = wanted.program.shell(Client::Aws.helper(), wanted.id.as_deref());
    let line = format!("credential_process = {command}\n");
    let is_it = |of: &str| match of.strip_prefix("profile") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim().trim_matches(['"', '\'']) == name,
        _ => of == DEFAULT && name == DEFAULT,
    };
    let insertion = match section(before, is_it) {
        Some(section) if section.has_credentials => return Err(messages::has_section(called, name)),
        Some(section) if section.after_header >= before.len() => Insertion::at_end(before, &line),
        Some(section) => Insertion::before_line(before, section.after_header, &line),
        None => {
            let header = if name == DEFAULT { DEFAULT.to_owned() } else { format!("profile {name}") };
            Insertion::at_end(before, &format!("[{header}]\n{line}"))
        }
    };
    Ok(inserted(text, vec![insertion], wanted, (vec![name.to_owned()], Vec::new())))
}

/// A section of the file.
struct Section {
    /// Where the line after its header begins.
    after_header: usize,
    has_credentials: bool,
}

/// Returns the first section whose name is accepted.
fn section(text: &str, is_it: impl Fn(&str) -> bool) -> Option<Section> {
    let (mut at, mut found) = (0, None::<Section>);
    for line in text.split_inclusive('\n') {
        at += line.len();
        if let Some(header) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            let name = header.split(']').next().unwrap_or_default().trim();
            found = is_it(name).then_some(Section { after_header: at, has_credentials: false });
        } else if let (Some(section), Some((key, _))) = (&mut found, line.split_once('=')) {
            section.has_credentials |= OTHERS.contains(&key.trim().to_ascii_lowercase().as_str());
        }
    }
    found
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
