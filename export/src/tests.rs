//! Documents of a made-up vault, read back with other readers than the ones that check them.

mod import;
mod increments;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io::{self, Cursor, Read, Write as _};

use solo2_crypto::file::FileKey;
use solo2_crypto::secret::Secret;
use solo2_store::{
    Amendment, Amendments, Contact, ContactId, Kept, Kind, Message, StoredFile, Trust,
};
use zeroize::Zeroizing;

use crate::archive::{self, Sealed};
use crate::key::{ArchiveKey, Passphrase};
use crate::verify::{self, Form, Opener, VerifyError};
use crate::{
    Attachment, ExportError, Names, Numbered, Owner, PAGE, Progress, Request, Source, Tree, jsonl,
    readable,
};

const NOW: u64 = 1_800_000_000_000;

/// A vault in memory: conversations, and what their files hold.
#[derive(Default)]
struct Memory {
    messages: BTreeMap<ContactId, Vec<Numbered>>,
    /// By blob name: length that is promised, and bytes that come.
    files: BTreeMap<[u8; 16], (u64, Vec<u8>)>,
    tree: Option<Vec<(String, Vec<u8>)>>,
    told: RefCell<Vec<Progress>>,
}

impl Source for Memory {
    type Error = Infallible;

    fn page(&mut self, contact: ContactId, from: u64) -> Result<Vec<Numbered>, Infallible> {
        // As the vault does it: the last so many before a number, and it ends where it ends.
        let all = self.messages.get(&contact).cloned().unwrap_or_default();
        let end = all.last().map_or(0, |(seq, ..)| seq + 1).min(from + PAGE);
        let wanted = end.saturating_sub(PAGE)..end;
        Ok(all
            .into_iter()
            .filter(|(seq, ..)| wanted.contains(seq))
            .collect())
    }

    fn newest(&mut self, contact: ContactId) -> Result<Option<u64>, Infallible> {
        let all = self.messages.get(&contact);
        Ok(all.and_then(|all| all.last().map(|(seq, ..)| *seq)))
    }

    fn turns(&mut self, contact: ContactId) -> Result<Vec<u64>, Infallible> {
        let all = self.messages.get(&contact).map(Vec::as_slice);
        let pairs = all.unwrap_or_default().windows(2);
        Ok(pairs
            .filter(|pair| pair[1].1.stored_at_ms < pair[0].1.stored_at_ms)
            .map(|pair| pair[1].0)
            .collect())
    }

    fn open(&mut self, file: &StoredFile) -> io::Result<Option<Attachment>> {
        if let Some(files) = self.tree.clone() {
            return Ok(Some(Attachment::Tree(Box::new(Files {
                files,
                at: Cursor::default(),
            }))));
        }
        let found = file
            .kept
            .as_ref()
            .and_then(|kept| self.files.get(&kept.blob));
        Ok(found.map(|(len, bytes)| {
            Attachment::File(*len, Box::new(Cursor::new(bytes.clone())) as Box<dyn Read>)
        }))
    }

    fn progress(&mut self, progress: &Progress) -> Result<(), Infallible> {
        self.told.borrow_mut().push(*progress);
        Ok(())
    }
}

struct Files {
    files: Vec<(String, Vec<u8>)>,
    at: Cursor<Vec<u8>>,
}

impl Tree for Files {
    fn next(&mut self) -> io::Result<Option<(String, u64)>> {
        if self.files.is_empty() {
            return Ok(None);
        }
        let (path, bytes) = self.files.remove(0);
        let len = bytes.len() as u64;
        self.at = Cursor::new(bytes);
        Ok(Some((path, len)))
    }

    fn contents(&mut self) -> &mut dyn Read {
        &mut self.at
    }

    fn between(&mut self) -> Vec<u8> {
        format!("<{}>", self.files.len()).into_bytes()
    }
}

fn contact(number: u8, name: &str) -> Contact {
    Contact {
        id: ContactId([number; 16]),
        name: name.to_owned(),
        account: [number; 32],
        certificate: vec![number; 8],
        verified: true,
        trust: Trust::Verified,
        blocked: false,
        changed_to: None,
        added_at_ms: 1_700_000_000_000,
        settings: BTreeMap::from([
            ("route".to_owned(), "direct".to_owned()),
            ("pair-secret".to_owned(), "CANARY-SETTING".to_owned()),
        ]),
    }
}

fn text(seq: u64, body: &str) -> Numbered {
    let message = Message {
        id: [u8::try_from(seq % 256).unwrap(); 16],
        incoming: seq.is_multiple_of(2),
        sent_at_ms: 1_790_000_000_000 + seq * 1000,
        stored_at_ms: 1_790_000_000_500 + seq * 1000,
        kind: Kind::Text,
        body: body.to_owned(),
        reply_to: None,
        expires_at_ms: None,
        client_id: None,
        route: Some("direct".to_owned()),
    };
    (seq, message, Amendments::default())
}

/// A message of a file that the vault keeps as `blob`.
fn file(seq: u64, name: &str, blob: u8) -> Numbered {
    let (_, mut message, _) = text(seq, name);
    message.kind = Kind::File;
    let stored = StoredFile {
        at_ms: 0,
        size: 5,
        root: [9; 32],
        shape: 0,
        kept: Some(Kept {
            blob: [blob; 16],
            key: FileKey::new(b"CANARY-FILE-KEY-CANARY-FILE-KEY!"),
        }),
        path: Some("/home/CANARY-PATH".to_owned()),
    };
    (seq, message, Amendments(vec![Amendment::File(stored)]))
}

fn request(contacts: Vec<Contact>) -> Request<'static> {
    Request {
        program: "solo2 test",
        now_ms: NOW,
        owner: Owner {
            name: "me".to_owned(),
            id: "p_me".to_owned(),
            fingerprint: "ab".repeat(32),
            certificate: vec![1, 2, 3],
        },
        contacts,
        removed: Vec::new(),
        chat: None,
        since_ms: None,
        until_ms: None,
        files: true,
        base: None,
        queued: BTreeSet::new(),
        names: Names {
            file: |raw| raw.rsplit('/').next().unwrap_or_default().to_owned(),
            component: |raw| (!matches!(raw, "" | "." | "..")).then_some(Cow::Borrowed(raw)),
            id: |_, id| format!("id{}", id[0]),
        },
    }
}

/// Alice's three messages, one of them a file, and Bob's one.
fn small() -> (Memory, Request<'static>) {
    let (alice, bob) = (contact(1, "alice"), contact(2, "bob"));
    let mut memory = Memory::default();
    memory.messages.insert(
        alice.id,
        vec![text(1, "hello"), file(2, "a.txt", 7), text(3, "bye")],
    );
    memory.messages.insert(bob.id, vec![text(1, "hi bob")]);
    memory.files.insert([7; 16], (5, b"bytes".to_vec()));
    (memory, request(vec![alice, bob]))
}

/// 7-export §1: the fields, their order, and null where there is nothing to say.
#[test]
fn a_messages_line_has_the_fields_of_the_specification_in_their_order() {
    let (_, request) = small();
    let said = |seq| {
        let line = jsonl::line(&jsonl::message(
            &request,
            &text(seq, "a \"b\"\n\u{1f600}"),
            None,
        ));
        line.strip_suffix('\n').unwrap().to_owned()
    };
    assert_eq!(
        said(7),
        r#"{"v":1,"type":"message","n":7,"id":"id7","ts":"2026-09-21T14:13:27.000Z","stored_at":"2026-09-21T14:13:27.500Z","dir":"out","kind":"text","body":{"text":"a \"b\"\n😀"},"edited_at":null,"deleted_at":null,"reply_to":null,"expires_at":null,"client_id":null,"route":"direct","state":"sent","state_at":null,"state_route":null,"reactions":[]}"#
    );
    assert!(said(8).contains(r#""dir":"in","kind":"text""#));
    assert!(said(8).contains(r#""state":null"#));
}

fn key() -> ArchiveKey {
    ArchiveKey::of(&Secret::new(&[5; 32]))
}

fn archived(memory: &mut Memory, request: &Request<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let recipient = key().recipient();
    archive::write(memory, request, &recipient, &mut bytes).unwrap();
    bytes
}

fn zipped(memory: &mut Memory, request: &Request<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    readable::write(memory, request, &mut bytes).unwrap();
    bytes
}

/// The tar inside.
fn opened(archive: &[u8]) -> Vec<u8> {
    let key = key();
    let identity: age::x25519::Identity = key.to_text().parse().unwrap();
    age::decrypt(&identity, archive).unwrap()
}

/// Paths and contents, in their order.
fn entries(tar: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(tar);
    let read = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.unwrap();
        assert_eq!(entry.header().mode().unwrap(), 0o600);
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (path, bytes)
    };
    archive.entries().unwrap().map(read).collect()
}

/// Paths and contents of a ZIP, in their order.
fn unzipped(zip: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    (0..zip.len())
        .map(|index| {
            let mut entry = zip.by_index(index).unwrap();
            assert_eq!(entry.unix_mode().unwrap() & 0o7777, 0o600);
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.name().unwrap().to_string(), bytes)
        })
        .collect()
}

fn contains(hay: &[u8], needle: &str) -> bool {
    hay.windows(needle.len())
        .any(|part| part == needle.as_bytes())
}

#[test]
fn what_cannot_be_packed_is_put_into_the_zip_as_it_is() {
    let (mut memory, mut request) = small();
    request.contacts.truncate(1);
    // The first byte of each hash: random to who counts bytes.
    let noise: Vec<u8> = (0..300_000u32)
        .map(|at| solo2_crypto::kdf::sha256(&[&at.to_le_bytes()])[0])
        .collect();
    let words = b"the same words again and again, ".repeat(10_000);
    let mut len = |bytes: &[u8]| {
        let file = (bytes.len() as u64, bytes.to_vec());
        memory.files.insert([7; 16], file);
        let zip = zipped(&mut memory, &request);
        let at = Cursor::new(&zip);
        let mut archive = zip::ZipArchive::new(at).unwrap();
        let name = "conversations/alice-0101010101010101/files/00000002-a.txt";
        let mut entry = archive.by_name(name).unwrap();
        let mut back = Vec::new();
        entry.read_to_end(&mut back).unwrap();
        assert_eq!(back, bytes);
        entry.compressed_size()
    };
    assert_eq!(len(&noise), 300_000);
    assert!(len(&words) < 3200);
    // The front decides, and nothing is lost where it decides wrongly.
    let mixed = [noise.as_slice(), &words].concat();
    assert_eq!(len(&mixed), 620_000);
}

#[test]
fn the_key_is_the_one_that_the_specification_derives() {
    // HKDF-SHA256 and BIP173 as an independent program computes them, of 32 zero bytes.
    let key = ArchiveKey::of(&Secret::new(&[0; 32]));
    assert_eq!(
        key.to_text().as_str(),
        "AGE-SECRET-KEY-1A3SREM90ENGDMUQVCFN9YYHVZ2GMS6336ZQGE5MD9MDXQXC52KZQQ7JA44"
    );
    assert!(key.recipient().starts_with("age1"));
}

#[test]
fn an_archive_holds_records_files_and_sums_in_a_fixed_order() {
    let (mut memory, request) = small();
    let all = entries(&opened(&archived(&mut memory, &request)));
    let paths: Vec<&str> = all.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "manifest.json",
            "contacts.jsonl",
            "conversations/alice-0101010101010101/files/00000002-a.txt",
            "conversations/alice-0101010101010101/messages-000001.jsonl",
            "conversations/bob-0202020202020202/messages-000001.jsonl",
            "records.idx",
            "SHA256SUMS",
        ]
    );
    let records: Vec<serde_json::Value> = std::str::from_utf8(&all[3].1)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(records.len(), 3);
    assert_eq!(records[0]["body"]["text"], "hello");
    assert_eq!(records[0]["ts"], "2026-09-21T14:13:21.000Z");
    let file = &records[1]["body"]["file"];
    assert_eq!(file["path"], "files/00000002-a.txt");
    // printf bytes | sha256sum
    assert_eq!(
        file["sha256"],
        "277089d91c0bdf4f2e6862ba7e4a07605119431f5d13f726dd352b06f1b206a9"
    );
    assert_eq!(all[2].1, b"bytes");
    let last = memory.told.borrow().last().copied().unwrap();
    assert_eq!((last.messages, last.files, last.conversations), (4, 1, 2));
    assert_eq!(last.looked_at, last.places);
}

#[test]
fn the_same_history_gives_the_same_tar() {
    let (mut memory, request) = small();
    let once = archived(&mut memory, &request);
    let again = archived(&mut memory, &request);
    assert_ne!(once, again, "age draws a new key each time");
    assert!(opened(&once) == opened(&again));
}

#[test]
fn neither_keys_nor_paths_of_this_machine_nor_unknown_settings_are_in_a_document() {
    let (mut memory, request) = small();
    let tar = opened(&archived(&mut memory, &request));
    let zip: Vec<u8> = unzipped(&zipped(&mut memory, &request))
        .into_iter()
        .flat_map(|(_, bytes)| bytes)
        .collect();
    for document in [&tar, &zip] {
        assert!(contains(document, "hello"), "the search itself works");
        assert!(contains(document, "\"route\":\"direct\""));
        assert!(!contains(document, "CANARY"));
    }
}

#[test]
fn what_was_deleted_expired_or_edited_away_stays_behind() {
    let alice = contact(1, "alice");
    let mut memory = Memory::default();
    let mut deleted = text(1, "GONE-DELETED");
    deleted.2.0.push(Amendment::Deleted { at_ms: 1 });
    let mut expired = text(2, "GONE-EXPIRED");
    expired.1.expires_at_ms = Some(NOW);
    let mut standing = text(3, "stands");
    standing.1.expires_at_ms = Some(NOW + 1);
    let mut edited = text(4, "GONE-BEFORE");
    edited.2.0.push(Amendment::Edited {
        body: "as it reads now".to_owned(),
        at_ms: 1,
    });
    let all = vec![deleted, expired, standing, edited];
    memory.messages.insert(alice.id, all);
    let request = request(vec![alice]);
    let tar = opened(&archived(&mut memory, &request));
    let told = memory.told.borrow().last().copied().unwrap();
    assert_eq!(told.messages, 2, "not even that there was one");
    let zip: Vec<u8> = unzipped(&zipped(&mut memory, &request))
        .into_iter()
        .flat_map(|(_, bytes)| bytes)
        .collect();
    for document in [tar, zip] {
        assert!(contains(&document, "stands") && contains(&document, "as it reads now"));
        assert!(!contains(&document, "GONE"));
    }
}

#[test]
fn only_what_was_stored_in_the_time_asked_for_is_there() {
    let (mut memory, mut request) = small();
    request.since_ms = Some(1_790_000_000_500 + 2000);
    request.until_ms = Some(1_790_000_000_500 + 2000);
    let tar = opened(&archived(&mut memory, &request));
    assert!(contains(&tar, "00000002-a.txt"));
    assert!(!contains(&tar, "hello") && !contains(&tar, "bye") && !contains(&tar, "hi bob"));
    request.files = false;
    let tar = opened(&archived(&mut memory, &request));
    assert!(contains(&tar, "a.txt") && !contains(&tar, "bytesbytes") && !contains(&tar, "files/"));
}

#[test]
fn a_long_conversation_comes_in_parts_and_in_order() {
    let alice = contact(1, "alice");
    let mut memory = Memory::default();
    let long = "x".repeat(4000);
    // Numbers do not begin at 0 where older messages were removed.
    let all: Vec<Numbered> = (700..1500).map(|seq| text(seq, &long)).collect();
    memory.messages.insert(alice.id, all);
    let parts: Vec<(String, Vec<u8>)> =
        entries(&opened(&archived(&mut memory, &request(vec![alice]))))
            .into_iter()
            .filter(|(path, _)| path.contains("messages-"))
            .collect();
    assert!(parts.len() > 2);
    assert!(
        parts
            .iter()
            .all(|(_, bytes)| bytes.len() < (1 << 20) + 8000)
    );
    let numbers: Vec<u64> = parts
        .iter()
        .flat_map(|(_, bytes)| std::str::from_utf8(bytes).unwrap().lines())
        .map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            record["n"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(numbers, (700..1500).collect::<Vec<u64>>());
}

#[test]
fn names_lead_nowhere_but_into_the_document() {
    let name = "x/../../evil\\..\n";
    let mut memory = Memory::default();
    let alice = contact(1, name);
    memory.messages.insert(
        alice.id,
        vec![file(1, name, 7), file(2, &"ä".repeat(300), 7)],
    );
    memory.files.insert([7; 16], (5, b"bytes".to_vec()));
    let request = request(vec![alice]);
    for all in [
        entries(&opened(&archived(&mut memory, &request))),
        unzipped(&zipped(&mut memory, &request)),
    ] {
        for (path, _) in all {
            assert!(
                !path.starts_with('/') && !path.contains(['\\', '\n']),
                "{path}"
            );
            assert!(
                path.split('/').all(|part| !matches!(part, "" | "." | "..")),
                "{path}"
            );
            assert!(path.split('/').all(|part| part.len() <= 255), "{path}");
        }
    }
}

#[test]
fn a_directory_comes_file_by_file_and_one_that_leads_out_is_refused() {
    let (mut memory, request) = small();
    let deep = format!("{}deep.txt", "directory/".repeat(40));
    memory.tree = Some(vec![
        ("in/one".to_owned(), b"1".to_vec()),
        (deep.clone(), b"2".to_vec()),
    ]);
    let bytes = archived(&mut memory, &request);
    let all = entries(&opened(&bytes));
    let at = "conversations/alice-0101010101010101/files/00000002-a.txt";
    assert!(all.contains(&(format!("{at}/in/one"), b"1".to_vec())));
    assert!(all.contains(&(format!("{at}/{deep}"), b"2".to_vec())));
    let key = key();
    assert!(verify::archive(&bytes[..], Opener::Words(&key)).is_ok());
    let whole = zipped(&mut memory, &request);
    assert!(verify::readable(Cursor::new(whole)).is_ok());
    memory.tree = Some(vec![("../out".to_owned(), Vec::new())]);
    let outcome = readable::write(&mut memory, &request, Vec::new());
    assert!(matches!(outcome, Err(ExportError::Attachment { .. })));
}

#[test]
fn markup_of_a_peer_is_text() {
    let evil = "<script>alert(1)</script>\" onload='x' &amp; [a](javascript:x) `c` **b** \u{1b}[2J";
    let mut alice = contact(1, "alice");
    alice.name = "<img src=x onerror=alert(1)>".to_owned();
    let mut memory = Memory::default();
    let mut reacted = text(1, evil);
    reacted.2.0.push(Amendment::Reaction {
        incoming: true,
        emoji: "<b>!</b>".to_owned(),
        at_ms: 1,
    });
    memory.messages.insert(
        alice.id,
        vec![
            reacted,
            file(2, "<svg onload=x>.png", 7),
            file(3, "z.svg", 7),
        ],
    );
    memory.files.insert([7; 16], (5, b"bytes".to_vec()));
    let request = request(vec![alice]);
    let all = unzipped(&zipped(&mut memory, &request));
    let ending = |end: &str| {
        let (_, bytes) = all.iter().find(|(path, _)| path.ends_with(end)).unwrap();
        String::from_utf8(bytes.clone()).unwrap()
    };
    let page = ending(".html");
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&#39;x&#39; &amp;amp;")
    );
    assert!(page.contains("<title>&lt;img src=x onerror=alert(1)&gt;</title>"));
    assert!(page.contains("&lt;b&gt;!&lt;/b&gt;"));
    assert!(page.contains("default-src 'none'"));
    assert!(page.contains("<img src=\"files/00000002-%3Csvg%20onload%3Dx%3E.png\""));
    for live in [
        "<script",
        "<svg",
        "<img src=x",
        "<b>",
        "\u{1b}",
        "z.svg\" alt",
    ] {
        assert!(!page.contains(live), "{live}");
    }
    let markdown = ending(".md");
    assert!(markdown.contains(r"&lt;script&gt;alert\(1\)&lt;\/script&gt;"));
    assert!(markdown.contains(r"\[a\]\(javascript\:x\) \`c\` \*\*b\*\*"));
    for live in ["<script", "<svg", "<b>", "<img", "\u{1b}"] {
        assert!(!markdown.contains(live), "{live}");
    }
}

#[test]
fn a_file_that_is_shorter_than_it_says_ends_the_export_and_leaves_no_whole_document() {
    let (mut memory, request) = small();
    memory.files.insert([7; 16], (6, b"bytes".to_vec()));
    let mut zip = Vec::new();
    let outcome = readable::write(&mut memory, &request, &mut zip);
    assert!(matches!(outcome, Err(ExportError::Attachment { name, .. }) if name == "a.txt"));
    assert!(zip::ZipArchive::new(Cursor::new(zip)).is_err());
    let mut archive = Vec::new();
    let recipient = key().recipient();
    let outcome = archive::write(&mut memory, &request, &recipient, &mut archive);
    assert!(matches!(outcome, Err(ExportError::Attachment { .. })));
    assert!(verify::archive(&archive[..], Opener::Words(&key())).is_err());
}

#[test]
fn a_file_that_left_the_vault_meanwhile_is_counted_and_not_named_as_there() {
    let (mut memory, request) = small();
    memory.files.clear();
    let mut bytes = Vec::new();
    let recipient = key().recipient();
    let progress = archive::write(&mut memory, &request, &recipient, &mut bytes).unwrap();
    assert_eq!((progress.files, progress.missing), (0, 1));
    assert!(contains(&opened(&bytes), "\"path\":null"));
}

#[test]
fn a_whole_archive_is_whole_and_one_with_any_byte_changed_or_cut_is_not() {
    let (mut memory, request) = small();
    let whole = archived(&mut memory, &request);
    assert_eq!(verify::form(&whole), Some(Form::Words));
    let key = key();
    let verified = verify::archive(&whole[..], Opener::Words(&key)).unwrap();
    assert_eq!(verified.files, 6);
    assert_eq!(verified.fingerprint, "ab".repeat(32));
    for at in (0..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(
            verify::archive(&changed[..], Opener::Words(&key)).is_err(),
            "{at}"
        );
        assert!(
            verify::archive(&whole[..at], Opener::Words(&key)).is_err(),
            "{at}"
        );
    }
    let other = ArchiveKey::of(&Secret::new(&[6; 32]));
    let refused = verify::archive(&whole[..], Opener::Words(&other));
    assert!(matches!(refused, Err(VerifyError::WrongKey)));
}

#[test]
fn an_archive_can_have_a_passphrase_instead() {
    let (mut memory, request) = small();
    let passphrase = |text: &str| Passphrase::new(Zeroizing::new(text.to_owned()));
    let right = passphrase("a long passphrase");
    let mut sealed = Sealed::begin(&right, Vec::new()).unwrap();
    archive::write_tar(&mut memory, &request, &mut sealed).unwrap();
    let bytes = sealed.finish().unwrap();
    assert_eq!(verify::form(&bytes), Some(Form::Passphrase));
    assert!(verify::archive(&bytes[..], Opener::Passphrase(&right)).is_ok());
    let wrong = passphrase("another");
    let refused = verify::archive(&bytes[..], Opener::Passphrase(&wrong));
    assert!(matches!(refused, Err(VerifyError::WrongKey)));
    let refused = verify::archive(&bytes[..], Opener::Words(&key()));
    assert!(matches!(refused, Err(VerifyError::OtherKey(_))));
}

/// An archive to our key of these files, however they fit.
fn made(files: &[(&str, &[u8])]) -> Vec<u8> {
    let recipient: age::x25519::Recipient = key().recipient().parse().unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        tar.append_data(&mut header, path, *bytes).unwrap();
    }
    age::encrypt(&recipient, &tar.into_inner().unwrap()).unwrap()
}

/// A ZIP of the same.
fn made_zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        zip.start_file(path, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_document_whose_sums_do_not_fit_is_not_whole() {
    for (format, check) in [
        (
            archive::FORMAT,
            (|files| verify::archive(&made(files)[..], Opener::Words(&key())))
                as fn(&[(&str, &[u8])]) -> Result<verify::Verified, VerifyError>,
        ),
        (readable::FORMAT, |files| {
            verify::readable(Cursor::new(made_zip(files)))
        }),
    ] {
        let manifest = format!("{{\"format\":\"{format}\",\"version\":1}}");
        let newer = format!("{{\"format\":\"{format}\",\"version\":2}}");
        let line = |bytes: &[u8], path: &str| {
            format!(
                "{}  {path}\n",
                crate::sums::hex(&crate::sums::sha256(bytes))
            )
        };
        let first = line(manifest.as_bytes(), "manifest.json");
        let sums = format!("{first}{}", line(b"x", "a"));
        let m: (&str, &[u8]) = ("manifest.json", manifest.as_bytes());
        let s: (&str, &[u8]) = ("SHA256SUMS", sums.as_bytes());
        assert!(check(&[m, ("a", b"x"), s]).is_ok(), "{format}");
        let longer = line(newer.as_bytes(), "manifest.json");
        let newest = check(&[
            ("manifest.json", newer.as_bytes()),
            ("SHA256SUMS", longer.as_bytes()),
        ]);
        assert!(matches!(newest, Err(VerifyError::Newer)), "{format}");
        let wrong: [&[(&str, &[u8])]; 8] = [
            &[m, ("a", b"y"), s],
            &[m, s],
            &[m, ("a", b"x"), ("b", b""), s],
            &[m, ("b", b"x"), s],
            &[m, ("a", b"x")],
            &[m, s, ("a", b"x")],
            &[("a", b"x"), m, s],
            &[m, ("a", b"x"), ("SHA256SUMS", b"no sums\n")],
        ];
        for (number, files) in wrong.iter().enumerate() {
            let refused = check(files);
            assert!(
                matches!(refused, Err(VerifyError::Broken(_))),
                "{format} {number}"
            );
        }
    }
}

#[test]
fn nothing_follows_the_end_of_an_archive() {
    let sum = |bytes: &[u8], path: &str| {
        format!(
            "{}  {path}\n",
            crate::sums::hex(&crate::sums::sha256(bytes))
        )
    };
    let manifest = format!("{{\"format\":\"{}\",\"version\":1}}", archive::FORMAT);
    let (first, second) = (sum(manifest.as_bytes(), "manifest.json"), sum(b"x", "a"));
    let twice = made(&[
        ("manifest.json", manifest.as_bytes()),
        ("SHA256SUMS", first.as_bytes()),
        ("a", b"x"),
        ("SHA256SUMS", second.as_bytes()),
    ]);
    assert!(verify::archive(&twice[..], Opener::Words(&key())).is_err());
    let (mut memory, request) = small();
    let tar = opened(&archived(&mut memory, &request));
    let recipient: age::x25519::Recipient = key().recipient().parse().unwrap();
    // Over a chunk of age's, so that the end is one that a lazy reader never sees.
    for (more, whole) in [(vec![0; 200_000], true), (vec![1; 200_000], false)] {
        let longer = age::encrypt(&recipient, &[&tar[..], &more].concat()).unwrap();
        let checked = verify::archive(&longer[..], Opener::Words(&key()));
        assert_eq!(checked.is_ok(), whole);
        let cut = &longer[..longer.len() - 70_000];
        assert!(verify::archive(cut, Opener::Words(&key())).is_err());
    }
}

#[test]
fn an_entry_that_is_no_file_is_refused_and_a_name_is_not_read_without_end() {
    let manifest = format!("{{\"format\":\"{}\",\"version\":1}}", archive::FORMAT);
    for kind in [
        tar::EntryType::Symlink,
        tar::EntryType::Directory,
        tar::EntryType::XHeader,
        tar::EntryType::GNULongName,
    ] {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, kind, bytes) in [
            (
                "manifest.json",
                tar::EntryType::Regular,
                manifest.as_bytes(),
            ),
            ("x", kind, &vec![b'n'; 1 << 20]),
            ("x", kind, &[]),
        ] {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(kind);
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, path, bytes).unwrap();
        }
        let recipient: age::x25519::Recipient = key().recipient().parse().unwrap();
        let bytes = age::encrypt(&recipient, &tar.into_inner().unwrap()).unwrap();
        let refused = verify::archive(&bytes[..], Opener::Words(&key()));
        match refused {
            Err(VerifyError::Broken(why)) => {
                assert!(
                    why.ends_with("is not a plain file") && why.len() < 20_000,
                    "{kind:?}"
                );
            }
            _ => panic!("{kind:?} was taken"),
        }
    }
}

#[test]
fn a_whole_zip_is_whole_and_a_cut_one_is_not() {
    let (mut memory, request) = small();
    let whole = zipped(&mut memory, &request);
    assert_eq!(verify::form(&whole), Some(Form::Readable));
    assert_eq!(verify::readable(Cursor::new(&whole)).unwrap().files, 10);
    for at in (0..whole.len()).step_by(31) {
        assert!(verify::readable(Cursor::new(&whole[..at])).is_err(), "{at}");
    }
}

#[test]
fn a_file_of_another_kind_is_known_for_it() {
    for start in [&b""[..], b"PK", b"age-encryption.org/v2\n", b"\x7fELF"] {
        assert_eq!(verify::form(start), None);
    }
}

proptest::proptest! {
    #[test]
    fn no_file_makes_the_check_panic(bytes: Vec<u8>) {
        let key = key();
        proptest::prop_assert!(verify::archive(&bytes[..], Opener::Words(&key)).is_err());
        proptest::prop_assert!(verify::readable(Cursor::new(&bytes)).is_err());
    }

    #[test]
    fn escaped_text_holds_nothing_live(text: String) {
        let safe = crate::html::escape(&text);
        proptest::prop_assert!(!safe.contains(['<', '>', '"', '\'']));
        let safe = crate::markdown::escape(&text);
        proptest::prop_assert!(!safe.contains(['<', '>', '\n']));
    }
}

#[test]
fn a_readable_copy_tells_merged_conversations_by_time_and_an_archive_by_number() {
    let alice = contact(1, "alice");
    let mut memory = Memory::default();
    // Two imports: what is told from number 400 on came before, and from 900 on in between.
    let at = |seq: u64, ms: u64| {
        let mut one = text(seq, &format!("at {ms}"));
        one.1.id = u128::from(seq).to_be_bytes();
        one.1.stored_at_ms = ms;
        one
    };
    let mut all: Vec<Numbered> = (1..=399).map(|seq| at(seq, 50_000 + seq * 10)).collect();
    all.extend((400..=899).map(|seq| at(seq, seq * 10)));
    all.extend((900..=1200).map(|seq| at(seq, 51_005 + (seq - 900) * 5)));
    memory.messages.insert(alice.id, all.clone());
    let request = request(vec![alice]);
    let mut expected: Vec<String> = {
        let mut sorted = all.clone();
        sorted.sort_by_key(|(seq, one, _)| (one.stored_at_ms, *seq));
        sorted.into_iter().map(|(_, one, _)| one.body).collect()
    };
    assert_eq!(expected.first().unwrap(), "at 4000");
    let zip = unzipped(&zipped(&mut memory, &request));
    let text = |end: &str| {
        let (_, bytes) = zip.iter().find(|(path, _)| path.ends_with(end)).unwrap();
        String::from_utf8(bytes.clone()).unwrap()
    };
    let told = |form: String, before: &str, behind: char| -> Vec<String> {
        let parts = form.split(before).skip(1);
        parts
            .map(|part| part.split(behind).next().unwrap().to_owned())
            .map(|number| format!("at {number}"))
            .collect()
    };
    assert_eq!(told(text("messages.md"), "> at ", '\n'), expected);
    assert_eq!(told(text("messages.html"), "<p><bdi>at ", '<'), expected);
    assert_eq!(
        told(text("messages.jsonl"), "\"text\":\"at ", '"'),
        expected
    );

    expected = all.into_iter().map(|(_, one, _)| one.body).collect();
    let tar = entries(&opened(&archived(&mut memory, &request)));
    let records: String = tar
        .iter()
        .filter(|(path, _)| path.ends_with(".jsonl") && path.contains("messages"))
        .map(|(_, bytes)| std::str::from_utf8(bytes).unwrap())
        .collect();
    assert_eq!(told(records, "\"text\":\"at ", '"'), expected);
}
