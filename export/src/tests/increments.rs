//! A document that builds on another has what is new or changed, and nothing else.

use solo2_store::DeliveryState;

use super::import::{Restored, imported, rich, stand_in};
use super::*;
use crate::Base;

fn base_of(archive: &[u8]) -> Base {
    verify::archive_base(archive, Opener::Words(&key())).unwrap()
}

fn on(base: Base) -> Request<'static> {
    Request {
        base: Some(base),
        ..rich().1
    }
}

/// Numbers and bodies of the messages in a document.
fn told(all: &[(String, Vec<u8>)]) -> Vec<u64> {
    all.iter()
        .filter(|(path, _)| path.contains("messages") && path.ends_with(".jsonl"))
        .flat_map(|(_, bytes)| std::str::from_utf8(bytes).unwrap().lines())
        .map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            record["n"].as_u64().unwrap()
        })
        .collect()
}

/// Something of everything happens to Alice's conversation.
fn live_on(memory: &mut Memory, contact: ContactId) {
    let all = memory.messages.get_mut(&contact).unwrap();
    for (seq, message, amendments) in all.iter_mut() {
        match seq {
            1 => amendments.0.push(Amendment::Deleted { at_ms: NOW - 1 }),
            3 => amendments.0.push(Amendment::State {
                state: DeliveryState::Read,
                at_ms: NOW - 1,
                route: None,
            }),
            4 => amendments.0.push(Amendment::Edited {
                body: "edited again".to_owned(),
                at_ms: NOW,
            }),
            7 => amendments.0.push(Amendment::Reaction {
                incoming: true,
                emoji: String::new(),
                at_ms: NOW,
            }),
            _ => continue,
        }
        assert!(message.id != [0; 16]);
    }
    let mut new = text(20, "new");
    new.1.id = 20_u128.to_be_bytes();
    let mut file = file(21, "b.txt", 9);
    file.1.id = 21_u128.to_be_bytes();
    if let Some(Amendment::File(stored)) = file.2.0.first_mut() {
        (stored.root, stored.size, stored.path) = (stand_in(b"more"), 4, None);
    }
    all.extend([new, file]);
    memory.files.insert([9; 16], (4, b"more".to_vec()));
}

#[test]
fn base_and_increment_make_what_a_whole_archive_makes() {
    let (mut memory, request) = rich();
    let base = archived(&mut memory, &request);
    let alice = request.contacts[0].id;
    live_on(&mut memory, alice);
    let increment = archived(&mut memory, &on(base_of(&base)));
    let all = entries(&opened(&increment));
    assert_eq!(told(&all), [1, 3, 4, 7, 20, 21]);
    let files = all.iter().filter(|(path, _)| path.contains("/files/"));
    assert_eq!(files.count(), 1, "a file that the base has stays there");
    let (mut both, mut whole) = (Restored::default(), Restored::default());
    imported(&base, &mut both);
    imported(&increment, &mut both);
    imported(&archived(&mut memory, &request), &mut whole);
    assert_eq!(both.manifests[1].base.unwrap().0, both.manifests[0].sha256);
    let archive = |restored: &mut Restored| {
        let again = Request {
            contacts: restored.contacts.clone(),
            ..rich().1
        };
        opened(&archived(&mut restored.memory, &again))
    };
    assert!(archive(&mut both) == archive(&mut whole));
}

#[test]
fn an_increment_on_an_increment_has_only_what_came_after_it() {
    let (mut memory, request) = rich();
    let base = archived(&mut memory, &request);
    let alice = request.contacts[0].id;
    live_on(&mut memory, alice);
    let first = archived(&mut memory, &on(base_of(&base)));
    let second = archived(&mut memory, &on(base_of(&first)));
    assert_eq!(told(&entries(&opened(&second))), [0; 0]);
    // Back to what the base had, and so not what the first increment has.
    let all = memory.messages.get_mut(&alice).unwrap();
    all.iter_mut()
        .find(|(seq, ..)| *seq == 3)
        .unwrap()
        .2
        .0
        .pop();
    let third = archived(&mut memory, &on(base_of(&second)));
    assert_eq!(told(&entries(&opened(&third))), [3]);
}

#[test]
fn what_a_narrower_increment_did_not_look_at_is_still_known() {
    let (mut memory, request) = rich();
    let base = archived(&mut memory, &request);
    let mut narrow = on(base_of(&base));
    narrow.contacts.remove(1);
    narrow.since_ms = Some(NOW);
    let narrow = archived(&mut memory, &narrow);
    let next = archived(&mut memory, &on(base_of(&narrow)));
    assert_eq!(told(&entries(&opened(&next))), [0; 0]);
}

#[test]
fn a_file_that_the_base_left_out_comes_with_the_increment() {
    let (mut memory, mut request) = rich();
    request.files = false;
    let base = archived(&mut memory, &request);
    let increment = archived(&mut memory, &on(base_of(&base)));
    let all = entries(&opened(&increment));
    assert_eq!(told(&all), [2]);
    assert!(all.iter().any(|(_, bytes)| bytes == b"bytes"));
}

#[test]
fn a_readable_copy_builds_on_either_form() {
    let (mut memory, request) = rich();
    let alice = request.contacts[0].id;
    let bases = [
        base_of(&archived(&mut memory, &request)),
        verify::readable_base(Cursor::new(zipped(&mut memory, &request))).unwrap(),
    ];
    live_on(&mut memory, alice);
    for base in bases {
        let all = unzipped(&zipped(&mut memory, &on(base)));
        assert_eq!(told(&all), [3, 4, 7, 20, 21]);
        let page = all
            .iter()
            .find(|(path, _)| path.ends_with("alice-0101010101010101/messages.html"));
        let page = String::from_utf8(page.unwrap().1.clone()).unwrap();
        assert!(page.contains("edited again") && !page.contains("hello"));
    }
}

#[test]
fn a_document_without_its_list_is_no_base() {
    let manifest = format!(
        "{{\"format\":\"{}\",\"version\":1,\"created_at\":\"x\"}}",
        archive::FORMAT
    );
    let sums = |more: &str| {
        let first = crate::sums::hex(&crate::sums::sha256(manifest.as_bytes()));
        format!("{first}  manifest.json\n{more}")
    };
    let bytes = made(&[
        ("manifest.json", manifest.as_bytes()),
        ("SHA256SUMS", sums("").as_bytes()),
    ]);
    assert!(verify::archive_base(&bytes[..], Opener::Words(&key())).is_err());
    let odd = b"not a list";
    let sum = crate::sums::hex(&crate::sums::sha256(odd));
    let bytes = made(&[
        ("manifest.json", manifest.as_bytes()),
        ("records.idx", odd),
        (
            "SHA256SUMS",
            sums(&format!("{sum}  records.idx\n")).as_bytes(),
        ),
    ]);
    assert!(verify::archive(&bytes[..], Opener::Words(&key())).is_ok());
    assert!(verify::archive_base(&bytes[..], Opener::Words(&key())).is_err());
}

#[test]
fn an_increment_says_once_who_was_removed() {
    let (mut memory, request) = rich();
    let base = archived(&mut memory, &request);
    let bob = request.contacts[1].id;
    let on_base = base_of(&base);
    assert_eq!(on_base.owner, request.owner.fingerprint);
    assert!(on_base.known.contacts().any(|id| id == bob));
    memory.messages.remove(&bob);
    let mut without = on(on_base);
    without.contacts.remove(1);
    without.removed = vec![bob];
    let increment = archived(&mut memory, &without);
    let contacts = entries(&opened(&increment)).remove(1).1;
    let line = format!("{{\"v\":1,\"type\":\"contact.removed\",\"id\":\"{bob}\"}}\n");
    assert!(contains(&contacts, &line));

    let (mut both, mut whole) = (Restored::default(), Restored::default());
    imported(&base, &mut both);
    assert!(both.memory.messages.contains_key(&bob));
    imported(&increment, &mut both);
    let now = archived(
        &mut memory,
        &Request {
            base: None,
            removed: Vec::new(),
            ..without
        },
    );
    imported(&now, &mut whole);
    assert!(both.contacts == whole.contacts);
    let left = |restored: &Restored| restored.memory.messages.keys().copied().collect::<Vec<_>>();
    assert_eq!(left(&both), left(&whole));
    assert!(
        base_of(&increment).known.contacts().all(|id| id != bob),
        "said once"
    );
}
