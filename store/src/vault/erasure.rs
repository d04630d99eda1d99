//! Deleted is deleted: what every file of the vault yields to someone who has the data key.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use solo2_crypto::file::FileKey;
use solo2_crypto::secret::Secret;

use crate::db::Space;
use crate::key_page::{Halves, KeyPage};
use crate::record::message::Message;
use crate::row::conversation::{numbered, place};
use crate::row::page::{Page, amendment_key};
use crate::row::queue::Queue;
use crate::row::{self, Key, Row, Table};
use crate::vault::Vault;
use crate::vault::read::{amendment_log_key, message_log_key, outbox_key};
use crate::{
    Amendment, Contact, ContactId, Kept, Kind, OutboxItem, PasswordCost, StoredFile, Trust, Unlock,
    VaultPaths,
};

const ANNA: ContactId = ContactId([1; 16]);
const SECRET: &[u8] = b"the chain key that must not come back";

fn create(dir: &Path) -> (VaultPaths, Vault) {
    let paths = VaultPaths {
        vault: dir.join("vault"),
        state: dir.join("state"),
    };
    let rng = &mut rand::rng();
    let entropy = Secret::new(&[7; 32]);
    let mut vault =
        Vault::create_with(&paths, &entropy, "password", PasswordCost::FLOOR, rng).unwrap();
    let mut tx = vault.begin();
    tx.put_contact(&Contact {
        id: ANNA,
        name: "Anna".to_owned(),
        account: [1; 32],
        certificate: vec![1; 300],
        verified: false,
        trust: Trust::New,
        blocked: false,
        changed_to: None,
        added_at_ms: 0,
        settings: BTreeMap::new(),
    })
    .unwrap();
    tx.commit().unwrap();
    (paths, vault)
}

fn message(n: u8) -> Message {
    Message {
        id: [n; 16],
        incoming: true,
        sent_at_ms: 1,
        stored_at_ms: 2,
        kind: Kind::Text,
        body: String::from_utf8(SECRET.to_vec()).unwrap(),
        reply_to: None,
        expires_at_ms: None,
        client_id: None,
        route: None,
    }
}

/// Both halves of the key page, by the data key.
fn halves(vault: &Vault) -> Halves {
    let key = &vault.keys.key_page;
    let id = vault_id(vault);
    KeyPage::open(&vault.paths, id, key).unwrap().1
}

fn vault_id(vault: &Vault) -> [u8; 16] {
    crate::doors::Doors::read(&vault.paths.head())
        .unwrap()
        .vault_id
}

/// What any slot of any half opens of a stored secret record.
fn opened_by_any_slot(vault: &Vault, row: &Row) -> Option<Vec<u8>> {
    halves(vault).iter().flatten().find_map(|half| {
        (0..2046).find_map(|slot| {
            let key = half.key(slot)?;
            row::open_secret(&key, row).map(|body| body.to_vec())
        })
    })
}

fn row(vault: &Vault, table: Table, id: &[u8]) -> Row {
    vault.row(table, id).unwrap().expect("the record is there")
}

fn every_file(dir: &Path, visit: &mut impl FnMut(&Path, &[u8])) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            every_file(&path, visit);
        } else {
            visit(&path, &fs::read(&path).unwrap());
        }
    }
}

fn assert_nowhere(dir: &Path, needle: &[u8]) {
    every_file(dir, &mut |path, bytes| {
        let found = bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!found, "found in {}", path.display());
    });
}

#[test]
fn an_overwritten_session_is_noise_once_settled() {
    let dir = tempfile::tempdir().unwrap();
    let (_, mut vault) = create(dir.path());
    let mut tx = vault.begin();
    tx.save_session(ANNA, SECRET).unwrap();
    tx.commit().unwrap();
    let old = row(&vault, Table::Session, &ANNA.0);
    assert_eq!(opened_by_any_slot(&vault, &old).as_deref(), Some(SECRET));

    let mut tx = vault.begin();
    tx.save_session(ANNA, b"advanced").unwrap();
    tx.commit().unwrap();
    assert!(!vault.settled());
    let before = opened_by_any_slot(&vault, &old);
    assert_eq!(
        before.as_deref(),
        Some(SECRET),
        "the idle half still has the key"
    );
    vault.settle().unwrap();
    assert!(vault.settled());
    assert_eq!(opened_by_any_slot(&vault, &old), None);
    assert_nowhere(dir.path(), SECRET);
    // The old record itself may well be there: that is why its key must not be.
    let now = row(&vault, Table::Session, &ANNA.0);
    assert_eq!(
        opened_by_any_slot(&vault, &now).as_deref(),
        Some(b"advanced".as_slice())
    );
}

#[test]
fn the_next_commit_of_a_secret_settles_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let (_, mut vault) = create(dir.path());
    let mut olds = Vec::new();
    for n in 0..6u8 {
        let mut tx = vault.begin();
        tx.save_session(ANNA, &[n; 64]).unwrap();
        tx.commit().unwrap();
        olds.push(row(&vault, Table::Session, &ANNA.0));
    }
    let readable: Vec<_> = olds
        .iter()
        .map(|old| opened_by_any_slot(&vault, old).is_some())
        .collect();
    assert_eq!(readable, [false, false, false, false, true, true]);
}

#[test]
fn a_removed_session_and_contact_are_noise_after_closing() {
    let dir = tempfile::tempdir().unwrap();
    let (paths, mut vault) = create(dir.path());
    let mut tx = vault.begin();
    tx.save_session(ANNA, SECRET).unwrap();
    tx.append_message(ANNA, &message(1)).unwrap();
    tx.commit().unwrap();
    let session = row(&vault, Table::Session, &ANNA.0);
    let page = row(&vault, Table::Page, &numbered(&ANNA, 0));
    assert!(opened_by_any_slot(&vault, &page).is_some());
    let mut tx = vault.begin();
    tx.remove_contact(ANNA).unwrap();
    tx.commit().unwrap();
    vault.close().unwrap();
    let vault = Vault::unlock(&paths, Unlock::Entropy(&Secret::new(&[7; 32]))).unwrap();
    assert_eq!(opened_by_any_slot(&vault, &session), None);
    assert_eq!(opened_by_any_slot(&vault, &page), None);
    assert_nowhere(dir.path(), SECRET);
}

#[test]
fn a_crash_before_settling_is_settled_by_the_next_opening() {
    let dir = tempfile::tempdir().unwrap();
    let (paths, mut vault) = create(dir.path());
    let mut olds = Vec::new();
    for text in [SECRET, b"advanced"] {
        let mut tx = vault.begin();
        tx.save_session(ANNA, text).unwrap();
        tx.commit().unwrap();
        olds.push(row(&vault, Table::Session, &ANNA.0));
    }
    let pages = paths.key_pages();
    let unsettled = pages.each_ref().map(|page| fs::read(page).unwrap());
    vault.close().unwrap();
    for (page, bytes) in pages.iter().zip(unsettled) {
        fs::write(page, bytes).unwrap();
    }
    let vault = Vault::unlock(&paths, Unlock::Entropy(&Secret::new(&[7; 32]))).unwrap();
    assert!(vault.settled());
    assert_eq!(opened_by_any_slot(&vault, &olds[0]), None);
    assert!(opened_by_any_slot(&vault, &olds[1]).is_some());
}

/// Everything of one message that lies in the database, and the keys that open it.
struct Captured {
    page: Row,
    queue: Row,
    texts: Vec<(Key, Vec<u8>)>,
}

/// Texts that come out, whatever page or queue and whatever slot key is tried.
fn texts_that_open(vault: &Vault, captured: &Captured) -> usize {
    let mut keys: Vec<Secret<32>> = Vec::new();
    let mut pages = vec![opened_by_any_slot(vault, &captured.page)];
    let current = vault.row(Table::Page, &captured.page.id).unwrap();
    pages.extend(current.map(|row| opened_by_any_slot(vault, &row)));
    for page in pages.into_iter().flatten() {
        let page = Page::from_bytes(&page).unwrap();
        for at in 0..page.len() {
            let key = page.message_key(at).unwrap();
            keys.push(amendment_key(&key, 0));
            keys.push(key);
        }
    }
    let mut queues = vec![opened_by_any_slot(vault, &captured.queue)];
    let current = vault.row(Table::Queue, &captured.queue.id).unwrap();
    queues.extend(current.map(|row| opened_by_any_slot(vault, &row)));
    for queue in queues.into_iter().flatten() {
        let queue = Queue::from_bytes(&queue).unwrap();
        keys.extend(queue.places().map(|(_, item)| item.key.duplicate()));
    }
    let opens = |key: &Key, value: &Vec<u8>| {
        keys.iter()
            .any(|record_key| row::open_log(record_key, key, value).is_some())
    };
    captured
        .texts
        .iter()
        .filter(|(key, value)| opens(key, value))
        .count()
}

#[test]
fn a_deleted_message_its_edits_and_its_outbox_copy_are_noise_once_settled() {
    let dir = tempfile::tempdir().unwrap();
    let (_, mut vault) = create(dir.path());
    let edit = Amendment::Edited {
        body: String::from_utf8(SECRET.to_vec()).unwrap(),
        at_ms: 3,
    };
    let item = OutboxItem {
        content: SECRET.to_vec(),
        ..OutboxItem::default()
    };
    let mut tx = vault.begin();
    tx.append_message(ANNA, &message(1)).unwrap();
    tx.append_message(ANNA, &message(2)).unwrap();
    tx.amend(ANNA, 1, &edit).unwrap();
    tx.push_outbox(ANNA, &item).unwrap();
    tx.push_outbox(ANNA, &item).unwrap();
    tx.commit().unwrap();

    let names = {
        let keys = &vault.keys;
        let (_, at) = place(1).unwrap();
        assert_eq!(at, 0);
        [
            message_log_key(keys, ANNA, 1, 0),
            amendment_log_key(keys, ANNA, 1, 0, 0),
            outbox_key(keys, ANNA, 1, 1),
        ]
    };
    let value = |key: &Key| vault.db().get(Space::Log, key).unwrap().unwrap().to_vec();
    let captured = Captured {
        page: row(&vault, Table::Page, &numbered(&ANNA, 0)),
        queue: row(&vault, Table::Queue, &numbered(&ANNA, 0)),
        texts: names.iter().map(|key| (*key, value(key))).collect(),
    };
    assert_eq!(texts_that_open(&vault, &captured), 3);

    let mut tx = vault.begin();
    tx.remove_outbox(ANNA, 1).unwrap();
    tx.amend(ANNA, 1, &Amendment::Deleted { at_ms: 4 }).unwrap();
    tx.commit().unwrap();
    assert_eq!(
        texts_that_open(&vault, &captured),
        3,
        "the idle half still has the key"
    );
    vault.settle().unwrap();
    assert_eq!(texts_that_open(&vault, &captured), 0);
    assert_nowhere(dir.path(), SECRET);
    assert!(vault.message(ANNA, 2).unwrap().unwrap().0 == message(2));
    assert!(vault.outbox(ANNA, 9).unwrap() == [(2, item)]);
}

#[test]
fn a_deleted_files_name_and_key_are_noise_once_settled() {
    let dir = tempfile::tempdir().unwrap();
    let (paths, mut vault) = create(dir.path());
    let file_key = *b"the key of a file, kept sealed..";
    let file = Amendment::File(StoredFile {
        at_ms: 3,
        size: 4,
        root: [5; 32],
        shape: 1,
        kept: Some(Kept {
            blob: [6; 16],
            key: FileKey::new(&file_key),
        }),
        path: None,
    });
    let named = Message {
        kind: Kind::File,
        ..message(1)
    };
    // An offer on its way out holds a key as well.
    let offer = OutboxItem {
        content: file_key.to_vec(),
        ..OutboxItem::default()
    };
    let mut tx = vault.begin();
    tx.append_message(ANNA, &named).unwrap();
    tx.amend(ANNA, 1, &file).unwrap();
    tx.push_outbox(ANNA, &offer).unwrap();
    tx.commit().unwrap();
    let (_, amendments) = vault.message(ANNA, 1).unwrap().unwrap();
    let kept = amendments.file().and_then(|file| file.kept.as_ref());
    assert!(kept.is_some_and(|kept| *kept.key.expose() == file_key));

    let names = [
        message_log_key(&vault.keys, ANNA, 1, 0),
        amendment_log_key(&vault.keys, ANNA, 1, 0, 0),
        outbox_key(&vault.keys, ANNA, 1, 1),
    ];
    let value = |key: &Key| vault.db().get(Space::Log, key).unwrap().unwrap().to_vec();
    let captured = Captured {
        page: row(&vault, Table::Page, &numbered(&ANNA, 0)),
        queue: row(&vault, Table::Queue, &numbered(&ANNA, 0)),
        texts: names.iter().map(|key| (*key, value(key))).collect(),
    };
    assert_eq!(texts_that_open(&vault, &captured), 3);

    let mut tx = vault.begin();
    tx.remove_outbox(ANNA, 1).unwrap();
    tx.amend(ANNA, 1, &Amendment::Deleted { at_ms: 7 }).unwrap();
    tx.commit().unwrap();
    vault.settle().unwrap();
    assert_eq!(texts_that_open(&vault, &captured), 0);
    vault.close().unwrap();
    let vault = Vault::unlock(&paths, Unlock::Entropy(&Secret::new(&[7; 32]))).unwrap();
    let (found, amendments) = vault.message(ANNA, 1).unwrap().unwrap();
    assert!(found.kind == Kind::File && found.body.is_empty());
    assert!(amendments.0 == [Amendment::Deleted { at_ms: 7 }]);
    assert_eq!(texts_that_open(&vault, &captured), 0);
    assert_nowhere(dir.path(), &file_key);
    assert_nowhere(dir.path(), SECRET);
}

#[test]
fn the_forgotten_beginning_of_a_conversation_is_noise_once_settled() {
    let dir = tempfile::tempdir().unwrap();
    let (paths, mut vault) = create(dir.path());
    let mut tx = vault.begin();
    for n in 1..=150 {
        tx.append_message(ANNA, &message(n)).unwrap();
    }
    tx.commit().unwrap();
    // What lies in the database of messages 1, 64, 65, 99 and 100, and of the pages they are in.
    let value = |vault: &Vault, seq| {
        let key = message_log_key(&vault.keys, ANNA, seq, 0);
        let value = vault.db().get(Space::Log, &key).unwrap().unwrap();
        (key, value.to_vec())
    };
    let captured: Vec<Texts> = [(1, 0), (64, 0), (65, 1), (99, 1), (100, 1)]
        .into_iter()
        .map(|(seq, page)| Texts {
            page: row(&vault, Table::Page, &numbered(&ANNA, page)),
            texts: vec![value(&vault, seq)],
        })
        .collect();
    let opens = |vault: &Vault| -> Vec<usize> {
        let one = |captured| pages_that_open(vault, captured);
        captured.iter().map(one).collect()
    };
    assert_eq!(opens(&vault), [1, 1, 1, 1, 1]);

    let mut tx = vault.begin();
    assert_eq!(tx.forget_messages(ANNA, 100).unwrap(), 99);
    tx.commit().unwrap();
    vault.settle().unwrap();
    assert_eq!(opens(&vault), [0, 0, 0, 0, 1]);
    vault.close().unwrap();
    let mut vault = Vault::unlock(&paths, Unlock::Entropy(&Secret::new(&[7; 32]))).unwrap();
    assert_eq!(opens(&vault), [0, 0, 0, 0, 1]);
    let left = vault.history(ANNA, None, 999).unwrap();
    assert_eq!((left.len(), left[0].0), (51, 100));
    assert_eq!(vault.find_message(ANNA, &[99; 16]).unwrap(), None);
    assert_eq!(vault.find_message(ANNA, &[100; 16]).unwrap(), Some(100));
    let inbox = vault.inbox(0, 999).unwrap();
    assert_eq!(inbox.len(), 51);
    assert!(vault.check().unwrap().is_whole());

    // All of it: the conversation goes on in a page of its own.
    let mut tx = vault.begin();
    assert_eq!(tx.forget_messages(ANNA, u64::MAX).unwrap(), 51);
    assert_eq!(tx.forget_messages(ANNA, u64::MAX).unwrap(), 0);
    let next = tx.append_message(ANNA, &message(200)).unwrap();
    tx.commit().unwrap();
    vault.settle().unwrap();
    assert_eq!(opens(&vault), [0; 5]);
    assert_eq!(next, 193);
    vault.close().unwrap();
    let vault = Vault::unlock(&paths, Unlock::Entropy(&Secret::new(&[7; 32]))).unwrap();
    assert_eq!(vault.history(ANNA, None, 999).unwrap().len(), 1);
    assert!(
        vault
            .row(Table::Page, &numbered(&ANNA, 0))
            .unwrap()
            .is_none()
    );
    assert!(
        vault
            .row(Table::Page, &numbered(&ANNA, 2))
            .unwrap()
            .is_none()
    );
    assert!(vault.check().unwrap().is_whole());
    assert_nowhere(dir.path(), SECRET);
}

/// Texts in the database, and the page whose keys opened them.
struct Texts {
    page: Row,
    texts: Vec<(Key, Vec<u8>)>,
}

/// Texts that come out, whatever version of their page and whatever slot key is tried.
fn pages_that_open(vault: &Vault, captured: &Texts) -> usize {
    let current = vault.row(Table::Page, &captured.page.id).unwrap();
    let pages = [
        opened_by_any_slot(vault, &captured.page),
        current.and_then(|row| opened_by_any_slot(vault, &row)),
    ];
    let mut found = 0;
    for page in pages.into_iter().flatten() {
        let page = Page::from_bytes(&page).unwrap();
        for at in 0..page.len() {
            let message_key = page.message_key(at).unwrap();
            found |= captured
                .texts
                .iter()
                .filter(|(key, value)| row::open_log(&message_key, key, value).is_some())
                .count();
        }
    }
    found
}
