//! What a commit and a page of history cost.
//!
//! A commit is two syncs when it changes a session and one when it does not: the
//! disk decides. `cargo bench -p solo2-store` uses the temporary directory; point
//! `TMPDIR` at the disk in question.

use std::collections::BTreeMap;

use divan::Bencher;
use solo2_crypto::secret::Secret;
use solo2_store::{
    Contact, ContactId, Kind, Message, OutboxItem, PasswordCost, Trust, Unlock, Vault, VaultPaths,
};

const ANNA: ContactId = ContactId([1; 16]);

fn main() {
    divan::main();
}

fn vault(messages: u64) -> (tempfile::TempDir, VaultPaths, Vault) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let paths = VaultPaths {
        vault: dir.path().join("vault"),
        state: dir.path().join("state"),
    };
    let entropy = Secret::new(&[7; 32]);
    let rng = &mut rand::rng();
    let mut vault = Vault::create_with(&paths, &entropy, "password", PasswordCost::FLOOR, rng)
        .expect("a vault");
    let mut tx = vault.begin();
    tx.put_contact(&contact()).expect("a contact");
    for n in 0..messages {
        tx.append_message(ANNA, &message(n)).expect("a message");
    }
    tx.commit().expect("a commit");
    (dir, paths, vault)
}

fn contact() -> Contact {
    Contact {
        id: ANNA,
        name: "Anna".to_owned(),
        account: [1; 32],
        certificate: vec![1; 1500],
        verified: true,
        trust: Trust::Known,
        blocked: false,
        changed_to: None,
        added_at_ms: 0,
        settings: BTreeMap::new(),
    }
}

fn message(n: u64) -> Message {
    Message {
        id: u128::from(n).to_be_bytes(),
        incoming: true,
        sent_at_ms: n,
        stored_at_ms: n,
        kind: Kind::Text,
        body: "a text of the usual length, as people write them to each other every day".repeat(2),
        reply_to: None,
        expires_at_ms: None,
        client_id: None,
        route: None,
    }
}

/// `{session, message, outbox}`: what sending one text commits.
#[divan::bench(sample_count = 200, sample_size = 1)]
fn commit_session_message_outbox(bencher: Bencher<'_, '_>) {
    let (_dir, _paths, mut vault) = vault(0);
    let session = vec![5; 8000];
    let mut n = 1;
    bencher.bench_local(|| {
        let item = OutboxItem {
            envelopes: vec![vec![1; 4057]],
            ..OutboxItem::default()
        };
        let mut tx = vault.begin();
        tx.save_session(ANNA, &session).expect("a session");
        tx.append_message(ANNA, &message(n)).expect("a message");
        let position = tx.push_outbox(ANNA, &item).expect("an item");
        if position > 1 {
            tx.remove_outbox(ANNA, position - 1).expect("an item");
        }
        tx.commit().expect("a commit");
        n += 1;
    });
}

/// A message alone: one sync.
#[divan::bench(sample_count = 200, sample_size = 1)]
fn commit_message(bencher: Bencher<'_, '_>) {
    let (_dir, _paths, mut vault) = vault(0);
    let mut n = 1;
    bencher.bench_local(|| {
        let mut tx = vault.begin();
        tx.append_message(ANNA, &message(n)).expect("a message");
        tx.commit().expect("a commit");
        n += 1;
    });
}

/// The newest 50 messages, decrypted.
#[divan::bench(args = [1_000, 20_000])]
fn history_page_of_50(bencher: Bencher<'_, '_>, messages: u64) {
    let (_dir, _paths, vault) = vault(messages);
    bencher.bench_local(|| vault.history(ANNA, None, 50).expect("a page").len());
}

/// Opening by the words after a clean close.
#[divan::bench(args = [1_000, 20_000], sample_count = 20, sample_size = 1)]
fn unlock_and_close(bencher: Bencher<'_, '_>, messages: u64) {
    let (_dir, paths, vault) = vault(messages);
    vault.close().expect("closes");
    let entropy = Secret::new(&[7; 32]);
    bencher.bench_local(|| {
        Vault::unlock(&paths, Unlock::Entropy(&entropy))
            .expect("opens")
            .close()
            .expect("closes");
    });
}
