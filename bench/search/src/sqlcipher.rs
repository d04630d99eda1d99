//! The same history and questions in SQLCipher with FTS5, as one would set it up: external
//! content, unicode61 without diacritics, WAL, synchronous = FULL, a raw key.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use crate::corpus::Corpus;
use crate::{Class, Clock, Question, SEED, forget, report};

const SCHEMA: &str = "
    CREATE TABLE message (id INTEGER PRIMARY KEY, contact INTEGER, incoming INTEGER, at INTEGER, body TEXT);
    CREATE INDEX message_contact ON message (contact, id);
    CREATE VIRTUAL TABLE words USING fts5 (body, content = 'message', content_rowid = 'id',
        tokenize = \"unicode61 remove_diacritics 2\");";

fn open(path: &Path) -> Connection {
    let database = Connection::open(path).expect("opens");
    database
        .execute_batch(&format!(
            "PRAGMA key = \"x'{}'\"; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;",
            "07".repeat(32)
        ))
        .expect("a key");
    database
}

pub(crate) fn run(dir: &Path, messages: u64, classes: &[Class]) {
    println!("SQLCipher with FTS5");
    let dir = dir.join("sql");
    std::fs::create_dir(&dir).expect("a directory");
    let path = dir.join("messages.db");
    let mut database = open(&path);
    database.execute_batch(SCHEMA).expect("a schema");
    let mut corpus = Corpus::new(messages, SEED);
    let mut spent = Duration::ZERO;
    loop {
        let piece: Vec<_> = corpus.by_ref().take(2000).collect();
        if piece.is_empty() {
            break;
        }
        let begun = Instant::now();
        let tx = database.transaction().expect("a transaction");
        {
            let mut message = tx
                .prepare_cached(
                    "INSERT INTO message (contact, incoming, at, body) VALUES (?, ?, ?, ?)",
                )
                .expect("a statement");
            let mut words = tx
                .prepare_cached("INSERT INTO words (rowid, body) VALUES (?, ?)")
                .expect("a statement");
            for said in piece {
                message
                    .execute(params![said.contact, said.incoming, said.at_ms, said.text])
                    .expect("a message");
                words
                    .execute(params![tx.last_insert_rowid(), said.text])
                    .expect("its words");
            }
        }
        tx.commit().expect("a commit");
        spent += begun.elapsed();
    }
    println!(
        "write and index {:>8.0} messages/s, {:.1} MB on disk",
        messages as f64 / spent.as_secs_f64(),
        crate::size(&dir) as f64 / 1e6
    );
    for (name, questions) in classes {
        questions.iter().take(20).for_each(|question| {
            ask(&database, question);
        });
        let mut found = 0;
        let mut times = Vec::new();
        for question in questions {
            let begun = Clock::start();
            found += ask(&database, question);
            times.push(begun.stop());
        }
        let found = found as f64 / questions.len() as f64;
        report(&format!("{name} ({found:.1} found)"), &times);
    }
    drop(database);
    let (mut opens, mut asks) = (Vec::new(), Vec::new());
    for at in 0..crate::COLD {
        for (_, questions) in classes {
            forget(&dir);
            let begun = Clock::start();
            let database = open(&path);
            opens.push(begun.stop());
            let begun = Clock::start();
            ask(&database, &questions[at]);
            asks.push(begun.stop());
        }
    }
    report("open, cold", &opens);
    report("first query, cold", &asks);
}

fn ask(database: &Connection, question: &Question) -> usize {
    // FTS5 takes no Han bigrams: a run of characters is one word to it.
    let text: String = if question.text.starts_with('"') || question.text.ends_with('*') {
        question.text.clone()
    } else {
        let words: Vec<_> = question
            .text
            .split(' ')
            .map(|word| format!("\"{word}\""))
            .collect();
        words.join(" ")
    };
    let mut statement = database
        .prepare_cached(
            "SELECT message.body FROM words JOIN message ON message.id = words.rowid
             WHERE words MATCH ?1 AND (?2 IS NULL OR (contact = ?2 AND incoming)) AND at >= ?3
             ORDER BY words.rowid DESC LIMIT 20",
        )
        .expect("a statement");
    let since = question.since_ms.unwrap_or(0);
    let rows = statement
        .query_map(params![text, question.from, since], |row| {
            row.get::<_, String>(0)
        })
        .expect("a query");
    rows.map(|row| row.expect("a row").len())
        .filter(|len| *len > 0)
        .count()
}
