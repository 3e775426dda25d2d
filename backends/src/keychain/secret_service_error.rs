//! Converts errors of the bus, the Secret Service and its library. None of their texts is passed on, because they may
//! quote a secret.

use std::io::ErrorKind;

use super::{KeychainError, Why};

pub(super) fn of_connecting(error: &zbus::Error) -> KeychainError {
    KeychainError::Unavailable(match error {
        zbus::Error::Address(_) => Why::BadAddress,
        zbus::Error::Connection(error, _) => return of_socket(error),
        _ => Why::BusRefused,
    })
}

/// Converts an error of connecting to the bus's socket.
pub(super) fn of_socket(error: &std::io::Error) -> KeychainError {
    KeychainError::Unavailable(match error.kind() {
        ErrorKind::NotFound => Why::NoBus,
        _ => Why::BusRefused,
    })
}

pub(super) fn of_call(error: &zbus::Error) -> KeychainError {
    match error {
        zbus::Error::MethodError(name, ..) => of_name(name.as_str()),
        zbus::Error::InputOutput(_) => KeychainError::Unavailable(Why::BusRefused),
        _ => KeychainError::Failed("the bus did not deliver the call".to_owned()),
    }
}

fn of_name(name: &str) -> KeychainError {
    match name {
        "org.freedesktop.DBus.Error.ServiceUnknown"
        | "org.freedesktop.DBus.Error.NameHasNoOwner"
        | "org.freedesktop.DBus.Error.NoReply" => KeychainError::Unavailable(Why::NoService),
        name if name.starts_with("org.freedesktop.DBus.Error.Spawn.") => {
            KeychainError::Unavailable(Why::NoService)
        }
        "org.freedesktop.Secret.Error.IsLocked" => KeychainError::Locked,
        name => KeychainError::named(name),
    }
}

pub(super) fn of_library(error: &secret_service::Error) -> KeychainError {
    match error {
        secret_service::Error::Zbus(error) => of_call(error),
        secret_service::Error::Locked => KeychainError::Locked,
        secret_service::Error::Prompt | secret_service::Error::PromptDisconnected => KeychainError::Dismissed,
        secret_service::Error::NoResult => KeychainError::NoCollection,
        secret_service::Error::Unavailable => KeychainError::Unavailable(Why::NoService),
        secret_service::Error::Crypto(_) => {
            KeychainError::Failed("the encrypted session could not be set up".to_owned())
        }
        _ => garbled(),
    }
}

/// Returns whether another key exchange may succeed.
pub(super) fn is_of_handshake(error: &secret_service::Error) -> bool {
    match error {
        secret_service::Error::Crypto(_) => true,
        secret_service::Error::Zbus(zbus::Error::MethodError(name, ..)) => {
            !matches!(of_name(name.as_str()), KeychainError::Locked | KeychainError::Unavailable(_))
        }
        _ => false,
    }
}

pub(super) fn garbled() -> KeychainError {
    KeychainError::Failed("its answer does not follow the API".to_owned())
}

#[cfg(test)]
mod tests {
    use zbus::message::Message;
    use zbus::names::OwnedErrorName;

    use super::*;

    const CANARY: &str = "canary-of-a-secret";

    fn method_error(name: &str) -> zbus::Error {
        let call = Message::method_call("/", "Any").unwrap().build(&()).unwrap();
        let error = Message::error(&call.header(), name).unwrap().build(&(CANARY,)).unwrap();
        let name = OwnedErrorName::try_from(name).unwrap();
        zbus::Error::MethodError(name, Some(CANARY.to_owned()), error)
    }

    /// Every error of the libraries that can contain a text, with a canary as the text.
    fn errors() -> Vec<KeychainError> {
        let io = || std::sync::Arc::new(std::io::Error::other(CANARY));
        let mut found: Vec<KeychainError> = [
            "org.freedesktop.Secret.Error.IsLocked",
            "org.freedesktop.Secret.Error.NoSession",
            "org.freedesktop.DBus.Error.ServiceUnknown",
            "org.freedesktop.DBus.Error.Spawn.ChildExited",
            "org.freedesktop.DBus.Error.InvalidArgs",
            "canary.of_a_secret",
        ]
        .into_iter()
        .flat_map(|name| [of_call(&method_error(name)), of_library(&method_error(name).into())])
        .collect();
        let texts = [
            zbus::Error::Address(CANARY.to_owned()),
            zbus::Error::Failure(CANARY.to_owned()),
            zbus::Error::Handshake(CANARY.to_owned()),
            zbus::Error::InputOutput(io()),
            zbus::Error::Variant(zbus::zvariant::Error::Message(CANARY.to_owned())),
        ];
        for error in texts {
            found.extend([of_connecting(&error), of_call(&error), of_library(&error.into())]);
        }
        let bad_encoding = String::from_utf8([CANARY.as_bytes(), b"\xff"].concat()).unwrap_err();
        let encoded = zbus::zvariant::Error::Utf8(bad_encoding.utf8_error());
        found.push(of_library(&secret_service::Error::Zvariant(encoded)));
        found.push(of_library(&secret_service::Error::ZbusFdo(zbus::fdo::Error::Failed(CANARY.to_owned()))));
        found.push(of_library(&secret_service::Error::Crypto(CANARY)));
        found.extend(
            [
                secret_service::Error::Locked,
                secret_service::Error::NoResult,
                secret_service::Error::Prompt,
                secret_service::Error::PromptDisconnected,
                secret_service::Error::Unavailable,
            ]
            .iter()
            .map(of_library),
        );
        found
    }

    #[test]
    fn no_text_of_a_service_or_a_library_is_passed_on() {
        for error in errors() {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("canary") && !shown.contains(CANARY), "{shown}");
        }
    }

    #[test]
    fn errors_are_told_apart() {
        assert_eq!(of_name("org.freedesktop.Secret.Error.IsLocked"), KeychainError::Locked);
        let unknown = of_name("org.freedesktop.DBus.Error.ServiceUnknown");
        assert_eq!(unknown, KeychainError::Unavailable(Why::NoService));
        assert_eq!(of_library(&secret_service::Error::Prompt), KeychainError::Dismissed);
        assert!(is_of_handshake(&secret_service::Error::Crypto("")));
        assert!(!is_of_handshake(&secret_service::Error::Locked));
    }
}
