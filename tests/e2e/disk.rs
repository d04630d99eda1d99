//! A full disk: what was answered is kept, what was not is said.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::command::Done;
use crate::world::{World, is_root, kill_and_wait};

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

/// An ext4 in a file, which goes read-only at its first error, as Debian mounts its own.
struct Ext4 {
    image: PathBuf,
    at: PathBuf,
}

impl Ext4 {
    fn make(image: PathBuf, at: PathBuf) -> Option<Ext4> {
        fs::File::create(&image).unwrap().set_len(96 << 20).unwrap();
        fs::create_dir(&at).unwrap();
        let made = Command::new("mkfs.ext4").arg("-q").arg(&image).status();
        let disk = Ext4 { image, at };
        (made.is_ok_and(|status| status.success()) && disk.mount()).then_some(disk)
    }

    fn mount(&self) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-o", "loop,errors=remount-ro"]);
        mount.args([&self.image, &self.at]);
        mount.status().is_ok_and(|status| status.success())
            && fs::set_permissions(&self.at, fs::Permissions::from_mode(0o700)).is_ok()
    }

    /// Device and options, as the kernel tells them.
    fn mounted(&self) -> Option<(String, String)> {
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        mounts.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(' ').collect();
            let ours = fields.get(1) == Some(&self.at.to_str()?);
            ours.then(|| (fields[0].to_owned(), fields[3].to_owned()))
        })
    }

    /// Tells the kernel of an error on it (Documentation/ABI/testing/sysfs-fs-ext4); whether
    /// it is read-only now.
    fn fail(&self) -> bool {
        let (device, _) = self.mounted().unwrap();
        let device = device.trim_start_matches("/dev/");
        let told = fs::write(format!("/sys/fs/ext4/{device}/trigger_fs_error"), "a test");
        let probe = self.at.join("probe");
        told.is_ok()
            && fs::write(&probe, "x")
                .is_err_and(|error| error.kind() == ErrorKind::ReadOnlyFilesystem)
    }

    fn unmount(&self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

impl Drop for Ext4 {
    fn drop(&mut self) {
        self.unmount();
    }
}

#[test]
fn a_disk_that_the_kernel_makes_read_only_loses_nothing_that_was_answered() {
    if !is_root() {
        println!("skipped: needs root");
        return;
    }
    let world = World::new();
    let Some(disk) = Ext4::make(world.path("a.img"), world.path("a")) else {
        println!("skipped: needs ext4 on a loop device");
        return;
    };
    let (world, a, b) = world.with_alice_and_bob();
    let mut ids = vec![a.deliver("bob", "before")];
    b.stop();
    let send = |text: &str| a.run(&["send", "bob", "-m", text, "--wait", "queued", "--json"]);
    let answered = |done: &Done| done.last_event()["id"].as_str().unwrap().to_owned();
    for number in 0..5 {
        ids.push(answered(&send(&format!("queued {number}")).ok()));
    }
    assert!(disk.fail(), "{:?}", disk.mounted());
    let refused = send("nowhere to put it").exits(3).advises().last_event();
    // Every other command says the same, until somebody has looked after the disk.
    a.run(&["history", "bob"]).exits(3).advises();
    send("nor this").exits(3).advises();
    kill_and_wait(a.pid());
    let told = a.alone(&["history", "bob"]);
    assert_ne!(told.code, 1, "{told}");
    if told.code != 0 {
        told.exits(3).advises();
    }
    a.try_start().exits(3).advises();

    // Mounted anew, as after a look at it.
    disk.unmount();
    assert!(disk.mount());
    a.start();
    assert_eq!(a.object(&["vault", "check"])["ok"], true);
    b.start();
    ids.push(a.deliver("bob", "after"));
    let got = b.recv_messages(ids.len(), Duration::from_secs(60));
    let got: Vec<&str> = got
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    assert_eq!(got, ids, "each once and in order");
    println!("read-only: {} ({})", refused["message"], refused["hint"]);
    a.stop();
    drop(disk);
    drop(world);
}
