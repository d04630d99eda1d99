//! The device secret in a desktop's keyring: GNOME's, on a bus of the test's own.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use crate::command::{Done, finish};
use crate::world::{Home, World, eventually, has};

const PATIENCE: Duration = Duration::from_secs(60);
/// Opens the keyring, not the vault.
const PHRASE: &[u8] = b"the keyring's own password";
/// What it needs: the keyring, a client of it that is not ours, a bus, and words for the bus.
const PROGRAMS: [&str; 4] = [
    "gnome-keyring-daemon",
    "secret-tool",
    "dbus-daemon",
    "dbus-send",
];

/// A desktop's session: a bus, and on it a keyring that is open.
struct Desktop {
    dir: PathBuf,
    bus: Child,
    keyring: Mutex<Child>,
}

impl Desktop {
    fn start(dir: PathBuf) -> Desktop {
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
        let mut bus = within(&dir, "dbus-daemon");
        let address = format!("--address={}", address(&dir));
        bus.args(["--session", "--nofork", "--nopidfile", &address]);
        let bus = bus.spawn().unwrap();
        eventually(PATIENCE, "a bus", || dir.join("bus").exists());
        let desktop = Desktop {
            keyring: Mutex::new(keyring(&dir)),
            dir,
            bus,
        };
        eventually(PATIENCE, "a keyring", || desktop.entries().is_some());
        desktop
    }

    /// Its owner leaves and comes back.
    fn log_in_again(&self) {
        let mut running = self.keyring.lock().unwrap();
        running.kill().unwrap();
        running.wait().unwrap();
        *running = keyring(&self.dir);
        eventually(PATIENCE, "a keyring", || self.entries().is_some());
    }

    /// Runs a command of ours in this session.
    fn run(&self, home: &Home, args: &[&str], password: Option<&Path>) -> Done {
        let mut command = home.command(args);
        command.args(["--no-input", "--offline"]);
        if let Some(file) = password {
            command.arg("--password-file").arg(file);
        }
        command.env("DBUS_SESSION_BUS_ADDRESS", address(&self.dir));
        finish(command, None, PATIENCE)
    }

    /// The names of Solo2's entries; `None` while the keyring does not answer.
    fn entries(&self) -> Option<Vec<String>> {
        let mut search = within(&self.dir, "secret-tool");
        search.args(["search", "--all", "application", "solo2"]);
        let found = search.stderr(Stdio::piped()).output().unwrap();
        // It tells secrets on stdout.
        let said = String::from_utf8(found.stderr).unwrap();
        let names = said
            .lines()
            .filter_map(|line| line.strip_prefix("attribute.entry = "));
        let names = names.map(str::to_owned).collect();
        found.status.success().then_some(names)
    }

    fn secret(&self, entry: &str) -> Vec<u8> {
        let mut lookup = within(&self.dir, "secret-tool");
        lookup.args(["lookup", "application", "solo2", "entry", entry]);
        lookup.stdout(Stdio::piped()).output().unwrap().stdout
    }

    /// As the desktop's menu does it.
    fn lock(&self) {
        let mut lock = within(&self.dir, "dbus-send");
        lock.args([
            "--session",
            "--print-reply",
            "--dest=org.freedesktop.secrets",
            "/org/freedesktop/secrets",
            "org.freedesktop.Secret.Service.Lock",
            "array:objpath:/org/freedesktop/secrets/collection/login",
        ]);
        assert!(lock.output().unwrap().status.success());
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        for program in [&mut self.bus, self.keyring.get_mut().unwrap()] {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

fn address(dir: &Path) -> String {
    format!("unix:path={}/bus", dir.display())
}

/// A keyring that is opened by its password, as on logging in.
fn keyring(dir: &Path) -> Child {
    let mut keyring = within(dir, "gnome-keyring-daemon");
    keyring.args(["--foreground", "--unlock", "--components=secrets"]);
    let mut keyring = keyring.stdin(Stdio::piped()).spawn().unwrap();
    keyring.stdin.take().unwrap().write_all(PHRASE).unwrap();
    keyring
}

/// A program of the session.
fn within(dir: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir)
        .env("XDG_RUNTIME_DIR", dir)
        .env("DBUS_SESSION_BUS_ADDRESS", address(dir))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[test]
fn a_keyring_keeps_the_device_secret_while_its_session_lasts() {
    if let Some(missing) = PROGRAMS.into_iter().find(|program| !has(program)) {
        println!("skipped: needs {missing}");
        return;
    }
    let world = World::new();
    let a = world.home("a", "alice");
    let password = PathBuf::from(a.password_file());
    let desktop = Desktop::start(world.path("desktop"));
    let list = || desktop.run(&a, &["contact", "list"], None);
    let on = |more: &[&str]| {
        let args = [&["vault", "device-secret", "on", "--json"], more].concat();
        desktop.run(&a, &args, Some(&password))
    };
    let only_entry = || match <[String; 1]>::try_from(desktop.entries().expect("an answer")) {
        Ok([entry]) => entry,
        Err(entries) => panic!("{entries:?}"),
    };

    // Nothing that opens the vault is on our part of the disk.
    let made = on(&["--keyring"]).ok().last_event();
    assert_eq!(
        (&made["set"], &made["kept"]),
        (&true.into(), &"keyring".into())
    );
    assert!(made["path"].is_null());
    let state = a.dir.join("state");
    assert!(!state.join("device.secret").exists());
    let note = state.join("device.keyring");
    let mode = fs::metadata(&note).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let entry = only_entry();
    assert_eq!(fs::read_to_string(&note).unwrap(), entry);
    let digits = desktop.secret(&entry);
    assert_eq!(digits.len(), 64);
    assert!(digits.iter().all(u8::is_ascii_hexdigit));

    list().ok();
    desktop.run(&a, &["agent", "start"], None).ok();
    a.stop();

    // Outside of the session, and while it is locked, the password opens as ever.
    let outside = |args: &[&str]| a.run(&[args, &["--no-input", "--offline"]].concat());
    outside(&["contact", "list"])
        .exits(4)
        .advises()
        .says("keyring");
    a.alone(&["contact", "list"]).ok();
    desktop.lock();
    list().exits(4).advises().says("locked");
    on(&["--keyring"]).exits(4).advises().says("locked");
    desktop.run(&a, &["contact", "list"], Some(&password)).ok();
    desktop.log_in_again();
    list().ok();

    // A new secret takes the place of the old one, wherever that was.
    on(&["--keyring"]).ok();
    assert_ne!(only_entry(), entry);
    on(&[]).ok();
    assert_eq!(desktop.entries(), Some(Vec::new()));
    assert!(state.join("device.secret").exists() && !note.exists());
    outside(&["contact", "list"]).ok();
    on(&["--keyring"]).ok();
    assert!(!state.join("device.secret").exists());

    // Its owner deletes it behind our back: said, and mended by a new one.
    let mut clear = within(&desktop.dir, "secret-tool");
    clear.args(["clear", "application", "solo2", "entry", &only_entry()]);
    assert!(clear.status().unwrap().success());
    list().exits(4).advises().says("any more");
    on(&["--keyring"]).ok();
    list().ok();

    // Destroyed with what else opens the vault.
    desktop
        .run(&a, &["vault", "device-secret", "off"], None)
        .ok();
    assert_eq!(desktop.entries(), Some(Vec::new()));
    assert!(!note.exists());
    list().exits(4).advises();
    on(&["--keyring"]).ok();
    let strict = ["config", "set", "vault.max_security", "true"];
    desktop.run(&a, &strict, None).ok();
    assert_eq!(desktop.entries(), Some(Vec::new()));
    assert!(!note.exists());
}
