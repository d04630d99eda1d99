//! What a document of a real vault must not hold.

use age::x25519;
use solo2_export::key::ArchiveKey;
use solo2_store::Vault;
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixListener;

use super::super::core::pair_key;
use super::*;

/// The tar in an archive of everything that a node has.
pub(super) async fn archived(node: &Arc<Node>, place: &Path) -> Vec<u8> {
    let to = place.join("out");
    let listener = UnixListener::bind(&to).expect("a socket");
    let receive = async {
        let (mut stream, _) = listener.accept().await.expect("the node");
        let mut document = Vec::new();
        stream.read_to_end(&mut document).await.expect("a document");
        document
    };
    let params = json!({ "format": "archive", "to": to });
    let (done, document) = tokio::join!(call(node, "export", params), receive);
    let done = done.expect("an export");
    assert_eq!(done["written"], document.len());
    let entropy = Vault::entropy(&node.paths, "correct horse").expect("the password");
    let key: x25519::Identity = ArchiveKey::of(&entropy).to_text().parse().expect("a key");
    age::decrypt(&key, &document).expect("an archive to the words")
}

fn found(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|part| part == needle)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_of_a_real_vault_holds_nothing_of_its_secrets() {
    let world = world().await;
    let place = tempfile::tempdir().expect("a directory");
    let tar = archived(&world.alice, place.path()).await;
    let (secrets, public) = world
        .alice
        .call(|core| {
            let contact = *core.peers.keys().next().expect("bob");
            let mut secrets = Vec::new();
            for name in ["account-key", "device-keys", &pair_key(contact)] {
                let setting = core.vault.setting(name).expect("a vault");
                secrets.push((name.to_owned(), setting.expect("a secret")));
            }
            let session = core.vault.session(contact).expect("a vault");
            secrets.push(("session".to_owned(), session.expect("a session").to_vec()));
            let theirs = &core.peers[&contact].contact;
            let mut public = core.me.certificate.as_bytes().to_vec();
            public.extend_from_slice(&theirs.certificate);
            public.extend_from_slice(&theirs.account);
            Ok((secrets, public))
        })
        .await
        .expect("the vault's secrets");
    assert!(found(&tar, b"hello"), "the search itself works");
    for (name, secret) in secrets {
        let mut looked_for = 0;
        for part in secret.chunks(8).filter(|part| part.len() == 8) {
            // Keys are in there beside counters, and beside what everybody knows.
            let plain = part.iter().filter(|byte| **byte == 0).count() > 2;
            if plain || found(&public, part) {
                continue;
            }
            looked_for += 1;
            let digits = event::hex(part);
            for form in [part, digits.as_bytes()] {
                assert!(!found(&tar, form), "a part of {name} is in the archive");
            }
        }
        assert!(looked_for >= 4, "{name} was looked for");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_readable_copy_takes_the_password_whoever_asks() {
    let place = tempfile::tempdir().expect("a directory");
    let (_, alice) = person(place.path(), "alice", "ws://127.0.0.1:1").await;
    let to = place.path().join("out");
    let _listener = UnixListener::bind(&to).expect("a socket");
    for params in [
        json!({ "format": "zip", "to": to }),
        json!({ "format": "zip", "to": to, "password": "wrong" }),
    ] {
        let refused = call(&alice, "export", params).await.expect_err("refused");
        assert_eq!(refused.exit, 4, "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_from_before_there_were_archives_learns_its_recipient() {
    let place = tempfile::tempdir().expect("a directory");
    let (paths, alice) = person(place.path(), "alice", "ws://127.0.0.1:1").await;
    NodeService(alice.clone()).shutdown().await;
    drop(alice);
    let vault_paths = setup::vault_paths(&paths);
    let entropy = Vault::entropy(&vault_paths, "correct horse").expect("the password");
    {
        let door = solo2_store::Unlock::Entropy(&entropy);
        let mut vault = Vault::unlock(&vault_paths, door).expect("the vault");
        let mut tx = vault.begin();
        tx.remove_setting(setup::RECIPIENT).expect("a setting");
        tx.commit().expect("a commit");
        vault.close().expect("closed");
    }
    let node = setup::start(&paths, password(), config("ws://127.0.0.1:1"))
        .await
        .expect("a node");
    let tar = archived(&node, place.path()).await;
    assert!(found(&tar, b"solo2-archive"));
}
