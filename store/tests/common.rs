//! What the vault's tests share: a vault in a directory of its own, and things to put in it.

#![allow(dead_code, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use solo2_crypto::secret::Secret;
use solo2_store::{
    Contact, ContactId, Kind, Message, OutboxItem, PasswordCost, Trust, Unlock, UnlockError, Vault,
    VaultPaths,
};

/// The password of every vault made here.
pub(crate) const PASSWORD: &str = "correct horse";

/// The entropy of every vault made here.
pub(crate) fn entropy() -> Secret<32> {
    Secret::new(&[7; 32])
}

/// Paths below `dir`.
pub(crate) fn paths(dir: &Path) -> VaultPaths {
    VaultPaths {
        vault: dir.join("vault"),
        state: dir.join("state/of/it"),
    }
}

/// Creates a vault below `dir`, at the lowest password cost.
pub(crate) fn create(dir: &Path) -> Vault {
    Vault::create_with(
        &paths(dir),
        &entropy(),
        PASSWORD,
        PasswordCost::FLOOR,
        &mut rand::rng(),
    )
    .unwrap()
}

/// Opens the vault below `dir` by the words.
pub(crate) fn unlock(dir: &Path) -> Result<Vault, UnlockError> {
    Vault::unlock(&paths(dir), Unlock::Entropy(&entropy()))
}

/// Contact number `n`.
pub(crate) fn contact(n: u8) -> Contact {
    Contact {
        id: ContactId([n; 16]),
        name: format!("contact {n}"),
        account: [n; 32],
        certificate: vec![n; 300],
        verified: n.is_multiple_of(2),
        trust: Trust::Known,
        blocked: false,
        changed_to: (n.is_multiple_of(3)).then_some([n; 32]),
        added_at_ms: u64::from(n),
        settings: BTreeMap::from([("route".to_owned(), "direct".to_owned())]),
    }
}

/// Message number `n`.
pub(crate) fn message(n: u64, incoming: bool) -> Message {
    Message {
        id: u128::from(n).to_be_bytes(),
        incoming,
        sent_at_ms: n,
        stored_at_ms: n + 1,
        kind: Kind::Text,
        body: format!("text number {n}"),
        reply_to: None,
        expires_at_ms: None,
        client_id: Some(format!("client {n}")),
        route: None,
    }
}

/// Outbox item number `n`.
pub(crate) fn item(n: u64) -> OutboxItem {
    OutboxItem {
        message: Some(u128::from(n).to_be_bytes()),
        content: n.to_be_bytes().to_vec(),
        envelopes: vec![vec![n as u8; 4057]],
        first_seq: n,
        queued_at_ms: n,
        give_up_at_ms: None,
        route: None,
    }
}

/// A place for many small files: memory if there is some, so that syncs cost nothing.
pub(crate) fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// Copies a directory, leaving holes in files as holes.
pub(crate) fn copy_dir(from: &Path, to: &Path) {
    use std::io::{Read as _, Seek as _, Write as _};
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(to)
        .unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
            continue;
        }
        let mut source = std::fs::File::open(entry.path()).unwrap();
        let mut copy = std::fs::File::create(&target).unwrap();
        let mut chunk = vec![0; 64 * 1024];
        let mut len = 0;
        loop {
            let read = source.read(&mut chunk).unwrap();
            if read == 0 {
                break;
            }
            len += read as u64;
            if chunk[..read].iter().all(|byte| *byte == 0) {
                copy.seek(std::io::SeekFrom::Start(len)).unwrap();
            } else {
                copy.write_all(&chunk[..read]).unwrap();
            }
        }
        copy.set_len(len).unwrap();
        copy.set_permissions(std::fs::Permissions::from_mode(0o600))
            .unwrap();
    }
}
