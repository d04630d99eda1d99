//! Every table keeps what it is given, over a reopening, and forgets what it is told to.

#![allow(clippy::unwrap_used)]

mod common;

use common::{contact, create, item, message, unlock};
use solo2_crypto::file::FileKey;
use solo2_store::{
    Amendment, ContactId, DeliveryState, Kept, Kind, Message, OutboxItem, StoredFile, TxError,
    Vault,
};

const ANNA: ContactId = ContactId([1; 16]);
const BERT: ContactId = ContactId([2; 16]);

fn with_anna(vault: &mut Vault) {
    let mut tx = vault.begin();
    tx.put_contact(&contact(1)).unwrap();
    tx.commit().unwrap();
}

fn delivered(at_ms: u64) -> Amendment {
    Amendment::State {
        state: DeliveryState::Delivered,
        at_ms,
        route: Some("direct".to_owned()),
    }
}

#[test]
fn a_vault_is_send() {
    fn send<T: Send>() {}
    send::<Vault>();
}

#[test]
fn contacts_come_back_as_they_were_put() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    let mut tx = vault.begin();
    tx.put_contact(&contact(1)).unwrap();
    tx.put_contact(&contact(2)).unwrap();
    tx.put_contact(&contact(3)).unwrap();
    tx.commit().unwrap();
    let mut changed = contact(2);
    changed.name = "Bert".to_owned();
    changed.blocked = true;
    let mut tx = vault.begin();
    tx.put_contact(&changed).unwrap();
    tx.commit().unwrap();
    drop(vault);
    let vault = unlock(dir.path()).unwrap();
    let all: Vec<_> = vault.contacts().cloned().collect();
    assert!(all == [contact(1), changed, contact(3)]);
    assert!(vault.contact(ANNA) == Some(&contact(1)));
    assert!(vault.contact(ContactId([9; 16])).is_none());
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn a_session_is_the_last_one_saved() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    with_anna(&mut vault);
    assert!(vault.session(ANNA).unwrap().is_none());
    for n in 0..20u8 {
        let mut tx = vault.begin();
        tx.save_session(ANNA, &vec![n; 7000]).unwrap();
        tx.commit().unwrap();
        assert!(*vault.session(ANNA).unwrap().unwrap() == vec![n; 7000]);
    }
    drop(vault);
    let mut vault = unlock(dir.path()).unwrap();
    assert!(*vault.session(ANNA).unwrap().unwrap() == vec![19; 7000]);
    let mut tx = vault.begin();
    tx.remove_session(ANNA).unwrap();
    tx.commit().unwrap();
    assert!(vault.session(ANNA).unwrap().is_none());
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn a_dropped_transaction_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    with_anna(&mut vault);
    let commits = vault.commits();
    let mut tx = vault.begin();
    tx.append_message(ANNA, &message(1, true)).unwrap();
    tx.save_session(ANNA, b"state").unwrap();
    tx.push_outbox(ANNA, &item(1)).unwrap();
    tx.put_setting("name", b"value").unwrap();
    tx.put_contact(&contact(2)).unwrap();
    drop(tx);
    assert_eq!(vault.commits(), commits);
    assert_eq!(vault.contacts().count(), 1);
    assert!(vault.session(ANNA).unwrap().is_none());
    assert!(vault.history(ANNA, None, 10).unwrap().is_empty());
    assert_eq!(vault.outbox_len(ANNA), 0);
    assert!(vault.setting("name").unwrap().is_none());
    assert!(vault.inbox(0, 10).unwrap().is_empty());
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn an_empty_transaction_is_no_commit() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    let commits = vault.commits();
    vault.begin().commit().unwrap();
    assert_eq!(vault.commits(), commits);
}

#[test]
fn a_long_history_comes_whole_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    with_anna(&mut vault);
    let mut tx = vault.begin();
    for n in 1..=1000 {
        tx.append_message(ANNA, &message(n, false)).unwrap();
    }
    tx.amend(ANNA, 700, &Amendment::Deleted { at_ms: 5 })
        .unwrap();
    tx.commit().unwrap();
    for (before, limit) in [
        (None, 1000),
        (None, 999),
        (Some(1001), 256),
        (Some(513), 256),
        (Some(514), 257),
        (Some(194), 129),
    ] {
        let end = before.unwrap_or(1001);
        let found = vault.history(ANNA, before, limit).unwrap();
        let numbers: Vec<u64> = found.iter().map(|(seq, ..)| *seq).collect();
        let wanted: Vec<u64> = (end - limit as u64..end).collect();
        assert_eq!(numbers, wanted, "{limit} before {before:?}");
        for (seq, found, amendments) in found {
            assert_eq!(amendments.deleted_at_ms().is_some(), seq == 700);
            assert!(seq == 700 || found == message(seq, false), "{seq}");
        }
    }
}

#[test]
fn history_pages_backwards_over_several_key_pages() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    with_anna(&mut vault);
    for chunk in (1..=150u64).collect::<Vec<_>>().chunks(7) {
        let mut tx = vault.begin();
        for n in chunk {
            assert_eq!(
                tx.append_message(ANNA, &message(*n, n.is_multiple_of(2)))
                    .unwrap(),
                *n
            );
        }
        tx.commit().unwrap();
    }
    drop(vault);
    let vault = unlock(dir.path()).unwrap();
    let mut before = None;
    let mut seen = Vec::new();
    loop {
        let page = vault.history(ANNA, before, 50).unwrap();
        let Some((first, ..)) = page.first() else {
            break;
        };
        before = Some(*first);
        assert!(page.windows(2).all(|two| two[0].0 + 1 == two[1].0));
        seen.extend(page.into_iter().rev().map(|(seq, found, amendments)| {
            assert!(found == message(seq, seq.is_multiple_of(2)));
            assert!(amendments.0.is_empty());
            seq
        }));
    }
    assert_eq!(seen, (1..=150).rev().collect::<Vec<_>>());
    for n in [1u64, 64, 65, 150] {
        let id = u128::from(n).to_be_bytes();
        assert_eq!(vault.find_message(ANNA, &id).unwrap(), Some(n));
        assert_eq!(vault.message_by_id(&id).unwrap(), Some((ANNA, n)));
        assert!(vault.message(ANNA, n).unwrap().unwrap().0 == message(n, n.is_multiple_of(2)));
    }
    assert_eq!(vault.message_by_id(&[0xff; 16]).unwrap(), None);
    assert!(vault.message(ANNA, 0).unwrap().is_none());
    assert!(vault.message(ANNA, 151).unwrap().is_none());
    assert!(vault.message(ANNA, u64::MAX).unwrap().is_none());
    assert!(vault.history(BERT, None, 10).unwrap().is_empty());
    let report = vault.check().unwrap();
    assert_eq!(report.messages, 150);
    assert_eq!(report.inbox, 75);
    assert!(report.is_whole());
}

#[test]
fn a_message_is_stored_once_whoever_else_uses_its_id() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    let mut tx = vault.begin();
    tx.put_contact(&contact(1)).unwrap();
    tx.put_contact(&contact(2)).unwrap();
    tx.append_message(ANNA, &message(5, true)).unwrap();
    let again = tx.append_message(ANNA, &message(5, true));
    assert!(matches!(again, Err(TxError::Duplicate { seq: 1 })));
    tx.commit().unwrap();
    let mut tx = vault.begin();
    let again = tx.append_message(ANNA, &message(5, true));
    assert!(matches!(again, Err(TxError::Duplicate { seq: 1 })));
    assert_eq!(tx.append_message(BERT, &message(5, true)).unwrap(), 1);
    tx.commit().unwrap();
    let id = message(5, true).id;
    assert_eq!(vault.find_message(ANNA, &id).unwrap(), Some(1));
    assert_eq!(vault.find_message(BERT, &id).unwrap(), Some(1));
}

#[test]
fn amendments_come_back_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    with_anna(&mut vault);
    let edited = Amendment::Edited {
        body: "better".to_owned(),
        at_ms: 4,
    };
    let reaction = Amendment::Reaction {
        incoming: true,
        emoji: "+1".to_owned(),
        at_ms: 5,
    };
    let mut tx = vault.begin();
    tx.append_message(ANNA, &message(1, false)).unwrap();
    tx.amend(ANNA, 1, &delivered(3)).unwrap();
    tx.commit().unwrap();
    let mut tx = vault.begin();
    tx.amend(ANNA, 1, &edited).unwrap();
    tx.amend(ANNA, 1, &reaction).unwrap();
    assert!(matches!(
        tx.amend(ANNA, 2, &reaction),
        Err(TxError::UnknownMessage)
    ));
    assert!(matches!(
        tx.amend(ANNA, 0, &reaction),
        Err(TxError::UnknownMessage)
    ));
    tx.commit().unwrap();
    drop(vault);
    let vault = unlock(dir.path()).unwrap();
    let (found, amendments) = vault.message(ANNA, 1).unwrap().unwrap();
    assert!(amendments.0 == [delivered(3), edited, reaction]);
    assert_eq!(amendments.body(&found), Some("better"));
    assert_eq!(amendments.reaction(true), Some("+1"));
}

#[test]
fn the_newest_of_a_files_places_counts_until_it_is_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    with_anna(&mut vault);
    let stored = |kept: Option<Kept>, path: Option<&str>| StoredFile {
        at_ms: 4,
        size: u64::MAX,
        root: [5; 32],
        shape: 2,
        kept,
        path: path.map(str::to_owned),
    };
    let kept = Kept {
        blob: [6; 16],
        key: FileKey::new(&[7; 32]),
    };
    let in_vault = stored(Some(kept), None);
    let longest = format!("/{}", "x".repeat(4095));
    let taken_out = stored(None, Some(&longest));
    let mut tx = vault.begin();
    let named = Message {
        kind: Kind::File,
        ..message(1, true)
    };
    tx.append_message(ANNA, &named).unwrap();
    tx.amend(ANNA, 1, &Amendment::File(in_vault.clone()))
        .unwrap();
    tx.commit().unwrap();
    let amendments = |vault: &Vault| vault.message(ANNA, 1).unwrap().unwrap().1;
    assert!(amendments(&vault).file() == Some(&in_vault));

    let mut tx = vault.begin();
    tx.amend(ANNA, 1, &Amendment::File(taken_out.clone()))
        .unwrap();
    tx.amend(ANNA, 1, &delivered(5)).unwrap();
    let too_long = Amendment::File(stored(None, Some(&format!("{longest}x"))));
    assert!(matches!(
        tx.amend(ANNA, 1, &too_long),
        Err(TxError::TooLong {
            what: "the file's path"
        })
    ));
    tx.commit().unwrap();
    drop(vault);
    let mut vault = unlock(dir.path()).unwrap();
    let (found, happened) = vault.message(ANNA, 1).unwrap().unwrap();
    assert!(found == named);
    assert!(happened.file() == Some(&taken_out));
    assert_eq!(happened.body(&found), Some(named.body.as_str()));

    let mut tx = vault.begin();
    tx.amend(ANNA, 1, &Amendment::Deleted { at_ms: 6 }).unwrap();
    tx.amend(ANNA, 1, &Amendment::File(in_vault)).unwrap();
    tx.commit().unwrap();
    assert!(amendments(&vault).file().is_none());
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn one_message_takes_a_bounded_number_of_amendments_and_can_still_be_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    with_anna(&mut vault);
    let reaction = Amendment::Reaction {
        incoming: true,
        emoji: "x".to_owned(),
        at_ms: 5,
    };
    let mut tx = vault.begin();
    tx.append_message(ANNA, &message(1, false)).unwrap();
    let refused = (0..2000).find(|_| tx.amend(ANNA, 1, &reaction).is_err());
    assert_eq!(refused, Some(1024));
    tx.amend(ANNA, 1, &Amendment::Deleted { at_ms: 6 }).unwrap();
    tx.commit().unwrap();
    let (_, amendments) = vault.message(ANNA, 1).unwrap().unwrap();
    assert!(amendments.0 == [Amendment::Deleted { at_ms: 6 }]);
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn a_deleted_message_keeps_its_place_and_loses_its_text() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    with_anna(&mut vault);
    let mut tx = vault.begin();
    for n in 1..=70 {
        tx.append_message(ANNA, &message(n, false)).unwrap();
        tx.push_outbox(ANNA, &item(n)).unwrap();
    }
    tx.amend(ANNA, 3, &delivered(9)).unwrap();
    tx.commit().unwrap();
    for seq in [3, 70] {
        let mut tx = vault.begin();
        tx.amend(ANNA, seq, &Amendment::Deleted { at_ms: 10 })
            .unwrap();
        tx.amend(ANNA, seq, &Amendment::Deleted { at_ms: 11 })
            .unwrap();
        tx.append_message(ANNA, &message(100 + seq, true)).unwrap();
        tx.commit().unwrap();
    }
    drop(vault);
    let mut vault = unlock(dir.path()).unwrap();
    let (found, amendments) = vault.message(ANNA, 3).unwrap().unwrap();
    assert!(found.body.is_empty());
    assert_eq!(found.id, message(3, false).id);
    assert_eq!(amendments.deleted_at_ms(), Some(10));
    assert_eq!(
        amendments.state().map(|state| state.0),
        Some(DeliveryState::Delivered)
    );
    for (seq, found, _) in vault.history(ANNA, None, 100).unwrap() {
        assert_eq!(
            found.body.is_empty(),
            seq == 3 || seq == 70,
            "message {seq}"
        );
    }
    assert_eq!(vault.outbox(ANNA, 100).unwrap().len(), 70);
    assert!(vault.check().unwrap().is_whole());
    let mut tx = vault.begin();
    tx.append_message(ANNA, &message(500, false)).unwrap();
    tx.commit().unwrap();
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn the_outbox_keeps_order_through_updates_and_removals() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    with_anna(&mut vault);
    let mut tx = vault.begin();
    for n in 1..=140 {
        assert_eq!(tx.push_outbox(ANNA, &item(n)).unwrap(), n);
    }
    tx.commit().unwrap();
    let sealed = OutboxItem {
        envelopes: vec![vec![1; 4057], vec![2; 4057]],
        ..item(3)
    };
    let mut tx = vault.begin();
    tx.update_outbox(ANNA, 3, &sealed).unwrap();
    tx.remove_outbox(ANNA, 1).unwrap();
    tx.remove_outbox(ANNA, 4).unwrap();
    assert!(matches!(
        tx.remove_outbox(ANNA, 4),
        Err(TxError::UnknownOutboxItem)
    ));
    assert!(matches!(
        tx.update_outbox(ANNA, 141, &sealed),
        Err(TxError::UnknownOutboxItem)
    ));
    assert!(matches!(
        tx.update_outbox(ANNA, 0, &sealed),
        Err(TxError::UnknownOutboxItem)
    ));
    tx.commit().unwrap();
    assert_eq!(vault.outbox_len(ANNA), 138);
    drop(vault);
    let mut vault = unlock(dir.path()).unwrap();
    let found = vault.outbox(ANNA, 3).unwrap();
    assert!(found == [(2, item(2)), (3, sealed), (5, item(5))]);
    let mut tx = vault.begin();
    for position in (2..=139).filter(|position| *position != 4) {
        tx.remove_outbox(ANNA, position).unwrap();
    }
    tx.commit().unwrap();
    assert!(vault.outbox(ANNA, 9).unwrap() == [(140, item(140))]);
    let mut tx = vault.begin();
    tx.remove_outbox(ANNA, 140).unwrap();
    assert_eq!(tx.push_outbox(ANNA, &item(7)).unwrap(), 141);
    tx.commit().unwrap();
    assert!(vault.outbox(ANNA, 9).unwrap() == [(141, item(7))]);
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn settings_and_the_inbox_cursor_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    let mut tx = vault.begin();
    tx.put_contact(&contact(1)).unwrap();
    tx.put_setting("device keys", &[9; 3000]).unwrap();
    tx.put_setting("gone", b"soon").unwrap();
    for n in 1..=5 {
        tx.append_message(ANNA, &message(n, n != 3)).unwrap();
    }
    tx.commit().unwrap();
    let mut tx = vault.begin();
    tx.remove_setting("gone").unwrap();
    tx.remove_setting("never there").unwrap();
    tx.set_inbox_cursor(2);
    tx.commit().unwrap();
    drop(vault);
    let vault = unlock(dir.path()).unwrap();
    assert_eq!(vault.setting("device keys").unwrap(), Some(vec![9; 3000]));
    assert_eq!(vault.setting("gone").unwrap(), None);
    assert_eq!((vault.inbox_cursor(), vault.inbox_newest()), (2, 4));
    let entries = vault.inbox(vault.inbox_cursor(), 10).unwrap();
    let numbers: Vec<_> = entries
        .iter()
        .map(|entry| (entry.number, entry.contact, entry.seq))
        .collect();
    assert_eq!(numbers, [(3, ANNA, 4), (4, ANNA, 5)]);
    assert_eq!(vault.inbox(0, 1).unwrap().len(), 1);
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn a_removed_contact_takes_everything_along() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    let mut tx = vault.begin();
    tx.put_contact(&contact(1)).unwrap();
    tx.put_contact(&contact(2)).unwrap();
    for n in 1..=100 {
        tx.append_message(ANNA, &message(n, true)).unwrap();
        tx.push_outbox(ANNA, &item(n)).unwrap();
    }
    tx.append_message(BERT, &message(1, true)).unwrap();
    tx.amend(ANNA, 2, &delivered(1)).unwrap();
    tx.save_session(ANNA, b"anna").unwrap();
    tx.save_session(BERT, b"bert").unwrap();
    tx.commit().unwrap();
    let mut tx = vault.begin();
    tx.append_message(ANNA, &message(101, true)).unwrap();
    tx.remove_contact(ANNA).unwrap();
    assert!(matches!(tx.save_session(ANNA, b""), Err(TxError::Removed)));
    tx.commit().unwrap();
    assert!(vault.contact(ANNA).is_none());
    assert!(vault.session(ANNA).unwrap().is_none());
    assert!(vault.history(ANNA, None, 10).unwrap().is_empty());
    assert_eq!(vault.message_by_id(&message(50, true).id).unwrap(), None);
    let inbox = vault.inbox(0, 500).unwrap();
    assert_eq!(inbox.len(), 1);
    assert_eq!(inbox[0].contact, BERT);
    drop(vault);
    let mut vault = unlock(dir.path()).unwrap();
    assert!(vault.check().unwrap().is_whole());
    assert_eq!(vault.session(BERT).unwrap().unwrap().as_slice(), b"bert");
    let mut tx = vault.begin();
    assert!(matches!(
        tx.remove_contact(ANNA),
        Err(TxError::UnknownContact)
    ));
    tx.put_contact(&contact(1)).unwrap();
    assert_eq!(tx.append_message(ANNA, &message(1, true)).unwrap(), 1);
    tx.commit().unwrap();
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn contacts_are_bounded_by_the_key_page() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    let mut tx = vault.begin();
    let mut refused = None;
    for n in 0..2000u16 {
        let mut one = contact(1);
        one.certificate.clear();
        one.id.0[..2].copy_from_slice(&n.to_be_bytes());
        if let Err(error) = tx.put_contact(&one) {
            refused = Some((n, error));
            break;
        }
    }
    assert!(matches!(
        refused,
        Some((1022, TxError::TooManyContacts { limit: 1022 }))
    ));
    tx.commit().unwrap();
    drop(vault);
    let vault = unlock(dir.path()).unwrap();
    assert_eq!(vault.contacts().count(), 1022);
    assert!(vault.check().unwrap().is_whole());
}

#[test]
fn what_is_too_long_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    with_anna(&mut vault);
    let mut tx = vault.begin();
    let long = "x".repeat(300 * 1024);
    let mut one = contact(1);
    one.name.clone_from(&long);
    assert!(matches!(tx.put_contact(&one), Err(TxError::TooLong { .. })));
    let mut two = message(1, true);
    two.body.clone_from(&long);
    assert!(matches!(
        tx.append_message(ANNA, &two),
        Err(TxError::TooLong { .. })
    ));
    assert!(matches!(
        tx.put_setting(&long, b""),
        Err(TxError::TooLong { .. })
    ));
    assert!(matches!(
        tx.save_session(ContactId([9; 16]), b""),
        Err(TxError::UnknownContact)
    ));
}

#[test]
fn a_restored_message_is_history_and_no_news() {
    let dir = tempfile::tempdir().unwrap();
    let mut vault = create(dir.path());
    with_anna(&mut vault);
    let edited = Amendment::Edited {
        body: "as it reads now".to_owned(),
        at_ms: 5,
    };
    let gone = [delivered(3), Amendment::Deleted { at_ms: 9 }];
    let mut tx = vault.begin();
    let first = message(1, true);
    let told = [edited, delivered(4)];
    assert_eq!(tx.restore_message(ANNA, &first, &told).unwrap(), 1);
    assert_eq!(
        tx.restore_message(ANNA, &message(2, false), &gone).unwrap(),
        2
    );
    let again = tx.restore_message(ANNA, &message(1, true), &[]);
    assert!(matches!(again, Err(TxError::Duplicate { seq: 1 })));
    let long = Amendment::Reaction {
        incoming: true,
        emoji: "x".repeat(2000),
        at_ms: 1,
    };
    let refused = tx.restore_message(ANNA, &message(3, true), &[long]);
    assert!(matches!(refused, Err(TxError::TooLong { .. })));
    tx.commit().unwrap();
    drop(vault);
    let mut vault = unlock(dir.path()).unwrap();
    let all = vault.history(ANNA, None, 10).unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].2.body(&all[0].1), Some("as it reads now"));
    assert_eq!(all[1].2.deleted_at_ms(), Some(9));
    assert_eq!(all[1].1.body, "", "a text that was deleted is not stored");
    assert_eq!(all[1].2.state().unwrap().1, 3);
    assert_eq!(
        (vault.inbox_newest(), vault.inbox_names(ANNA).unwrap()),
        (0, false)
    );
    let mut tx = vault.begin();
    tx.append_message(ANNA, &message(4, true)).unwrap();
    tx.commit().unwrap();
    assert!(vault.inbox_names(ANNA).unwrap() && !vault.inbox_names(BERT).unwrap());
    assert!(vault.check().unwrap().is_whole());
}
