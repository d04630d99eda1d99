//! Archives read back: what went in comes out, and what cannot be one is refused.

use solo2_store::{DeliveryState, Trust};

use super::*;
use crate::import::{self, ImportError, Manifest, Record, Sink, Taken};
use crate::sums::{hex, sha256};

/// A vault that is made of archives; ids that it has are merged as far as these tests need it.
#[derive(Default)]
pub(super) struct Restored {
    pub(super) memory: Memory,
    pub(super) contacts: Vec<Contact>,
    pub(super) manifests: Vec<Manifest>,
    growing: Vec<u8>,
}

impl Sink for Restored {
    type Error = &'static str;
    type File = Vec<u8>;

    fn manifest(&mut self, manifest: &Manifest) -> Result<(), &'static str> {
        self.manifests.push(manifest.clone());
        Ok(())
    }

    fn contacts(
        &mut self,
        contacts: Vec<Contact>,
        removed: Vec<ContactId>,
    ) -> Result<(), &'static str> {
        for id in removed {
            self.memory.messages.remove(&id);
        }
        self.contacts = contacts;
        Ok(())
    }

    fn begin(&mut self) -> Result<(), &'static str> {
        self.growing.clear();
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        self.growing.extend_from_slice(bytes);
        match self.growing.len() {
            0..1_000_000 => Ok(()),
            _ => Err("full"),
        }
    }

    fn end(&mut self) -> Result<Taken<Vec<u8>>, &'static str> {
        let bytes = std::mem::take(&mut self.growing);
        Ok(Taken {
            size: bytes.len() as u64,
            root: stand_in(&bytes),
            file: bytes,
        })
    }

    fn record(
        &mut self,
        contact: ContactId,
        record: Record,
        file: Option<Vec<u8>>,
    ) -> Result<(), &'static str> {
        let mut amendments = record.amendments;
        if let Some(bytes) = file {
            let blob = record.message.id;
            for amendment in &mut amendments {
                if let Amendment::File(stored) = amendment {
                    stored.kept = Some(Kept {
                        blob,
                        key: FileKey::new(&[1; 32]),
                    });
                }
            }
            let len = bytes.len() as u64;
            self.memory.files.insert(blob, (len, bytes));
        }
        let all = self.memory.messages.entry(contact).or_default();
        let entry = (record.number, record.message, Amendments(amendments));
        match all.iter_mut().find(|(_, known, _)| known.id == entry.1.id) {
            Some(known) => *known = entry,
            None => all.push(entry),
        }
        Ok(())
    }
}

/// BLAKE3 is the program's business; here a hash of any kind holds the file to its record.
pub(super) fn stand_in(bytes: &[u8]) -> [u8; 32] {
    sha256(bytes)
}

pub(super) fn id(text: &str) -> Option<[u8; 16]> {
    let number: u128 = text.strip_prefix("id")?.parse().ok()?;
    Some(number.to_be_bytes())
}

/// Names that tell every id, and read back.
pub(super) fn telling(mut request: Request<'static>) -> Request<'static> {
    request.names.id = |_, id| format!("id{}", u128::from_be_bytes(id));
    request
}

pub(super) fn imported(archive: &[u8], into: &mut Restored) {
    let key = key();
    let taken = import::archive(archive, Opener::Words(&key), id, into);
    if let Err(error) = taken {
        panic!("{error:?}");
    }
}

/// A vault with everything that a record can say.
pub(super) fn rich() -> (Memory, Request<'static>) {
    let (mut memory, mut request) = small();
    let alice = request.contacts[0].id;
    request.contacts[1].changed_to = Some([8; 32]);
    request.contacts[1].trust = Trust::Known;
    request.contacts[1].blocked = true;
    for contact in &mut request.contacts {
        contact.settings.remove("pair-secret");
    }
    let all = memory.messages.get_mut(&alice).unwrap();
    for (seq, message, amendments) in all.iter_mut() {
        message.id = u128::from(*seq).to_be_bytes();
        for amendment in &mut amendments.0 {
            if let Amendment::File(file) = amendment {
                (file.root, file.path, file.at_ms) = (stand_in(b"bytes"), None, 1_700_000_000_000);
            }
        }
    }
    for seq in 4..12 {
        let mut one = text(seq, &format!("\u{202e}text \"{seq}\"\n"));
        one.1.id = u128::from(seq).to_be_bytes();
        one.1.reply_to = Some(1_u128.to_be_bytes());
        one.1.client_id = Some("job-17".to_owned());
        one.1.incoming = seq % 4 == 0;
        one.2.0 = match seq {
            4 => vec![Amendment::Edited {
                body: "edited".to_owned(),
                at_ms: NOW - 1,
            }],
            5 => vec![Amendment::State {
                state: DeliveryState::Read,
                at_ms: NOW - 2,
                route: Some("direct".to_owned()),
            }],
            6 => vec![Amendment::Deleted { at_ms: NOW - 3 }],
            7 => vec![
                Amendment::Reaction {
                    incoming: true,
                    emoji: "+1".to_owned(),
                    at_ms: NOW - 4,
                },
                Amendment::Reaction {
                    incoming: false,
                    emoji: String::new(),
                    at_ms: NOW - 5,
                },
            ],
            8 => {
                one.1.kind = Kind::Geo;
                one.1.body = "48.858370000000004,-2.2944809999999996,1.5".to_owned();
                Vec::new()
            }
            9 => {
                request.queued.insert(one.1.id);
                Vec::new()
            }
            10 => {
                one.1.expires_at_ms = Some(NOW + 5);
                Vec::new()
            }
            _ => Vec::new(),
        };
        all.push(one);
    }
    (memory, telling(request))
}

#[test]
fn what_was_archived_comes_back_record_by_record() {
    let (mut memory, request) = rich();
    let archive = archived(&mut memory, &request);
    let mut restored = Restored::default();
    imported(&archive, &mut restored);
    assert!(restored.contacts == request.contacts);
    assert_eq!(restored.manifests.len(), 1);
    let queued = |restored: &Restored| restored.memory.messages.len();
    assert_eq!(queued(&restored), 2);
    let again = Request {
        contacts: restored.contacts.clone(),
        queued: request.queued.clone(),
        ..rich().1
    };
    let second = archived(&mut restored.memory, &again);
    let (first, second) = (entries(&opened(&archive)), entries(&opened(&second)));
    for (first, second) in first.iter().zip(&second) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&first.1), text(&second.1), "{}", first.0);
    }
    assert!(first == second);
}

#[test]
fn a_directory_comes_back_as_the_stream_that_it_was() {
    let (mut memory, request) = rich();
    memory.tree = Some(vec![
        ("one".to_owned(), b"1".to_vec()),
        ("sub/two".to_owned(), b"22".to_vec()),
    ]);
    let stream = b"<1>1<0>22<0>";
    let alice = request.contacts[0].id;
    for (_, _, amendments) in memory.messages.get_mut(&alice).unwrap() {
        for amendment in &mut amendments.0 {
            if let Amendment::File(file) = amendment {
                (file.root, file.size) = (stand_in(stream), stream.len() as u64);
            }
        }
    }
    let archive = archived(&mut memory, &request);
    let paths: Vec<String> = entries(&opened(&archive))
        .into_iter()
        .map(|one| one.0)
        .collect();
    let base = "conversations/alice-0101010101010101";
    assert!(
        paths.contains(&format!("{base}/trees/00000002-a.txt")),
        "{paths:?}"
    );
    let mut restored = Restored::default();
    imported(&archive, &mut restored);
    let files: Vec<_> = restored
        .memory
        .files
        .values()
        .map(|(_, bytes)| bytes.clone())
        .collect();
    assert_eq!(files, [stream.to_vec()]);
}

/// A manifest, two contacts and these files, with their sums.
fn forged(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (_, request) = rich();
    let manifest =
        crate::jsonl::line(&crate::jsonl::manifest(&request, archive::FORMAT)).into_bytes();
    let contacts: Vec<u8> = request
        .contacts
        .iter()
        .flat_map(|contact| {
            let directory = crate::place::conversation(contact, &request.names);
            crate::jsonl::line(&crate::jsonl::contact(contact, &directory)).into_bytes()
        })
        .collect();
    let mut all: Vec<(&str, &[u8])> = vec![("manifest.json", &manifest)];
    if !files.iter().any(|(path, _)| *path == "contacts.jsonl") {
        all.push(("contacts.jsonl", &contacts));
    }
    all.extend(files);
    let sums: String = all
        .iter()
        .map(|(path, bytes)| format!("{}  {path}\n", hex(&sha256(bytes))))
        .collect();
    all.push(("SHA256SUMS", sums.as_bytes()));
    raw_tar(&all)
}

/// A tar with exactly these names, dangerous ones too.
fn raw_tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

fn refused(tar: &[u8]) -> String {
    let mut into = Restored::default();
    match import::read(tar, id, &mut into) {
        Err(ImportError::Archive(error)) => error.to_string(),
        Err(ImportError::Sink(error)) => error.to_owned(),
        Ok(_) => panic!("it was taken"),
    }
}

const ALICE: &str = "conversations/alice-0101010101010101";

/// A line of a message, with some of its fields changed.
fn line(number: u64, change: &[(&str, serde_json::Value)]) -> Vec<u8> {
    let (_, request) = rich();
    let mut one = text(number, "hello");
    one.1.id = u128::from(number).to_be_bytes();
    let mut record = serde_json::to_value(crate::jsonl::message(&request, &one, None)).unwrap();
    for (field, value) in change {
        record[*field] = value.clone();
    }
    crate::jsonl::line(&record).into_bytes()
}

#[test]
fn what_no_archive_of_ours_is_like_is_refused_with_its_place() {
    let part = format!("{ALICE}/messages-000001.jsonl");
    let file = format!("{ALICE}/files/00000001-x");
    let tree = format!("{ALICE}/trees/00000001-x");
    let inside = format!("{ALICE}/files/00000001-x/a");
    let good = line(1, &[]);
    assert!(import::read(&forged(&[(&part, &good)])[..], id, &mut Restored::default()).is_ok());
    let twice = [line(1, &[]), line(2, &[("id", "id1".into())])].concat();
    let back = [line(2, &[]), line(1, &[])].concat();
    let named = |path: &str, root: [u8; 32], size: u64| {
        let body = serde_json::json!({"file": {"name": "x", "shape": "file", "size": size,
            "blake3": hex(&root), "stored_at": "2026-01-01T00:00:00.000Z", "path": path}});
        line(2, &[("kind", "file".into()), ("body", body)])
    };
    let right = named("files/00000001-x", stand_in(b"x"), 1);
    let other = named("files/00000001-x", stand_in(b"y"), 1);
    let longer = named("files/00000001-x", stand_in(b"x"), 2);
    let nowhere = named("../../etc/passwd", stand_in(b"x"), 1);
    let late = line(1, &[("ts", "soon".into())]);
    let early = line(1, &[("ts", "1960-01-01T00:00:00Z".into())]);
    let kind = line(1, &[("kind", "geo".into())]);
    let long = line(
        1,
        &[("body", serde_json::json!({"text": "x".repeat(300_000)}))],
    );
    let endless = vec![b'x'; 3 << 20];
    type Files<'a> = &'a [(&'a str, &'a [u8])];
    let cases: [(&str, Files<'_>); 21] = [
        ("belongs to nothing", &[("/etc/passwd", b"x")]),
        ("belongs to nothing", &[("../../x", b"x")]),
        ("belongs to nothing", &[("conversations/../x", b"x")]),
        (
            "belongs to nothing",
            &[("conversations/nobody/messages-000001.jsonl", b"")],
        ),
        ("belongs to nothing", &[(&format!("{ALICE}/x"), b"x")]),
        ("twice", &[(&part, &twice)]),
        ("ascend", &[(&part, &back)]),
        ("belongs to no message", &[(&file, b"x")]),
        ("not the one", &[(&file, b"x"), (&part, &other)]),
        ("not the one", &[(&file, b"x"), (&part, &longer)]),
        ("not there", &[(&part, &right)]),
        ("not there", &[(&file, b"x"), (&part, &nowhere)]),
        ("order of a directory", &[(&tree, &[0, 0, 0, 9, 1])]),
        (
            "order of a directory",
            &[(&tree, &[0, 0, 0, 0]), (&inside, b"x")],
        ),
        ("missing", &[(&tree, &[0; 8]), (&part, &good)]),
        ("not a time", &[(&part, &late)]),
        ("1970", &[(&part, &early)]),
        ("kind", &[(&part, &kind)]),
        ("too long", &[(&part, &long)]),
        ("too long", &[(&part, &endless)]),
        ("malformed", &[("contacts.jsonl", b"{}\n")]),
    ];
    for (why, files) in cases {
        let said = refused(&forged(files));
        assert!(said.contains(why), "{why}: {said}");
    }
    let whole = forged(&[(&file, b"x"), (&part, &right)]);
    assert!(import::read(&whole[..], id, &mut Restored::default()).is_ok());
}

#[test]
fn a_conversation_in_two_pieces_and_a_contact_twice_are_refused() {
    let bob = "conversations/bob-0202020202020202/messages-000001.jsonl";
    let (one, two) = (
        format!("{ALICE}/messages-000001.jsonl"),
        format!("{ALICE}/messages-000002.jsonl"),
    );
    let (first, second) = (line(1, &[]), line(2, &[]));
    let apart = refused(&forged(&[(&one, &first), (bob, &first), (&two, &second)]));
    assert!(apart.contains("apart"), "{apart}");
    let (_, mut request) = rich();
    request.contacts[1].account = request.contacts[0].account;
    let contacts: Vec<u8> = request
        .contacts
        .iter()
        .flat_map(|contact| {
            let directory = crate::place::conversation(contact, &request.names);
            crate::jsonl::line(&crate::jsonl::contact(contact, &directory)).into_bytes()
        })
        .collect();
    let twice = refused(&forged(&[("contacts.jsonl", &contacts)]));
    assert!(twice.contains("twice"), "{twice}");
    let many: Vec<u8> = (0..1023_u32)
        .flat_map(|number| {
            let mut one = contact(1, &number.to_string());
            one.id.0[..4].copy_from_slice(&number.to_be_bytes());
            one.account[..4].copy_from_slice(&number.to_be_bytes());
            let directory = format!("conversations/{number}");
            crate::jsonl::line(&crate::jsonl::contact(&one, &directory)).into_bytes()
        })
        .collect();
    let many = refused(&forged(&[("contacts.jsonl", &many)]));
    assert!(many.contains("room"), "{many}");
}

#[test]
fn a_length_that_is_a_lie_bounds_nothing() {
    let whole = forged(&[]);
    for size in [1 << 40, u64::MAX / 2, u64::MAX] {
        let mut header = tar::Header::new_ustar();
        let path = format!("{ALICE}/files/00000001-x");
        header.set_path(&path).unwrap();
        header.set_size(size);
        header.set_cksum();
        // In place of the list of sums and the tar's end.
        let mut tar = whole[..whole.len() - 2048].to_vec();
        tar.extend_from_slice(header.as_bytes());
        tar.extend_from_slice(&[7; 4096]);
        assert!(!refused(&tar).is_empty());
    }
    // What is there in earnest is its taker's to judge.
    let large = vec![7; 2_000_000];
    let path = format!("{ALICE}/files/00000001-x");
    assert_eq!(refused(&forged(&[(&path, &large)])), "full");
}

#[test]
fn any_cut_ends_in_an_error() {
    let (mut memory, request) = rich();
    let archive = archived(&mut memory, &request);
    let tar = opened(&archive);
    let end = tar.len() - 1024;
    for at in (0..end).step_by(97) {
        let refused = import::read(&tar[..at], id, &mut Restored::default());
        assert!(matches!(refused, Err(ImportError::Archive(_))), "{at}");
    }
}

proptest::proptest! {
    #[test]
    fn no_line_makes_the_reader_panic(text: String, bytes: Vec<u8>) {
        let part = format!("{ALICE}/messages-000001.jsonl");
        let _ = import::read(&forged(&[(&part, text.as_bytes())])[..], id, &mut Restored::default());
        let _ = import::read(&forged(&[("contacts.jsonl", &bytes)])[..], id, &mut Restored::default());
        let _ = crate::Known::from_bytes(&bytes);
    }
}
