//! Credential Manager of Windows, through `windows-native-keyring-store`: generic credentials that stay on this
//! machine. The target is `strongroom:<item>@strongroom`, so that no service and user of another program result in the
//! same one.

use std::collections::HashMap;
use std::sync::Arc;

use keyring::api::CredentialStoreApi;
use keyring::{Entry, Error};
use windows_native_keyring_store::Store;

use super::entries::{Platform, SERVICE};
use super::keyring_error::{self, PlatformError};
use super::{KeychainError, KeychainState, Why};

const PREFIX: &str = "strongroom:";
const DIVIDER: &str = "@";
/// `CRED_MAX_USERNAME_LENGTH` of wincred.h.
const USER_MAX: usize = 513;

/// The credentials of the user who is logged on.
#[derive(Debug)]
pub struct Windows {
    store: Arc<Store>,
}

impl Platform for Windows {
    /// `CRED_MAX_CREDENTIAL_BLOB_SIZE` of wincred.h.
    const MAX: usize = 5 * 512;

    fn provider(&self) -> &'static str {
        "Windows Credential Manager"
    }

    fn open() -> Result<Self, KeychainError> {
        let delimiters =
            HashMap::from([("prefix", PREFIX), ("divider", DIVIDER), ("service_no_divider", "true")]);
        Store::new_with_configuration(&delimiters).map(|store| Self { store }).map_err(Self::of)
    }

    /// The target is given explicitly. Otherwise the user would also be the item's whole name, which may be longer than
    /// [`USER_MAX`] bytes.
    fn entry(&self, name: &str) -> keyring::Result<Entry> {
        let target = format!("{PREFIX}{name}{DIVIDER}{SERVICE}");
        // By default a credential roams to the user's other machines.
        let modifiers = HashMap::from([("target", target.as_str()), ("persistence", "Local")]);
        self.store.build(SERVICE, name, Some(&modifiers))
    }

    fn names(&self) -> keyring::Result<Vec<String>> {
        let pattern = format!("^{PREFIX}.*{DIVIDER}{SERVICE}$");
        let ours = self.store.search(&HashMap::from([("pattern", pattern.as_str())]))?;
        Ok(ours.iter().filter_map(Entry::get_specifiers).map(|(_, name)| name).collect())
    }

    /// Anyone who is logged on can use it; it has no lock of its own.
    fn state(&mut self) -> Result<KeychainState, KeychainError> {
        self.names().map(|_| KeychainState::Ready).map_err(Self::of)
    }

    fn unlock(&mut self) -> Result<(), KeychainError> {
        self.state().map(|_| ())
    }

    /// Credential Manager shows people a target and a user name, so the label is the user name. That takes a second
    /// write, which is skipped if the label is already right.
    fn label(entry: &Entry, label: &str) -> keyring::Result<()> {
        let end = label.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= USER_MAX);
        let label = &label[..end.last().unwrap_or(0)];
        if entry.get_attributes()?.get("username").is_some_and(|user| user == label) {
            return Ok(());
        }
        entry.update_attributes(&HashMap::from([("username", label)]))
    }

    fn of_platform(error: &PlatformError) -> KeychainError {
        // The store's error type is not public, but this text contains the code.
        let code: Option<u32> =
            error.to_string().strip_prefix("Windows error code ").and_then(|code| code.parse().ok());
        KeychainError::Failed(match code {
            Some(code) => format!("Windows error {code}"),
            None => "an error without a code".to_owned(),
        })
    }

    fn of(error: Error) -> KeychainError {
        match error {
            // The store returns it only for ERROR_NO_SUCH_LOGON_SESSION.
            Error::NoStorageAccess(_) => KeychainError::Unavailable(Why::NoSession),
            error => keyring_error::of(error, Self::of_platform),
        }
    }
}
