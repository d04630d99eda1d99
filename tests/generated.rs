//! The man pages and completions in the tree are what the binary would write; those of the
//! servers are held by `pages.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

mod cli_support;
use cli_support::Place;

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| entry.expect("an entry"))
        .filter_map(|entry| {
            let name = entry.file_name().into_string().expect("a UTF-8 name");
            let ours = name.ends_with(".1") || !name.contains("solo2-");
            ours.then(|| (name, fs::read(entry.path()).expect("a file")))
        })
        .collect()
}

#[test]
fn man_pages_and_completions_are_current() {
    let place = Place::new();
    let fresh = place.path("fresh");
    place
        .run(&["generate", fresh.to_str().expect("UTF-8")])
        .code(0);
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for kind in ["man", "completions"] {
        let (old, new) = (files(&tree.join(kind)), files(&fresh.join(kind)));
        assert_eq!(
            old.keys().collect::<Vec<_>>(),
            new.keys().collect::<Vec<_>>(),
            "run: cargo run -p solo2 -- generate ."
        );
        for (name, bytes) in &new {
            assert!(
                old[name] == *bytes,
                "{kind}/{name} is old; run: cargo run -p solo2 -- generate ."
            );
        }
    }
}

#[test]
fn every_verb_that_help_lists_has_a_man_page() {
    let place = Place::new();
    let help = place.run(&["-h"]).code(0).stdout;
    let verbs = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next());
    let mut count = 0;
    for verb in verbs {
        let page = place.run(&["man", verb]).code(0).stdout;
        assert!(page.contains(".SH SYNOPSIS"), "{verb}");
        count += 1;
    }
    assert!(count > 20, "{count} verbs");
}

#[test]
fn every_option_in_the_manual_says_what_it_does() {
    let place = Place::new();
    for verb in [
        &["man"][..],
        &["man", "send"],
        &["man", "recv"],
        &["man", "agent", "run"],
    ] {
        let page = place.run(verb).code(0).stdout;
        let lines: Vec<_> = page.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            if line.starts_with(".TP") {
                let text = lines.get(at + 2).copied().unwrap_or_default();
                assert!(
                    !text.is_empty() && !text.starts_with(".TP"),
                    "{verb:?}: {}",
                    lines[at + 1]
                );
            }
        }
    }
}

#[test]
fn completions_name_the_verbs() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish"] {
        let script = place.run(&["completion", shell]).code(0).stdout;
        for word in ["send", "recv", "pair", "contact", "agent"] {
            assert!(script.contains(word), "{shell} {word}");
        }
        assert!(
            !script.contains("signal-url"),
            "{shell} offers a hidden flag"
        );
    }
    place.run(&["completion", "cmd"]).code(2);
}
