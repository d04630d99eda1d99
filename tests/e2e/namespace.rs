//! A network namespace: a machine of its own, as far as packets know.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::world::{has, is_root, unique};

/// A namespace with a loopback and one interface that leads nowhere. With IPv4
/// the kernel's own chatter is off, so every packet counted is some program's.
pub(crate) struct Namespace {
    name: String,
}

/// One interface that leads nowhere, with an IPv4 address and a default route.
const IPV4: &[&str] = &[
    "sysctl -q -w net.ipv6.conf.all.disable_ipv6=1",
    "sysctl -q -w net.ipv6.conf.default.disable_ipv6=1",
    "ip link set lo up",
    "ip link add out type veth peer name nowhere",
    "ip addr add 198.18.0.1/24 dev out",
    "ip link set nowhere up",
    "ip link set out up",
    "ip route add default via 198.18.0.254 dev out",
    "ip neigh add 198.18.0.254 lladdr 02:00:00:00:00:01 dev out",
];

/// The same with IPv6 and nothing else: no IPv4 address, not even a loopback.
const IPV6: &[&str] = &[
    "sysctl -q -w net.ipv6.conf.all.disable_ipv6=0",
    "sysctl -q -w net.ipv6.conf.default.disable_ipv6=0",
    "ip link set lo up",
    "ip addr del 127.0.0.1/8 dev lo",
    "ip link add out type veth peer name nowhere",
    "ip link set nowhere up",
    "ip link set out up",
    "ip addr add 2001:db8::1/64 dev out nodad",
    "ip route add default via 2001:db8::fe dev out",
];

impl Namespace {
    /// Makes one with IPv4, or says what is missing.
    pub(crate) fn new() -> Result<Arc<Namespace>, &'static str> {
        Namespace::build(IPV4)
    }

    /// Makes one with IPv6 alone.
    pub(crate) fn ipv6_only() -> Result<Arc<Namespace>, &'static str> {
        Namespace::build(IPV6)
    }

    fn build(steps: &[&str]) -> Result<Arc<Namespace>, &'static str> {
        if !is_root() {
            return Err("root");
        }
        if !has("ip") {
            return Err("iproute2");
        }
        let name = unique("solo2");
        if !quiet(Command::new("ip").args(["netns", "add", &name])) {
            return Err("network namespaces");
        }
        let namespace = Arc::new(Namespace { name });
        for words in steps {
            let mut words = words.split(' ');
            let program = Path::new(words.next().unwrap());
            if !quiet(namespace.command(program).args(words)) {
                return Err("network namespaces with interfaces");
            }
        }
        Ok(namespace)
    }

    /// A command that runs inside.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Packets sent so far, over all interfaces.
    pub(crate) fn sent(&self) -> u64 {
        let table = self
            .command(Path::new("cat"))
            .arg("/proc/net/dev")
            .output()
            .unwrap();
        String::from_utf8(table.stdout)
            .unwrap()
            .lines()
            .filter_map(|line| line.split_once(':'))
            // Eight columns of reception come first: bytes, then packets.
            .map(|(_, row)| {
                row.split_whitespace()
                    .nth(9)
                    .unwrap()
                    .parse::<u64>()
                    .unwrap()
            })
            .sum()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        quiet(Command::new("ip").args(["netns", "del", &self.name]));
    }
}

fn quiet(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
