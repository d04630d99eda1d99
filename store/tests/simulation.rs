//! Random transactions against a model: whatever was done, the vault holds what the model holds.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use common::{contact, create, item, message, unlock};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use solo2_crypto::file::FileKey;
use solo2_store::{
    Amendment, Amendments, Contact, ContactId, DeliveryState, Kept, Message, OutboxItem,
    StoredFile, Tx, Vault,
};

/// What one contact should have.
#[derive(Clone)]
struct Peer {
    contact: Contact,
    session: Option<Vec<u8>>,
    messages: Vec<(Message, Vec<Amendment>)>,
    /// The number of the first of them, or of the next if there is none.
    first: u64,
    outbox: BTreeMap<u64, OutboxItem>,
    positions: u64,
}

#[derive(Clone, Default)]
struct Model {
    peers: BTreeMap<ContactId, Peer>,
    settings: BTreeMap<String, Vec<u8>>,
    cursor: u64,
    incoming: u64,
    ids: u64,
}

impl Model {
    fn step(&mut self, tx: &mut Tx<'_>, rng: &mut StdRng) {
        let who = ContactId([rng.random_range(1..=4); 16]);
        let Some(peer) = self.peers.get_mut(&who) else {
            let contact = contact(who.0[0]);
            if tx.put_contact(&contact).is_ok() {
                let peer = Peer {
                    contact,
                    session: None,
                    messages: Vec::new(),
                    first: 1,
                    outbox: BTreeMap::new(),
                    positions: 0,
                };
                self.peers.insert(who, peer);
            }
            return;
        };
        match rng.random_range(0..100) {
            0..25 => {
                self.ids += 1;
                let message = message(self.ids, rng.random());
                self.incoming += u64::from(message.incoming);
                let seq = tx.append_message(who, &message).unwrap();
                peer.messages.push((message, Vec::new()));
                assert_eq!(seq + 1, peer.first + peer.messages.len() as u64);
            }
            25..45 if !peer.messages.is_empty() => {
                let at = rng.random_range(0..peer.messages.len());
                let amendment = amendment(rng);
                tx.amend(who, peer.first + at as u64, &amendment).unwrap();
                apply(&mut peer.messages[at], amendment);
            }
            45..60 => {
                let item = item(rng.random_range(0..1000));
                peer.positions += 1;
                assert_eq!(tx.push_outbox(who, &item).unwrap(), peer.positions);
                peer.outbox.insert(peer.positions, item);
            }
            60..75 if !peer.outbox.is_empty() => {
                let at = rng.random_range(0..peer.outbox.len());
                let position = *peer.outbox.keys().nth(at).unwrap();
                if rng.random_bool(0.7) {
                    tx.remove_outbox(who, position).unwrap();
                    peer.outbox.remove(&position);
                } else {
                    let item = item(rng.random_range(0..1000));
                    tx.update_outbox(who, position, &item).unwrap();
                    peer.outbox.insert(position, item);
                }
            }
            75..77 => {
                let many = rng.random_range(0..=peer.messages.len());
                let next = peer.first + peer.messages.len() as u64;
                let before = peer.first + many as u64;
                assert_eq!(tx.forget_messages(who, before).unwrap(), many as u64);
                peer.messages.drain(..many);
                peer.first = match peer.messages.is_empty() && many > 0 {
                    // Behind the last of them a new page begins, 64 to a page.
                    true => (next - 1).div_ceil(64) * 64 + 1,
                    false => before,
                };
            }
            77..88 => {
                let session = vec![rng.random(); rng.random_range(0..9000)];
                tx.save_session(who, &session).unwrap();
                peer.session = Some(session);
            }
            88..91 => {
                tx.remove_session(who).unwrap();
                peer.session = None;
            }
            91..94 => {
                peer.contact.name = format!("name {}", rng.random::<u32>());
                tx.put_contact(&peer.contact).unwrap();
            }
            94..98 => {
                let name = format!("setting {}", rng.random_range(0..5));
                if rng.random_bool(0.3) {
                    tx.remove_setting(&name).unwrap();
                    self.settings.remove(&name);
                } else {
                    let value = vec![rng.random(); rng.random_range(0..300)];
                    tx.put_setting(&name, &value).unwrap();
                    self.settings.insert(name, value);
                }
            }
            98 => {
                self.cursor = self.incoming;
                tx.set_inbox_cursor(self.cursor);
            }
            99 => {
                tx.remove_contact(who).unwrap();
                self.peers.remove(&who);
            }
            _ => {}
        }
    }

    fn assert_is(&self, vault: &Vault, place: &str) {
        assert!(
            vault
                .contacts()
                .eq(self.peers.values().map(|peer| &peer.contact)),
            "{place}"
        );
        for (id, peer) in &self.peers {
            let session = vault.session(*id).unwrap().map(|session| session.to_vec());
            assert!(session == peer.session, "{place}: session");
            let history = vault.history(*id, None, 10_000).unwrap();
            assert_eq!(history.len(), peer.messages.len(), "{place}: history");
            assert!(history.first().is_none_or(|(seq, ..)| *seq == peer.first));
            for ((seq, message, amendments), (wanted, happened)) in
                history.iter().zip(&peer.messages)
            {
                assert!(message == wanted, "{place}: message {seq}");
                assert!(
                    *amendments == Amendments(happened.clone()),
                    "{place}: message {seq}"
                );
                assert_eq!(vault.find_message(*id, &wanted.id).unwrap(), Some(*seq));
            }
            let outbox = vault.outbox(*id, 10_000).unwrap();
            assert!(
                outbox.into_iter().eq(peer.outbox.clone()),
                "{place}: outbox"
            );
            assert_eq!(vault.outbox_len(*id), peer.outbox.len() as u64);
        }
        for n in 0..5 {
            let name = format!("setting {n}");
            assert!(
                vault.setting(&name).unwrap().as_ref() == self.settings.get(&name),
                "{place}"
            );
        }
        assert_eq!(
            (vault.inbox_cursor(), vault.inbox_newest()),
            (self.cursor, self.incoming)
        );
        let report = vault.check().unwrap();
        assert!(report.is_whole(), "{place}: {:?}", report.problems);
    }
}

fn amendment(rng: &mut StdRng) -> Amendment {
    let at_ms = rng.random();
    match rng.random_range(0..11) {
        0..4 => Amendment::State {
            state: DeliveryState::Delivered,
            at_ms,
            route: Some("relay".to_owned()),
        },
        4..6 => Amendment::Edited {
            body: format!("edit {at_ms}"),
            at_ms,
        },
        6..8 => Amendment::Reaction {
            incoming: rng.random(),
            emoji: "+1".to_owned(),
            at_ms,
        },
        8 => Amendment::File(StoredFile {
            at_ms,
            size: rng.random(),
            root: rng.random(),
            shape: 1,
            kept: rng.random::<bool>().then(|| Kept {
                blob: rng.random(),
                key: FileKey::random(rng),
            }),
            path: Some(format!("/file {at_ms}")),
        }),
        _ => Amendment::Deleted { at_ms },
    }
}

/// What an amendment does to a message: deletion is final and takes texts along.
fn apply((message, happened): &mut (Message, Vec<Amendment>), amendment: Amendment) {
    if matches!(amendment, Amendment::Deleted { .. }) {
        if happened
            .iter()
            .any(|one| matches!(one, Amendment::Deleted { .. }))
        {
            return;
        }
        message.body.clear();
        happened.retain(|one| matches!(one, Amendment::State { .. }));
    }
    happened.push(amendment);
}

fn simulate(seed: u64) {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = StdRng::seed_from_u64(seed);
    let mut vault = create(dir.path());
    let mut model = Model::default();
    for round in 0..120 {
        let place = format!("seed {seed}, round {round}");
        let mut next = model.clone();
        let mut tx = vault.begin();
        let mut removed = false;
        for _ in 0..rng.random_range(1..20) {
            let before = next.peers.len();
            next.step(&mut tx, &mut rng);
            removed |= next.peers.len() < before;
            if removed {
                break;
            }
        }
        if rng.random_bool(0.1) {
            drop(tx);
        } else {
            tx.commit().unwrap();
            model = next;
        }
        match rng.random_range(0..10) {
            0 => {
                drop(vault);
                vault = unlock(dir.path()).unwrap();
                model.assert_is(&vault, &place);
            }
            1 => {
                // A crash: what lies on disk now, opened elsewhere.
                let copy = tempfile::tempdir().unwrap();
                common::copy_dir(dir.path(), &copy.path().join("vault"));
                model.assert_is(&unlock(&copy.path().join("vault")).unwrap(), &place);
            }
            2 => vault.settle().unwrap(),
            _ => {}
        }
    }
    model.assert_is(&vault, &format!("seed {seed}, at the end"));
}

#[test]
fn the_vault_holds_what_the_model_holds() {
    for seed in 1..=4 {
        simulate(seed);
    }
}
