//! Verifies what belongs to the vault itself: its ledger and log, unlock files, settings, and the modes of its files.

use strongroom_backends::fs::dir::Dir;
use strongroom_backends::fs::home;

use super::Verified;
use crate::error::{Code, Result};
use crate::messages::vault as messages;
use crate::permission;
use crate::vault::anchor::rollback::{self, LedgerState, Standing};
use crate::vault::home::{Session, Vault};
use crate::vault::id::quoted;
use crate::vault::log;
use crate::vault::vault_ledger::VaultLedger;

/// Returns sentences about files with these names in a directory that others can write or own.
pub(super) fn modes(dir: &Dir, names: &[&str]) -> Vec<String> {
    let judged = names.iter().filter_map(|name| Some((name, home::not_private(dir, name)?)));
    judged
        .map(|(name, why)| {
            let owner = match home::owner(dir, name) {
                Some(uid) if why == home::ANOTHERS => format!(", {}", permission::name_of(uid)),
                _ => String::new(),
            };
            format!("{} {why}{owner}", strongroom_backends::shown(&dir.path_of(name)))
        })
        .collect()
}

/// Returns the same as [`modes`] for all files in a directory; only the first ones if there are many.
pub(super) fn modes_within(dir: &Dir) -> Vec<String> {
    const TOLD: usize = 20;
    let names = dir.names().unwrap_or_default();
    let mut found = modes(dir, &names.iter().map(String::as_str).collect::<Vec<_>>());
    if let Some(more @ 1..) = found.len().checked_sub(TOLD) {
        found.truncate(TOLD);
        found.push(messages::findings::more_in(more, &strongroom_backends::shown(dir.path())));
    }
    found
}

/// Verifies what belongs to the vault itself.
pub(super) fn verify_own(vault: &Vault, session: &Session, verified: &mut Verified) -> Result<()> {
    let ring = session.keys.own()?;
    let own = match VaultLedger::expect(&vault.home, &ring) {
        Ok(own) => own,
        Err(error) => {
            let refusal = rollback::unreadable(&vault.anchors, &ring, &vault.home, &error)?;
            verified.add_own("ledger", refusal.as_finding());
            return Ok(());
        }
    };
    let chain = log::verify(&ring, &own.log_files(&vault.home)?, &own.log)?;
    verified.log_lines += chain.good;
    for what in chain.findings {
        verified.add_own("log", messages::log::in_vault_log(&what));
    }
    if !own.is_placed(&vault.home)? {
        verified.note_own("unfinished", messages::findings::vault_change_not_applied());
    }
    if let Standing::Refused(refusal) =
        rollback::judge(&vault.anchors, &ring, &vault.home, LedgerState::from(&own))?
    {
        verified.add_own("rolled_back", refusal.as_finding());
    }
    let slots = vault.slots()?;
    for slot in &slots {
        let method = slot.method.as_str();
        match own.methods.get(method) {
            Some(digest) if *digest == crate::seal::keys::hex(&slot.digest()) => {}
            Some(_) => verified.add_own("method", messages::findings::method_differs(method)),
            None => verified.add_own("method", messages::findings::method_unknown(method)),
        }
    }
    for method in own.methods.keys().filter(|method| !slots.iter().any(|slot| slot.method == **method)) {
        verified.add_own("lost", messages::findings::method_gone(method));
    }
    if let Err(error) = vault.settings(&session.keys) {
        let kind = if error.code() == Code::Io { "unreadable" } else { "settings" };
        verified.add_own(kind, error.what().to_owned());
        verified.remedy(error.remedy().to_owned());
    }
    for name in damaged_logs(&vault.home)? {
        verified.note_own("log", messages::log::vault_log_set_aside(&name));
    }
    Ok(())
}

/// Returns the quoted names of damaged files of a log that were set aside.
pub(super) fn damaged_logs(dir: &Dir) -> Result<Vec<String>> {
    let names = dir.names()?.into_iter().filter(|name| name.starts_with(log::DAMAGED));
    Ok(names.map(|name| quoted(&name)).collect())
}
