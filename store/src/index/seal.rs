//! Messages that no segment has yet, oldest first, and the draft of one that has them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::error::ReadError;
use crate::index::Doc;
use crate::index::draft::{Collector, Draft};
use crate::index::token::Tokens;
use crate::record::amendment::Amendments;
use crate::record::contact::ContactId;
use crate::record::message::{Kind, Message};
use crate::row::indexed::Indexed;
use crate::vault::Vault;
use crate::vault::read::PageReader;

/// Bytes of text one segment is made of at most.
const MAX_TEXT: usize = 32 * 1024 * 1024;

/// A draft, and how far the index has come with each conversation once it is committed.
pub(crate) struct Sealed {
    pub(crate) draft: Draft,
    pub(crate) indexed: BTreeMap<ContactId, Indexed>,
}

/// Drafts a segment of at most `most` messages, edited ones first, then the oldest of the tail.
pub(crate) fn seal(vault: &Vault, most: usize) -> Result<Sealed, ReadError> {
    let mut reader = PageReader::new(vault);
    let mut indexed: BTreeMap<ContactId, Indexed> = BTreeMap::new();
    let mut taken = Vec::new();
    let mut text = 0;
    for (id, peer) in vault.peers() {
        for seq in peer.indexed.again.iter() {
            if taken.len() >= most || text >= MAX_TEXT {
                break;
            }
            let progress = indexed.entry(*id).or_insert_with(|| peer.indexed.clone());
            progress.again.remove(seq);
            let (message, amendments) = reader.read(*id, seq)?;
            take(
                *id,
                seq,
                &message,
                &amendments,
                progress,
                &mut taken,
                &mut text,
            );
        }
    }

    // One message of each conversation waits, the oldest of all comes next.
    let mut waiting = BinaryHeap::new();
    let mut read: BTreeMap<ContactId, (Message, Amendments)> = BTreeMap::new();
    for (id, peer) in vault.peers() {
        next(&mut reader, *id, peer.tail().start, &mut waiting, &mut read)?;
    }
    let mut looked = 0;
    while looked < most && taken.len() < most && text < MAX_TEXT {
        let Some(Reverse((_, id, seq))) = waiting.pop() else {
            break;
        };
        let (Some((message, amendments)), Some(peer)) = (read.remove(&id), vault.peers().get(&id))
        else {
            continue;
        };
        let progress = indexed.entry(id).or_insert_with(|| peer.indexed.clone());
        progress.to = seq + 1;
        take(
            id,
            seq,
            &message,
            &amendments,
            progress,
            &mut taken,
            &mut text,
        );
        next(&mut reader, id, seq + 1, &mut waiting, &mut read)?;
        looked += 1;
    }

    taken.sort_by_key(|(doc, _)| *doc);
    let mut collector = Collector::default();
    for (doc, body) in &taken {
        collector.push(*doc, body);
    }
    let draft = collector.finish(&mut Tokens::new(&vault.keys().token));
    Ok(Sealed { draft, indexed })
}

type Waiting = BinaryHeap<Reverse<(u64, ContactId, u64)>>;

fn next(
    reader: &mut PageReader<'_>,
    id: ContactId,
    seq: u64,
    waiting: &mut Waiting,
    read: &mut BTreeMap<ContactId, (Message, Amendments)>,
) -> Result<(), ReadError> {
    if !reader.has(id, seq) {
        return Ok(());
    }
    let (message, amendments) = reader.read(id, seq)?;
    waiting.push(Reverse((message.stored_at_ms, id, seq)));
    read.insert(id, (message, amendments));
    Ok(())
}

/// Takes one message into the draft, or notes that it stays apart, or forgets about it.
fn take(
    contact: ContactId,
    seq: u64,
    message: &Message,
    amendments: &Amendments,
    progress: &mut Indexed,
    taken: &mut Vec<(Doc, String)>,
    text: &mut usize,
) {
    let Some(body) = amendments.body(message) else {
        return;
    };
    if message.kind == Kind::Geo {
        return;
    }
    if message.expires_at_ms.is_some() {
        progress.apart.insert(seq);
        return;
    }
    *text += body.len();
    taken.push((
        Doc {
            at_s: message.stored_at_ms / 1000,
            contact,
            seq,
            incoming: message.incoming,
            file: message.kind == Kind::File,
        },
        body.to_owned(),
    ));
}
