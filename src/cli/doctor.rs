//! `doctor`: checks the vault and its surroundings, and fixes problems with `--repair`.

use clap::Args;
use serde::Serialize;

use super::{Context, explain, prune};
use crate::doctor::checkup::{self, Checkup};
use crate::doctor::{Finding, Level};
use crate::error::{Code, Error, Result};
use crate::messages::cli::keys::checks as messages;
use crate::term::escape::safe;
use crate::term::secret_input;
use crate::term::style::Style;
use crate::unlock::key_sources;
use crate::vault::home::{Session, Vault};

/// Look for problems, and fix them
///
/// Without --repair, nothing is changed; a keychain in use is tested with a harmless item, which is read back and
/// removed. --repair finishes interrupted changes, lists profiles again that an index has lost, and rewrites
/// vault.json. It deletes no credential. Without a vault, the surroundings and OpenClaw's files are checked.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Fix what can be fixed
    #[arg(long)]
    repair: bool,
    /// Accept the older or changed state of the home that was refused with this digest
    #[arg(long, value_name = "DIGEST", conflicts_with = "explain_error")]
    accept_rollback: Option<String>,
    /// Check the files of every agent of OpenClaw, and keys outside the vault for every agent of the vault
    #[arg(long, conflicts_with = "explain_error")]
    all_agents: bool,
    /// Explain an error message of a client or a provider; - reads it from standard input
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
    let by_hand = context.agent_by_hand().ok().flatten().filter(|_| !args.all_agents);
    if let (Err(error), false) = (&opened, asks)
        && error.code() == Code::NoVault
    {
        let mut findings = checkup::without_a_vault(&context.env, by_hand.as_ref(), error);
        findings.extend(prune::hint(context).map(|what| Finding::note("keychain", what)));
        return report(context, findings).map_err(|error| instead(error, messages::SEE_ABOVE));
    }
    let (vault, damaged) = prune::no_vault(context, opened)?;
    let agent = context.agent().ok().filter(|_| !args.all_agents);
    let checkup = Checkup {
        vault: &vault,
        damaged: damaged.as_ref(),
        key_files: &key_sources::files(&context.named(), &context.env),
        agent: agent.as_ref(),
        only: by_hand.as_ref(),
        env: &context.env,
        waits: &context.waits("doctor"),
        repair: args.repair,
        accept_rollback: args.accept_rollback.as_deref(),
    };
    let findings = checkup.run(|| open(context, &vault, asks))?;
    let reported = report(context, findings);
    if args.repair { reported.map_err(|error| instead(error, messages::FIX_BY_HAND)) } else { reported }
}

/// Gives the error for problems another remedy.
fn instead(error: Error, remedy: &'static str) -> Error {
    if error.code() == Code::Findings { error.with_remedy(remedy) } else { error }
}

/// Prints what was found. Something wrong is an error.
fn report(context: &mut Context, findings: Vec<Finding>) -> Result<u8> {
    let wrong = findings.iter().filter(|finding| finding.level == Level::Wrong).count();
    if context.json() {
        context.print_json(&Document { findings, ok: wrong == 0 })?;
    } else {
        tell(context, &findings)?;
    }
    super::check_exit::found(wrong)
}

/// Unlocks the vault even if `vault.json` is damaged, because that file is checked too.
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
            (_, true) => style.good("fixed ").to_string(),
            (Level::Ok, _) => style.good("ok    ").to_string(),
            (Level::Note, _) => style.warn("note  ").to_string(),
            (Level::Wrong, _) => style.bad("wrong ").to_string(),
        };
        let code = finding.code.map(|code| format!("[{}] ", code.name())).unwrap_or_default();
        context.print(&format!("{mark} {}: {code}{}", finding.check, safe(&finding.what)))?;
        if let (Some(remedy), false) = (&finding.remedy, finding.repaired) {
            context.print(&format!("       {} {}", style.dim("→"), safe(remedy)))?;
        }
    }
    if findings.iter().all(|finding| finding.level != Level::Wrong) {
        context.print(messages::NO_PROBLEMS)?;
    }
    Ok(())
}
