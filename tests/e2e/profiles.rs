//! Several profiles on one machine, and a profile that goes for good.

use std::fs;

use crate::command::Done;
use crate::password::files;
use crate::world::{Home, World, pair, texts};

/// A home's second profile: the same home with `-p NAME` before every verb.
struct Second<'h> {
    home: &'h Home,
    name: &'static str,
}

impl Second<'_> {
    fn run(&self, args: &[&str]) -> Done {
        self.home.run(&[&["-p", self.name][..], args].concat())
    }

    fn init(&self, world: &World, password: &str) {
        let words = world.path(&format!("{}.words", self.name));
        self.run(&[
            "init",
            "--name",
            self.name,
            "--password-file",
            password,
            "--words-out",
            words.to_str().unwrap(),
        ])
        .ok();
    }

    fn start(&self, password: &str) {
        self.run(&["agent", "start", "--password-file", password])
            .ok();
    }

    /// Pairs with somebody who invites.
    fn join(&self, inviter: &Home) {
        let mut invite = inviter.stream(&["pair", "invite", "--as", self.name, "--json"]);
        let code = invite.event("pair.invite")["code"]
            .as_str()
            .unwrap()
            .to_owned();
        self.run(&["pair", "join", &code, "--as", "bob"]).ok();
        invite.event("pair.accepted");
        invite.end().ok();
    }

    fn deliver(&self, text: &str) {
        self.run(&[
            "send",
            "bob",
            "-m",
            text,
            "--wait",
            "delivered",
            "--timeout",
            "60s",
        ])
        .ok();
    }
}

#[test]
fn two_profiles_live_side_by_side_and_wiping_one_leaves_the_other() {
    let (world, a, b) = World::alice_and_bob();
    let desk = Second {
        home: &a,
        name: "desk",
    };
    let password = world.file("desk-pw", "of the desk");
    desk.init(&world, &password);
    desk.start(&password);
    desk.join(&b);
    a.deliver("bob", "from home");
    desk.deliver("from the desk");
    b.deliver("desk", "to the desk");
    b.deliver("alice", "to home");
    assert_eq!(
        texts(&a.json(&["history", "bob"])),
        ["from home", "to home"]
    );
    let shown = desk.run(&["history", "bob", "--json"]).ok().events();
    assert_eq!(texts(&shown), ["from the desk", "to the desk"]);
    assert_eq!(shown[0]["profile"], "desk");
    // One password is not the other's.
    a.run(&["agent", "lock"]).ok();
    a.run(&["vault", "unlock", "--password-file", &password])
        .exits(4)
        .advises();
    a.alone(&["vault", "unlock"]).ok();

    // Nothing goes without its name said twice; a yes is not enough.
    let desk_dir = a.dir.join("desk");
    for (args, code) in [
        (&["wipe", "profile", "desk"][..], 2),
        (&["wipe", "profile", "desk", "--yes"], 2),
        (&["wipe", "profile", "desk", "--confirm", "default"], 2),
        (&["wipe", "profile", "desk", "--confirm", "yes", "--yes"], 2),
        (&["wipe", "profile", "nobody", "--confirm", "nobody"], 3),
    ] {
        a.run(args).exits(code).advises();
    }
    desk.run(&["agent", "status"]).ok();

    // The agent of the one runs; of the other every byte stays.
    a.stop();
    let mut before = files(&a.dir);
    before.retain(|path, _| !path.starts_with(&desk_dir));
    desk.run(&["vault", "device-secret", "on", "--password-file", &password])
        .ok();
    let gone = a.object(&["wipe", "profile", "desk", "--confirm", "desk"]);
    assert_eq!(
        (&gone["type"], &gone["profile"]),
        (&"wipe".into(), &"desk".into())
    );
    assert!(!desk_dir.exists(), "nothing is left of it");
    assert!(files(&a.dir) == before, "the other one is untouched");
    desk.run(&["agent", "status"]).exits(4);
    desk.run(&["history", "--password-file", &password])
        .exits(3)
        .advises()
        .says("init");

    a.start();
    a.deliver("bob", "still here");
    b.deliver("alice", "good");
    assert_eq!(a.json(&["history", "bob"]).len(), 4);
    // The name is free again, for somebody new.
    fs::remove_file(world.path("desk.words")).unwrap();
    desk.init(&world, &world.file("new-pw", "another"));
}

#[test]
fn a_wiped_home_is_empty_whatever_state_it_was_in() {
    let world = World::new();
    let a = world.home("a", "alice");
    let b = world.home("b", "bob");
    a.start();
    b.start();
    pair(&a, "bob", &b, "alice");
    a.deliver("bob", "hello");
    let password = a.password_file();
    for name in ["desk", "half"] {
        let second = Second { home: &a, name };
        second.init(&world, &password);
    }
    // One was cut short earlier: no doors, some files.
    fs::remove_file(a.dir.join("half/vault/vault.head")).unwrap();
    let host = rustix::system::uname();
    let host = host.nodename().to_str().unwrap();
    let before = files(&a.dir).len();
    for args in [
        &["wipe", "all"][..],
        &["wipe", "all", "--yes"],
        &["wipe", "all", "--confirm", "ERASE"],
        &["wipe", "all", "--confirm-host", host],
        &["wipe", "all", "--confirm", "erase", "--confirm-host", host],
        &[
            "wipe",
            "all",
            "--confirm",
            "ERASE",
            "--confirm-host",
            "elsewhere",
        ],
    ] {
        a.run(args)
            .exits(2)
            .advises()
            .says("--confirm ERASE --confirm-host");
    }
    assert_eq!(files(&a.dir).len(), before);
    a.run(&["agent", "status"]).ok();

    let gone = a.json(&["wipe", "all", "--confirm", "ERASE", "--confirm-host", host]);
    let names: Vec<_> = gone
        .iter()
        .map(|one| one["profile"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["default", "desk", "half"]);
    let left: Vec<_> = fs::read_dir(&a.dir).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    a.run(&["agent", "status"]).exits(4);
    a.run(&["contact", "list", "--password-file", &password])
        .exits(3)
        .advises();
    // The other home of this machine has nothing to do with it.
    assert_eq!(texts(&b.json(&["history", "alice"])), ["hello"]);
}
