//! What other users of the machine, and its disk, get to see: nothing.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

use crate::pcap::disguises;
use crate::rollback::walk;
use crate::world::{PASSWORD, World, contains};

#[test]
fn a_process_shows_no_secret_in_its_arguments_or_environment() {
    let (_world, a, b) = World::alice_and_bob();
    let words = fs::read_to_string(a.words_file()).unwrap();
    for home in [&a, &b] {
        let pid = home.pid().as_raw_nonzero();
        for file in ["cmdline", "environ"] {
            let shown = fs::read(format!("/proc/{pid}/{file}")).unwrap();
            for secret in [PASSWORD, words.trim()] {
                assert!(!contains(&shown, secret.as_bytes()), "/proc/PID/{file}");
            }
        }
        let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"))
            .unwrap();
        let numbers: Vec<_> = core.split_whitespace().skip(4).take(2).collect();
        assert_eq!(numbers, ["0", "0"], "no core dumps");
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let locked = status
            .lines()
            .find_map(|line| line.strip_prefix("VmLck:")?.split_whitespace().next())
            .unwrap();
        assert_ne!(locked, "0", "KiB of keys that are never swapped");
        // No TCP listener: a web page has nothing to knock at.
        let listening = fs::read_to_string(format!("/proc/{pid}/net/tcp")).unwrap();
        let sockets: Vec<_> = fs::read_dir(format!("/proc/{pid}/fd"))
            .unwrap()
            .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
            .map(|link| link.to_string_lossy().into_owned())
            .collect();
        for row in listening.lines().skip(1) {
            let columns: Vec<_> = row.split_whitespace().collect();
            let inode = format!("socket:[{}]", columns[9]);
            assert!(
                columns[3] != "0A" || !sockets.contains(&inode),
                "listens on TCP: {row}"
            );
        }
    }
}

#[test]
fn everything_of_a_home_is_for_its_owner_alone() {
    let (_world, a, _b) = World::alice_and_bob();
    a.deliver("bob", "x");
    let mut sockets = 0;
    look(&a.dir, &mut |path, metadata| {
        let mode = metadata.mode() & 0o7777;
        let kind = metadata.file_type();
        let allowed = if kind.is_dir() { 0o700 } else { 0o600 };
        sockets += usize::from(kind.is_socket());
        assert_eq!(mode, allowed, "{} has mode {mode:o}", path.display());
    });
    assert_eq!(sockets, 1, "the agent's socket");
    let words = fs::metadata(a.words_file()).unwrap().mode() & 0o777;
    assert_eq!(words, 0o600, "the words file");
}

fn look(path: &Path, see: &mut dyn FnMut(&Path, &fs::Metadata)) {
    let metadata = fs::symlink_metadata(path).unwrap();
    see(path, &metadata);
    if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            look(&entry.unwrap().path(), see);
        }
    }
}

#[test]
fn a_vault_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let a = world.home("a", "alice");
    let vault = a.dir.join("vault");
    fs::set_permissions(&vault, fs::Permissions::from_mode(0o755)).unwrap();
    a.alone(&["contact", "list"])
        .exits(3)
        .advises()
        .says("chmod");
}

#[test]
fn the_disk_holds_no_text_no_name_no_key_in_clear() {
    let world = World::new();
    let a = world.home("a", "canaryname-alice");
    let b = world.home("b", "canaryname-bob");
    a.start();
    b.start();
    crate::world::pair(&a, "canarycontact-bob", &b, "canarycontact-alice");
    a.deliver("canarycontact-bob", "canarytext-from-alice");
    b.deliver("canarycontact-alice", "canarytext-from-bob");
    a.recv_texts(1, Duration::from_secs(10));
    b.recv_texts(1, Duration::from_secs(10));
    // Queued as well as delivered.
    b.stop();
    a.run(&[
        "send",
        "canarycontact-bob",
        "-m",
        "canarytext-queued",
        "--wait",
        "queued",
    ])
    .ok();

    let words = fs::read_to_string(a.words_file()).unwrap();
    let mut secrets: Vec<(&str, Vec<u8>)> = vec![
        ("a text", b"canarytext-".to_vec()),
        ("a name", b"canaryname-".to_vec()),
        ("a contact's name", b"canarycontact-".to_vec()),
        ("the password", PASSWORD.into()),
        ("the words", words.trim().into()),
    ];
    for home in [&a, &b] {
        let fingerprint = if std::ptr::eq(home, &a) {
            a.object(&["identity", "show"])["fingerprint"].clone()
        } else {
            a.object(&["contact", "show", "canarycontact-bob"])["fingerprint"].clone()
        };
        let hex = fingerprint.as_str().unwrap();
        let raw = (0..64)
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        secrets.push(("an identity key", raw));
    }
    let check = |when: &str| {
        let mut files = 0;
        for home in [&a, &b] {
            walk(&home.dir, &mut |path, bytes| {
                files += 1;
                for (what, secret) in &secrets {
                    for disguise in disguises(secret) {
                        assert!(
                            !contains(bytes, &disguise),
                            "{what} in {} {when}",
                            path.display()
                        );
                    }
                }
                let name = path.to_string_lossy();
                assert!(!name.contains("canary"), "{name}");
            });
        }
        files
    };
    let running = check("while agents run");
    a.stop();
    let stopped = check("after they stopped");
    println!(
        "{running} and {stopped} files searched for {} secrets in every disguise",
        secrets.len()
    );
}

#[test]
fn a_locked_agent_has_forgotten_password_words_and_messages() {
    if !crate::world::is_root() {
        println!("skipped: needs root");
        return;
    }
    let (_world, a, b) = World::alice_and_bob();
    a.deliver("bob", "canary-of-a-message-0451");
    b.deliver("alice", "canary-of-an-answer-0452");
    a.recv();
    a.json(&["history", "bob"]);
    let words = fs::read_to_string(a.words_file()).unwrap();
    a.run(&["agent", "lock"]).ok();
    a.run(&[
        "vault",
        "unlock",
        "--words-file",
        a.words_file().to_str().unwrap(),
    ])
    .ok();
    let pid = a.pid().as_raw_nonzero().get();
    let found = |when: &str| {
        let memory = crate::memory::of(pid);
        assert!(memory.len() > 1 << 20, "{} bytes {when}", memory.len());
        let secrets = [
            PASSWORD,
            words.trim(),
            "canary-of-a-message-0451",
            "canary-of-an-answer-0452",
        ];
        secrets.map(|secret| contains(&memory, secret.as_bytes()))
    };
    a.json(&["history", "bob"]);
    println!("open: {:?}", found("while open"));
    a.run(&["agent", "lock"]).ok();
    assert_eq!(found("while locked"), [false; 4]);
}
