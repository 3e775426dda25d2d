//! Shows how to connect OpenClaw to this vault: the configuration that it needs, and where it reads the index.
//! OpenClaw's own files are not written.

use super::Context;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::client::exec_provider::ExecProvider;
use crate::client::places::Places;
use crate::doctor::{Level, resolver};
use crate::env::Env;
use crate::error::Result;
use crate::messages::cli::setup as messages;
use crate::messages::connect;
use crate::ops::connect::Resolver;
use crate::term::escape::safe;
use crate::unlock::{key_sources, unlock_files};
use crate::vault::home::{self, AGENTS, Vault};
use crate::vault::index;
use crate::vault::settings;
use crate::vault::store::Store;

/// Returns how OpenClaw has to run this program for the current agent.
///
/// # Errors
/// `CONFIG` if the program's own path is not known.
pub(super) fn of(context: &Context, vault: &Vault) -> Result<ExecProvider> {
    let command = std::env::current_exe().map_err(|_| messages::no_own_path())?;
    // Of the variables that say where files are, OpenClaw passes on only HOME.
    let bare =
        context.env.var("HOME").map_or_else(Env::default, |home| Env::default().with_var("HOME", home));
    let home = vault.home().path().to_path_buf();
    let by_hand = context.named().key_file.or_else(|| context.env.path("STRONGROOM_KEY_FILE"));
    let key_file = by_hand.or_else(|| {
        let path = key_sources::default_key_file(&context.env).filter(|path| path.exists());
        path.filter(|path| key_sources::default_key_file(&bare).as_ref() != Some(path))
    });
    let keychain = settings::unverified(vault.home()).default_store == Store::Keychain;
    Ok(ExecProvider {
        command,
        agent: context.agent()?.as_str().to_owned(),
        home: (home::locate(None, &bare).ok().as_ref() != Some(&home)).then_some(home),
        // OpenClaw starts the program in another directory.
        key_file: key_file.map(|path| std::path::absolute(&path).unwrap_or(path)),
        keychain: keychain || has(vault, unlock_files::KEYCHAIN)?,
    })
}

/// Returns how OpenClaw is to run this program, with a path that it accepts: a program of another user is to be copied.
///
/// # Errors
/// `CONFIG` if the program's own path, or the directory of the copy, is not known.
pub(super) fn resolver(context: &Context, vault: &Vault) -> Result<Resolver> {
    let ExecProvider { command, key_file, keychain, .. } = of(context, vault)?;
    let command = if resolver::accepts(&command) { command } else { copy_of(context)? };
    Ok(Resolver { command, key_file, keychain })
}

/// The copy of a program of another user, in the user's home.
const COPY: &str = ".local/bin/strongroom";

fn copy_of(context: &Context) -> Result<PathBuf> {
    context.env.path("HOME").map(|home| home.join(COPY)).ok_or_else(messages::no_own_path)
}

/// Copies this program to the path that OpenClaw is to run, if that is another one. An earlier copy is replaced.
///
/// # Errors
/// `EXISTS` if another program is there, `IO`.
pub(super) fn place_resolver(context: &Context, to: &Path) -> Result<()> {
    let own = std::env::current_exe().map_err(|_| messages::no_own_path())?;
    if own == to {
        return Ok(());
    }
    let failed = |error: std::io::Error| connect::resolver_not_copied(to, &error);
    let bytes = std::fs::read(&own).map_err(failed)?;
    match std::fs::read(to) {
        Ok(there) if there == bytes && resolver::accepts(to) => return Ok(()),
        Ok(_) if !is_strongroom(to) => return Err(connect::resolver_in_the_way(to)),
        _ => {}
    }
    let directory = to.parent().unwrap_or(to);
    std::fs::create_dir_all(directory).map_err(failed)?;
    let mut staged = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    std::io::Write::write_all(&mut staged, &bytes).map_err(failed)?;
    let mode = std::fs::Permissions::from_mode(0o755);
    staged.as_file().set_permissions(mode).map_err(failed)?;
    staged.as_file().sync_all().map_err(failed)?;
    staged.persist(to).map_err(|error| failed(error.error))?;
    context.say(&connect::resolver_copied(to));
    Ok(())
}

/// Returns whether a file is an earlier copy of this program: it holds the name of its protocol's provider and of its
/// variable.
fn is_strongroom(path: &Path) -> bool {
    let has = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    std::fs::read(path)
        .is_ok_and(|bytes| has(&bytes, b"STRONGROOM_HOME") && has(&bytes, b"strongroom/record/v1"))
}

/// Tells a person what to write into which file.
///
/// # Errors
/// Those of writing it.
pub(super) fn tell(context: &mut Context, vault: &Vault, provider: &ExecProvider) -> Result<()> {
    let places = Places::of(&context.env);
    let config = places.config.unwrap_or_else(|| "openclaw.json".into());
    let directory = config.parent().unwrap_or(&config).to_path_buf();
    context.say(&messages::merge_into(&config));
    let text = serde_json::to_string_pretty(&provider.config()).map_err(|_| messages::no_config())?;
    context.print(&text.lines().map(safe).collect::<Vec<_>>().join("\n"))?;
    let index = vault.home().path().join(AGENTS).join(&provider.agent).join(index::FILE);
    let target = provider.index_in(&directory);
    // `install` of macOS has no -D and makes no directories.
    let install = if cfg!(target_os = "linux") { "install -D -m 600" } else { "install -m 600" };
    context.say(&messages::copy_index(install, &index, &target));
    if target.exists() {
        context.say(messages::REPLACES_FILE);
    }
    if !has(vault, unlock_files::KEY_FILE)? && !has(vault, unlock_files::KEYCHAIN)? {
        context.warn(messages::ONLY_PASSPHRASE);
    }
    for finding in resolver::check().into_iter().filter(|finding| finding.level != Level::Ok) {
        context.warn(&finding.what);
        context.say(&format!("  → {}", finding.remedy.unwrap_or_default()));
    }
    Ok(())
}

fn has(vault: &Vault, method: &str) -> Result<bool> {
    Ok(vault.slots()?.iter().any(|slot| slot.method == method))
}
