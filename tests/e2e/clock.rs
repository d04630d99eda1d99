//! A clock that is set back takes no message early and puts none in another order.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::command::{Done, finish};
use crate::world::{Home, World, has, texts};

/// Moves the clock that a program reads, and no timer of its own.
const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *at) {
  int done = (int)syscall(SYS_clock_gettime, id, at);
  const char *moved = getenv("CLOCK_MOVED_BY");
  if (done == 0 && id == CLOCK_REALTIME && moved)
    at->tv_sec += atol(moved);
  return done;
}
"#;

fn shim(dir: &Path) -> PathBuf {
    let (source, built) = (dir.join("clock.c"), dir.join("clock.so"));
    std::fs::write(&source, SOURCE).unwrap();
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&built)
        .arg(&source)
        .status();
    assert!(compiled.unwrap().success());
    built
}

/// Runs a command by itself, by a clock that is so many seconds off.
fn by_clock(home: &Home, shim: &Path, seconds: i64, args: &[&str]) -> Done {
    let mut command = home.command(args);
    command
        .args(["--agent", "never", "--password-file", &home.password_file()])
        .env("LD_PRELOAD", shim)
        .env("CLOCK_MOVED_BY", seconds.to_string());
    finish(command, None, Duration::from_secs(60))
}

#[test]
fn a_clock_set_back_expires_nothing_early_and_keeps_the_order() {
    if !has("cc") {
        println!("skipped: needs cc");
        return;
    }
    const YEAR: i64 = 365 * 86_400;
    let (world, a, b) = World::alice_and_bob();
    a.deliver("bob", "one");
    a.run(&[
        "send",
        "bob",
        "-m",
        "two",
        "--expire",
        "1h",
        "--wait",
        "delivered",
    ])
    .ok();
    b.recv_texts(2, Duration::from_secs(10));
    a.stop();
    let shim = shim(&world.path(""));
    let history = |seconds| {
        let done = by_clock(&a, &shim, seconds, &["history", "bob", "--json"]).ok();
        texts(&done.events())
    };
    // The clock is moved indeed: by one that is ahead, the hour is over.
    assert_eq!(history(0), ["one", "two"]);
    assert_eq!(history(-YEAR), ["one", "two"]);
    for (seconds, text) in [(-YEAR, "three"), (-2 * YEAR, "four"), (0, "five")] {
        let send = ["send", "bob", "-m", text, "--wait", "queued", "--offline"];
        by_clock(&a, &shim, seconds, &send).ok();
    }
    let all = ["one", "two", "three", "four", "five"];
    assert_eq!(history(-YEAR), all);
    assert_eq!(history(0), all);

    // And so they arrive.
    a.start();
    assert_eq!(
        b.recv_texts(3, Duration::from_secs(30)),
        ["three", "four", "five"]
    );
    a.stop();
    assert_eq!(
        history(7200),
        ["one", "three", "four", "five"],
        "a clock that is ahead ends the hour"
    );
}
