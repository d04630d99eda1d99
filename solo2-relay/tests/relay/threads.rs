//! A relay of several threads: each client comes to one of them, and notices nothing of it.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use crate::relaying::send_together;
use crate::streams::{talk, tcp};
use crate::support::{Client, Credential, Relay, run, stderr};

/// How long each thread has worked, in nanoseconds.
fn worked(relay: &Relay) -> BTreeMap<u32, u64> {
    let threads = relay.statuses("Pid:").into_keys();
    let time = |thread| {
        let path = format!("/proc/{}/task/{thread}/schedstat", relay.pid());
        let text = std::fs::read_to_string(path).expect("it runs");
        let first = text.split(' ').next().and_then(|it| it.parse().ok());
        (thread, first.expect("a number"))
    };
    threads.map(time).collect()
}

/// Clients without an allocation, by the thread that hears them: so many of each at least.
fn clients(
    relay: &Relay,
    credential: &Credential,
    threads: usize,
    of_each: usize,
) -> Vec<Vec<Client>> {
    let mut known: BTreeMap<u32, Vec<Client>> = BTreeMap::new();
    while known.len() < threads || known.values().any(|clients| clients.len() < of_each) {
        let mut client = Client::new(relay, credential);
        assert_eq!(client.allocate(), 0);
        let before = worked(relay);
        for _ in 0..16 {
            assert_eq!(client.refresh(600), 0);
        }
        assert_eq!(client.refresh(0), 0);
        let after = worked(relay);
        assert_eq!(after.len(), threads, "none begins or ends");
        let more = |thread: &u32| after[thread] - before[thread];
        let busy = *after.keys().max_by_key(|thread| more(thread)).expect("one");
        // The first looks at its table each second; the others have only their clients.
        let idle = |thread: &u32| *thread == busy || more(thread) * 3 < more(&busy);
        assert!(after.keys().all(idle), "a client is heard by one");
        known.entry(busy).or_default().push(client);
        let all: usize = known.values().map(Vec::len).sum();
        assert!(all < 64 * threads, "one thread hears everybody");
    }
    known.into_values().collect()
}

#[test]
fn clients_of_different_threads_reach_each_other() {
    let relay = Relay::start(&["--threads", "2", "--listen-tcp", "127.0.0.1:0"]);
    let credential = relay.credential();
    let mut threads = clients(&relay, &credential, 2, 2);
    let (mut first, mut second) = (threads.remove(0), threads.remove(0));
    talk(&mut first[0], &mut second[0]);
    talk(&mut second[1], &mut first[1]);
    let [one, other] = &mut second[..2] else {
        panic!("two clients");
    };
    talk(one, other);
    // Connections are the first thread's, whoever talks to them.
    let mut by_tcp = Client::over(tcp(&relay), &relay, &credential);
    talk(&mut by_tcp, &mut first[0]);
    talk(&mut by_tcp, &mut second[0]);
    talk(&mut second[1], &mut by_tcp);
}

#[test]
fn datagrams_that_come_together_cross_threads_together() {
    let relay = Relay::start(&["--threads", "2"]);
    let mut threads = clients(&relay, &relay.credential(), 2, 2);
    let (mut first, mut second) = (threads.remove(0), threads.remove(0));
    let mut three = [first.remove(0), second.remove(0), first.remove(0)];
    send_together(&relay, &mut three);
}

/// More ask at the same moment than there may be, of one invite, at every thread.
#[test]
fn a_quota_holds_exactly_whoever_counts() {
    let flags = ["--threads", "4", "--max-allocs-per-cred", "16"];
    let relay = Relay::start(&flags);
    // Kept, for the system would give their ports to the next.
    let mut held = Vec::new();
    for _ in 0..3 {
        let credential = relay.credential();
        let start = Barrier::new(8);
        let (codes, clients): (Vec<Vec<u16>>, Vec<Vec<Client>>) = std::thread::scope(|scope| {
            let ask = || {
                let mut clients: Vec<Client> =
                    (0..8).map(|_| Client::new(&relay, &credential)).collect();
                start.wait();
                let codes = clients.iter_mut().map(Client::allocate).collect();
                (codes, clients)
            };
            let askers: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            askers
                .into_iter()
                .map(|it| it.join().expect("asked"))
                .unzip()
        });
        let codes = codes.concat();
        let count = |wanted| codes.iter().filter(|code| **code == wanted).count();
        assert_eq!((count(0), count(486)), (16, 48), "{codes:?}");
        held.extend(clients);
    }
}

/// What one thread opened, the first one closes.
#[test]
fn a_revoked_invite_ends_on_every_thread() {
    let list = tempfile::NamedTempFile::new().expect("a file");
    let list = list.path().to_str().expect("text");
    let flags = [
        "--threads",
        "2",
        "--peers",
        "public",
        "--revoked-file",
        list,
    ];
    let relay = Relay::start(&flags);
    let credential = relay.credential();
    let mut clients = clients(&relay, &credential, 2, 4)
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
    let settled = |wanted: usize| {
        let deadline = Instant::now() + Duration::from_secs(10);
        while relay.descriptors() != wanted {
            assert!(Instant::now() < deadline, "{} open", relay.descriptors());
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    // The sockets that were tried out are gone.
    std::thread::sleep(Duration::from_millis(300));
    let before = relay.descriptors();
    for client in &mut clients {
        assert_eq!(client.allocate(), 0);
    }
    assert_eq!(relay.descriptors(), before + clients.len());
    let id = credential.username.split_once(':').expect("an id").1;
    std::fs::write(list, format!("{id}\n")).expect("written");
    relay.signal("HUP");
    settled(before);
    for client in &mut clients {
        assert_eq!(client.refresh(600), 401);
    }
}

#[test]
fn a_second_relay_on_the_same_port_is_refused() {
    for first in ["1", "2"] {
        let relay = Relay::start(&["--threads", first, "--role", "stun"]);
        let address = relay.address.to_string();
        for second in ["1", "2"] {
            let flags = ["--threads", second, "--listen-udp", &address];
            let output = run(&[&["serve", "--role", "stun"], &flags[..]].concat());
            assert_eq!(output.status.code(), Some(3), "{first} {second}");
            assert!(stderr(&output).contains(&address), "{}", stderr(&output));
        }
    }
}

#[test]
fn threads_are_counted_within_bounds() {
    for bad in ["0", "65"] {
        let output = run(&["check-config", "--role", "stun", "--threads", bad]);
        assert_eq!(output.status.code(), Some(3));
        let said = stderr(&output);
        assert!(said.contains("threads must be between 1 and 64"), "{said}");
    }
    let relay = Relay::start(&["--threads", "5"]);
    assert_eq!(relay.status("Threads:"), "5");
}
