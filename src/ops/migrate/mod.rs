//! Moves what the client keeps in plain text into the vault, and takes it out of the client's files.
//!
//! The order of the steps is: store, read back, let the client's configuration and stores refer to the vault, remove the
//! remains, search for every secret. Each step finds out by itself what is left to do, so that a killed command is
//! finished by the next one. Nothing is removed but what [`Holdings`] has read back from the vault.

mod holdings;
mod residue;
mod scan;
mod survey;
mod switch;

pub use holdings::Holdings;
pub use residue::{Cleared, clear};
pub use scan::{Hit, Needles, Searched};
pub use survey::{Client, Left, Plain, Survey};
pub use switch::{Switch, Switched};

use super::import::Import;
use super::notice::Notice;
use super::open::Open;
use crate::client::sources::Held;
use crate::error::{Code, Result};
use crate::messages::migrate as messages;
use crate::secret::ExposeSecret;
use crate::transfer::environment::keys_of;
use crate::transfer::{Candidate, OnConflict, ParseOptions, Parsed, environment, installation};
use crate::vault::id::AgentName;

/// The provider of an entry of the `store` source whose name is no provider's.
const NO_PROVIDER: &str = "openclaw";

/// What migrating would do. Nothing has been written.
pub struct Planned {
    /// What is in plain text.
    pub survey: Survey,
    /// The lines of the import, for people.
    pub lines: Vec<String>,
    /// How many profiles it would write.
    pub writes: usize,
    parsed: Parsed,
}

fn import(parsed: &Parsed) -> Import<'_> {
    Import {
        parsed,
        default_agent: AgentName::default(),
        only_agent: None,
        on_conflict: OnConflict::Fail,
        skip_invalid: true,
        store: None,
    }
}

/// Plans it. Takes no lock but, for a moment, those of the client's databases, and writes nothing.
///
/// # Errors
/// `LOCK_TIMEOUT` if a gateway has a database open, `CONFLICT` if the vault has other secrets under the same ids; those of
/// reading.
pub fn plan(open: &Open<'_>, client: &Client) -> Result<Planned> {
    for store in client.installation.stores() {
        store.must_be_free()?;
    }
    let survey = client.survey()?;
    let holdings = Holdings::read(open)?;
    let parsed = parse(client, &holdings)?;
    let import = import(&parsed);
    let planned = import.plan(open.vault, open.session.keys(), open.now())?;
    let checked = if parsed.candidates.is_empty() { Ok(()) } else { planned.check(true) };
    checked.map_err(|error| match error.code() {
        Code::Conflict => {
            let ids: Vec<_> = planned.conflicts().map(|(agent, id)| format!("{agent}/{id}")).collect();
            messages::conflicts(&ids.join(", "), client.state.as_deref())
        }
        _ => error,
    })?;
    let (lines, writes) = (planned.entry_lines(), planned.writes());
    Ok(Planned { survey, lines, writes, parsed })
}

/// Stores what was planned.
///
/// # Errors
/// Those of an import.
pub fn store(open: &mut Open<'_>, planned: &Planned) -> Result<Vec<Notice>> {
    let import = import(&planned.parsed);
    let first = import.plan(open.vault, open.session.keys(), open.now())?;
    if first.writes() == 0 {
        return Ok(Vec::new());
    }
    Ok(import.carry_out(open, first)?.1)
}

/// Returns the credentials that the vault does not have yet.
fn parse(client: &Client, holdings: &Holdings) -> Result<Parsed> {
    let mut parsed = match installation::parse(&client.installation, &client.found, &ParseOptions::default())
    {
        Ok(parsed) => parsed,
        Err(error) if error.code() == Code::NoInput => Parsed::default(),
        Err(error) => return Err(error),
    };
    let main = AgentName::default();
    // A key that a stronger place shadows is not lost either.
    for variable in &client.found.variables {
        let Held::Text(text) = &variable.held else { continue };
        for (at, key) in keys_of(variable.rank, text.expose_secret()).into_iter().enumerate() {
            let name = format!("{}-{}-{}", variable.origin.kind(), variable.name, at + 1);
            add(&mut parsed, &variable.provider, &name, &variable.name, key)?;
        }
    }
    for named in client.named()?.iter().filter(|named| named.is_inert) {
        let Some(value) = &named.value else { continue };
        let provider = survey::provider_of(&named.name).unwrap_or(NO_PROVIDER);
        add(&mut parsed, provider, &format!("store-{}", named.name), &named.name, value.expose_secret())?;
    }
    parsed.candidates.retain(|candidate| {
        let agent = candidate.agent.as_ref().unwrap_or(&main);
        holdings.profile(agent, Some(candidate.id.as_str()), &candidate.credential.secret).is_none()
    });
    Ok(parsed)
}

/// Adds a key of no store as a profile of main, unless main has it already.
fn add(parsed: &mut Parsed, provider: &str, profile: &str, variable: &str, key: &str) -> Result<()> {
    let main = AgentName::default();
    let is_same = |candidate: &Candidate| {
        candidate.agent.as_ref().unwrap_or(&main) == &main
            && candidate.credential.secret.expose_secret() == key.trim()
    };
    if parsed.candidates.iter().any(is_same) {
        return Ok(());
    }
    let slug = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let profile: String = profile.chars().map(slug).collect();
    environment::take(parsed, provider, &profile, variable, key)
}
