//! The client's own store from 2026.6.5 on: `openclaw secrets apply` puts references into it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{ClientFile, Link, Planned, Served, link};
use crate::client::edit;
use crate::client::program::Program;
use crate::client::stores::Installation;
use crate::error::Result;
use crate::messages::connect as messages;
use crate::ops::open::Open;
use crate::secret::Buffer;
use crate::vault::id::AgentName;

/// The member of a plan with the references that it makes.
const TARGETS: &str = "targets";

impl Planned {
    /// Returns how many references the client's own store lacks.
    #[must_use]
    pub fn lacks(&self) -> usize {
        let targets = self.plan.as_ref().and_then(|plan| plan.get(TARGETS)?.as_array());
        targets.map_or(0, Vec::len)
    }

    /// Returns the profiles of an agent whose references the client's own store lacks.
    pub fn lacking<'p>(&'p self, agent: &'p AgentName) -> impl Iterator<Item = &'p Served> {
        let targets = self.plan.as_ref().and_then(|plan| plan.get(TARGETS)?.as_array());
        let references: HashSet<&str> = targets
            .into_iter()
            .flatten()
            .filter_map(|target| target.pointer("/ref/id").and_then(Value::as_str))
            .collect();
        self.served
            .iter()
            .filter(move |served| served.agent == *agent && references.contains(served.reference.as_str()))
    }

    /// Leaves those references out of the plan that an agent of the client uses already, of its own or of the shared
    /// store.
    ///
    /// # Errors
    /// Those of reading the client's stores.
    pub fn leave_out_known(&mut self, installation: &Installation) -> Result<()> {
        let mut known = HashSet::new();
        for (agent, _) in self.link.agents()? {
            for one in installation.effective(&agent)?.profiles {
                let reference = one.profile.secret_reference().filter(|to| to.is_to_strongroom());
                known.extend(reference.map(|to| (agent.to_string(), one.profile.id.clone(), to.id.clone())));
            }
        }
        let targets = self.plan.as_mut().and_then(|plan| plan.get_mut(TARGETS)?.as_array_mut());
        if let Some(targets) = targets {
            let word = |target: &Value, at: &str| {
                target.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            targets.retain(|target| {
                let of = ["/agentId", "/pathSegments/1", "/ref/id"].map(|at| word(target, at));
                !known.contains(&of.into())
            });
        }
        Ok(())
    }
}

/// Lets the client refer to the profiles in its own store, by its `secrets apply`, and keeps the configuration as it was
/// written: the client writes it again, as plain JSON, and leaves a copy (observed in 2026.6.1).
///
/// # Errors
/// `NOT_FOUND` if references are lacking and there is no client to run, `IO` if it refuses the plan; those of running it, and of writing.
pub fn apply(open: &mut Open<'_>, planned: &Planned, program: Option<&Program>) -> Result<()> {
    let Some(plan) = &planned.plan else { return Ok(()) };
    if planned.lacks() > 0 {
        run(planned, plan, program.ok_or_else(messages::no_program)?)?;
    }
    let applied = planned.served.iter().map(|served| served.reference.clone()).collect();
    link::keep(open, "connect", Some(&Link { applied, ..planned.link.clone() }))
}

fn run(planned: &Planned, plan: &Value, program: &Program) -> Result<()> {
    let failed = |error: std::io::Error| messages::mirror_not_made(&std::env::temp_dir(), error.kind());
    let mut file = tempfile::NamedTempFile::new().map_err(failed)?;
    serde_json::to_writer_pretty(&mut file, plan).map_err(|error| failed(error.into()))?;
    let had_copy = copy_of(&planned.config.path).exists();
    let arguments = ["secrets", "apply", "--from"].map(OsStr::new);
    let arguments = [&arguments, &[file.path().as_os_str(), OsStr::new("--allow-exec")][..]].concat();
    let ran = program.run(&arguments)?;
    if ran.status != Some(0) {
        return Err(messages::plan_refused(ran.status));
    }
    let written = &planned.edited.text;
    let now = ClientFile::read(&planned.config.path)?;
    if let (Some(now_text), Some(text)) = (now.text()?, written.expose_str())
        && edit::says_same(now_text, text, &WRITTEN_BY_CLIENT)
    {
        now.write(written)?;
    }
    if !had_copy {
        remove_copy(&planned.config.path, written);
    }
    Ok(())
}

/// Returns the configuration that a killed command wrote before the client wrote it again, from the copy that the client
/// left.
pub(super) fn before_client(config: &ClientFile, link: &Link) -> Result<Option<Buffer>> {
    let copy = ClientFile::read(&copy_of(&config.path))?;
    let (Some(now), Some(text)) = (config.text()?, copy.text()?) else { return Ok(None) };
    let is_ours = link.undo.wrote(text) && !link.undo.wrote(now);
    Ok(if is_ours && edit::says_same(now, text, &WRITTEN_BY_CLIENT) { copy.text } else { None })
}

/// Removes the client's copy of the configuration if it is what is written there.
pub(super) fn remove_copy(config: &Path, written: &Buffer) {
    let copy = copy_of(config);
    if std::fs::read(&copy).is_ok_and(|bytes| bytes == written.expose()) {
        let _ = std::fs::remove_file(&copy);
    }
}

/// Returns where the client keeps a copy of the configuration when it writes it.
fn copy_of(config: &Path) -> PathBuf {
    PathBuf::from(format!("{}.bak", config.display()))
}

/// Members of the configuration in which the client notes what it did itself.
const WRITTEN_BY_CLIENT: [&str; 2] = ["meta", "wizard"];
