//! Hermes: `secrets.command` in its configuration, in the form of hermes-agent #44507. 0.19.0 does not read it yet.

use serde_json::json;

use super::{Client, Place, Plan, Wanted, inserted_in_yaml};
use crate::client::yaml::with_member;
use crate::error::Result;

pub(super) fn plan(text: Option<&str>, wanted: &Wanted) -> Result<Plan> {
    let command = wanted.program.shell(Client::Hermes.helper(), None);
    let value = json!({ "enabled": true, "command": command });
    let insertion = with_member(text.unwrap_or_default(), &["secrets", "command"], &value)?;
    let place = Place::Member(vec!["secrets".to_owned(), "command".to_owned()]);
    Ok(inserted_in_yaml(text, insertion, wanted, place, (Vec::new(), Vec::new())))
}

#[cfg(test)]
mod tests {
    use super::super::wanted;
    use super::*;

    #[test]
    fn the_command_is_added_below_secrets_and_goes_again() {
        let text = "# mine\nmodel: x # y\nsecrets:\n  other: 1\ntail: 2\n";
        let made = plan(Some(text), &wanted(&[])).unwrap();
        let after = made.text.expose_str().unwrap();
        assert!(after.contains("  other: 1\n  command:\n    command: \""), "{after}");
        assert!(after.contains("    enabled: true\ntail: 2\n"), "{after}");
        assert!(after.contains("--agent main helper hermes"), "{after}");
        assert_eq!(made.undo.undo(after).unwrap().text.unwrap().expose_str(), Some(text));
        assert!(plan(Some(after), &wanted(&[])).is_err());
        assert!(plan(Some("secrets: { a: 1 }\n"), &wanted(&[])).is_err());
    }
}
