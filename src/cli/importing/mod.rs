//! Taking over OpenClaw's files, `.env` files and bundles: a plan first, then one transaction an agent.

mod opened;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use opened::{Source, read};

use super::Context;
use super::notices;
use super::storing::StoreArg;
use crate::error::{Code, Error, Result};
use crate::ops::cooldowns;
use crate::ops::open::Open;
use crate::ops::store::sealed_besides;
use crate::seal::keys::Keys;
use crate::term::count::counted;
use crate::term::escape::safe;
use crate::transfer::{self, Action, Existing, Format, OnConflict, Parsed, Plan};
use crate::vault::bounds;
use crate::vault::generation::next_record;
use crate::vault::home::Writer;
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::index::Index;
use crate::vault::reader::Reader;
use crate::vault::store::Store;
use crate::vault::transaction::change::Change;

/// Take over auth-profiles.json, .env files and bundles.
///
/// Nothing is imported when anything is wrong; all that is wrong is named at once. The source is
/// left as it is: remove it yourself once the import is verified.
// Each is a flag of its own on the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Default, Args)]
pub struct Import {
    /// The file, or - for standard input; left out with --from env, the client's own places are looked through
    #[arg(value_name = "PATH", required_unless_present = "from")]
    path: Option<PathBuf>,
    /// The format, where it is not to be told by the contents
    #[arg(long, value_name = "FORMAT", value_enum)]
    from: Option<From>,
    /// Where new records are to rest [default: the vault's store]
    #[arg(long, value_enum, value_name = "file|keychain", hide_possible_values = true)]
    store: Option<StoreArg>,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// What to do where an id exists with other contents [default: fail, naming each]
    #[arg(long, value_name = "skip|replace|rename", value_enum, hide_possible_values = true)]
    on_conflict: Option<Policy>,
    /// Import the good entries where others are not usable
    #[arg(long)]
    skip_invalid: bool,
    /// Import the entry OLD under the profile id NEW; several times
    #[arg(long, value_name = "OLD=NEW")]
    rename: Vec<String>,
    /// Take OAuth sign-ins too; their refresh tokens work in one place only
    #[arg(long)]
    include_oauth: bool,
    /// The age identity that opens the bundle
    #[arg(long, value_name = "F")]
    bundle_identity: Option<PathBuf>,
    /// The file that holds the bundle's passphrase
    #[arg(long, value_name = "F")]
    bundle_passphrase_file: Option<PathBuf>,
    /// Do not ask before a bundle is written
    #[arg(long, short = 'y')]
    yes: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum From {
    /// auth-profiles.json and its older forms
    Openclaw,
    /// A file of NAME=value lines
    Env,
    /// A bundle made by `strongroom export`
    Bundle,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Policy {
    /// Keep what is there
    Skip,
    /// Replace what is there
    Replace,
    /// Add under another name
    Rename,
}

impl Policy {
    fn of(policy: Option<Self>) -> OnConflict {
        match policy {
            None => OnConflict::Fail,
            Some(Self::Skip) => OnConflict::Skip,
            Some(Self::Replace) => OnConflict::Replace,
            Some(Self::Rename) => OnConflict::Rename,
        }
    }
}

/// Takes in what the arguments name.
///
/// # Errors
/// Those of reading, of planning and of writing.
pub(super) fn from_arguments(context: &mut Context, args: &Import) -> Result<u8> {
    let vault = context.vault()?;
    let mut open = context.open(&vault)?;
    let source = read(context, args, &vault, &open.session)?;
    carry_out(context, args, &mut open, &source)
}

/// Takes in what was found beside the vault, and keeps what is there.
///
/// # Errors
/// Those of an import.
pub(super) fn take(context: &mut Context, open: &mut Open<'_>, parsed: Parsed) -> Result<u8> {
    let args = Import { on_conflict: Some(Policy::Skip), skip_invalid: true, ..Import::default() };
    let source = Source { parsed, format: Format::Dotenv, digest: None };
    carry_out(context, &args, open, &source)
}

fn carry_out(context: &mut Context, args: &Import, open: &mut Open<'_>, source: &Source) -> Result<u8> {
    let vault = open.vault;
    let default_agent = open.agent.clone();
    let forced = context.agent_by_hand()?;
    let policy = Policy::of(args.on_conflict);

    // A first plan without locks: what it refuses leaves no trace, and what it shows can be
    // thought over.
    let concerned = agents_of(&source.parsed, &default_agent, forced.as_ref());
    let plan_now = |keys: &Keys| -> Result<Plan<'_>> {
        let mut readers = HashMap::new();
        for name in &concerned {
            if let Some(found) = vault.agent(name)? {
                let reader = vault.reader(found, keys)?;
                reader.book()?;
                let index = reader.index()?;
                readers.insert(name.clone(), (reader, index));
            }
        }
        let existing = existing_in(&readers);
        let plan = transfer::plan(&source.parsed, &default_agent, forced.as_ref(), &existing, policy);
        check_room(&plan, &readers)?;
        Ok(plan)
    };
    let first = plan_now(open.session.keys())?;
    if let Some(digest) = &source.digest {
        context.say(&format!("Bundle SHA-256: {digest}"));
        context.say("Compare it with what the sender saw: a bundle does not prove who made it.");
    }
    let checked = first.check(args.skip_invalid).and_then(|()| holds_something(args, &first));
    let telling = args.dry_run || checked.is_err() || source.format == Format::Bundle;
    if context.json() {
        if args.dry_run || checked.is_err() {
            tell_json(context, &first, source, args.dry_run, false)?;
            return checked.map(|()| 0);
        }
    } else if telling {
        let text: Vec<_> = first.lines().iter().map(|line| safe(line).into_owned()).collect();
        if checked.is_err() {
            context.say(&text.join("\n"));
        } else {
            context.print(&text.join("\n"))?;
        }
    }
    checked?;
    if args.dry_run {
        context.say("Dry run: nothing was changed.");
        return Ok(0);
    }
    if first.writes() == 0 {
        return finish(context, &first, source, telling);
    }
    if source.format == Format::Bundle && context.may_ask() {
        context.confirm(args.yes, "Import these?")?;
    }

    let stores = (args.store.map(Into::into), vault.default_store(&open.session));
    if stores.0.unwrap_or(stores.1) == Store::Keychain {
        vault.keychain().ready()?;
    }
    let written = first.entries.iter().filter(|entry| entry.action.writes());
    let agents: BTreeSet<&AgentName> = written.map(|entry| entry.agent).collect();
    let agents: Vec<AgentName> = agents.into_iter().cloned().collect();
    drop(first);
    let waits = open.waits("import");
    let writers = vault.writers(&mut open.session, &agents, &waits)?;
    for writer in &writers {
        open.begun(writer);
    }
    let plan = plan_now(open.session.keys())?;
    plan.check(args.skip_invalid)?;
    waits.watched.begins("Sealing", plan.writes());
    let now = context.env.now();
    let orders_to = forced.as_ref().unwrap_or(&default_agent);
    // All that can fail for want of space or size fails before the first agent is committed.
    let mut staged = Vec::new();
    for writer in &writers {
        let (mut change, new) = change_of(&plan, writer, orders_to, stores, now)?;
        let lifted = cooldowns::of_new(&mut change, writer, &new);
        staged.push((writer.stage(change, &*waits.watched).map_err(in_parts)?, lifted));
    }
    let mut lifted = Vec::new();
    for (staged, told) in staged {
        let outcome = staged.commit()?;
        open.committed(&outcome);
        lifted.extend(told);
        lifted.extend(sealed_besides(&outcome).map(|notice| notices::sentence(&notice)));
    }
    drop((waits, writers));
    for line in &lifted {
        context.warn(line);
    }
    finish(context, &plan, source, telling)
}

/// Refuses a file of which nothing is taken: it is not the one that was meant, or it is to be kept. Without a file the client's places
/// were looked through, and may be empty.
fn holds_something(args: &Import, plan: &Plan<'_>) -> Result<()> {
    if args.path.is_some() && plan.entries.is_empty() && !plan.skipped.is_empty() {
        return Err(Error::new(Code::NoInput, "nothing was imported: every entry was passed by")
            .with_remedy("keep the source: the lines above say why"));
    }
    if args.path.is_some() && plan.entries.is_empty() {
        return Err(Error::new(Code::NoInput, "there is no credential to import")
            .with_remedy("check that it is the right file; its format can be named with --from"));
    }
    Ok(())
}

/// Refuses what would leave an agent with more profiles than it may have, before anything is sealed.
fn check_room(plan: &Plan<'_>, readers: &HashMap<AgentName, (Reader<'_>, Index)>) -> Result<()> {
    let mut new: BTreeMap<&AgentName, usize> = BTreeMap::new();
    for entry in plan.entries.iter().filter(|entry| matches!(entry.action, Action::Add | Action::RenameTo(_)))
    {
        *new.entry(entry.agent).or_default() += 1;
    }
    new.into_iter().try_for_each(|(agent, new)| {
        let held = readers.get(agent).map_or(0, |(_, index)| index.len());
        bounds::check_profiles(agent, held, held + new)
    })
}

/// What is too large as one change may fit as several.
fn in_parts(error: Error) -> Error {
    match error.code() {
        Code::TooLarge if error.remedy() == Code::TooLarge.remedy() => {
            error.with_remedy("import it in parts; nothing was changed")
        }
        _ => error,
    }
}

fn finish(context: &mut Context, plan: &Plan<'_>, source: &Source, told: bool) -> Result<u8> {
    if context.json() {
        tell_json(context, plan, source, false, true)?;
        return Ok(0);
    }
    if !told {
        let text: Vec<_> = plan.lines().iter().map(|line| safe(line).into_owned()).collect();
        context.print(&text.join("\n"))?;
    }
    let writes = plan.writes();
    let held = plan.entries.iter().all(|entry| matches!(entry.action, Action::Unchanged));
    context.print(&match writes {
        0 if held && plan.invalid.is_empty() && !plan.entries.is_empty() => {
            "Nothing was changed: the vault holds all of it already.".to_owned()
        }
        0 => "Nothing was changed.".to_owned(),
        n => format!("Imported {}.", counted(n as u64, "profile")),
    })?;
    if writes > 0 && source.format != Format::Bundle {
        let left = plan.invalid.len() + plan.skipped.len();
        context.say(if left == 0 {
            "The source still holds the secrets in plain text: remove it once `strongroom list` shows what you expect."
        } else {
            "The source still holds the secrets in plain text, and what was not imported: keep that before you remove it."
        });
    }
    Ok(0)
}

fn tell_json(
    context: &mut Context,
    plan: &Plan<'_>,
    source: &Source,
    dry_run: bool,
    imported: bool,
) -> Result<()> {
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Document<'a> {
        format: &'a str,
        dry_run: bool,
        imported: bool,
        sha256: Option<&'a str>,
        #[serde(flatten)]
        plan: transfer::Summary,
    }
    context.print_json(&Document {
        format: source.format.name(),
        dry_run,
        imported,
        sha256: source.digest.as_deref(),
        plan: plan.summary(),
    })
}

fn agents_of(parsed: &Parsed, default: &AgentName, forced: Option<&AgentName>) -> BTreeSet<AgentName> {
    parsed
        .candidates
        .iter()
        .map(|candidate| forced.or(candidate.agent.as_ref()).unwrap_or(default).clone())
        .collect()
}

fn existing_in<'r>(
    readers: &'r HashMap<AgentName, (Reader<'_>, Index)>,
) -> impl Fn(&AgentName, &ProfileId) -> Existing + use<'r> {
    move |agent, profile| {
        let Some((reader, index)) = readers.get(agent) else { return Existing::Absent };
        match reader.record(profile) {
            Ok(Some(record)) => Existing::Present(Box::new(record.credential)),
            // Somebody else's entry, perhaps with the only copy of a secret in it.
            Ok(None) if index.contains(profile.as_str()) => Existing::Unreadable,
            Ok(None) => Existing::Absent,
            Err(_) => Existing::Unreadable,
        }
    }
}

/// What is to be written, and the profiles whose secrets are new.
fn change_of(
    plan: &Plan<'_>,
    writer: &Writer<'_>,
    orders_to: &AgentName,
    (store, default_store): (Option<Store>, Store),
    now: i64,
) -> Result<(Change, Vec<ProfileId>)> {
    let reader = writer.reader()?;
    let entries: Vec<_> = plan
        .entries
        .iter()
        .filter(|entry| entry.agent == writer.agent().name() && entry.action.writes())
        .collect();
    let generations = writer.generations()?;
    let (mut change, mut new) = (Change::default(), Vec::new());
    for entry in entries {
        let current = match entry.action {
            Action::Replace => reader.found(&entry.target).unwrap_or(None),
            _ => None,
        };
        let held = current.as_ref().map(|found| &found.record.credential);
        if !held.is_some_and(|held| held.same_secret_as(&entry.candidate.credential)) {
            new.push(entry.target.clone());
        }
        let credential = entry.candidate.credential.clone();
        let mut record = next_record(&entry.target, credential, current.as_ref(), &generations, now)?;
        if let (None, Some(created)) = (&current, entry.candidate.created) {
            record.created = created;
        }
        let store = store.or_else(|| reader.store_of(&entry.target)).unwrap_or(default_store);
        change.put_given("import", record, store);
    }
    if writer.agent().name() == orders_to {
        let index = reader.index()?;
        let imported: BTreeMap<_, _> = plan.order.iter().collect();
        for (provider, ids) in imported {
            // An order that was set here is a choice of its own.
            if index.order(provider).is_none() && !ids.is_empty() {
                change.order(provider, ids);
            }
        }
    }
    Ok((change, new))
}
