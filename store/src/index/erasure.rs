//! What the index yields to someone who has the data key: deleted words least of all.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use solo2_crypto::aead;
use solo2_crypto::secret::Secret;

use crate::db::{Batch, Space};
use crate::error::ReadError;
use crate::index::{INDEX_SLOT, IndexStep, Part, block_ad, read_keys};
use crate::key_page::KeyPage;
use crate::row::{self, Key, Row, Table};
use crate::vault::Vault;
use crate::{
    Amendment, Contact, ContactId, Filter, Kind, Message, PasswordCost, Query, Trust, Unlock,
    VaultPaths,
};

const ANNA: ContactId = ContactId([1; 16]);

fn paths(dir: &Path) -> VaultPaths {
    VaultPaths {
        vault: dir.join("vault"),
        state: dir.join("state"),
    }
}

fn create(dir: &Path) -> Vault {
    let rng = &mut rand::rng();
    let words = Secret::new(&[7; 32]);
    let mut vault =
        Vault::create_with(&paths(dir), &words, "password", PasswordCost::FLOOR, rng).unwrap();
    let mut tx = vault.begin();
    tx.put_contact(&Contact {
        id: ANNA,
        name: "Anna".to_owned(),
        account: [1; 32],
        certificate: Vec::new(),
        verified: false,
        trust: Trust::New,
        blocked: false,
        changed_to: None,
        added_at_ms: 0,
        settings: BTreeMap::new(),
    })
    .unwrap();
    tx.commit().unwrap();
    vault
}

fn open(dir: &Path) -> Vault {
    Vault::unlock(&paths(dir), Unlock::Entropy(&Secret::new(&[7; 32]))).unwrap()
}

fn say(vault: &mut Vault, number: u8, body: &str) {
    let mut tx = vault.begin();
    tx.append_message(
        ANNA,
        &Message {
            id: [number; 16],
            incoming: true,
            sent_at_ms: 1,
            stored_at_ms: u64::from(number) * 1000,
            kind: Kind::Text,
            body: body.to_owned(),
            reply_to: None,
            expires_at_ms: None,
            client_id: None,
            route: None,
        },
    )
    .unwrap();
    tx.commit().unwrap();
}

fn delete(vault: &mut Vault, seq: u64) {
    let mut tx = vault.begin();
    tx.amend(ANNA, seq, &Amendment::Deleted { at_ms: 1 })
        .unwrap();
    tx.commit().unwrap();
}

fn found(vault: &Vault, query: &str) -> Vec<u64> {
    let query = Query::parse(query).unwrap();
    let hits = vault.search(&query, &Filter::default(), 100).unwrap();
    hits.iter().map(|hit| hit.seq).collect()
}

/// A segment as it lies on disk: its blocks, and the record of the keys of that time.
struct Captured {
    blocks: Vec<(Key, Vec<u8>)>,
    keys: Row,
}

fn capture(vault: &Vault) -> Captured {
    let mut blocks = Vec::new();
    for open in &vault.index().open {
        for name in open.segment.block_keys(vault.keys()) {
            let value = vault.db().get(Space::Log, &name).unwrap().unwrap();
            blocks.push((name, value.to_vec()));
        }
    }
    let keys = vault.row(Table::IndexKeys, &[]).unwrap().unwrap();
    Captured { blocks, keys }
}

/// How many of these blocks anything opens that is on disk now: any slot of either half of the key
/// page on the old record of keys, and every key that is in the record now.
fn blocks_that_open(vault: &Vault, captured: &Captured) -> usize {
    let id = crate::doors::Doors::read(&vault.paths().head())
        .unwrap()
        .vault_id;
    let branch = &vault.keys().key_page;
    let (_, halves) = KeyPage::open(vault.paths(), id, branch).unwrap();
    let mut records: Vec<_> = halves
        .iter()
        .flatten()
        .flat_map(|half| (0..2046).filter_map(|slot| half.key(slot)))
        .filter_map(|key| row::open_secret(&key, &captured.keys))
        .collect();
    records.extend(vault.secret(Table::IndexKeys, &[], INDEX_SLOT).unwrap());
    let keys: Vec<_> = records
        .iter()
        .flat_map(|record| read_keys(record).unwrap())
        .collect();
    let opens = |(name, value): &&(Key, Vec<u8>)| {
        keys.iter()
            .any(|(_, key)| aead::open(key, value, &block_ad(name)).is_ok())
    };
    captured.blocks.iter().filter(opens).count()
}

fn is_nowhere(dir: &Path, needle: &[u8]) -> bool {
    fs::read_dir(dir).unwrap().all(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_nowhere(&path, needle);
        }
        let bytes = fs::read(&path).unwrap();
        !bytes.windows(needle.len()).any(|window| window == needle)
    })
}

#[test]
fn a_deleted_messages_words_leave_the_index_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    say(&mut vault, 1, "the canary sang");
    say(&mut vault, 2, "the miner heard");
    assert_eq!(vault.index_step(1, 100).unwrap(), IndexStep::Sealed(2));
    assert_eq!(found(&vault, "canary"), [1]);
    let captured = capture(&vault);
    assert_eq!(captured.blocks.len(), 3);
    assert_eq!(blocks_that_open(&vault, &captured), 3);

    delete(&mut vault, 1);
    assert!(found(&vault, "canary").is_empty() && vault.index_status().stale);
    assert_eq!(found(&vault, "the"), [2]);
    assert_eq!(
        blocks_that_open(&vault, &captured),
        3,
        "not written anew yet"
    );

    vault.compact().unwrap();
    assert!(!vault.index_status().stale);
    assert_eq!(blocks_that_open(&vault, &captured), 0);
    for (name, _) in &captured.blocks {
        assert!(!vault.db().contains(Space::Log, name).unwrap());
    }
    assert_eq!(found(&vault, "the miner"), [2]);
    vault.close().unwrap();
    for (_, block) in &captured.blocks {
        assert!(is_nowhere(dir.path(), &block[..32]));
    }
    let vault = open(dir.path());
    assert_eq!(blocks_that_open(&vault, &captured), 0);
    assert_eq!(found(&vault, "heard"), [2]);
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn segments_that_were_merged_away_open_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    for number in 1..=8 {
        say(&mut vault, number, &format!("word{number} and"));
        vault.index_step(1, 100).unwrap();
    }
    let captured = capture(&vault);
    assert_eq!(blocks_that_open(&vault, &captured), 24);
    assert_eq!(vault.index_step(1, 100).unwrap(), IndexStep::Merged);
    vault.settle().unwrap();
    assert_eq!(blocks_that_open(&vault, &captured), 0);
    assert_eq!(found(&vault, "and"), [8, 7, 6, 5, 4, 3, 2, 1]);
}

#[test]
fn a_removed_contacts_words_leave_the_index_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    say(&mut vault, 1, "the canary sang");
    vault.index_step(1, 100).unwrap();
    let captured = capture(&vault);
    let mut tx = vault.begin();
    tx.remove_contact(ANNA).unwrap();
    tx.commit().unwrap();
    assert!(vault.index_status().stale);
    drop(vault);
    let mut vault = open(dir.path());
    vault.compact().unwrap();
    assert_eq!(vault.index_status(), crate::IndexStatus::default());
    assert_eq!(blocks_that_open(&vault, &captured), 0);
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn a_forgotten_conversations_words_leave_the_index_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    for number in 1..=3 {
        say(&mut vault, number, "the canary sang");
    }
    vault.index_step(1, 100).unwrap();
    say(&mut vault, 4, "the canary again");
    let captured = capture(&vault);
    let mut tx = vault.begin();
    tx.forget_messages(ANNA, 3).unwrap();
    tx.commit().unwrap();
    assert_eq!(found(&vault, "canary"), [4, 3]);
    assert!(vault.index_status().stale);
    let mut tx = vault.begin();
    tx.forget_messages(ANNA, u64::MAX).unwrap();
    tx.commit().unwrap();
    assert!(found(&vault, "canary").is_empty());
    drop(vault);
    let mut vault = open(dir.path());
    vault.compact().unwrap();
    assert_eq!(vault.index_status(), crate::IndexStatus::default());
    assert_eq!(blocks_that_open(&vault, &captured), 0);
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn a_message_that_disappears_by_itself_is_never_indexed() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    let mut tx = vault.begin();
    tx.append_message(
        ANNA,
        &Message {
            id: [1; 16],
            incoming: true,
            sent_at_ms: 1,
            stored_at_ms: 1,
            kind: Kind::Text,
            body: "gone tomorrow".to_owned(),
            reply_to: None,
            expires_at_ms: Some(1000),
            client_id: None,
            route: None,
        },
    )
    .unwrap();
    tx.commit().unwrap();
    assert_eq!(vault.index_step(1, 100).unwrap(), IndexStep::Sealed(0));
    let status = vault.index_status();
    assert_eq!((status.segments, status.apart, status.tail), (0, 1, 0));
    assert_eq!(found(&vault, "tomorrow"), [1]);
    delete(&mut vault, 1);
    let status = vault.index_status();
    assert!(status.apart == 0 && !status.stale && found(&vault, "tomorrow").is_empty());
}

#[test]
fn a_damaged_block_is_named_and_a_new_index_mends_it() {
    for part in Part::ALL {
        for missing in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let mut vault = create(dir.path());
            say(&mut vault, 1, "the canary sang");
            vault.index_step(1, 100).unwrap();
            let open_segment = &vault.index().open[0];
            let name = open_segment.segment.block_key(vault.keys(), part, 0);
            let mut value = vault.db().get(Space::Log, &name).unwrap().unwrap().to_vec();
            value[1000] ^= 1;
            let log = vec![(name, (!missing).then_some(value))];
            let mutable = Vec::new();
            vault.db().commit(Batch { mutable, log }).unwrap();
            drop(vault);

            let mut vault = open(dir.path());
            let query = Query::parse("canary").unwrap();
            let error = vault.search(&query, &Filter::default(), 9).err().unwrap();
            let wanted = format!("segment 0, {} block 0", part.name());
            assert!(error.to_string().ends_with(&wanted), "{error}");
            assert!(matches!(error, ReadError::Index { .. }));
            let report = vault.check().unwrap();
            assert!(
                report
                    .problems
                    .iter()
                    .any(|problem| problem.ends_with(&wanted))
            );

            vault.drop_index().unwrap();
            assert_eq!(found(&vault, "canary"), [1]);
            assert_eq!(vault.index_step(1, 100).unwrap(), IndexStep::Sealed(1));
            assert_eq!(found(&vault, "canary"), [1]);
            let report = vault.check().unwrap();
            assert!(report.is_whole(), "{:?}", report.problems);
        }
    }
}

#[test]
fn authentic_nonsense_in_a_block_is_damage_and_no_panic() {
    use rand::{RngExt as _, SeedableRng as _};
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    for number in 1..=40 {
        say(
            &mut vault,
            number,
            &format!("word{number} and backup {}", number % 7),
        );
    }
    vault.index_step(1, 100).unwrap();
    let mut rng = rand::rngs::StdRng::seed_from_u64(5);
    let whole = capture(&vault);
    let queries = ["and", "word7", "ba*", "backup 3", "wo* 5"].map(|q| Query::parse(q).unwrap());
    let mut damaged = 0;
    for round in 0..60 {
        let part = Part::ALL[round % 3];
        let (name, sealed) = {
            let open = &vault.index().open[0];
            let name = open.segment.block_key(vault.keys(), part, 0);
            let key = open.key.as_ref().unwrap();
            let mut plain = vault.block(open, part, 0).unwrap();
            for _ in 0..rng.random_range(1..4) {
                plain[rng.random_range(0..600)] = rng.random();
            }
            (
                name,
                aead::seal(key, &plain, &block_ad(&name), &mut rand::rng()),
            )
        };
        let write = |vault: &Vault, log| {
            let mutable = Vec::new();
            vault.db().commit(Batch { mutable, log }).unwrap();
        };
        write(&vault, vec![(name, Some(sealed))]);
        drop(vault);
        vault = open(dir.path());
        for query in &queries {
            damaged += usize::from(vault.search(query, &Filter::default(), 9).is_err());
        }
        let _ = vault.check();
        let blocks = whole.blocks.iter().cloned();
        write(
            &vault,
            blocks.map(|(name, block)| (name, Some(block))).collect(),
        );
        drop(vault);
        vault = open(dir.path());
    }
    assert!(damaged > 0);
    assert_eq!(found(&vault, "word7"), [7]);
}
