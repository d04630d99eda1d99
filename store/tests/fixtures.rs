//! Vaults that earlier versions wrote, byte for byte: this version reads everything in them.
//!
//! `fixtures/v1` is a vault of format 1. Its keys, ids of files and nonces are random, what
//! is in it is fixed: it was made by
//!
//! ```sh
//! SOLO2_STORE_FIXTURE=$PWD/store/tests/fixtures/v1 cargo test -p solo2-store --test fixtures -- maker
//! ```
//! and is never made again: a change of the format gets a directory of its own, and this
//! one must go on opening. Its password is "correct horse", its words are those of the
//! entropy 07 07 … 07. What is expected stands below, written by hand.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{PASSWORD, copy_dir, entropy, scratch};
use solo2_crypto::file::FileKey;
use solo2_store::{
    Amendment, Contact, ContactId, DeliveryState, Filter, InboxEntry, IndexStep, Kept, Kind,
    Message, OutboxItem, PasswordCost, Query, StoredFile, Trust, Unlock, UnlockError, Vault,
    VaultPaths,
};

const ANNA: ContactId = ContactId([0xa1; 16]);
const BORIS: ContactId = ContactId([0xb2; 16]);
const MINUTE: u64 = 60_000;
/// 2026-09-20T10:00:00Z.
const BEGAN: u64 = 1_789_898_400_000;

fn paths(dir: &Path) -> VaultPaths {
    VaultPaths {
        vault: dir.join("vault"),
        state: dir.join("state"),
    }
}

fn fixture(version: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(version)
}

fn anna() -> Contact {
    Contact {
        id: ANNA,
        name: "Anna".to_owned(),
        account: [1; 32],
        certificate: vec![2; 120],
        verified: true,
        trust: Trust::Verified,
        blocked: false,
        changed_to: None,
        added_at_ms: BEGAN,
        settings: [("route".to_owned(), "direct".to_owned())].into(),
    }
}

fn boris() -> Contact {
    Contact {
        id: BORIS,
        name: "Борис".to_owned(),
        account: [3; 32],
        certificate: vec![4; 120],
        verified: false,
        trust: Trust::Known,
        blocked: true,
        changed_to: Some([5; 32]),
        added_at_ms: BEGAN + MINUTE,
        settings: [].into(),
    }
}

fn message(n: u8, incoming: bool, body: &str) -> Message {
    Message {
        id: [n; 16],
        incoming,
        sent_at_ms: BEGAN + u64::from(n) * MINUTE,
        stored_at_ms: BEGAN + u64::from(n) * MINUTE + 7,
        kind: Kind::Text,
        body: body.to_owned(),
        reply_to: None,
        expires_at_ms: None,
        client_id: None,
        route: None,
    }
}

/// Anna's six messages and what happened to them, as they are read.
fn conversation() -> Vec<(Message, Vec<Amendment>)> {
    let at_ms = |n: u8| BEGAN + u64::from(n) * MINUTE + 100;
    let state = |state, n| Amendment::State {
        state,
        at_ms: at_ms(n),
        route: Some("direct".to_owned()),
    };
    let asked = Message {
        client_id: Some("job-17".to_owned()),
        ..message(1, false, "is the backup whole?")
    };
    let answered = Message {
        reply_to: Some([1; 16]),
        route: Some("direct".to_owned()),
        ..message(2, true, "yes, Straße and all")
    };
    let place = Message {
        kind: Kind::Geo,
        ..message(3, true, "52.52,13.405")
    };
    let file = Message {
        kind: Kind::File,
        ..message(4, true, "report.pdf")
    };
    let vanishing = Message {
        expires_at_ms: Some(4_102_444_800_000),
        ..message(6, true, "until 2100")
    };
    let stored = StoredFile {
        at_ms: at_ms(4),
        size: 12_345,
        root: [6; 32],
        shape: 1,
        kept: Some(Kept {
            blob: [7; 16],
            key: FileKey::new(&[8; 32]),
        }),
        path: None,
    };
    let edited = Amendment::Edited {
        body: "yes, Straße and everything".to_owned(),
        at_ms: at_ms(2),
    };
    let reaction = Amendment::Reaction {
        incoming: false,
        emoji: "👍".to_owned(),
        at_ms: at_ms(3),
    };
    vec![
        (
            asked,
            vec![state(DeliveryState::Sent, 1), state(DeliveryState::Read, 2)],
        ),
        (answered, vec![edited, reaction]),
        (place, vec![]),
        (file, vec![Amendment::File(stored)]),
        (
            message(5, true, ""),
            vec![Amendment::Deleted { at_ms: at_ms(5) }],
        ),
        (vanishing, vec![]),
    ]
}

fn waiting() -> OutboxItem {
    OutboxItem {
        message: Some([9; 16]),
        content: b"content".to_vec(),
        envelopes: vec![vec![10; 4057]],
        first_seq: 41,
        queued_at_ms: BEGAN,
        give_up_at_ms: Some(BEGAN + 7 * MINUTE),
        route: None,
    }
}

fn make(dir: &Path) {
    let mut vault = Vault::create_with(
        &paths(dir),
        &entropy(),
        PASSWORD,
        PasswordCost::FLOOR,
        &mut rand::rng(),
    )
    .unwrap();
    let mut tx = vault.begin();
    tx.put_contact(&anna()).unwrap();
    tx.put_contact(&boris()).unwrap();
    tx.save_session(ANNA, b"a session with Anna").unwrap();
    tx.put_setting("name", "Клара".as_bytes()).unwrap();
    tx.commit().unwrap();
    for (mut message, amendments) in conversation() {
        let mut tx = vault.begin();
        if message.id == [5; 16] {
            message.body = "a secret that is gone".to_owned();
        }
        let seq = tx.append_message(ANNA, &message).unwrap();
        for amendment in &amendments {
            tx.amend(ANNA, seq, amendment).unwrap();
        }
        tx.commit().unwrap();
    }
    let mut tx = vault.begin();
    tx.append_message(BORIS, &message(20, false, "東京 in October"))
        .unwrap();
    tx.push_outbox(
        BORIS,
        &OutboxItem {
            first_seq: 40,
            ..waiting()
        },
    )
    .unwrap();
    tx.push_outbox(BORIS, &waiting()).unwrap();
    tx.remove_outbox(BORIS, 1).unwrap();
    tx.set_inbox_cursor(2);
    tx.commit().unwrap();
    // Two segments of the index, and a tail that has none.
    vault.index_step(1, 3).unwrap();
    vault.index_step(1, 100).unwrap();
    let mut tx = vault.begin();
    tx.append_message(BORIS, &message(21, true, "tail of the backup"))
        .unwrap();
    tx.commit().unwrap();
    vault.close().unwrap();
}

/// Not a promise by itself: what made the fixture.
#[test]
fn maker() {
    if let Ok(dir) = std::env::var("SOLO2_STORE_FIXTURE") {
        make(Path::new(&dir));
    }
}

fn assert_reads(vault: &Vault) {
    let contacts: Vec<_> = vault.contacts().cloned().collect();
    assert!(contacts == [anna(), boris()]);
    assert_eq!(
        vault.session(ANNA).unwrap().unwrap().as_slice(),
        b"a session with Anna"
    );
    assert!(vault.session(BORIS).unwrap().is_none());
    assert_eq!(vault.setting("name").unwrap().unwrap(), "Клара".as_bytes());
    assert_eq!(vault.setting("none").unwrap(), None);

    let history = vault.history(ANNA, None, 100).unwrap();
    assert_eq!(history.len(), 6);
    for ((seq, message, amendments), (n, (wanted, happened))) in
        history.iter().zip((1..).zip(conversation()))
    {
        assert_eq!(*seq, n);
        assert!(*message == wanted, "message {n}");
        assert!(amendments.0 == happened, "message {n}");
        assert_eq!(vault.find_message(ANNA, &wanted.id).unwrap(), Some(n));
    }
    let history = vault.history(BORIS, None, 100).unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(history[0].1.body, "東京 in October");
    assert_eq!(history[1].1.body, "tail of the backup");

    assert!(vault.outbox(BORIS, 100).unwrap() == [(2, waiting())]);
    assert!(vault.outbox(ANNA, 100).unwrap().is_empty());
    assert_eq!((vault.inbox_cursor(), vault.inbox_newest()), (2, 6));
    let inbox = vault.inbox(0, 100).unwrap();
    let entry = |number, contact, seq| InboxEntry {
        number,
        contact,
        seq,
    };
    assert_eq!(
        inbox,
        [
            entry(1, ANNA, 2),
            entry(2, ANNA, 3),
            entry(3, ANNA, 4),
            entry(4, ANNA, 5),
            entry(5, ANNA, 6),
            entry(6, BORIS, 2),
        ]
    );
    let found = |query: &str| {
        let hits = vault
            .search(&Query::parse(query).unwrap(), &Filter::default(), 10)
            .unwrap();
        hits.iter()
            .map(|hit| (hit.contact, hit.seq))
            .collect::<Vec<_>>()
    };
    assert_eq!(found("backup"), [(BORIS, 2), (ANNA, 1)]);
    assert_eq!(found("strasse everything"), [(ANNA, 2)]);
    assert_eq!(found("京"), [(BORIS, 1)]);
    assert_eq!(found("secret"), []);
    let report = vault.check().unwrap();
    assert!(report.is_whole(), "{:?}", report.problems);
    assert_eq!((report.messages, report.segments), (8, 2));
}

#[test]
fn a_vault_of_format_1_opens_and_everything_in_it_is_read() {
    let dir = scratch();
    copy_dir(&fixture("v1"), dir.path());
    let bytes = fs::read(paths(dir.path()).vault.join("vault.head")).unwrap();
    assert_eq!(bytes[..9], *b"solo2vlt\x01");
    let vault = Vault::unlock(&paths(dir.path()), Unlock::Password(PASSWORD)).unwrap();
    assert_reads(&vault);
    vault.close().unwrap();

    // And it goes on as a vault of today.
    let words = entropy();
    let mut vault = Vault::unlock(&paths(dir.path()), Unlock::Entropy(&words)).unwrap();
    let mut tx = vault.begin();
    assert_eq!(
        tx.append_message(ANNA, &message(30, true, "later"))
            .unwrap(),
        7
    );
    tx.save_session(ANNA, b"the next session").unwrap();
    tx.commit().unwrap();
    vault.compact().unwrap();
    vault.close().unwrap();
    let vault = Vault::unlock(&paths(dir.path()), Unlock::Entropy(&words)).unwrap();
    assert_eq!(vault.history(ANNA, None, 1).unwrap()[0].1.body, "later");
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn segments_of_layout_1_become_one_of_today_that_finds_the_same() {
    let dir = scratch();
    copy_dir(&fixture("v1"), dir.path());
    let mut vault = Vault::unlock(&paths(dir.path()), Unlock::Password(PASSWORD)).unwrap();
    let found = |vault: &Vault, query: &str| {
        let query = Query::parse(query).unwrap();
        let hits = vault.search(&query, &Filter::default(), 10).unwrap();
        hits.iter()
            .map(|hit| (hit.contact, hit.seq))
            .collect::<Vec<_>>()
    };
    let queries = [
        "backup",
        "back*",
        "\"tail of the\"",
        "\"of tail\"",
        "strasse everything",
        "京",
        "東京 oct*",
        "secret",
    ];
    let before = queries.map(|query| found(&vault, query));
    assert_eq!(before[1], [(BORIS, 2), (ANNA, 1)]);
    assert_eq!((&before[2], &before[3]), (&vec![(BORIS, 2)], &vec![]));
    assert_eq!(before[6], [(BORIS, 1)]);

    // Two segments of then and six of now are enough for one.
    let mut did = Vec::new();
    for n in 30.. {
        did.push(vault.index_step(1, 100).unwrap());
        if did.last() == Some(&IndexStep::Merged) {
            break;
        }
        assert!(n < 50, "never merged: {did:?}");
        if n < 36 {
            let mut tx = vault.begin();
            tx.append_message(ANNA, &message(n, true, "meanwhile"))
                .unwrap();
            tx.commit().unwrap();
        }
    }
    assert_eq!(queries.map(|query| found(&vault, query)), before);
    let mut tx = vault.begin();
    tx.amend(BORIS, 2, &Amendment::Deleted { at_ms: 1 })
        .unwrap();
    tx.commit().unwrap();
    vault.compact().unwrap();
    assert_eq!(found(&vault, "backup"), [(ANNA, 1)]);
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn a_vault_of_a_later_format_is_refused_by_name_and_left_as_it_is() {
    let dir = scratch();
    copy_dir(&fixture("v1"), dir.path());
    let head = paths(dir.path()).vault.join("vault.head");
    let mut bytes = fs::read(&head).unwrap();
    bytes[8] = 2;
    // A later head may be longer, too.
    bytes.extend_from_slice(&[0; 99]);
    fs::write(&head, &bytes).unwrap();
    let error = Vault::unlock(&paths(dir.path()), Unlock::Password(PASSWORD))
        .err()
        .unwrap();
    assert!(matches!(error, UnlockError::Newer { version: 2 }));
    assert_eq!(
        error.to_string(),
        "a later version of this program wrote the vault: its format is 2, 1 is the latest known here"
    );
    assert!(error.advice().contains("install that version"));
    assert_eq!(fs::read(&head).unwrap(), bytes);

    // Neither is it a later version that wrote version 0.
    bytes[8] = 0;
    fs::write(&head, &bytes).unwrap();
    let error = Vault::unlock(&paths(dir.path()), Unlock::Password(PASSWORD))
        .err()
        .unwrap();
    assert!(matches!(error, UnlockError::Damaged(_)), "{error}");
}
