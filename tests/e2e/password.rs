//! What opens the vault: another password, the words, the device secret, and nothing when
//! nothing is to be kept.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::command::{Done, finish};
use crate::namespace::Namespace;
use crate::rollback::walk;
use crate::world::{Home, PASSWORD, World, contains, eventually, texts};

const PATIENCE: Duration = Duration::from_secs(60);

/// Every file of a home and its bytes.
pub(crate) fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    walk(dir, &mut |path, bytes| {
        found.insert(path.to_owned(), bytes.to_owned());
    });
    found
}

/// Which files are not what they were.
fn changed(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<String> {
    let names = before.keys().chain(after.keys());
    let mut differ: Vec<String> = names
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| name.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    differ.dedup();
    differ
}

/// Runs a command that must not ask anybody anything.
fn silently(home: &Home, args: &[&str]) -> Done {
    let mut all = args.to_vec();
    all.extend(["--no-input", "--offline"]);
    home.run(&all)
}

#[test]
fn a_new_password_replaces_one_small_file_beside_a_running_agent_and_without_one() {
    let (world, a, _b) = World::alice_and_bob();
    a.deliver("bob", "before");
    let old = a.password_file();
    let new = world.file("new-pw", "a better one");
    let newest = world.file("newest-pw", "the best of all");
    let history =
        |password: &str| a.run(&["history", "bob", "--json", "--password-file", password]);

    // The agent has the vault open, and goes on.
    let passwd = |from: &str, to: &str| {
        let given = ["--password-file", from, "--new-password-file", to];
        a.run(&[&["vault", "passwd", "--json"][..], &given].concat())
    };
    assert_eq!(passwd(&old, &new).ok().last_event()["type"], "vault.passwd");
    a.deliver("bob", "between");
    a.stop();
    history(&old).exits(4).advises().says("wrong_password");
    assert_eq!(texts(&history(&new).ok().events()), ["before", "between"]);

    let before = files(&a.dir);
    passwd(&new, &newest).ok();
    let after = files(&a.dir);
    assert_eq!(changed(&before, &after), ["vault.head"]);
    let head = |files: &BTreeMap<PathBuf, Vec<u8>>| files[&a.dir.join("vault/vault.head")].clone();
    // 25 bytes of header, 80 of the password's door; the other doors and all else stay.
    assert_eq!(head(&before)[..25], head(&after)[..25]);
    assert_ne!(head(&before)[25..105], head(&after)[25..105]);
    assert_eq!(head(&before)[105..], head(&after)[105..]);
    history(&new).exits(4);
    history(&newest).ok();

    // Nothing changes by a wrong password, an empty one, or two claims on stdin.
    let before = files(&a.dir);
    passwd(&old, &new).exits(4).advises().says("wrong_password");
    let empty = world.file("empty", "");
    passwd(&newest, &empty).exits(2).advises();
    passwd("-", "-").exits(2).advises().says("stdin");
    passwd(&newest, "missing").exits(3).advises();
    silently(&a, &["vault", "passwd", "--password-file", &newest])
        .exits(2)
        .advises()
        .says("--new-password-file");
    assert_eq!(changed(&before, &files(&a.dir)), Vec::<String>::new());

    // Forgotten: the words are the old password, and stay what they are.
    let words = a.words_file();
    let words = words.to_str().unwrap();
    a.run_with(
        &[
            "vault",
            "passwd",
            "--words-file",
            words,
            "--new-password-file",
            "-",
        ],
        PASSWORD,
    )
    .ok();
    assert_eq!(texts(&history(&old).ok().events()), ["before", "between"]);
    let wrong = fs::read_to_string(world.home("c", "carol").words_file()).unwrap();
    let wrong = world.file("wrong-words", wrong);
    a.run(&[
        "vault",
        "passwd",
        "--words-file",
        &wrong,
        "--new-password-file",
        &new,
    ])
    .exits(4)
    .advises();
}

#[test]
fn the_words_open_the_vault_with_no_server_and_no_network() {
    let namespace = match Namespace::new() {
        Ok(namespace) => namespace,
        Err(missing) => {
            println!("skipped: needs {missing}");
            return;
        }
    };
    let (world, a, b) = World::inside(Arc::clone(&namespace)).with_alice_and_bob();
    a.deliver("bob", "still to be read");
    a.stop();
    b.stop();
    world.kill_signal();

    let before = namespace.sent();
    a.run(&["agent", "start", "--locked", "--offline", "--json"])
        .ok();
    let words = a.words_file();
    let words = words.to_str().unwrap();
    a.run(&["history", "bob", "--no-input"]).exits(4).advises();
    a.run(&["vault", "unlock", "--words-file", words]).ok();
    assert_eq!(texts(&a.json(&["history", "bob"])), ["still to be read"]);
    assert_eq!(texts(&a.json(&["search", "still"])), ["still to be read"]);
    a.stop();
    // And whoever forgot the password gives the vault another.
    a.run_with(
        &[
            "vault",
            "passwd",
            "--words-file",
            words,
            "--new-password-file",
            "-",
        ],
        "another",
    )
    .ok();
    let new = world.file("another", "another");
    let shown = a.json(&["history", "bob", "--offline", "--password-file", &new]);
    assert_eq!(texts(&shown), ["still to be read"]);
    assert_eq!(namespace.sent(), before, "not one packet");
}

#[test]
fn a_device_secret_opens_the_vault_here_and_blocks_no_other_door() {
    let world = World::new();
    let a = world.home("a", "alice");
    let list = |home: &Home| silently(home, &["contact", "list"]);
    let status = || a.object(&["vault", "device-secret", "status"]);
    list(&a).exits(4).advises();
    assert_eq!(
        (&status()["set"], &status()["kept"]),
        (&false.into(), &().into())
    );
    silently(&a, &["vault", "device-secret", "on"])
        .exits(4)
        .advises();
    assert_eq!(
        status()["set"],
        false,
        "without the password nothing is made"
    );

    let on = a.alone(&["vault", "device-secret", "on", "--json"]).ok();
    assert_eq!(
        (&on.last_event()["set"], &on.last_event()["kept"]),
        (&true.into(), &"file".into())
    );
    let secret = a.dir.join("state/device.secret");
    assert_eq!(status()["path"], secret.to_str().unwrap());
    let mode = fs::metadata(&secret).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    list(&a).ok();
    a.alone(&["contact", "list"]).ok();

    // An agent starts by it, as at boot; locked by hand, it stays locked for every verb but one.
    a.run(&["agent", "start", "--no-input", "--json"]).ok();
    list(&a).ok();
    a.run(&["agent", "lock"]).ok();
    list(&a).exits(4).advises().says("vault unlock");
    silently(&a, &["vault", "unlock"]).ok();
    list(&a).ok();
    a.run(&["agent", "lock"]).ok();
    let words = a.words_file();
    a.run(&["vault", "unlock", "--words-file", words.to_str().unwrap()])
        .ok();
    a.stop();

    // It does not know the words, so it changes no password; a new password changes nothing of it.
    silently(&a, &["vault", "passwd"]).exits(4).advises();
    let new = world.file("new-pw", "another");
    a.alone(&["vault", "passwd", "--new-password-file", &new])
        .ok();
    list(&a).ok();
    silently(&a, &["contact", "list", "--password-file", &new]).ok();
    a.alone(&["contact", "list"])
        .exits(4)
        .advises()
        .says("wrong password");

    // What is damaged is as good as none.
    let kept = fs::read(&secret).unwrap();
    fs::write(&secret, b"rubbish").unwrap();
    list(&a).exits(4).advises();
    assert_eq!(
        (&status()["set"], &status()["kept"]),
        (&true.into(), &().into())
    );
    fs::write(&secret, &kept).unwrap();
    list(&a).ok();

    // Off: the secret is gone, and a copy of it opens nothing.
    a.run(&["vault", "device-secret", "off"]).ok();
    assert!(!secret.exists());
    fs::write(&secret, &kept).unwrap();
    list(&a).exits(4).advises();
    silently(&a, &["contact", "list", "--password-file", &new]).ok();
}

#[test]
fn the_service_manager_may_keep_the_device_secret() {
    let world = World::new();
    let a = world.home("a", "alice");
    let credentials = world.path("credentials");
    fs::create_dir(&credentials).unwrap();
    let file = credentials.join("solo2-device-secret");
    let out = file.to_str().unwrap();
    a.alone(&["vault", "device-secret", "on", "-o", out]).ok();
    let with = |args: &[&str]| {
        let mut command = a.command(args);
        command.args(["--no-input", "--offline"]);
        command.env("CREDENTIALS_DIRECTORY", &credentials);
        finish(command, None, PATIENCE)
    };
    with(&["contact", "list"]).ok();
    with(&["agent", "start"]).ok();
    a.stop();
    let status = with(&["vault", "device-secret", "status", "--json"]).ok();
    assert_eq!(status.last_event()["kept"], "credential");
    assert!(!a.dir.join("state/device.secret").exists());
    silently(&a, &["contact", "list"]).exits(4).advises();

    // Over a pipe, into what encrypts it; never among JSON, and nothing is overwritten.
    let piped = a.alone(&["vault", "device-secret", "on", "-o", "-"]).ok();
    assert_eq!(
        (piped.stdout.len(), piped.stdout.last()),
        (65, Some(&b'\n'))
    );
    with(&["contact", "list"]).exits(4).advises();
    fs::write(&file, &piped.stdout).unwrap();
    with(&["contact", "list"]).ok();
    a.alone(&["vault", "device-secret", "on", "-o", "-", "--json"])
        .exits(2)
        .advises();
    a.alone(&["vault", "device-secret", "on", "-o", out])
        .exits(3)
        .advises();
    with(&["contact", "list"]).ok();
}

#[test]
fn maximum_security_keeps_nothing_that_opens_the_vault() {
    let world = World::new();
    let a = world.home("a", "alice");
    let secret = a.dir.join("state/device.secret");
    let head = a.dir.join("vault/vault.head");
    let config = a.dir.join("config.toml");
    let get = |key: &str| a.run(&["config", "get", key]).ok().text().trim().to_owned();
    let usual = fs::read(&config).unwrap();
    a.alone(&["vault", "device-secret", "on"]).ok();
    let kept = (fs::read(&secret).unwrap(), fs::read(&head).unwrap());
    a.run(&["config", "set", "vault.max_security", "true"]).ok();
    assert!(!secret.exists());
    assert_eq!(
        fs::read(&head).unwrap().last(),
        Some(&0),
        "the door is walled up"
    );
    silently(&a, &["contact", "list"]).exits(4).advises();
    a.alone(&["vault", "device-secret", "on"])
        .exits(2)
        .advises()
        .says("max_security");
    assert_eq!(
        (get("vault.max_security"), get("vault.lock_after")),
        ("true".into(), "15m".into())
    );
    let strict = fs::read(&config).unwrap();
    assert!(contains(&strict, b"max_security = true"));

    // Written by hand while a secret is there: it is neither used nor left.
    fs::write(&config, &usual).unwrap();
    fs::write(&secret, &kept.0).unwrap();
    fs::write(&head, &kept.1).unwrap();
    silently(&a, &["contact", "list"]).ok();
    fs::write(&config, &strict).unwrap();
    silently(&a, &["contact", "list"]).exits(4).advises();
    a.alone(&["agent", "start"]).ok();
    assert!(!secret.exists());
    assert_eq!(fs::read(&head).unwrap().last(), Some(&0));
    a.run(&["agent", "lock"]).ok();
    silently(&a, &["vault", "unlock"]).exits(4).advises();
    a.alone(&["vault", "unlock"]).ok();
    a.stop();

    // From the beginning.
    let b = world.empty_home("b");
    let [words, password] = [world.path("b.words"), world.path("pw")];
    b.run(&[
        "init",
        "--max-security",
        "--words-out",
        words.to_str().unwrap(),
        "--password-file",
        password.to_str().unwrap(),
    ])
    .ok();
    b.alone(&["vault", "device-secret", "on"])
        .exits(2)
        .advises();
}

#[test]
fn an_idle_agent_locks_closes_its_connections_and_says_how_to_go_on() {
    let (_world, a, b) = World::alice_and_bob();
    a.deliver("bob", "one");
    a.run(&["config", "set", "vault.lock_after", "2s"]).ok();
    a.run(&["agent", "reload"]).ok();
    // Looking at it is not using it.
    eventually(Duration::from_secs(20), "the agent is locked", || {
        a.object(&["agent", "status"])["locked"] == true
    });
    for verb in [
        &["history", "bob"][..],
        &["send", "bob", "-m", "x"],
        &["recv"],
    ] {
        silently(&a, verb).exits(4).advises().says("vault unlock");
    }
    eventually(
        Duration::from_secs(20),
        "its connections are closed",
        || b.route("alice")["connected"] != true,
    );
    b.run(&["send", "alice", "-m", "two", "--wait", "queued"])
        .ok();
    a.alone(&["vault", "unlock"]).ok();
    assert_eq!(a.recv_texts(1, Duration::from_secs(30)), ["two"]);
    // One who reads along keeps it open.
    let following = a.stream(&["recv", "--follow", "--json"]);
    thread::sleep(Duration::from_secs(4));
    assert_eq!(a.object(&["agent", "status"])["locked"], false);
    drop(following);
}

#[test]
fn the_password_shows_the_words_again_and_an_open_vault_does_not() {
    let world = World::new();
    let a = world.home("a", "alice");
    let words = fs::read_to_string(a.words_file()).unwrap();
    fs::remove_file(a.words_file()).unwrap();
    let out = world.path("again.words");
    let show = ["identity", "words", "show", "--out", out.to_str().unwrap()];
    a.start();
    // Who sits before an open vault does not know the password yet.
    silently(&a, &show).exits(4).advises();
    let wrong = world.file("wrong-pw", "not the password");
    let with_wrong = [&show[..], &["--password-file", &wrong]].concat();
    a.run(&with_wrong).exits(4).advises();
    assert!(!out.exists(), "nothing is left of it");

    let shown = a.alone(&show).ok();
    assert_eq!(fs::read_to_string(&out).unwrap(), words);
    assert_eq!(
        fs::metadata(&out).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    let word = words.split_whitespace().next().unwrap();
    assert!(!contains(&shown.stdout, word.as_bytes()) && !shown.stderr.contains(word));
    // Into no file that is there, and nowhere but a file or a terminal.
    a.alone(&show).exits(3).advises();
    a.alone(&["identity", "words", "show"]).exits(2).advises();
    a.run(&["agent", "lock"]).ok();
    a.run(&["vault", "unlock", "--words-file", out.to_str().unwrap()])
        .ok();
    // Without an agent likewise.
    a.stop();
    fs::remove_file(&out).unwrap();
    a.alone(&show).ok();
    assert_eq!(fs::read_to_string(&out).unwrap(), words);
}

#[test]
fn without_password_and_words_nothing_opens_a_vault_and_it_is_said() {
    let world = World::new();
    let (a, b) = (world.empty_home("a"), world.home("b", "bob"));
    let said = a.run(&[
        "init",
        "--no-account",
        "--name",
        "alice",
        "--password-file",
        &a.password_file(),
        "--words-out",
        a.words_file().to_str().unwrap(),
    ]);
    assert!(
        said.ok()
            .text()
            .contains("Lost both? Then nobody can open it")
    );
    let help = a.run(&["init", "--help"]).ok();
    assert!(help.text().contains("no other way in"), "{help}");
    let before = files(&a.dir);
    let wrong = world.file("wrong-pw", "not the password");
    let others = b.words_file();
    let others = others.to_str().unwrap();
    for verb in [&["history"][..], &["identity", "show"], &["agent", "start"]] {
        let refused = silently(&a, &[verb, &["--password-file", &wrong]].concat());
        refused.exits(4).advises().says("nobody can");
    }
    // No verb makes a new way in of it either.
    let passwd = [
        "vault",
        "passwd",
        "--new-password-file",
        &wrong,
        "--password-file",
        &wrong,
    ];
    silently(&a, &passwd).exits(4);
    let by_words = [
        "vault",
        "passwd",
        "--new-password-file",
        &wrong,
        "--words-file",
        others,
    ];
    silently(&a, &by_words).exits(4);
    silently(&a, &["vault", "repair", "--yes", "--password-file", &wrong]).exits(4);
    let after = files(&a.dir);
    let differ = changed(&before, &after);
    assert!(
        differ.iter().all(|name| name.ends_with(".lock")),
        "{differ:?}"
    );
    // Nor does an agent let anybody in.
    a.start();
    a.run(&["agent", "lock"]).ok();
    for with in [["--password-file", &wrong], ["--words-file", others]] {
        let refused = silently(&a, &[&["vault", "unlock"][..], &with].concat());
        refused.exits(4).advises().says("nobody can");
    }
}
