//! A network namespace: a machine of its own, as far as packets know.

use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::world::{has, is_root, unique};

/// Two machines and what lies between them: each end has one interface, and the only
/// way to the other end leads through the middle, where the introduction server is.
///
/// ```text
///   alice 198.18.1.1 ── 198.18.1.254 middle 198.18.2.254 ── 198.18.2.1 bob
/// ```
pub(crate) struct Network {
    pub(crate) middle: Arc<Namespace>,
    pub(crate) ends: [Arc<Namespace>; 2],
    /// Where both ends reach the middle.
    pub(crate) server: IpAddr,
    /// What stands between each end and the middle, outermost first.
    pub(crate) _gates: [Vec<Arc<Namespace>>; 2],
}

/// Where the middle is reached from both ends.
pub(crate) const MIDDLE: &str = "198.18.1.254";
/// The interface of the middle towards the first end.
pub(crate) const TO_FIRST: &str = "to1";

impl Network {
    /// Makes one, or says what is missing.
    pub(crate) fn new() -> Result<Arc<Network>, &'static str> {
        let network = Network {
            middle: Namespace::lonely()?,
            ends: [Namespace::lonely()?, Namespace::lonely()?],
            server: MIDDLE.parse().unwrap(),
            _gates: [Vec::new(), Vec::new()],
        };
        let middle = &network.middle;
        for (number, end) in (1..).zip(&network.ends) {
            let steps = [
                format!(
                    "ip link add to{number} type veth peer name out netns {}",
                    end.name
                ),
                format!("ip addr add 198.18.{number}.254/24 dev to{number}"),
                format!("ip link set to{number} up"),
            ];
            middle.run(&steps)?;
            end.run(&[
                format!("ip addr add 198.18.{number}.1/24 dev out"),
                "ip link set out up".to_owned(),
                format!("ip route add default via 198.18.{number}.254"),
            ])?;
        }
        network.open();
        Ok(Arc::new(network))
    }

    /// Lets packets pass between the ends.
    pub(crate) fn open(&self) {
        self.forward(1);
    }

    /// Lets nothing pass between the ends; both still reach the middle.
    pub(crate) fn block(&self) {
        self.forward(0);
    }

    /// Lets nothing of a link pass between the ends but STUN and DTLS (RFC 7983), as networks
    /// do that know WebRTC and no noise; or says what is missing.
    pub(crate) fn webrtc_alone(&self) -> Result<(), &'static str> {
        if !has("nft") {
            return Err("nftables");
        }
        // Behind 8 bytes of UDP's header: STUN's cookie at 4, DTLS's version at 1.
        let rules = [
            "add table ip wall",
            "add chain ip wall pass { type filter hook forward priority 0 ; policy accept ; }",
            "add rule ip wall pass udp sport != 0 @th,96,32 0x2112a442 accept",
            "add rule ip wall pass udp sport != 0 @th,72,16 { 0xfefd, 0xfeff } accept",
            "add rule ip wall pass udp sport != 0 drop",
        ];
        self.middle.run(&rules.map(|rule| format!("nft {rule}")))
    }

    /// Gives both ends a line of this rate with a queue that drains in `queue`.
    pub(crate) fn limit(&self, rate: &str, queue: &str) {
        for end in &self.ends {
            let shape =
                format!("tc qdisc add dev out root tbf rate {rate} burst 16kb latency {queue}");
            end.run(&[shape]).unwrap();
        }
    }

    fn forward(&self, on: u8) {
        self.middle
            .run(&[format!("sysctl -q -w net.ipv4.ip_forward={on}")])
            .unwrap();
    }
}

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

    /// Makes one with a loopback alone.
    pub(crate) fn lonely() -> Result<Arc<Namespace>, &'static str> {
        Namespace::build(&["ip link set lo up"])
    }

    /// Takes a device of this machine into a namespace.
    pub(crate) fn adopt(device: &str, into: &Namespace) -> Result<(), &'static str> {
        let moved = quiet(Command::new("ip").args(["link", "set", device, "netns", &into.name]));
        moved
            .then_some(())
            .ok_or("network namespaces with interfaces")
    }

    /// Its name among the machine's namespaces.
    pub(crate) fn name(&self) -> &str {
        &self.name
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
        namespace.run(steps)?;
        Ok(namespace)
    }

    /// Runs commands inside, one after the other.
    pub(crate) fn run(&self, steps: &[impl AsRef<str>]) -> Result<(), &'static str> {
        for words in steps {
            let mut words = words.as_ref().split(' ');
            let program = Path::new(words.next().unwrap());
            if !quiet(self.command(program).args(words)) {
                return Err("network namespaces with interfaces");
            }
        }
        Ok(())
    }

    /// Takes its address on `out` away and gives it this one.
    pub(crate) fn readdress(&self, subnet: &str, last: u8) {
        self.run(&[
            "ip addr flush dev out scope global".to_owned(),
            format!("ip addr add {subnet}{last}/24 dev out"),
            format!("ip route add default via {subnet}254"),
        ])
        .unwrap();
    }

    /// Begins to count what comes in by an interface for a UDP port.
    pub(crate) fn count(&self, interface: &str, port: u16) {
        self.run(&[
            "nft add table inet count".to_owned(),
            "nft add counter inet count asked".to_owned(),
            "nft add chain inet count in { type filter hook input priority 0 ; }".to_owned(),
            format!(
                "nft add rule inet count in iifname {interface} udp dport {port} counter name asked"
            ),
        ])
        .unwrap();
    }

    /// Begins to count what leaves, also to this machine itself, and none of these expressions of
    /// nftables describes.
    pub(crate) fn count_leaving_but(&self, expected: &[String]) {
        let mut steps = vec![
            "nft add table inet count".to_owned(),
            "nft add counter inet count asked".to_owned(),
            "nft add chain inet count out { type filter hook output priority 0 ; }".to_owned(),
        ];
        let accepted = expected.iter();
        steps.extend(accepted.map(|what| format!("nft add rule inet count out {what} accept")));
        for (set, family, address) in [("v4", "ip", "ipv4_addr"), ("v6", "ip6", "ipv6_addr")] {
            steps.push(format!(
                "nft add set inet count {set} {{ type {address} . inet_proto . inet_service ; flags dynamic ; }}"
            ));
            steps.push(format!(
                "nft add rule inet count out update @{set} {{ {family} daddr . meta l4proto . th dport }}"
            ));
        }
        steps.push("nft add rule inet count out counter name asked".to_owned());
        self.run(&steps).unwrap();
    }

    /// Who it went to, as nftables tells.
    pub(crate) fn left_for(&self) -> String {
        let mut command = self.command(Path::new("nft"));
        let output = command.args(["list", "table", "inet", "count"]).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }

    /// What was counted, in packets.
    pub(crate) fn counted(&self) -> u64 {
        let mut command = self.command(Path::new("nft"));
        let output = command
            .args(["list", "counter", "inet", "count", "asked"])
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let mut words = said
            .split_whitespace()
            .skip_while(|word| *word != "packets");
        words.nth(1).unwrap().parse().unwrap()
    }

    /// A command that runs inside.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Packets sent so far, over all interfaces.
    pub(crate) fn sent(&self) -> u64 {
        // Eight columns of reception come first: bytes, then packets.
        self.interfaces(9)
    }

    /// Bytes sent so far, over all interfaces.
    pub(crate) fn sent_bytes(&self) -> u64 {
        self.interfaces(8)
    }

    /// Packets sent so far to anywhere but this machine itself.
    pub(crate) fn sent_away(&self) -> u64 {
        let table = self.read("/proc/net/dev");
        let away = table.lines().filter_map(|line| line.split_once(':'));
        away.filter(|(name, _)| name.trim() != "lo")
            .map(|(_, row)| {
                row.split_whitespace()
                    .nth(9)
                    .unwrap()
                    .parse::<u64>()
                    .unwrap()
            })
            .sum()
    }

    fn interfaces(&self, column: usize) -> u64 {
        self.read("/proc/net/dev")
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(_, row)| {
                let cell = row.split_whitespace().nth(column).unwrap();
                cell.parse::<u64>().unwrap()
            })
            .sum()
    }

    /// Packets that it passed on from one interface to another.
    pub(crate) fn forwarded(&self) -> u64 {
        self.table("Ip:", &["ForwDatagrams"])
    }

    /// TCP segments with or without data that programs in here have sent and received.
    pub(crate) fn tcp_segments(&self) -> u64 {
        self.table("Tcp:", &["InSegs", "OutSegs"])
    }

    /// The sum of some of the kernel's counters (RFC 4293, RFC 4022).
    fn table(&self, protocol: &str, wanted: &[&str]) -> u64 {
        let table = self.read("/proc/net/snmp");
        let mut lines = table.lines().filter(|line| line.starts_with(protocol));
        let names = lines.next().unwrap().split(' ');
        names
            .zip(lines.next().unwrap().split(' '))
            .filter(|(name, _)| wanted.contains(name))
            .map(|(_, count)| count.parse::<u64>().unwrap())
            .sum()
    }

    fn read(&self, file: &str) -> String {
        let output = self.command(Path::new("cat")).arg(file).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
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
