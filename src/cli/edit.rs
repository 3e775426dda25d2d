//! `edit`: changes what a profile has apart from its secret.

use clap::Args;

use super::Context;
use super::details_flags::{accepted, hosts, warn_of_plain};
use super::expiry_flags::Ends;
use crate::error::Result;
use crate::messages::cli::edits as messages;
use crate::ops::edit::{self, Edit, Names, Text};
use crate::ops::profiles;
use crate::ops::save::End;
use crate::vault::details::{self, Checked, HELPERS, Wrong};

/// Change what a profile has apart from its secret: hosts, user name, helpers, note, expiry
///
/// The secret stays. --host and --helper add to the list, and need an unlock method: a vault that is only kept unlocked
/// is not enough.
// Each `bool` is a flag of its own.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Args)]
pub struct EditArgs {
    /// Profile id
    #[arg(value_name = "ID")]
    id: String,
    /// Name of the account, for git, docker and AWS (an access key id)
    #[arg(long, value_name = "U")]
    username: Option<String>,
    /// Remove the user name
    #[arg(long, conflicts_with = "username")]
    no_username: bool,
    /// Add a host to which the secret may be sent: https://HOST[:PORT]; can be repeated
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// Remove a host; can be repeated
    #[arg(long, value_name = "HOST")]
    no_host: Vec<String>,
    /// Remove every host; those of --host are added afterwards
    #[arg(long, conflicts_with = "no_host")]
    no_hosts: bool,
    /// Add a helper that may give out the secret: claude-api-key, codex, git, …; can be repeated
    #[arg(long, value_name = "NAME")]
    helper: Vec<String>,
    /// Remove a helper; can be repeated
    #[arg(long, value_name = "NAME")]
    no_helper: Vec<String>,
    /// Note, at most 1024 bytes; line breaks are allowed
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Remove the note
    #[arg(long, conflicts_with = "note")]
    no_note: bool,
    /// Name for people, which the index shows
    #[arg(long, value_name = "N")]
    display_name: Option<String>,
    /// Remove the display name
    #[arg(long, conflicts_with = "display_name")]
    no_display_name: bool,
    #[command(flatten)]
    ends: Ends,
    /// Remove the expiry
    #[arg(long, conflicts_with_all = ["expires_in", "expires_at"])]
    no_expiry: bool,
}

pub(super) fn run(context: &mut Context, args: &EditArgs) -> Result<u8> {
    let profile = context.profile_id(&args.id)?;
    let edit = edit_of(args, context.env.now())?;
    if edit.is_empty() {
        return Err(messages::nothing_to_edit());
    }
    let vault = context.vault()?;
    let mut open = context.open_for(&vault, edit.widens())?;
    profiles::check_agent(&open, &profile)?;
    let edited = edit::edit(&mut open, &profile, &edit)?;
    warn_of_plain(context, &edit.hosts.add);
    if context.json() {
        let (credential, details) = (&edited.record.credential, &edited.record.details);
        context.print_json(&serde_json::json!({
            "agent": open.agent.as_str(),
            "profileId": profile.as_str(),
            "result": if edited.changed.is_empty() { "unchanged" } else { "edited" },
            "changed": edited.changed,
            "generation": edited.record.generation,
            "expires": credential.expires,
            "displayName": credential.display_name,
            "username": details.username,
            "hosts": details.hosts,
            "helpers": details.helpers,
            "note": details.note,
        }))?;
    } else if edited.changed.is_empty() {
        context.print(&messages::unchanged(&profile))?;
    } else {
        context.print(&messages::edited(&profile, &edited.changed))?;
    }
    Ok(0)
}

fn edit_of(args: &EditArgs, now: i64) -> Result<Edit> {
    let end = if args.no_expiry { End::Never } else { args.ends.read(now)? };
    Ok(Edit {
        username: text("--username", args.username.as_deref(), args.no_username, details::username)?,
        note: text("--note", args.note.as_deref(), args.no_note, details::note)?,
        display_name: text(
            "--display-name",
            args.display_name.as_deref(),
            args.no_display_name,
            details::display_name,
        )?,
        end,
        hosts: Names {
            clear: args.no_hosts,
            remove: hosts("--no-host", &args.no_host)?,
            add: hosts("--host", &args.host)?,
        },
        helpers: Names {
            clear: false,
            remove: helpers("--no-helper", &args.no_helper)?,
            add: helpers("--helper", &args.helper)?,
        },
    })
}

fn text(flag: &str, text: Option<&str>, removed: bool, check: fn(&str) -> Checked<()>) -> Result<Text> {
    match text {
        Some(text) => accepted(flag, check(text)).map(|()| Text::Set(text.to_owned())),
        None if removed => Ok(Text::Removed),
        None => Ok(Text::Kept),
    }
}

fn helpers(flag: &str, names: &[String]) -> Result<Vec<String>> {
    let read = |name: &String| match details::helper(name) {
        Err(Wrong::Form(why)) => Err(messages::unknown_helper(flag, why, &HELPERS)),
        checked => accepted(flag, checked).map(|()| name.clone()),
    };
    names.iter().map(read).collect()
}
