//! The device secret in the keyring of the user's session: the freedesktop Secret Service.
//!
//! ```text
//!   STATE/device.keyring    the entry's name, 32 hexadecimal digits; no secret
//!        └──► D-Bus ──► default collection ──► {application: solo2, entry: NAME} ──► 64 digits
//! ```
//! The session bus is asked through a Unix socket and nothing else, and what it hands over
//! comes sealed (`dh-ietf1024-sha256-aes128-cbc-pkcs7`), so that who records the bus reads
//! nothing. A locked collection stays locked: asking for its password is its owner's affair.
//! Spec: Secret Service API, draft 0.2; docs/protocol/5-vault.md §2.

use std::collections::HashMap;
use std::env;
use std::thread;
use std::time::Duration;

use secret_service::{EncryptionType, Error, Item, SecretService};
use zeroize::Zeroizing;

use crate::error::{Failure, Kind};

/// How long the bus and the service behind it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes an entry in the default collection.
pub(super) fn put(entry: &str, label: &str, secret: &str) -> Result<(), Failure> {
    ask(async |service| {
        let collection = service.get_default_collection().await?;
        if collection.is_locked().await? {
            return Err(Error::Locked);
        }
        let named = attributes(entry);
        collection
            .create_item(label, named, secret.as_bytes(), true, "text/plain")
            .await?;
        Ok(())
    })
}

/// Reads an entry; `None` if there is none of this name.
pub(super) fn get(entry: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    ask(async |service| match find(service, entry).await? {
        None => Ok(None),
        Some(item) => {
            let bytes = Zeroizing::new(item.get_secret().await?);
            Ok(Some(Zeroizing::new(
                String::from_utf8_lossy(&bytes).into_owned(),
            )))
        }
    })
}

/// Deletes an entry, if it is there.
pub(super) fn delete(entry: &str) -> Result<(), Failure> {
    ask(async |service| match find(service, entry).await? {
        None => Ok(()),
        Some(item) => item.delete().await,
    })
}

fn attributes(entry: &str) -> HashMap<&str, &str> {
    HashMap::from([("application", "solo2"), ("entry", entry)])
}

async fn find<'s>(service: &'s SecretService<'_>, entry: &str) -> Result<Option<Item<'s>>, Error> {
    let mut found = service.search_items(attributes(entry)).await?;
    match (found.unlocked.pop(), found.locked.is_empty()) {
        (Some(item), _) => Ok(Some(item)),
        (None, true) => Ok(None),
        (None, false) => Err(Error::Locked),
    }
}

/// Puts a question to the service, on a thread and a runtime of its own: callers are within a
/// runtime or without one.
fn ask<T: Send>(
    question: impl AsyncFnOnce(&SecretService<'_>) -> Result<T, Error> + Send,
) -> Result<T, Failure> {
    on_this_machine(env::var("DBUS_SESSION_BUS_ADDRESS").ok().as_deref())?;
    let answer = thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| unreachable(&error.to_string()))?;
            let work = async {
                let service = SecretService::connect(EncryptionType::Dh).await?;
                question(&service).await
            };
            runtime
                .block_on(async { tokio::time::timeout(PATIENCE, work).await })
                .map_err(|_| unreachable("it does not answer"))?
                .map_err(failure)
        });
        asking.join()
    });
    answer.map_err(|_| Failure::internal("the thread that asks the keyring stopped"))?
}

/// D-Bus can be told to connect to a port or to run a program; this one may not.
fn on_this_machine(address: Option<&str>) -> Result<(), Failure> {
    let socket =
        |address: &str| address.starts_with("unix:path=") || address.starts_with("unix:abstract=");
    match address {
        // Without one, the bus is at $XDG_RUNTIME_DIR/bus.
        None => Ok(()),
        Some(address) if socket(address) && !address.contains(';') => Ok(()),
        Some(_) => Err(unreachable(
            "DBUS_SESSION_BUS_ADDRESS names no socket on this machine",
        )),
    }
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Locked | Error::Prompt => Failure::new(Kind::Locked, "the keyring is locked")
            .code("keyring")
            .hint("unlock it as your desktop does, or give the password: --password-file FILE"),
        Error::Unavailable => unreachable("this session has no bus, or no keyring on it"),
        Error::NoResult => unreachable("it has no default collection"),
        error => unreachable(&error.to_string()),
    }
}

fn unreachable(why: &str) -> Failure {
    Failure::new(Kind::Locked, format!("cannot ask the keyring: {why}"))
        .code("keyring")
        .hint("say it in your desktop's session, or give the password: --password-file FILE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bus_is_a_socket_on_this_machine_or_none() {
        for good in [
            "unix:path=/run/user/1000/bus",
            "unix:abstract=/tmp/dbus-Yx,guid=0123",
        ] {
            assert!(on_this_machine(Some(good)).is_ok(), "{good}");
        }
        assert!(on_this_machine(None).is_ok());
        for bad in [
            "tcp:host=198.51.100.7,port=4711",
            "unixexec:path=/usr/bin/ssh",
            "autolaunch:",
            "unix:path=/nowhere;tcp:host=198.51.100.7,port=4711",
            "",
        ] {
            let refused = on_this_machine(Some(bad)).unwrap_err();
            assert_eq!(refused.code, "keyring", "{bad}");
            assert!(refused.hint.is_some());
        }
    }
}
