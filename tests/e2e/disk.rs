//! A full disk: what was answered is kept, what was not is said.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::world::{World, is_root};

/// A small file system of its own.
pub(crate) struct Small {
    pub(crate) at: PathBuf,
}

impl Small {
    pub(crate) fn mount(at: PathBuf, size: &str) -> Option<Small> {
        fs::create_dir(&at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o"])
            .arg(format!("size={size},mode=0700"))
            .arg("none")
            .arg(&at)
            .status()
            .is_ok_and(|status| status.success());
        mounted.then_some(Small { at })
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

#[test]
fn a_full_disk_loses_nothing_that_was_answered() {
    if !is_root() {
        println!("skipped: needs root");
        return;
    }
    let world = World::new();
    let Some(small) = Small::mount(world.path("a"), "96m") else {
        println!("skipped: needs tmpfs");
        return;
    };
    let (world, a, b) = world.with_alice_and_bob();
    let mut ids = vec![a.deliver("bob", "before")];
    b.stop();

    // Everything but a little is taken by somebody else.
    let filler = small.at.join("filler");
    let mut size = 96usize << 20;
    while fs::write(&filler, vec![0; size]).is_err() {
        size -= 64 << 10;
    }
    fs::write(&filler, vec![0; size - (1 << 20)]).unwrap();
    let mut refused = None;
    for number in 0..200 {
        let text = format!("{number} {}", "x".repeat(30_000));
        let done = a.run(&["send", "bob", "-m", &text, "--wait", "queued", "--json"]);
        if done.code == 0 {
            ids.push(done.last_event()["id"].as_str().unwrap().to_owned());
        } else {
            refused = Some(done);
            break;
        }
    }
    let refused = refused.expect("a full disk is noticed");
    assert_eq!(refused.code, 3, "{refused}");
    let refused = refused.advises();
    let answered = ids.len();

    // Room again; what to do was said, and helps.
    fs::remove_file(&filler).unwrap();
    if a.run(&["send", "bob", "-m", "again", "--wait", "queued"])
        .code
        != 0
    {
        a.run(&["agent", "stop"]).ok();
        a.start();
    }
    b.start();
    a.deliver("bob", "after");
    let got = b.recv_messages(answered + 1, Duration::from_secs(60));
    let got: Vec<_> = got
        .iter()
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect();
    let kept: Vec<_> = got.iter().filter(|id| ids.contains(id)).cloned().collect();
    assert_eq!(
        kept,
        ids,
        "each once and in order, of {} that came",
        got.len()
    );
    let error = refused.last_event();
    println!(
        "{answered} answered before the disk was full; then: {} ({})",
        error["message"], error["hint"]
    );
    drop(world);
}
