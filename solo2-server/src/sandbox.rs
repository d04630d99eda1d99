//! What the process gives up once its sockets are bound, for good: its user, its
//! capabilities, every file, and every system call that serving does not need.
//!
//! ```text
//!   bind ─► other user (--user) ─► no capabilities ─► no new privileges ─► Landlock ─► threads ─► seccomp ─► serve
//!           └──────────────── give_up_rights, on the only thread ─────────────────┘    └ give_up_calls, on all ┘
//! ```
//!
//! Threads inherit what was given up before they began. A refused call returns EPERM.
//! Nothing here knows what a server is about: it is told what serving goes on to need.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::net::UdpSocket;
use std::process::{Command, Stdio};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetError, RulesetStatus,
    Scope,
};
use libc::c_long;
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::process::Uid;
use rustix::thread::{
    CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs, set_thread_res_uid,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use thiserror::Error;

use crate::harden::{self, HardenError};
use crate::user::User;

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
    /// Under the new user, core dumps are not to be switched off.
    #[error(transparent)]
    Harden(#[from] HardenError),
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
    /// Memory for several threads.
    pub threads: bool,
}

/// Gives up the user, capabilities and files, on the only thread of the process. What the
/// server listens on is bound by now.
///
/// # Errors
/// [`SandboxError`] if the system refuses a step that it knows.
pub fn give_up_rights(user: Option<User>) -> Result<Files, SandboxError> {
    if let Some(user) = user {
        user.become_it().map_err(SandboxError::User)?;
        // Another user is another process to the kernel: it may be looked at again.
        harden::process()?;
    }
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none)
        .and_then(|()| set_no_new_privs(true))
        .map_err(|error| SandboxError::Privileges(error.into()))?;
    close_files().map_err(SandboxError::Landlock)
}

/// Gives up all system calls but those that serving needs, on every thread there is.
/// [`give_up_rights`] comes first; by now every thread has begun, and none will.
///
/// # Errors
/// [`SandboxError::Seccomp`].
pub fn give_up_calls(needs: Needs) -> Result<(), SandboxError> {
    close_calls(needs).map_err(SandboxError::Seccomp)
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

/// Of the second argument of `socket`, the kind; the rest are flags.
const SOCKET_KIND: u64 = 0xf;
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
        let datagrams = |family| {
            let kind = SeccompCmpOp::MaskedEq(SOCKET_KIND);
            let is = [
                condition(0, SeccompCmpOp::Eq, family)?,
                condition(1, kind, libc::SOCK_DGRAM)?,
            ];
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(SeccompRule::new(is.into())?)
        };
        let internet = [datagrams(libc::AF_INET)?, datagrams(libc::AF_INET6)?];
        rules.insert(libc::SYS_socket, internet.into());
    }
    if needs.threads {
        // The allocator grows the memory of a thread by making it accessible.
        let harmless = argument(2, SeccompCmpOp::MaskedEq(protection), 0)?;
        rules.insert(libc::SYS_mprotect, vec![harmless]);
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
    Ok(SeccompRule::new(vec![condition(at, is, value)?])?)
}

fn condition(
    at: u8,
    is: SeccompCmpOp,
    value: i32,
) -> Result<SeccompCondition, Box<dyn std::error::Error + Send + Sync>> {
    let value = u64::try_from(value)?;
    Ok(SeccompCondition::new(
        at,
        SeccompCmpArgLen::Dword,
        is,
        value,
    )?)
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
        ("make a file", File::create("/tmp/solo2-escaped").is_ok()),
        ("run a program", run()),
        ("open a raw socket", raw()),
        (
            "open a TCP socket",
            std::net::TcpListener::bind("127.0.0.1:0").is_ok(),
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
