//! `doctor`: looks for what is wrong, and mends it with `--repair`.

use clap::Args;
use serde::Serialize;

use super::{Context, explain, prune};
use crate::doctor::{
    Finding, Level, home, kernel, keychain, process, profiles, resolver, sources, state, unlock, writable,
};
use crate::error::{Error, Result};
use crate::term::escape::safe;
use crate::term::secret_input;
use crate::term::style::Style;
use crate::unlock::key_sources;
use crate::unlock::unlock_files::PASSPHRASE;
use crate::vault::anchor::accept_rollback;
use crate::vault::home::{Session, Vault};
use crate::vault::locks::Look;

/// Look for what is wrong, and mend it.
///
/// Without --repair nothing is changed; a keychain that is used is given an item of no value, which is
/// read back and removed. --repair finishes changes that were cut short, lists
/// records again that an index has lost, and writes vault.json anew. It deletes no credential.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Mend what can be mended
    #[arg(long)]
    repair: bool,
    /// Go on with the older or other state of the home that was refused under this digest
    #[arg(long, value_name = "DIGEST", conflicts_with = "explain_error")]
    accept_rollback: Option<String>,
    /// Say what a client's or a provider's error message means, and what to do; - reads it from
    /// standard input
    #[arg(long, value_name = "TEXT", conflicts_with = "repair")]
    explain_error: Option<String>,
}

#[derive(Serialize)]
struct Document {
    findings: Vec<Finding>,
    ok: bool,
}

pub(super) fn run(context: &mut Context, args: &Doctor) -> Result<u8> {
    if let Some(text) = &args.explain_error {
        return explain::run(context, text);
    }
    let asks = args.repair || args.accept_rollback.is_some();
    let setup = if asks { context.setup() } else { context.setup_unasked() };
    let opened = Vault::open_damaged(&context.home()?, &setup, context.lock_limit());
    let (vault, damaged) = prune::no_vault(context, opened)?;
    let mut findings = process::check();
    findings.extend(resolver::check());
    findings.extend(kernel::check());
    // What one check cannot read keeps none of the others from looking.
    findings.extend(Finding::or_met("home", home::check(&vault, damaged.as_ref())));
    findings.extend(writable::check(&vault));
    findings.extend(Finding::or_met("unlock", unlock::check(&vault)));
    let files = key_sources::files(&context.named(), &context.env);
    findings.extend(unlock::mounted(&files));
    findings.extend(unlock::places(&files));
    let in_keychain = keychain::is_used(&vault).unwrap_or(false);
    findings.extend(keychain::check(vault.keychain(), in_keychain));
    findings.extend(keychain::leftovers(&vault));
    findings.extend(sources::check(&context.env, |provider| served(context, &vault, provider)));
    findings.extend(Finding::or_met("state", state::check(&vault)));
    let waits = context.waits("doctor");
    let mut session = open(context, &vault, asks);
    let mut look = match &mut session {
        Ok(session) => vault.keys_settled(session, &waits).unwrap_or_else(|error| {
            findings.push(Finding::met("home", &error));
            Look::default()
        }),
        Err(_) => Look::default(),
    };
    let by_passphrase = vault.slots().unwrap_or_default().iter().any(|slot| slot.method == PASSPHRASE);
    findings.push(unlock::opened(&session, by_passphrase));
    if let Some(digest) = &args.accept_rollback {
        drop(look.lock.take());
        let session = session.as_mut().map_err(|error| error.clone())?;
        let refusal = accept_rollback::accept(&vault, session, &digest.to_ascii_lowercase(), &waits)?;
        findings.push(Finding::note("anchor", format!("{}: accepted", refusal.what)).mended());
        look = vault.keys_settled(session, &waits)?;
    }
    match &mut session {
        Ok(session) => {
            if args.repair {
                // What mends takes it alone.
                drop(look.lock.take());
            }
            findings.push(home::vault_file(&vault, session, args.repair, &waits)?);
            if args.repair {
                findings.extend(profiles::repair(&vault, session, &waits)?);
                look = vault.keys_settled(session, &waits)?;
            }
            findings.extend(look.told().map(|what| Finding::note("home", what)));
            findings.extend(Finding::or_met("anchor", home::standing(&vault, session)));
            if in_keychain {
                let items = keychain::items(&vault, session, args.repair, &waits);
                findings.extend(Finding::or_met("keychain", items));
            }
            let profiles = profiles::check(&vault, session, &look.waits(&waits));
            findings.extend(Finding::or_met("profiles", profiles));
        }
        Err(error) if args.repair => {
            return Err(Error::new(error.code(), format!("nothing can be repaired: {}", error.what()))
                .with_remedy(error.remedy().to_owned()));
        }
        Err(_) => findings.extend(Finding::or_met("profiles", profiles::check_locked(&vault))),
    }
    drop(look);
    tell_once(&mut findings);
    let wrong = findings.iter().filter(|finding| finding.level == Level::Wrong).count();
    if context.json() {
        context.print_json(&Document { findings, ok: wrong == 0 })?;
    } else {
        tell(context, &findings)?;
    }
    match super::check_exit::found(wrong) {
        Err(error) if args.repair => {
            Err(error.with_remedy("what is left has to be mended by hand, as said above"))
        }
        done => done,
    }
}

/// Drops what an earlier finding says already: several checks can meet one error.
fn tell_once(findings: &mut Vec<Finding>) {
    const DENIED: &str = "permission denied: ";
    let mut told: Vec<String> = Vec::new();
    findings.retain(|finding| {
        // The check that met it says where.
        let core = finding.what.rsplit_once(DENIED).map_or(finding.what.as_str(), |(_, core)| core);
        let again = finding.level == Level::Wrong && told.iter().any(|what| what == core);
        told.push(core.to_owned());
        !again
    });
}

/// Whether the agent has a profile of a provider.
fn served(context: &Context, vault: &Vault, provider: &str) -> bool {
    let Ok(agent) = context.agent() else { return false };
    explain::has(vault, &agent, provider)
}

/// Unlocks whatever `vault.json` says: it is one of the things that are looked at.
fn open(context: &Context, vault: &Vault, ask: bool) -> Result<Session> {
    let prompt = |text: &str| secret_input::read_passphrase(text);
    let ask: key_sources::Ask<'_> = if ask && context.may_ask_passphrase() { Some(&prompt) } else { None };
    let (named, env) = (context.named(), &context.env);
    let sources = vault.key_sources(&named, env, ask);
    let opened = vault.seeking(&named, env, &|slots| sources.open(slots))?;
    Session::of(opened, &context.env)
}

fn tell(context: &mut Context, findings: &[Finding]) -> Result<()> {
    let style = Style::stdout(&context.env);
    for finding in findings {
        let mark = match (finding.level, finding.repaired) {
            (_, true) => style.good("mended").to_string(),
            (Level::Ok, _) => style.good("ok    ").to_string(),
            (Level::Note, _) => style.warn("note  ").to_string(),
            (Level::Wrong, _) => style.bad("wrong ").to_string(),
        };
        context.print(&format!("{mark} {}: {}", finding.check, safe(&finding.what)))?;
        if let (Some(remedy), false) = (&finding.remedy, finding.repaired) {
            context.print(&format!("       {} {}", style.dim("→"), safe(remedy)))?;
        }
    }
    if findings.iter().all(|finding| finding.level != Level::Wrong) {
        context.print("Nothing is wrong.")?;
    }
    Ok(())
}
