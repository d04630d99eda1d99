//! A damaged vault is mended by a command, and no command leaves one that needs it.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::watch::{self, Mode};
use crate::world::{Home, World, knob, texts};

/// The largest table of the log, where messages and their like are.
fn table(home: &Home) -> (PathBuf, u64) {
    let tables = fs::read_dir(home.dir.join("vault/db/keyspaces/2/tables")).unwrap();
    let tables = tables.map(|entry| entry.unwrap());
    tables
        .map(|entry| (entry.path(), entry.metadata().unwrap().len()))
        .max_by_key(|(_, len)| *len)
        .unwrap()
}

fn flip(path: &Path, at: u64) {
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

#[test]
fn a_damaged_vault_is_mended_after_asking_and_goes_on_talking() {
    let (_world, a, b) = World::alice_and_bob();
    for number in 0..40 {
        a.run(&[
            "send",
            "bob",
            "-m",
            &format!("text {number}"),
            "--wait",
            "queued",
        ])
        .ok();
    }
    a.wait_flushed(Duration::from_secs(30));
    assert_eq!(b.recv_texts(40, Duration::from_secs(30)).len(), 40);
    a.stop();
    // Nothing to mend, and nobody is asked.
    let sound = a.alone(&["vault", "repair", "--json"]).ok().last_event();
    assert_eq!(
        (&sound["type"], &sound["repaired"]),
        (&"vault.repair".into(), &false.into())
    );

    let (table, len) = table(&a);
    flip(&table, len / 3);
    a.alone(&["vault", "check"])
        .exits(12)
        .advises()
        .says("vault repair");
    // Without a yes nothing happens.
    let before = fs::read(&table).unwrap();
    a.alone(&["vault", "repair", "--no-input"])
        .exits(2)
        .advises();
    assert!(fs::read(&table).unwrap() == before);
    assert!(!a.dir.join("vault/damaged-1").exists());

    let mended = a
        .alone(&["vault", "repair", "--yes", "--json"])
        .ok()
        .last_event();
    assert_eq!(mended["repaired"], true, "{mended}");
    assert_eq!(mended["sessions_dropped"], 0, "{mended}");
    let kept = mended["kept_in"].as_str().unwrap();
    assert!(Path::new(kept).join("version").is_file(), "{mended}");
    a.alone(&["vault", "check"]).ok();

    // What was not lost reads as it was, in order, and a new message arrives.
    a.start();
    let history = a.json(&["history", "bob", "--limit", "1000"]);
    let lost = mended["messages_lost"].as_u64().unwrap();
    let left: Vec<String> = texts(&history)
        .into_iter()
        .filter(|text| text.starts_with("text "))
        .collect();
    assert_eq!(left.len() as u64 + lost, 40, "{mended}");
    let numbers: Vec<u32> = left.iter().map(|text| text[5..].parse().unwrap()).collect();
    assert!(numbers.is_sorted());
    a.deliver("bob", "after the repair");
    assert_eq!(
        b.recv_texts(1, Duration::from_secs(30)),
        ["after the repair"]
    );
    b.deliver("alice", "welcome back");
    assert_eq!(a.recv_texts(1, Duration::from_secs(30)), ["welcome back"]);
}

/// Runs a command that is killed at changes all over it, each time on a fresh copy of the home;
/// `look` sees what is left. Says at how many it died.
fn die_all_over(world: &World, base: &Home, args: &[&str], look: impl Fn(&Home)) -> u64 {
    let deaths = knob("SOLO2_DEATHS", 6);
    let copy = Home::clone(base);
    let kept = world.path("kept");
    let _ = fs::remove_dir_all(&kept);
    if base.dir.exists() {
        world.copy(&base.dir, &kept);
    }
    let restore = || {
        let _ = fs::remove_dir_all(&copy.dir);
        if kept.exists() {
            world.copy(&kept, &copy.dir);
        } else {
            fs::create_dir(&copy.dir).unwrap();
        }
    };
    let run = |mode| {
        let mut command = copy.command(args);
        command.args(["--password-file", &copy.password_file()]);
        watch::watch(mode, &copy.dir, &command)
    };
    restore();
    let whole = run(Mode::Record);
    assert_eq!(
        whole.code,
        0,
        "{args:?}: {}{}",
        whole.said(),
        whole.complaints
    );
    let mut died = 0;
    for death in 0..deaths {
        restore();
        // From the second change to the last but one.
        let at = 2 + death * whole.tried.saturating_sub(3) / deaths;
        let done = run(Mode::Kill(at));
        assert!(
            !done.complaints.contains("panicked"),
            "{args:?}: {}",
            done.complaints
        );
        died += u64::from(done.killed());
        look(&copy);
    }
    restore();
    println!("{args:?}: {} changes, {died} deaths", whole.tried);
    died
}

#[test]
fn commands_that_die_at_any_change_leave_a_sound_vault() {
    if !watch::possible() {
        return;
    }
    let (world, a, b) = World::alice_and_bob();
    for number in 0..20 {
        a.run(&[
            "send",
            "bob",
            "-m",
            &format!("text {number}"),
            "--wait",
            "queued",
        ])
        .ok();
    }
    a.wait_flushed(Duration::from_secs(30));
    let first = a.json(&["history", "bob"])[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    a.run(&["delete", &first, "--yes"]);
    a.stop();
    b.stop();
    let count = texts(&a.alone(&["history", "bob", "--json"]).ok().events()).len();
    let sound = |home: &Home| {
        home.alone(&["vault", "check"]).ok();
        let history = home.alone(&["history", "bob", "--json"]).ok().events();
        let found = texts(&history).len();
        assert!(
            found == count || found == count + 1,
            "{found} messages of {count}"
        );
    };
    let mut died = 0;
    died += die_all_over(&world, &a, &["vault", "compact"], sound);
    died += die_all_over(&world, &a, &["vault", "reindex"], sound);
    let send = [
        "send",
        "bob",
        "-m",
        "one more",
        "--wait",
        "queued",
        "--offline",
    ];
    died += die_all_over(&world, &a, &send, sound);

    // A profile that was half made is no profile: making it again works.
    let new = world.empty_home("new");
    let _ = fs::remove_dir_all(&new.dir);
    let words = world.path("new.words");
    let words = words.to_str().unwrap();
    let init = [
        "init",
        "--no-account",
        "--name",
        "carol",
        "--words-out",
        words,
        "--signal",
        "ws://127.0.0.1:1",
    ];
    let made = die_all_over(&world, &new, &init, |home| {
        let exists = home.run(&["vault", "status", "--json"]).ok().last_event()["exists"] == true;
        if exists {
            home.alone(&["vault", "check"]).ok();
        } else {
            let _ = fs::remove_file(words);
            let again = home.alone(&init);
            again.ok();
        }
        let _ = fs::remove_file(words);
    });
    assert!(died > 0 && made > 0, "{died} and {made} deaths");
}
