//! Man pages and completions, made from the command tree.
//!
//! A hidden verb writes them into the tree, a test compares them with what the
//! binary would write: the help text has one source.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use clap_complete::Shell;

use crate::cli::{self, Outcome};
use crate::context::Context;
use crate::error::Failure;

/// The shells that get completions.
pub(crate) const SHELLS: [Shell; 4] = [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish];

/// Write man pages and completions into DIR/man and DIR/completions
#[derive(Args)]
pub(crate) struct Generate {
    /// Where to write
    dir: PathBuf,
}

impl Generate {
    pub(crate) fn run(self, _cx: &Context) -> Outcome {
        let man = self.dir.join("man");
        let completions = self.dir.join("completions");
        for dir in [&man, &completions] {
            fs::create_dir_all(dir)
                .map_err(|error| Failure::io(format!("cannot create {}", dir.display()), &error))?;
        }
        for (name, page) in man_pages()? {
            write(&man.join(format!("{name}.1")), &page)?;
        }
        for shell in SHELLS {
            let name = clap_complete::Generator::file_name(&shell, "solo2");
            write(&completions.join(name), &completion(shell))?;
        }
        Ok(0)
    }
}

/// The completion script for one shell.
pub(crate) fn completion(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::tree(), "solo2", &mut script);
    script
}

/// Every man page by name, the program's own first.
///
/// The global options stand on that one only; the others point there.
pub(crate) fn man_pages() -> Result<Vec<(String, Vec<u8>)>, Failure> {
    // The manual tells of every option, also of those that short help leaves out.
    let mut whole = cli::tree().mut_args(|arg| arg.hide_short_help(false));
    whole.build();
    let mut pages = vec![page(whole, "solo2")?];
    let mut verbs = cli::tree().mut_args(|arg| arg.global(false));
    verbs.build();
    for verb in visible(&verbs) {
        let name = format!("solo2-{}", verb.get_name());
        collect(verb, &name, &mut pages)?;
    }
    Ok(pages)
}

fn collect(
    command: clap::Command,
    name: &str,
    pages: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), Failure> {
    let below = visible(&command);
    let command = command.after_long_help(
        "The global options, which stand before or after the verb, and the exit codes are in solo2(1).",
    );
    pages.push(page(command, name)?);
    for command in below {
        let name = format!("{name}-{}", command.get_name());
        collect(command, &name, pages)?;
    }
    Ok(())
}

fn visible(command: &clap::Command) -> Vec<clap::Command> {
    command
        .get_subcommands()
        .filter(|below| !below.is_hide_set())
        .cloned()
        .collect()
}

fn page(command: clap::Command, name: &str) -> Result<(String, Vec<u8>), Failure> {
    // clap wants names that live as long as the program; each is made once.
    let lasting: &'static str = name.to_owned().leak();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.name(lasting).display_name(lasting))
        .title(name.to_uppercase())
        .source(concat!("solo2 ", env!("CARGO_PKG_VERSION")))
        .manual("Solo2")
        .render(&mut page)
        .map_err(|error| Failure::io("cannot make a man page", &error))?;
    Ok((name.to_owned(), page))
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(file, bytes)
        .map_err(|error| Failure::io(format!("cannot write {}", file.display()), &error))
}
