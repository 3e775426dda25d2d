//! What every verb needs: the surroundings, the vault, and a way to speak.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use serde::Serialize;
use strongroom_backends::fs::lock;
use strongroom_backends::is_opaque;

use super::{Global, agent_of, given, watching};
use crate::env::Env;
use crate::error::{Code, Error, Result, fail};
use crate::keychain::{self, Patience, Setup};
use crate::looks::{has_handle, instead, masked};
use crate::seal::keys::VaultId;
use crate::select::follow::follow;
use crate::shape;
use crate::term::escape::{safe, safe_json};
use crate::term::out::{self, Written};
use crate::term::secret_input;
use crate::term::style::Style;
use crate::unlock::seek::{Ask, Named};
use crate::unlock::{cache, keychain_key, slots};
use crate::vault::anchor::{self, Remembered};
use crate::vault::change::Outcome;
use crate::vault::home::{self, LOCK_TIMEOUT, Session, Vault, Waits, Writer};
use crate::vault::id::{AgentName, ProfileId};
use crate::vault::settle;

/// The surroundings of a verb.
#[derive(Debug)]
pub struct Context {
    /// Variables, clock, terminal.
    pub env: Env,
    /// The options of every verb.
    pub global: Global,
    /// How long the keychain may be silent, over everything that this command asks of it.
    patience: OnceLock<Patience>,
    closed: bool,
}

impl Context {
    /// The surroundings for parsed options.
    #[must_use]
    pub fn new(env: Env, global: Global) -> Self {
        Self { env, global, patience: OnceLock::new(), closed: false }
    }

    /// Whether one JSON document is asked for.
    #[must_use]
    pub fn json(&self) -> bool {
        self.global.json
    }

    /// Whether a person can be asked.
    #[must_use]
    pub fn may_ask(&self) -> bool {
        !self.global.no_input && self.env.stdin_tty
    }

    /// Whether a person can be asked for the vault's passphrase: unlike the others, that question is
    /// asked beside what comes on standard input.
    #[must_use]
    pub fn may_ask_passphrase(&self) -> bool {
        self.may_ask() || (!self.global.no_input && self.env.stderr_tty && secret_input::reaches_terminal())
    }

    /// The vault's home.
    ///
    /// # Errors
    /// `CONFIG`.
    pub fn home(&self) -> Result<PathBuf> {
        home::locate(self.global.home.as_deref(), &self.env)
    }

    /// Whether a flag or a variable names the home.
    #[must_use]
    pub fn names_home(&self) -> bool {
        self.global.home.is_some() || self.env.path("STRONGROOM_HOME").is_some()
    }

    /// The sources of a key that were named by flags.
    #[must_use]
    pub fn named(&self) -> Named {
        Named {
            key_file: self.global.key_file.clone(),
            passphrase_file: self.global.passphrase_file.clone(),
            passphrase_fd: self.global.passphrase_fd,
            agent: self.agent().ok().map(|agent| agent.to_string()),
        }
    }

    /// The agent that is meant.
    ///
    /// # Errors
    /// `INVALID_AGENT`.
    pub fn agent(&self) -> Result<AgentName> {
        let (agent, by_flag) = agent_of(&self.global, &self.env)?;
        // Some keys are valid names. A name that is in use is one, however it looks.
        let is_secret = instead(agent.as_str()).is_some() || is_opaque(agent.as_str());
        if is_secret && !self.home()?.join(home::AGENTS).join(agent.as_str()).is_dir() {
            if by_flag {
                is_a_secret()?;
            }
            return fail(
                Code::InvalidAgent,
                "what STRONGROOM_AGENT holds looks like a secret, not like an agent",
            )
            .map_err(|e: Error| e.with_remedy("unset it, or set it to the name of an agent"));
        }
        Ok(agent)
    }

    /// The agent that `--agent` names, if it does.
    ///
    /// # Errors
    /// `INVALID_AGENT`.
    pub fn agent_by_hand(&self) -> Result<Option<AgentName>> {
        agent_of(&self.global, &self.env).map(|(agent, by_hand)| by_hand.then_some(agent))
    }

    /// How this command may use the keychain: it asks a person where one is there to answer.
    #[must_use]
    pub fn keychain(&self) -> Setup {
        let announce: fn(&str) = |provider| {
            out::write_error(&format!(
                "{provider} is locked and asks you to unlock it (waiting for at most 60 s)\n"
            ));
        };
        let patience = self.patience.get_or_init(|| Patience::new(self.keychain_timeout())).clone();
        Setup::of(&self.env, patience, self.may_ask().then_some(announce))
    }

    /// What a vault is opened with here.
    #[must_use]
    pub fn setup(&self) -> home::Setup {
        home::Setup {
            keychain: self.keychain(),
            anchors: anchor::Setup::of(self.global.anchor.as_deref(), &self.env),
            follow,
        }
    }

    /// As [`Context::setup`], with a keychain that asks no one: for commands that only look.
    #[must_use]
    pub fn setup_unasked(&self) -> home::Setup {
        home::Setup { keychain: self.keychain().unasked(), ..self.setup() }
    }

    /// How long this command waits in all for a keychain that does not answer.
    #[must_use]
    pub fn keychain_timeout(&self) -> Duration {
        self.global.keychain_timeout.unwrap_or(keychain::LIMIT)
    }

    /// The vault, and its notices on standard error.
    ///
    /// # Errors
    /// Those of opening it.
    pub fn vault(&self) -> Result<Vault> {
        self.vault_with(&self.setup())
    }

    /// As [`Context::vault`], with a keychain that asks no one.
    ///
    /// # Errors
    /// Those of opening it.
    pub fn vault_unasked(&self) -> Result<Vault> {
        self.vault_with(&self.setup_unasked())
    }

    fn vault_with(&self, setup: &home::Setup) -> Result<Vault> {
        let vault =
            Vault::open(&self.home()?, setup, self.lock_limit()).map_err(|error| self.of_variable(error))?;
        for notice in &vault.notices {
            self.warn(notice);
        }
        Ok(vault)
    }

    /// The same error of the home; where `HOME` says where that is, with what it says.
    #[must_use]
    pub fn of_variable(&self, error: Error) -> Error {
        let home = self.env.path("HOME").filter(|home| !shape::looks_secret(&home.to_string_lossy()));
        let Some(home) =
            home.filter(|home| !self.names_home() && home.metadata().map_or(true, |h| !is_mine(&h)))
        else {
            return error;
        };
        if !matches!(error.code(), Code::UnsafeHome | Code::Io | Code::NoVault) {
            return error;
        }
        let what = format!("{} (HOME is {})", error.what(), strongroom_backends::shown(&home));
        let remedy = format!("{}; or set HOME to a directory of your own", error.remedy());
        Error::new(error.code(), what).with_remedy(remedy)
    }

    /// Unlocks the vault, from the cache where that is there, and asking where that is allowed.
    ///
    /// # Errors
    /// Those of unlocking.
    pub fn session(&self, vault: &Vault) -> Result<Session> {
        self.asking(vault, |ask| vault.unlock(&self.named(), &self.env, ask))
    }

    /// Unlocks the vault by a method, never from the cache.
    ///
    /// # Errors
    /// Those of unlocking.
    pub fn session_afresh(&self, vault: &Vault) -> Result<Session> {
        self.session_afresh_by(vault, &self.named())
    }

    /// As [`Context::session_afresh`], with other sources than those named by flags.
    ///
    /// # Errors
    /// Those of unlocking.
    pub fn session_afresh_by(&self, vault: &Vault, named: &Named) -> Result<Session> {
        self.asking(vault, |ask| vault.unlock_afresh(named, &self.env, ask))
    }

    fn asking(&self, vault: &Vault, unlock: impl Fn(Ask<'_>) -> Result<Session>) -> Result<Session> {
        let prompt = |text: &str| secret_input::read_passphrase(text);
        let session = unlock(if self.may_ask_passphrase() { Some(&prompt) } else { None })?;
        if let Some(path) = session.unlocked().ok().and_then(|unlocked| unlocked.key_file.as_deref()) {
            super::key_file::opened_with(vault, path, &self.waits("unlock"));
        }
        // One that goes on right now is not cut short.
        if let Some(pending) = session.pending()
            && !lock::is_held(&vault.home).unwrap_or(false)
            && session.is_current(&vault.home)?
        {
            let verb = format!("{pending:?}").to_lowercase();
            self.warn(&format!("a {verb} was cut short; run `strongroom {verb}` again to finish it"));
        }
        Ok(session)
    }

    /// Ends every cache of the vault after a change of who opens it. None fits any more; what fails of
    /// it is told.
    pub fn forget_caches(&self, vault: &VaultId) {
        if let Err(error) = cache::forget_vault(vault) {
            self.warn(&format!(
                "what `strongroom unlock` keeps opens nothing any more, but could not be removed ({})",
                error.what()
            ));
        }
    }

    /// Unlocks the vault without asking anyone.
    ///
    /// # Errors
    /// Those of unlocking.
    pub fn session_unasked(&self, vault: &Vault) -> Result<Session> {
        vault.unlock(&self.named(), &self.env, None)
    }

    /// How long a lock is waited for.
    #[must_use]
    pub fn lock_limit(&self) -> Duration {
        self.global.lock_timeout.unwrap_or(LOCK_TIMEOUT)
    }

    /// How this command waits for locks.
    #[must_use]
    pub fn waits(&self, command: &str) -> Waits {
        let watched = watching::watched(&self.env);
        Waits { limit: self.lock_limit(), command: command.to_owned(), now: self.env.now(), watched }
    }

    /// The right to change an agent's profiles.
    ///
    /// # Errors
    /// Those of locking.
    pub fn writer<'s>(
        &self,
        vault: &'s Vault,
        session: &mut Session,
        agent: &AgentName,
        command: &str,
    ) -> Result<Writer<'s>> {
        let waits = self.waits(command);
        self.writer_by(vault, session, |session| vault.writer(session, agent, &waits))
    }

    /// As [`Context::writer`], for a change that seals no secret ([`Vault::writer_without_secrets`]).
    ///
    /// # Errors
    /// Those of locking.
    pub fn writer_without_secrets<'s>(
        &self,
        vault: &'s Vault,
        session: &mut Session,
        agent: &AgentName,
        command: &str,
    ) -> Result<Writer<'s>> {
        let waits = self.waits(command);
        self.writer_by(vault, session, |session| vault.writer_without_secrets(session, agent, &waits))
    }

    fn writer_by<'s>(
        &self,
        vault: &'s Vault,
        session: &mut Session,
        take: impl FnOnce(&mut Session) -> Result<Writer<'s>>,
    ) -> Result<Writer<'s>> {
        let by_keychain = session.unlocked().is_ok_and(|unlocked| unlocked.payload.method == slots::KEYCHAIN);
        self.tell_unknown(vault, session)?;
        let mut writer = take(session)?;
        if by_keychain {
            keychain_key::note_seen(&vault.home, false);
        }
        // The clock may have moved on while the lock was waited for.
        writer.now = self.env.now();
        self.tell_finished(&writer);
        Ok(writer)
    }

    /// Tells, before the first change on this machine, that it knows nothing of the home yet.
    ///
    /// # Errors
    /// `INTERNAL`.
    pub fn tell_unknown(&self, vault: &Vault, session: &Session) -> Result<()> {
        let Ok(ring) = session.keys.own() else { return Ok(()) };
        // A machine that cannot remember would be told so at every change; `doctor` says it.
        let setup = vault.anchors.setup();
        if let (Remembered::NoHome, Some(dir), true) =
            (vault.anchors.of(&ring)?, &setup.dir, setup.can_remember())
        {
            let next = match vault.anchors.denied(ring.vault.as_str()) {
                Some(error) => {
                    let error = Error::from(error);
                    format!("and it cannot remember its state: {}; {}", error.what(), error.remedy())
                }
                None => format!("from now on {} remembers its state", strongroom_backends::shown(dir)),
            };
            self.warn(&format!(
                "this machine has not seen this home before, so it cannot tell whether it is the latest; {next}"
            ));
        }
        Ok(())
    }

    /// Tells of a transaction that a writer had to set aside.
    pub fn tell_finished(&self, writer: &Writer<'_>) {
        if let Some(name) = &writer.set_aside {
            self.warn(&format!(
                "a transaction of agent {} did not fit what is there and was set aside as {name}; run `strongroom verify`",
                writer.agent.name
            ));
        }
    }

    /// Runs a reading with an unlocked vault; again, where somebody changed the keys meanwhile.
    ///
    /// # Errors
    /// Those of the reading.
    pub fn reading<T>(
        vault: &Vault,
        session: &mut Session,
        read: impl Fn(&Session) -> Result<T>,
    ) -> Result<T> {
        for _ in 0..2 {
            match read(session) {
                Err(error) if error.code() == Code::Tampered && !session.is_current(&vault.home)? => {
                    vault.refresh(session)?;
                }
                done => return done,
            }
        }
        read(session)
    }

    /// Tells of a change that is committed and could not be applied in full.
    pub fn tell_unfinished(&self, outcome: &Outcome) {
        if let Some(error) = &outcome.unfinished {
            self.warn(&format!(
                "the change is committed and is read from now on, but could not be put in place ({}); the next change finishes it",
                error.what()
            ));
        }
        if let Some(error) = &outcome.keychain {
            self.warn(&settle::told(error));
        }
    }

    /// Prints lines on standard output.
    ///
    /// # Errors
    /// Those of writing.
    pub fn print(&mut self, text: &str) -> Result<()> {
        if self.closed {
            return Ok(());
        }
        let is_whole = text.is_empty() || text.ends_with('\n');
        let text = masked(text);
        let text = if is_whole { text } else { Cow::Owned(format!("{text}\n")) };
        self.closed = out::write_text(&text)? == Written::Closed;
        Ok(())
    }

    /// Prints one JSON document on standard output.
    ///
    /// # Errors
    /// Those of writing.
    pub fn print_json(&mut self, document: &impl Serialize) -> Result<()> {
        let text = serde_json::to_string_pretty(document)
            .map_err(|_| Error::new(Code::Internal, "the JSON document cannot be written"))?;
        self.print(&safe_json(&text))
    }

    /// Says lines to people, on standard error; nothing in `--json` mode. What a line holds from
    /// elsewhere has to be [`safe`] before it becomes one of several.
    pub fn say(&self, text: &str) {
        if !self.json() {
            let text = masked(text);
            let lines: Vec<_> = text.lines().map(safe).collect();
            out::write_error(&format!("{}\n", lines.join("\n")));
        }
    }

    /// Warns people, on standard error.
    pub fn warn(&self, text: &str) {
        let style = Style::stderr(&self.env);
        out::write_error(&format!("{} {}\n", style.warn("warning:"), safe(&masked(text))));
    }

    /// Reports an error and gives its exit status.
    #[must_use]
    pub fn report(&self, error: &Error) -> u8 {
        report(error, &self.env, self.json())
    }

    /// A profile id from the command line.
    ///
    /// # Errors
    /// `INVALID_ID`; a secret given by mistake is not quoted.
    pub fn profile_id(&self, text: &str) -> Result<ProfileId> {
        if has_handle(text) {
            return given::by_handle(self, text);
        }
        let id: ProfileId = text.parse().map_err(|error: Error| {
            // The client lowers a provider, and takes an id as it is typed.
            let lowered =
                ProfileId::named(text).map(|id| format!("use the provider in lower case: {}", id.word()));
            let error = lowered.into_iter().fold(error, Error::with_remedy);
            not_a_secret(text).err().unwrap_or(error)
        })?;
        not_a_secret(id.name())?;
        Ok(id)
    }

    /// Asks for a confirmation that `--yes` would have given.
    ///
    /// # Errors
    /// `NOT_CONFIRMED` when nobody can be asked, `CANCELLED` when the answer is no or none.
    pub fn confirm(&self, yes: bool, question: &str) -> Result<()> {
        if yes {
            return Ok(());
        }
        if !self.may_ask() {
            return fail(Code::NotConfirmed, "this needs a confirmation, and nobody can be asked");
        }
        if secret_input::confirm(&masked(question))? {
            Ok(())
        } else {
            fail(Code::Cancelled, "not confirmed")
        }
    }
}

fn is_mine(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    meta.is_dir() && meta.uid() == rustix::process::geteuid().as_raw()
}

/// Refuses a command-line argument that looks like a secret, without quoting it.
///
/// # Errors
/// `USAGE`.
pub fn not_a_secret(text: &str) -> Result<()> {
    if shape::looks_secret(text) { is_a_secret() } else { Ok(()) }
}

/// The refusal of a secret on the command line.
///
/// # Errors
/// `USAGE`.
pub fn is_a_secret() -> Result<()> {
    fail(Code::Usage, "an argument looks like a secret; other users of this machine can read a command line")
        .map_err(|e: Error| {
            e.with_remedy("revoke that secret; give the new one on standard input or at the prompt")
        })
}

/// Reports an error on standard error and gives its exit status.
#[must_use]
pub fn report(error: &Error, env: &Env, json: bool) -> u8 {
    if json {
        let document = serde_json::json!({
            "error": {
                "code": error.code().name(), "message": masked(error.what()), "remedy": masked(error.remedy()),
            }
        });
        out::write_error(&format!("{}\n", safe_json(&document.to_string())));
    } else {
        let style = Style::stderr(env);
        out::write_error(&format!(
            "{} [{}] {}\n  {} {}\n",
            style.bad("error:"),
            error.code().name(),
            safe(&masked(error.what())),
            style.dim("→"),
            safe(&masked(error.remedy()))
        ));
    }
    error.code().exit()
}
