//! Search of a long history, measured.
//!
//! ```text
//! cargo run --release --manifest-path bench/search/Cargo.toml -- 1000000
//! cargo run --release --manifest-path bench/search/Cargo.toml --features sqlcipher -- 200000
//! cargo run --release --manifest-path bench/search/Cargo.toml -- reindex DIR
//! cargo run --release --manifest-path bench/search/Cargo.toml -- fill HOME 1000000    see bench/history.sh
//! ```
//! Writes a synthetic history through the store's own API, indexes it, and asks classes of
//! queries: warm, and after the files have left the page cache. `TMPDIR` says on which disk; a
//! directory behind the number is kept, and what is in it is asked without being made again.

mod corpus;
#[cfg(feature = "sqlcipher")]
mod sqlcipher;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use corpus::{CONTACTS, Corpus, SPAN_MS};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use solo2_crypto::identity::{AccountKey, DeviceCertificate, DeviceKeys};
use solo2_crypto::secret::Secret;
use solo2_store::{
    Contact, ContactId, Filter, IndexStep, Kind, Message, PasswordCost, Query, Trust, Unlock,
    Vault, VaultPaths,
};

const SEED: u64 = 20;
const WARM: usize = 300;
const COLD: usize = 15;

/// One question, for either program.
pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) from: Option<u64>,
    pub(crate) since_ms: Option<u64>,
}

type Class = (&'static str, Vec<Question>);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [fill, home, messages] = args.as_slice()
        && fill == "fill"
    {
        let paths = paths(Path::new(home));
        let words = fs::read_to_string(Path::new(home).join("password")).expect("a password");
        let vault = Vault::unlock(&paths, Unlock::Password(words.trim_end()));
        write(
            vault.expect("opens"),
            messages.parse().expect("how many messages"),
        );
        return;
    }
    if let [reindex, dir] = args.as_slice()
        && reindex == "reindex"
    {
        let vault = Vault::unlock(&paths(Path::new(dir)), Unlock::Entropy(&words()));
        let mut vault = vault.expect("opens");
        vault.drop_index().expect("drops it");
        let messages = vault.index_status().tail;
        index(&mut vault, messages);
        return;
    }
    let messages: u64 = args
        .first()
        .map_or(1_000_000, |arg| arg.parse().expect("how many messages"));
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("{messages} messages, load {}", load.trim());
    let classes = questions(messages);
    let run = |dir: &Path| {
        vault(dir, messages, &classes);
        #[cfg(feature = "sqlcipher")]
        sqlcipher::run(dir, messages, &classes);
    };
    match args.get(1) {
        Some(kept) => run(Path::new(kept)),
        None => run(tempfile::tempdir().expect("a directory").path()),
    }
}

/// Classes of questions; phrases stand in some message.
fn questions(messages: u64) -> Vec<Class> {
    let corpus = Corpus::new(messages, SEED);
    let rng = &mut StdRng::seed_from_u64(SEED + 1);
    let mut phrases = Vec::new();
    for said in Corpus::new(messages, SEED) {
        if said.text.contains(' ') && rng.random_bool(2.0 * WARM as f64 / messages as f64) {
            let words: Vec<&str> = said
                .text
                .split([' ', ','])
                .filter(|w| !w.is_empty())
                .collect();
            let at = rng.random_range(0..words.len() - 1);
            phrases.push(format!("\"{} {}\"", words[at], words[at + 1]));
        }
    }
    let mut class = |make: &mut dyn FnMut(&mut StdRng) -> Question| -> Vec<Question> {
        (0..WARM).map(|_| make(rng)).collect()
    };
    let ask = |text: String| Question {
        text,
        from: None,
        since_ms: None,
    };
    let common = |rng: &mut StdRng| corpus.word(rng.random_range(20..200)).to_owned();
    let medium = |rng: &mut StdRng| corpus.word(rng.random_range(1000..5000)).to_owned();
    let rare = |rng: &mut StdRng| corpus.word(rng.random_range(50_000..100_000)).to_owned();
    let law = corpus.han_law();
    vec![
        ("rare word", class(&mut |rng| ask(rare(rng)))),
        ("medium word", class(&mut |rng| ask(medium(rng)))),
        ("common word", class(&mut |rng| ask(common(rng)))),
        (
            "two common",
            class(&mut |rng| ask(format!("{} {}", common(rng), common(rng)))),
        ),
        (
            "common + rare",
            class(&mut |rng| ask(format!("{} {}", common(rng), rare(rng)))),
        ),
        ("phrase", {
            let mut at = 0;
            class(&mut |_| {
                at += 1;
                ask(phrases[at % phrases.len()].clone())
            })
        }),
        (
            "prefix of 4",
            class(&mut |rng| loop {
                let word = medium(rng);
                if word.chars().count() > 5 {
                    return ask(format!("{}*", word.chars().take(4).collect::<String>()));
                }
            }),
        ),
        (
            "CJK, 2 characters",
            class(&mut |rng| ask(Corpus::han(rng, law, 2))),
        ),
        (
            "word, from, since",
            class(&mut |rng| Question {
                text: common(rng),
                from: Some(rng.random_range(0..CONTACTS)),
                since_ms: Some(1_700_000_000_000 + rng.random_range(0..SPAN_MS)),
            }),
        ),
    ]
}

fn id(contact: u64) -> ContactId {
    ContactId(u128::from(contact + 1).to_be_bytes())
}

fn paths(dir: &Path) -> VaultPaths {
    VaultPaths {
        vault: dir.join("vault"),
        state: dir.join("state"),
    }
}

fn words() -> Secret<32> {
    Secret::new(&[7; 32])
}

/// Writes the history, and indexes it.
fn make(dir: &Path, messages: u64) {
    let paths = paths(dir);
    let words = words();
    let rng = &mut rand::rng();
    let vault =
        Vault::create_with(&paths, &words, "password", PasswordCost::FLOOR, rng).expect("a vault");
    let text = write(vault, messages);
    let without = size(dir);

    let mut vault = Vault::unlock(&paths, Unlock::Entropy(&words)).expect("opens");
    index(&mut vault, messages);
    let status = vault.index_status();
    vault.close().expect("closes");
    let index = status.blocks * 4096;
    println!(
        "size    text {:.1} MB, vault {:.1} MB, index {:.1} MB = {:.1} % of the text, {} segments",
        text as f64 / 1e6,
        without as f64 / 1e6,
        index as f64 / 1e6,
        100.0 * index as f64 / text as f64,
        status.segments
    );
}

/// Indexes what is not.
fn index(vault: &mut Vault, messages: u64) {
    let begun = Clock::start();
    let mut steps = Times::new();
    loop {
        let step = Clock::start();
        let did = vault.index_step(1, usize::MAX).expect("a step");
        steps.push(step.stop());
        if did == IndexStep::Idle {
            break;
        }
    }
    rate("index", messages, begun.stop());
    report("index step", &steps);
    let longest = steps.iter().map(|(_, processor)| *processor).max();
    println!(
        "longest by the processor {:.0} ms",
        millis(longest.unwrap_or_default())
    );
}

/// Writes contacts and messages; how many bytes of text that were.
fn write(mut vault: Vault, messages: u64) -> usize {
    let rng = &mut rand::rng();
    let mut tx = vault.begin();
    for contact in 0..CONTACTS {
        let account = AccountKey::from_secret(Secret::random(rng));
        let device = DeviceKeys::generate(rng);
        let certificate = DeviceCertificate::issue(&account, 0, 1, &device, 0);
        tx.put_contact(&Contact {
            id: id(contact),
            name: format!("contact {contact}"),
            account: *account.public().as_bytes(),
            certificate: certificate.as_bytes().to_vec(),
            verified: true,
            trust: Trust::Known,
            blocked: false,
            changed_to: None,
            added_at_ms: 0,
            settings: BTreeMap::new(),
        })
        .expect("a contact");
    }
    tx.commit().expect("a commit");

    // Made beforehand in pieces, so that the time is the vault's own.
    let mut corpus = Corpus::new(messages, SEED).zip(0u64..);
    let (mut text, mut spent) = (0, (Duration::ZERO, Duration::ZERO));
    loop {
        let piece: Vec<_> = corpus.by_ref().take(2000).collect();
        if piece.is_empty() {
            break;
        }
        text += piece.iter().map(|(said, _)| said.text.len()).sum::<usize>();
        let begun = Clock::start();
        let mut tx = vault.begin();
        for (said, number) in piece {
            let message = Message {
                id: u128::from(number).to_be_bytes(),
                incoming: said.incoming,
                sent_at_ms: said.at_ms,
                stored_at_ms: said.at_ms,
                kind: Kind::Text,
                body: said.text,
                reply_to: None,
                expires_at_ms: None,
                client_id: None,
                route: None,
            };
            tx.append_message(id(said.contact), &message)
                .expect("a message");
        }
        tx.commit().expect("a commit");
        let (wall, processor) = begun.stop();
        spent = (spent.0 + wall, spent.1 + processor);
    }
    rate("write", messages, spent);
    vault.close().expect("closes");
    text
}

fn vault(dir: &Path, messages: u64, classes: &[Class]) {
    let (paths, words) = (paths(dir), words());
    if !paths.vault.is_dir() {
        make(dir, messages);
    }
    let open = || Vault::unlock(&paths, Unlock::Entropy(&words)).expect("opens");
    let mut times = Vec::new();
    for _ in 0..10 {
        let begun = Clock::start();
        let vault = open();
        times.push(begun.stop());
        vault.close().expect("closes");
    }
    report("open, warm", &times);

    let vault = open();
    let mut times = Vec::new();
    let rng = &mut StdRng::seed_from_u64(SEED + 2);
    for _ in 0..1000 {
        let contact = id(rng.random_range(0..CONTACTS));
        let begun = Clock::start();
        vault.history(contact, None, 50).expect("a page");
        times.push(begun.stop());
    }
    report("history page of 50", &times);
    for (name, questions) in classes {
        // Once to fill caches.
        questions.iter().take(20).for_each(|question| {
            ask(&vault, question);
        });
        let mut found = 0;
        let mut times = Vec::new();
        for question in questions {
            let begun = Clock::start();
            found += ask(&vault, question);
            times.push(begun.stop());
        }
        report(
            &format!("{name} ({:.1} found)", found as f64 / WARM as f64),
            &times,
        );
    }
    vault.close().expect("closes");
    let (mut opens, mut asks) = (Vec::new(), Vec::new());
    for at in 0..COLD {
        for (_, questions) in classes {
            forget(dir);
            let begun = Clock::start();
            let vault = open();
            opens.push(begun.stop());
            let begun = Clock::start();
            ask(&vault, &questions[at]);
            asks.push(begun.stop());
        }
    }
    report("open, cold", &opens);
    report("first query, cold", &asks);
}

fn ask(vault: &Vault, question: &Question) -> usize {
    let query = Query::parse(&question.text).expect("a query");
    let filter = Filter {
        contact: question.from.map(id),
        incoming: question.from.map(|_| true),
        since_ms: question.since_ms,
        ..Filter::default()
    };
    vault.search(&query, &filter, 20).expect("a search").len()
}

/// Time on the wall, and on a processor: the machine may have other things to do.
#[derive(Clone, Copy)]
pub(crate) struct Clock(Instant, Duration);

pub(crate) type Times = Vec<(Duration, Duration)>;

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now(), Self::processor())
    }

    pub(crate) fn stop(self) -> (Duration, Duration) {
        (self.0.elapsed(), Self::processor() - self.1)
    }

    fn processor() -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }
}

pub(crate) fn report(what: &str, times: &Times) {
    let line = |mut times: Vec<Duration>| {
        times.sort_unstable();
        let at = |part: f64| millis(times[((times.len() - 1) as f64 * part) as usize]);
        format!("p50 {:>8.3}  p99 {:>8.3}", at(0.5), at(0.99))
    };
    let wall = line(times.iter().map(|time| time.0).collect());
    let processor = line(times.iter().map(|time| time.1).collect());
    println!("{what:<32} wall ms {wall}   cpu ms {processor}");
}

fn rate(what: &str, messages: u64, (wall, processor): (Duration, Duration)) {
    let rate = |time: Duration| messages as f64 / time.as_secs_f64();
    println!(
        "{what} messages/s: {:.0} by the wall, {:.0} by the processor",
        rate(wall),
        rate(processor)
    );
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn each_file(dir: &Path, visit: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            each_file(&path, visit);
        } else {
            visit(&path);
        }
    }
}

pub(crate) fn size(dir: &Path) -> u64 {
    let mut sum = 0;
    each_file(dir, &mut |path| {
        use std::os::unix::fs::MetadataExt as _;
        sum += fs::metadata(path).map_or(0, |file| file.blocks() * 512);
    });
    sum
}

/// Puts every file out of the page cache.
pub(crate) fn forget(dir: &Path) {
    each_file(dir, &mut |path| {
        let file = File::open(path).expect("a file");
        file.sync_all().expect("syncs");
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("forgets");
    });
}
