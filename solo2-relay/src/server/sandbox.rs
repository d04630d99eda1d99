//! What the process gives up once its sockets are bound, for good: its user, its
//! capabilities, every file, and every system call that serving does not need.
//!
//! ```text
//!   bind ─► other user (--user) ─► no capabilities ─► no new privileges ─► Landlock ─► seccomp ─► serve
//! ```
//!
//! A refused call returns EPERM. Nothing here knows what this server is about: it is
//! told whether sockets may still be opened.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::str::FromStr;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetError, RulesetStatus,
    Scope,
};
use libc::c_long;
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::process::{Gid, Uid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use thiserror::Error;

/// A user of this machine, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    uid: Uid,
    gid: Gid,
}

impl FromStr for User {
    type Err = String;

    /// Looks the name up in `/etc/passwd`.
    fn from_str(name: &str) -> Result<Self, String> {
        let list = fs::read_to_string("/etc/passwd")
            .map_err(|error| format!("cannot read /etc/passwd: {error}"))?;
        let fields = list.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let id = |text: &str| text.parse::<u32>().ok();
        let mut found = fields.filter_map(|fields| match fields.as_slice() {
            [found, _, uid, gid, ..] if *found == name => id(uid).zip(id(gid)),
            _ => None,
        });
        match found.next() {
            Some((0, _)) => Err("that is root again; name a user of its own".to_owned()),
            Some((uid, gid)) => Ok(Self {
                uid: Uid::from_raw(uid),
                gid: Gid::from_raw(gid),
            }),
            None => Err(format!("no user {name} in /etc/passwd")),
        }
    }
}

/// How much of the sandbox this kernel has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// No file can be opened.
    Closed,
    /// Some ways to a file that this kernel does not guard.
    Partly,
    /// The kernel has no Landlock; only the missing system calls guard them.
    Unguarded,
}

/// Why the sandbox cannot be entered; then the server must not serve.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The user cannot be changed.
    #[error("cannot become the user of --user; only root can")]
    User(#[source] io::Error),
    /// Rights cannot be given up.
    #[error("cannot give up privileges")]
    Privileges(#[source] io::Error),
    /// Files cannot be given up.
    #[error("cannot give up files")]
    Landlock(#[source] RulesetError),
    /// System calls cannot be given up.
    #[error("cannot give up system calls")]
    Seccomp(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What serving goes on to need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// More UDP sockets.
    pub sockets: bool,
    /// More connections on a TCP socket that listens.
    pub connections: bool,
}

/// Enters, on the only thread of the process.
///
/// # Errors
/// [`SandboxError`] if the system refuses a step that it knows.
pub fn enter(user: Option<User>, needs: Needs) -> Result<Files, SandboxError> {
    if let Some(User { uid, gid }) = user {
        set_thread_groups(&[])
            .and_then(|()| set_thread_res_gid(gid, gid, gid))
            .and_then(|()| set_thread_res_uid(uid, uid, uid))
            .map_err(|error| SandboxError::User(error.into()))?;
    }
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none)
        .and_then(|()| set_no_new_privs(true))
        .map_err(|error| SandboxError::Privileges(error.into()))?;
    let files = close_files().map_err(SandboxError::Landlock)?;
    close_calls(needs).map_err(SandboxError::Seccomp)?;
    Ok(files)
}

/// No path at all, no TCP, no signals and abstract sockets beyond this process.
fn close_files() -> Result<Files, RulesetError> {
    let abi = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Files::Closed,
        RulesetStatus::PartiallyEnforced => Files::Partly,
        RulesetStatus::NotEnforced => Files::Unguarded,
    })
}

/// What serving needs: datagrams, waiting, memory, the end.
const SERVING: &[c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_lseek,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    libc::SYS_recvfrom,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_epoll_wait,
    libc::SYS_futex,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_getrandom,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigprocmask,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_sched_yield,
    libc::SYS_exit,
    libc::SYS_exit_group,
];
/// What another UDP socket needs beside `socket` itself.
const OPENING: &[c_long] = &[
    libc::SYS_bind,
    libc::SYS_setsockopt,
    libc::SYS_getsockopt,
    libc::SYS_getsockname,
    libc::SYS_fcntl,
    libc::SYS_ioctl,
];

/// What connections need.
const ACCEPTING: &[c_long] = &[libc::SYS_accept4, libc::SYS_shutdown];

fn close_calls(needs: Needs) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let when = |needed, calls| if needed { calls } else { &[][..] };
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = SERVING
        .iter()
        .chain(when(needs.sockets, OPENING))
        .chain(when(needs.connections, ACCEPTING))
        .map(|call| (*call, Vec::new()))
        .collect();
    let protection = u64::try_from(libc::PROT_EXEC)?;
    // Memory, but none to run.
    rules.insert(
        libc::SYS_mmap,
        vec![argument(2, SeccompCmpOp::MaskedEq(protection), 0)?],
    );
    if needs.sockets {
        let internet =
            [libc::AF_INET, libc::AF_INET6].map(|family| argument(0, SeccompCmpOp::Eq, family));
        rules.insert(
            libc::SYS_socket,
            internet.into_iter().collect::<Result<_, _>>()?,
        );
    }
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    let refused = SeccompAction::Errno(u32::try_from(libc::EPERM)?);
    let filter = SeccompFilter::new(rules, refused, SeccompAction::Allow, arch)?;
    let program: BpfProgram = filter.try_into()?;
    Ok(seccompiler::apply_filter_all_threads(&program)?)
}

/// A rule on one argument of a call.
fn argument(
    at: u8,
    is: SeccompCmpOp,
    value: i32,
) -> Result<SeccompRule, Box<dyn std::error::Error + Send + Sync>> {
    let condition = SeccompCondition::new(at, SeccompCmpArgLen::Dword, is, u64::try_from(value)?)?;
    Ok(SeccompRule::new(vec![condition])?)
}

/// Tries what must not work any more, and names what does.
#[must_use]
pub fn escapes(needs: Needs) -> Vec<&'static str> {
    let run = || {
        Command::new("/bin/true")
            .stdin(Stdio::null())
            .spawn()
            .is_ok()
    };
    let raw = || socket(AddressFamily::PACKET, SocketType::RAW, None).is_ok();
    let tries = [
        ("read a file", File::open("/etc/passwd").is_ok()),
        ("list a directory", fs::read_dir("/").is_ok()),
        (
            "make a file",
            File::create("/tmp/solo2-relay-escaped").is_ok(),
        ),
        ("run a program", run()),
        ("open a raw socket", raw()),
        (
            "open a TCP socket",
            !needs.sockets && std::net::TcpListener::bind("127.0.0.1:0").is_ok(),
        ),
        (
            "open a UDP socket",
            !needs.sockets && UdpSocket::bind("127.0.0.1:0").is_ok(),
        ),
        (
            "become root",
            set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT).is_ok(),
        ),
    ];
    tries
        .into_iter()
        .filter_map(|(what, worked)| worked.then_some(what))
        .collect()
}
