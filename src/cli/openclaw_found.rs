//! OpenClaw on this machine, for the commands that connect it.

use std::path::PathBuf;

use super::{Context, openclaw_setup};
use crate::client::audit::{self, Audit};
use crate::client::config::ClientConfig;
use crate::client::edit::ProfileStore;
use crate::client::places::Places;
use crate::client::program::Program;
use crate::client::stores::{Generation, Installation};
use crate::client::version::ClientVersion;
use crate::env::Env;
use crate::error::Result;
use crate::messages::connect as messages;
use crate::ops::connect::{self, Mirrored, Planned, Wanted};
use crate::ops::open::Open;
use crate::vault::id::AgentName;
use crate::vault::index;

/// What is known of the client on this machine.
pub(super) struct Found {
    pub(super) config: PathBuf,
    default_agent: Option<AgentName>,
    pub(super) installation: Installation,
    pub(super) store: ProfileStore,
    pub(super) program: Option<Program>,
}

impl Found {
    pub(super) fn look(context: &Context) -> Result<Self> {
        let env = &context.env;
        let config = ClientConfig::of(env)?;
        let installation = Installation::of(env, config.as_ref());
        let program = Program::find(env);
        Ok(Self {
            default_agent: config.and_then(|config| config.default_agent),
            config: Places::of(env).config.ok_or_else(messages::no_client)?,
            store: store_of(env, program.as_ref(), &installation)?,
            installation,
            program,
        })
    }

    /// Returns what connecting is to do: with the vault's agents that the client has.
    pub(super) fn wanted(&self, context: &Context, open: &Open<'_>) -> Result<Wanted> {
        let mut agents = Vec::new();
        let mut own = Vec::new();
        for name in open.vault.agents()? {
            // A killed command may have left an agent whose index file is older than its last change.
            let index = open.reader_of(&name)?.map(|reader| reader.index()).transpose()?;
            if index.is_none_or(|index| index.is_empty()) {
                continue;
            }
            match self.installation.agent(&name) {
                Some(agent) => agents.push((name.clone(), agent.directory.join(index::FILE))),
                None => context.warn(&messages::not_an_agent(&name)),
            }
            own.push(name);
        }
        let wanted = Wanted {
            config: self.config.clone(),
            resolver: openclaw_setup::resolver(context, open.vault)?,
            store: self.store,
            agents,
            default_agent: self.default_agent.clone(),
            keys: Vec::new(),
            gone: None,
        };
        connect::must_share_an_agent(&wanted, &own)?;
        Ok(wanted)
    }

    pub(super) fn is_applied(&self, planned: &Planned) -> bool {
        self.store == ProfileStore::Json
            || planned.lacks() == 0
                && planned.served.iter().all(|served| planned.link.applied.contains(&served.reference))
                && planned.served.len() == planned.link.applied.len()
    }
}

/// Returns where the client keeps its profiles: as its version does or, if that is not known, as the stores say that it has
/// made. A file of one kind would stop a client of the other.
///
/// # Errors
/// `NOT_FOUND` if neither tells.
fn store_of(env: &Env, program: Option<&Program>, installation: &Installation) -> Result<ProfileStore> {
    let asked = || program.and_then(|program| program.version().ok().flatten());
    if let Some(version) = ClientVersion::installed(env).or_else(asked) {
        return Ok(if version.is_sqlite() { ProfileStore::Sqlite } else { ProfileStore::Json });
    }
    match installation.generation() {
        Generation::None => Err(messages::unknown_version()),
        Generation::Json => Ok(ProfileStore::Json),
        Generation::Sqlite | Generation::Both => Ok(ProfileStore::Sqlite),
    }
}

/// Warns of what the client keeps itself under ids of the vault.
pub(super) fn warn_of_kept(context: &Context, mirrored: &[Mirrored]) {
    for of in mirrored {
        if !of.kept.replaced.is_empty() {
            context.say(&messages::replaced(&of.kept.replaced.join(", ")));
        }
        if !of.kept.plaintext.is_empty() {
            context.warn(&messages::plaintext(&of.kept.plaintext.join(", ")));
        }
        if !of.kept.others.is_empty() {
            context.warn(&messages::others_kept(&of.kept.others.join(", ")));
        }
    }
}

/// Lets the client check its references. That it cannot is told, and is no error: the connection is made.
pub(super) fn verify(context: &Context, program: Option<&Program>) -> Option<Audit> {
    let Some(program) = program else {
        context.say(&messages::not_verified(messages::NOT_ON_PATH));
        return None;
    };
    match audit::run(program) {
        Ok(audit) if audit == Audit::default() => {
            context.say(messages::VERIFIED);
            Some(audit)
        }
        Ok(audit) => {
            context.warn(&messages::left_over(audit.plaintext, audit.unresolved));
            Some(audit)
        }
        Err(error) => {
            context.say(&messages::not_verified(error.what()));
            None
        }
    }
}
