//! What Solo2 promises, asked of the real programs from outside.
//!
//! Every test builds a small world (a temporary directory, an introduction
//! server, a home or two) and speaks to it as a script would: arguments, stdin,
//! stdout, exit codes, signals. Nothing of the program is linked in.
//!
//! Knobs: `SOLO2_CYCLES` (crash cycles, 25), `SOLO2_SEED` (what chance does),
//! `SOLO2_FILE_MIB` and `SOLO2_CUTS` (files, and how often they are interrupted),
//! `SOLO2_IDLE_SECS` (idle part of the packet capture, 65), `SOLO2_FLIPS` (bits
//! flipped in vault copies, 40), `SOLO2_EXPORT_MIB` (size of an exported file, 64),
//! `SOLO2_DEATHS` (changes at which a command dies, 6),
//! `SOLO2_IMPORT` (messages of an archive that is taken in, 20000),
//! `SOLO2_CHAOS_SEEDS` and `SOLO2_STORM` (weather between two machines, and how often), `SOLO2_LABS` (networks
//! at a time, 4), `SOLO2_ONION_MESSAGES` and `SOLO2_ONION_FILE_MIB` (through Tor, 20 each way and 3),
//! `SOLO2_PIPE_MIB` (zeros through a pipe, 256), `SOLO2_KEEP=1` (leave the directories behind),
//! `SOLO2_TRACE=1` (print every command with its time).
//! What needs root, tcpdump or a network namespace and has none prints
//! `skipped: needs …` and passes.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test panics, talks, and opens what it likes"
)]

#[path = "e2e/browser.rs"]
mod browser;
#[path = "e2e/canary.rs"]
mod canary;
#[path = "e2e/capture.rs"]
mod capture;
#[path = "e2e/certificates.rs"]
mod certificates;
#[path = "e2e/chaos.rs"]
mod chaos;
#[path = "e2e/chromium.rs"]
mod chromium;
#[path = "e2e/clock.rs"]
mod clock;
#[path = "e2e/command.rs"]
mod command;
#[path = "e2e/cover.rs"]
mod cover;
#[path = "e2e/crash.rs"]
mod crash;
#[path = "e2e/deletion.rs"]
mod deletion;
#[path = "e2e/disk.rs"]
mod disk;
#[path = "e2e/egress.rs"]
mod egress;
#[path = "e2e/embedded.rs"]
mod embedded;
#[path = "e2e/errors.rs"]
mod errors;
#[path = "e2e/export.rs"]
mod export;
#[path = "e2e/files.rs"]
mod files;
#[path = "e2e/fixture.rs"]
mod fixture;
#[path = "e2e/identity_change.rs"]
mod identity_change;
#[path = "e2e/import.rs"]
mod import;
#[path = "e2e/interruptions.rs"]
mod interruptions;
#[path = "e2e/keyring.rs"]
mod keyring;
#[path = "e2e/memory.rs"]
mod memory;
#[path = "e2e/messages.rs"]
mod messages;
#[path = "e2e/namespace.rs"]
mod namespace;
#[path = "e2e/nat.rs"]
mod nat;
#[path = "e2e/networks.rs"]
mod networks;
#[path = "e2e/offline.rs"]
mod offline;
#[path = "e2e/onion.rs"]
mod onion;
#[path = "e2e/password.rs"]
mod password;
#[path = "e2e/pcap.rs"]
mod pcap;
#[path = "e2e/pipes.rs"]
mod pipes;
#[path = "e2e/profiles.rs"]
mod profiles;
#[path = "e2e/queue.rs"]
mod queue;
#[path = "e2e/recv.rs"]
mod recv;
#[path = "e2e/relay.rs"]
mod relay;
#[path = "e2e/repair.rs"]
mod repair;
#[path = "e2e/restore.rs"]
mod restore;
#[path = "e2e/rollback.rs"]
mod rollback;
#[path = "e2e/schema.rs"]
mod schema;
#[path = "e2e/search.rs"]
mod search;
#[path = "e2e/secrets.rs"]
mod secrets;
#[path = "e2e/serverless.rs"]
mod serverless;
#[path = "e2e/storms.rs"]
mod storms;
#[path = "e2e/terminal.rs"]
mod terminal;
#[path = "e2e/tornet.rs"]
#[allow(dead_code, reason = "the client's own tests use the rest")]
mod tornet;
#[path = "e2e/transcript.rs"]
mod transcript;
#[path = "e2e/transport.rs"]
mod transport;
#[path = "e2e/tun.rs"]
mod tun;
#[path = "../store/tests/watch.rs"]
mod watch;
#[path = "e2e/ways.rs"]
mod ways;
#[path = "e2e/world.rs"]
mod world;
