//! A link between two network namespaces, each with two interfaces.
//!
//! The ends are two processes of this test binary, so that each lives in its own
//! namespace; signals travel as lines over their standard input and output.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::*;

const ROLE: &str = "SOLO2_TEST_END";
const SELF: &str = "net::direct::tests::namespaces::one_end_of_a_link";
const CHUNK: usize = 256 * 1024;
const CHUNKS: usize = 48;

/// Two namespaces that vanish with the test.
struct Lab {
    names: [String; 2],
}

impl Lab {
    /// `None` when this machine does not let us.
    async fn build() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let id = std::process::id();
        let lab = Self {
            names: [format!("s2a{id}"), format!("s2b{id}")],
        };
        let [a, b] = &lab.names;
        let mut steps = vec![
            format!("netns add {a}"),
            format!("netns add {b}"),
            format!("link add up1 netns {a} type veth peer name up1 netns {b}"),
            format!("link add up2 netns {a} type veth peer name up2 netns {b}"),
        ];
        for (name, last) in [(a, 1), (b, 2)] {
            steps.push(format!("-n {name} link set lo up"));
            for up in 1..=2 {
                steps.push(format!(
                    "-n {name} addr add 10.77.{up}.{last}/24 dev up{up}"
                ));
                steps.push(format!("-n {name} link set up{up} up"));
            }
        }
        for step in steps {
            if !ip(&step).await {
                return None;
            }
        }
        Some(lab)
    }

    /// One namespace for both ends, with nothing but loopback.
    async fn build_lonely() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let name = format!("s2l{}", std::process::id());
        let lab = Self {
            names: [name.clone(), name],
        };
        let [name, _] = &lab.names;
        for step in [
            format!("netns add {name}"),
            format!("-n {name} link set lo up"),
        ] {
            if !ip(&step).await {
                return None;
            }
        }
        Some(lab)
    }

    fn start(&self, role: Role) -> End {
        let (index, word) = match role {
            Role::Controlling => (0, "controlling"),
            Role::Controlled => (1, "controlled"),
        };
        let mut child = Command::new("ip")
            .args(["netns", "exec", &self.names[index]])
            .arg(std::env::current_exe().expect("the test binary has a path"))
            .args(["--exact", SELF, "--nocapture"])
            .env(ROLE, word)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("ip netns exec starts");
        End {
            input: child.stdin.take().expect("piped"),
            output: BufReader::new(child.stdout.take().expect("piped")).lines(),
            _child: child,
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = std::process::Command::new("ip")
                .args(["netns", "del", name])
                .stderr(Stdio::null())
                .status();
        }
    }
}

async fn ip(arguments: &str) -> bool {
    Command::new("ip")
        .args(arguments.split(' '))
        .status()
        .await
        .is_ok_and(|status| status.success())
}

struct End {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl End {
    /// The next line of ours: `@word rest`.
    async fn line(&mut self) -> Option<(String, String)> {
        loop {
            let line = self.output.next_line().await.ok()??;
            // The test harness may have written the beginning of the line.
            if let Some((_, ours)) = line.split_once('@') {
                let (word, rest) = ours.split_once(' ').unwrap_or((ours, ""));
                return Some((word.to_owned(), rest.to_owned()));
            }
        }
    }

    async fn signal(&mut self, signal: &str) {
        let line = format!("{signal}\n");
        self.input.write_all(line.as_bytes()).await.expect("alive");
    }
}

/// What became of a transfer between the two ends of a lab.
struct Transfer {
    /// The controlling end's own address when the link came up.
    first: String,
    /// The controlled end's own address when all had arrived.
    last: String,
}

/// Runs both ends. Mid-transfer, the interface in use goes down in the namespace `interrupt`.
async fn transfer(lab: &Lab, interrupt: Option<&String>) -> Transfer {
    let mut controlling = lab.start(Role::Controlling);
    let mut controlled = lab.start(Role::Controlled);
    let mut first = String::new();
    loop {
        tokio::select! {
            line = controlling.line() => match line.expect("the controlling end lives") {
                (word, rest) if word == "signal" => controlled.signal(&rest).await,
                (word, rest) if word == "path" => first = rest,
                _ => {}
            },
            line = controlled.line() => match line.expect("the controlled end lives") {
                (word, rest) if word == "signal" => controlling.signal(&rest).await,
                (word, rest) if word == "chunk" && rest == "8" => {
                    if let Some(name) = interrupt {
                        // 10.77.N.x is on upN.
                        let up = if first.starts_with("10.77.1.") { "up1" } else { "up2" };
                        assert!(ip(&format!("-n {name} link set {up} down")).await);
                    }
                }
                (word, last) if word == "done" => return Transfer { first, last },
                _ => {}
            },
        }
    }
}

#[tokio::test]
async fn a_transfer_survives_the_loss_of_the_interface_it_uses() {
    let Some(lab) = Lab::build().await else {
        println!("skipped: needs root and network namespaces");
        return;
    };
    let started = Instant::now();
    let moved = transfer(&lab, Some(&lab.names[0]));
    let Transfer { first, last } = timeout(Duration::from_secs(90), moved)
        .await
        .expect("the transfer ends");
    println!("from {first} to {last}, {:?} in all", started.elapsed());
    assert_ne!(
        first.split('.').nth(2),
        last.split('.').nth(2),
        "the other interface carries the link"
    );
}

#[tokio::test]
async fn two_homes_with_nothing_but_loopback_meet() {
    let Some(lab) = Lab::build_lonely().await else {
        println!("skipped: needs root and network namespaces");
        return;
    };
    let Transfer { first, .. } = timeout(Duration::from_secs(60), transfer(&lab, None))
        .await
        .expect("the transfer ends");
    let first: SocketAddr = first.parse().expect("an address");
    assert!(first.ip().is_loopback());
}

/// Not a test by itself: one end, when [`ROLE`] says which.
#[tokio::test]
async fn one_end_of_a_link() {
    let role = match std::env::var(ROLE).as_deref() {
        Ok("controlling") => Role::Controlling,
        Ok("controlled") => Role::Controlled,
        _ => return,
    };
    let (out, mut signals) = mpsc::channel::<LinkSignal>(4);
    let (to_us, incoming) = mpsc::channel(4);
    tokio::spawn(async move {
        while let Some(signal) = signals.recv().await {
            let bytes = signal.to_bytes();
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            println!("@signal {hex}");
        }
    });
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    let first = match role {
        Role::Controlling => None,
        Role::Controlled => Some(read_signal(&input.next_line().await)),
    };
    tokio::spawn(async move {
        loop {
            let line = input.next_line().await;
            if !matches!(line, Ok(Some(_))) || to_us.send(read_signal(&line)).await.is_err() {
                return;
            }
        }
    });
    let link = connect(config(role, first), out, incoming)
        .await
        .expect("two namespaces meet");
    match role {
        Role::Controlling => {
            println!("@path {}", link.path().borrow().local);
            let (mut stream, _) = link.connection.open_bi().await.expect("opens");
            for _ in 0..CHUNKS {
                stream.write_all(&[7; CHUNK]).await.expect("writes");
                sleep(Duration::from_millis(50)).await;
            }
            stream.finish().expect("finishes");
            link.connection.closed().await;
        }
        Role::Controlled => {
            let (_, mut stream) = link.connection.accept_bi().await.expect("accepts");
            let mut chunk = vec![0; CHUNK];
            for count in 1..=CHUNKS {
                stream.read_exact(&mut chunk).await.expect("reads");
                println!("@chunk {count}");
            }
            println!("@done {}", link.path().borrow().local);
            // The other process reads the lines before this one ends.
            sleep(Duration::from_millis(200)).await;
        }
    }
}

fn read_signal(line: &std::io::Result<Option<String>>) -> LinkSignal {
    let Ok(Some(line)) = line else {
        panic!("the test went away");
    };
    let bytes: Vec<u8> = line
        .trim()
        .as_bytes()
        .chunks(2)
        .map(|pair| {
            let digits = std::str::from_utf8(pair).expect("hex digits");
            u8::from_str_radix(digits, 16).expect("hex digits")
        })
        .collect();
    LinkSignal::from_bytes(&bytes).expect("a signal of ours")
}
