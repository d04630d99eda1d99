//! The manual and the completions of a server in the tree, held against what its flags make.
//!
//! To write them anew: `SOLO2_WRITE_PAGES=1 cargo test -p solo2-relay -p solo2-signal manual`.
//! Part of both servers' own tests, which alone see their flags. Section 8 of the manual: what
//! `solo2 relay` is about stands in section 1.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clap::Command;
use clap_complete::{Generator as _, Shell};
use clap_mangen::Man;

/// The shells that get completions.
const SHELLS: [Shell; 4] = [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish];

/// Fails when a file of this program's is missing, old or left over.
pub(crate) fn check(mut program: Command) {
    program.build();
    let name = program.get_name().to_owned();
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (dir, fresh) in [("man", pages(&program)), ("completions", scripts(&program))] {
        let dir = tree.join(dir);
        if std::env::var_os("SOLO2_WRITE_PAGES").is_some() {
            for (file, bytes) in &fresh {
                fs::write(dir.join(file), bytes).expect("the tree can be written to");
            }
        }
        let ours = |file: &str| match file.strip_suffix(".8") {
            Some(page) => page == name || page.starts_with(&format!("{name}-")),
            None => SHELLS.iter().any(|shell| shell.file_name(&name) == file),
        };
        let kept: BTreeMap<String, Vec<u8>> = fs::read_dir(&dir)
            .expect("a directory")
            .map(|entry| entry.expect("an entry"))
            .filter_map(|entry| {
                let file = entry.file_name().into_string().expect("a UTF-8 name");
                ours(&file).then(|| (file, fs::read(entry.path()).expect("a file")))
            })
            .collect();
        let names: Vec<_> = kept.keys().collect();
        assert_eq!(names, fresh.keys().collect::<Vec<_>>(), "{}", dir.display());
        for (file, bytes) in &fresh {
            assert!(
                kept[file] == *bytes,
                "{file} is old; tests/pages.rs says how to write it"
            );
        }
    }
}

fn scripts(program: &Command) -> BTreeMap<String, Vec<u8>> {
    let name = program.get_name();
    let script = |shell: Shell| {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut program.clone(), name, &mut script);
        (shell.file_name(name), script)
    };
    SHELLS.map(script).into()
}

/// A page for the program and one for each of its verbs.
fn pages(program: &Command) -> BTreeMap<String, Vec<u8>> {
    let mut pages = BTreeMap::new();
    let mut waiting = vec![(program.get_name().to_owned(), program.clone())];
    while let Some((name, command)) = waiting.pop() {
        let below = command.get_subcommands().cloned();
        waiting.extend(below.map(|below| (format!("{name}-{}", below.get_name()), below)));
        // clap wants names that live as long as the program; each is made once.
        let lasting: &'static str = name.clone().leak();
        let mut page = Vec::new();
        Man::new(command.name(lasting).display_name(lasting))
            .title(name.to_uppercase())
            .section("8")
            .source(concat!("solo2 ", env!("CARGO_PKG_VERSION")))
            .manual("Solo2")
            .render(&mut page)
            .expect("memory takes it");
        pages.insert(format!("{name}.8"), page);
    }
    pages
}
