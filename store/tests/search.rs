//! Random conversations, searched by index and by a model that knows what was written.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{contact, copy_dir, create, unlock};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use solo2_store::{Amendment, ContactId, Filter, IndexStep, Kind, Message, Query, Tx, Vault};

const NOW: u64 = 10_000_000;

/// Words as they are looked for, and the forms in which they are written.
const WORDS: &[(&str, &[&str])] = &[
    ("back", &["back", "BACK"]),
    ("backup", &["backup", "Backup"]),
    ("backups", &["backups"]),
    ("backbone", &["backbone"]),
    ("ba", &["ba", "Ba"]),
    ("strasse", &["Straße", "STRASSE", "straße"]),
    ("istanbul", &["İstanbul", "ISTANBUL", "ıstanbul"]),
    ("ete", &["été", "ÉTÉ", "e\u{301}te\u{301}"]),
    ("елка", &["Ёлка", "елка"]),
    ("οδοσ", &["Οδός", "ΟΔΟΣ"]),
    ("हिन्दी", &["हिन्दी"]),
    ("full", &["ｆｕｌｌ", "FULL"]),
    ("שלום", &["שלום"]),
    ("한국어", &["한국어"]),
    ("7", &["7"]),
    ("👍", &["👍"]),
];
const GLUED: [char; 6] = ['東', '京', '都', 'カ', 'ー', 'ก'];

#[derive(Clone, PartialEq)]
enum Item {
    Word(usize),
    /// Characters without spaces.
    Run(String),
}

#[derive(Clone)]
struct Said {
    items: Vec<Item>,
    at_ms: u64,
    incoming: bool,
    kind: Kind,
    expires: Option<u64>,
    deleted: bool,
}

#[derive(Clone, Default)]
struct Model {
    peers: BTreeMap<ContactId, Vec<Said>>,
    clock: u64,
    ids: u64,
}

enum Ask {
    Word(usize),
    Prefix(&'static str),
    Phrase(Vec<usize>),
    Run(String),
}

fn items(rng: &mut StdRng) -> Vec<Item> {
    (0..rng.random_range(1..9))
        .map(|_| {
            if rng.random_bool(0.2) {
                let len = rng.random_range(1..7);
                Item::Run((0..len).map(|_| GLUED[rng.random_range(0..6)]).collect())
            } else {
                // The first words are said far more often.
                let most = rng.random_range(1..=WORDS.len());
                Item::Word(rng.random_range(0..most))
            }
        })
        .collect()
}

fn written(items: &[Item], rng: &mut StdRng) -> String {
    let mut text = String::new();
    for item in items {
        text.push_str([" ", ", ", " (", "\n"][rng.random_range(0..4)]);
        match item {
            Item::Word(at) => {
                let forms = WORDS[*at].1;
                text.push_str(forms[rng.random_range(0..forms.len())]);
            }
            Item::Run(run) => text.push_str(run),
        }
    }
    text
}

impl Said {
    fn fits(&self, ask: &Ask) -> bool {
        let word = |item: &Item, wanted: usize| *item == Item::Word(wanted);
        match ask {
            Ask::Word(wanted) => self.items.iter().any(|item| word(item, *wanted)),
            Ask::Prefix(begin) => self
                .items
                .iter()
                .any(|item| matches!(item, Item::Word(at) if WORDS[*at].0.starts_with(begin))),
            Ask::Phrase(wanted) => self
                .items
                .windows(wanted.len())
                .any(|row| row.iter().zip(wanted).all(|(item, at)| word(item, *at))),
            Ask::Run(wanted) => self
                .items
                .iter()
                .any(|item| matches!(item, Item::Run(run) if run.contains(wanted.as_str()))),
        }
    }
}

impl Model {
    fn step(&mut self, tx: &mut Tx<'_>, rng: &mut StdRng) {
        let who = ContactId([rng.random_range(1..=4); 16]);
        let Some(said) = self.peers.get_mut(&who) else {
            if tx.put_contact(&contact(who.0[0])).is_ok() {
                self.peers.insert(who, Vec::new());
            }
            return;
        };
        match rng.random_range(0..200) {
            0..150 => {
                self.ids += 1;
                // Clocks stand still at times, and jump back once in a while.
                self.clock = (self.clock + rng.random_range(0..3000))
                    .saturating_sub(if rng.random_bool(0.02) { 40_000 } else { 0 });
                let one = Said {
                    items: items(rng),
                    at_ms: self.clock,
                    incoming: rng.random(),
                    kind: [Kind::Text, Kind::File][usize::from(rng.random_bool(0.1))],
                    expires: rng
                        .random_bool(0.1)
                        .then(|| [NOW / 2, NOW * 2][usize::from(rng.random_bool(0.5))]),
                    deleted: false,
                };
                let message = Message {
                    stored_at_ms: one.at_ms,
                    kind: one.kind,
                    body: written(&one.items, rng),
                    expires_at_ms: one.expires,
                    ..common::message(self.ids, one.incoming)
                };
                tx.append_message(who, &message).unwrap();
                said.push(one);
            }
            150..170 if !said.is_empty() => {
                let at = rng.random_range(0..said.len());
                let edited = items(rng);
                let body = written(&edited, rng);
                let edit = Amendment::Edited { body, at_ms: 1 };
                tx.amend(who, at as u64 + 1, &edit).unwrap();
                if !said[at].deleted {
                    said[at].items = edited;
                }
            }
            170..199 if !said.is_empty() => {
                let at = rng.random_range(0..said.len());
                let gone = Amendment::Deleted { at_ms: 1 };
                tx.amend(who, at as u64 + 1, &gone).unwrap();
                said[at].deleted = true;
            }
            199 => {
                tx.remove_contact(who).unwrap();
                self.peers.remove(&who);
            }
            _ => {}
        }
    }

    fn expect(&self, asks: &[Ask], filter: &Filter, limit: usize) -> Vec<(ContactId, u64)> {
        let mut found = Vec::new();
        for (id, said) in &self.peers {
            for (seq, one) in (1..).zip(said) {
                let fits = !one.deleted
                    && asks.iter().all(|ask| one.fits(ask))
                    && filter.contact.is_none_or(|wanted| wanted == *id)
                    && filter.incoming.is_none_or(|wanted| wanted == one.incoming)
                    && filter.since_ms.is_none_or(|since| one.at_ms >= since)
                    && filter.until_ms.is_none_or(|until| one.at_ms <= until)
                    && (!filter.has_file || one.kind == Kind::File)
                    && one.expires.is_none_or(|at| at > NOW);
                if fits {
                    found.push((one.at_ms, *id, seq));
                }
            }
        }
        found.sort_unstable();
        found.reverse();
        found.truncate(limit);
        found.into_iter().map(|(_, id, seq)| (id, seq)).collect()
    }

    fn assert_found(&self, vault: &Vault, rng: &mut StdRng, place: &str) -> usize {
        let mut found = 0;
        for _ in 0..8 {
            let asks: Vec<Ask> = (0..rng.random_range(0..3)).map(|_| ask(rng)).collect();
            let text: Vec<String> = asks.iter().map(|ask| query(ask, rng)).collect();
            let text = text.join(" ");
            let maybe = |rng: &mut StdRng| rng.random_bool(0.25);
            let filter = Filter {
                contact: maybe(rng).then(|| ContactId([rng.random_range(1..=4); 16])),
                incoming: maybe(rng).then(|| rng.random()),
                since_ms: maybe(rng).then(|| rng.random_range(0..=self.clock)),
                until_ms: maybe(rng).then(|| rng.random_range(0..=self.clock)),
                has_file: maybe(rng) && maybe(rng),
                now_ms: NOW,
            };
            let limit = [3, 20, usize::MAX][rng.random_range(0..3)];
            let hits = vault
                .search(&Query::parse(&text).unwrap(), &filter, limit)
                .unwrap();
            let hits: Vec<_> = hits.iter().map(|hit| (hit.contact, hit.seq)).collect();
            assert_eq!(
                hits,
                self.expect(&asks, &filter, limit),
                "{place}: {text:?} {filter:?} {limit}"
            );
            found += hits.len();
        }
        found
    }
}

fn ask(rng: &mut StdRng) -> Ask {
    let word = |rng: &mut StdRng| rng.random_range(0..WORDS.len());
    match rng.random_range(0..10) {
        0..4 => Ask::Word(word(rng)),
        4..6 => Ask::Prefix(
            ["ba", "bac", "back", "backu", "backup", "ist", "ел", "stra"][rng.random_range(0..8)],
        ),
        6..8 => Ask::Phrase(
            (0..rng.random_range(2..4))
                .map(|_| rng.random_range(0..5))
                .collect(),
        ),
        _ => {
            let len = rng.random_range(1..4);
            Ask::Run((0..len).map(|_| GLUED[rng.random_range(0..6)]).collect())
        }
    }
}

fn query(ask: &Ask, rng: &mut StdRng) -> String {
    let form = |at: usize, rng: &mut StdRng| {
        let forms = WORDS[at].1;
        forms[rng.random_range(0..forms.len())].to_owned()
    };
    match ask {
        Ask::Word(at) => form(*at, rng),
        Ask::Prefix(begin) => format!("{begin}*"),
        Ask::Phrase(row) => {
            let words: Vec<_> = row.iter().map(|at| form(*at, rng)).collect();
            format!("\"{}\"", words.join(" "))
        }
        Ask::Run(run) => run.clone(),
    }
}

/// What lies on disk now, opened elsewhere: as after a crash.
fn crashed(dir: &Path, check: impl FnOnce(Vault)) {
    let copy = tempfile::tempdir().unwrap();
    copy_dir(dir, &copy.path().join("vault"));
    check(unlock(&copy.path().join("vault")).unwrap());
}

fn simulate(seed: u64) {
    let dir = tempfile::tempdir().unwrap();
    let mut rng = StdRng::seed_from_u64(seed);
    let mut vault = create(dir.path());
    let mut model = Model::default();
    let mut steps = BTreeMap::new();
    let mut found = 0;
    for round in 0..90 {
        let place = format!("seed {seed}, round {round}");
        let mut tx = vault.begin();
        for _ in 0..rng.random_range(1..25) {
            let before = model.peers.len();
            model.step(&mut tx, &mut rng);
            if model.peers.len() < before {
                break;
            }
        }
        tx.commit().unwrap();
        for _ in 0..rng.random_range(0..16) {
            let (least, most) = (rng.random_range(1..20), rng.random_range(1..40));
            let step = vault.index_step(least, most).unwrap();
            *steps
                .entry(format!("{step:?}").split('(').next().unwrap().to_owned())
                .or_insert(0) += 1;
            if rng.random_bool(0.05) {
                crashed(dir.path(), |vault| {
                    model.assert_found(&vault, &mut rng, &place);
                    assert!(vault.check().unwrap().is_whole(), "{place}");
                });
            }
        }
        match rng.random_range(0..12) {
            0 => {
                drop(vault);
                vault = unlock(dir.path()).unwrap();
            }
            1 => vault.settle().unwrap(),
            2 if rng.random_bool(0.2) => vault.drop_index().unwrap(),
            _ => {}
        }
        found += model.assert_found(&vault, &mut rng, &place);
    }
    while vault.index_step(1, usize::MAX).unwrap() != IndexStep::Idle {}
    let status = vault.index_status();
    assert!(
        !status.stale && status.tail == 0 && status.segments < 8,
        "{status:?}"
    );
    model.assert_found(&vault, &mut rng, "at the end");
    let report = vault.check().unwrap();
    assert!(report.is_whole(), "{:?}", report.problems);
    assert_eq!(report.segments, status.segments as u64);
    for step in ["Idle", "Working", "Sealed", "Merged", "Rewritten"] {
        assert!(
            steps.contains_key(step),
            "seed {seed} never saw {step}: {steps:?}"
        );
    }
    assert!(found > 400, "seed {seed} found {found} only");
}

#[test]
fn a_search_finds_what_was_written_whatever_the_index_does_meanwhile() {
    for seed in 1..=3 {
        simulate(seed);
    }
}
