//! Load for a TURN server over UDP: pairs of clients that send each other ChannelData
//! through it. It measures any TURN server the same way; `bench/relay.sh` uses it.
//!
//! ```text
//!   load SERVER USERNAME PASSWORD PAIRS SECONDS SIZE BATCH gso|single [ECHO]
//! ```
//!
//! With ECHO, an address that sends back what it hears, each client of a pair talks to that
//! instead of to the other, and what comes back is counted: twice through the server.
//!
//! Each pair has its turn for as long as it takes to send BATCH datagrams of SIZE bytes
//! and to get them all, so that nothing is lost for want of room. Prints what was sent and
//! what arrived, and how long it took.

use std::io::{self, IoSliceMut, Write as _};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use solo2_relay::wire::{
    Class, Integrity, LongTermKey, Message, UDP, Writer, attribute, channel_data, method,
};

const PATIENCE: Duration = Duration::from_millis(20);
const CHANNEL: u16 = 0x4000;

type Failure = Box<dyn std::error::Error>;

/// A client with an allocation.
struct Client {
    socket: UdpSocket,
    state: UdpSocketState,
    relayed: SocketAddr,
    username: String,
    realm: Vec<u8>,
    nonce: Vec<u8>,
    key: LongTermKey,
    transaction: u64,
}

impl Client {
    fn allocate(server: SocketAddr, username: &str, password: &str) -> Result<Self, Failure> {
        let socket = UdpSocket::bind(if server.is_ipv6() {
            "[::]:0"
        } else {
            "0.0.0.0:0"
        })?;
        socket.connect(server)?;
        let state = UdpSocketState::new((&socket).into())?;
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        let mut client = Self {
            socket,
            state,
            relayed: server,
            username: username.to_owned(),
            realm: Vec::new(),
            nonce: Vec::new(),
            key: LongTermKey::derive("", "", ""),
            transaction: 0,
        };
        let challenge = client.ask(method::ALLOCATE, None)?;
        let challenge = Message::parse(&challenge)?;
        client.realm = challenge
            .attribute(attribute::REALM)
            .ok_or("no realm")?
            .value
            .to_vec();
        client.nonce = challenge
            .attribute(attribute::NONCE)
            .ok_or("no nonce")?
            .value
            .to_vec();
        client.key = LongTermKey::derive(username, str::from_utf8(&client.realm)?, password);
        let answer = client.ask(method::ALLOCATE, None)?;
        let answer = Message::parse(&answer)?;
        let relayed = answer
            .attribute(attribute::XOR_RELAYED_ADDRESS)
            .ok_or("no allocation")?;
        client.relayed = relayed
            .xor_address(&answer.transaction())
            .ok_or("no address")?;
        Ok(client)
    }

    fn bind(&mut self, peer: SocketAddr) -> Result<(), Failure> {
        let answer = self.ask(method::CHANNEL_BIND, Some(peer))?;
        match Message::parse(&answer)?.class() {
            Class::Success => Ok(()),
            _ => Err("the channel was refused".into()),
        }
    }

    fn ask(&mut self, method: u16, peer: Option<SocketAddr>) -> Result<Vec<u8>, Failure> {
        self.transaction += 1;
        let mut transaction = [0; 12];
        transaction[..8].copy_from_slice(&self.transaction.to_be_bytes());
        transaction[8..10].copy_from_slice(&self.socket.local_addr()?.port().to_be_bytes());
        let mut request = Vec::new();
        let mut writer = Writer::new(&mut request, Class::Request, method, transaction);
        match peer {
            None => writer.attribute(attribute::REQUESTED_TRANSPORT, &[UDP, 0, 0, 0]),
            Some(peer) => writer
                .attribute(attribute::CHANNEL_NUMBER, &[0x40, 0, 0, 0])
                .xor_address(attribute::XOR_PEER_ADDRESS, peer),
        };
        if !self.nonce.is_empty() {
            writer
                .attribute(attribute::USERNAME, self.username.as_bytes())
                .attribute(attribute::REALM, &self.realm)
                .attribute(attribute::NONCE, &self.nonce)
                .integrity(Integrity::Sha1, &self.key);
        }
        self.socket.send(&request)?;
        let mut answer = vec![0; 1500];
        let len = self.socket.recv(&mut answer)?;
        answer.truncate(len);
        Ok(answer)
    }
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [
        server,
        username,
        password,
        pairs,
        seconds,
        size,
        batch,
        how,
        echo @ ..,
    ] = arguments.as_slice()
    else {
        return Err(
            "load SERVER USERNAME PASSWORD PAIRS SECONDS SIZE BATCH gso|single [ECHO]".into(),
        );
    };
    let echo: Option<SocketAddr> = echo.first().map(|text| text.parse()).transpose()?;
    let (pairs, seconds): (usize, u64) = (pairs.parse()?, seconds.parse()?);
    let (size, batch): (usize, usize) = (size.parse()?, batch.parse()?);
    let mut clients = Vec::new();
    for _ in 0..pairs {
        let mut one = Client::allocate(server.parse()?, username, password)?;
        let mut other = Client::allocate(server.parse()?, username, password)?;
        one.bind(echo.unwrap_or(other.relayed))?;
        other.bind(echo.unwrap_or(one.relayed))?;
        one.socket.set_read_timeout(Some(PATIENCE))?;
        other.socket.set_read_timeout(Some(PATIENCE))?;
        clients.push((one, other));
    }

    let mut message = CHANNEL.to_be_bytes().to_vec();
    message.extend_from_slice(&u16::try_from(size)?.to_be_bytes());
    message.resize(4 + size, 0x5a);
    let burst = message.repeat(batch);
    let mut buffer = vec![0; 1 << 16];
    let (mut sent, mut arrived) = (0_u64, 0_u64);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(seconds) {
        for (one, other) in &clients {
            send(one, server.parse()?, &burst, message.len(), how == "gso")?;
            sent += batch as u64;
            let mut here = 0;
            while here < batch {
                match receive(if echo.is_some() { one } else { other }, &mut buffer) {
                    Ok(count) => here += count,
                    Err(_) => break,
                }
            }
            arrived += here as u64;
        }
    }
    writeln!(
        io::stdout(),
        "{sent} sent {arrived} arrived {:.3} seconds",
        start.elapsed().as_secs_f64()
    )?;
    Ok(())
}

fn send(client: &Client, to: SocketAddr, burst: &[u8], size: usize, gso: bool) -> io::Result<()> {
    if !gso {
        for datagram in burst.chunks(size) {
            client.socket.send(datagram)?;
        }
        return Ok(());
    }
    for part in burst.chunks(size * (60_000 / size).min(client.state.max_gso_segments())) {
        let transmit = Transmit {
            destination: to,
            ecn: None,
            contents: part,
            segment_size: Some(size),
            src_ip: None,
        };
        client.state.send((&client.socket).into(), &transmit)?;
    }
    Ok(())
}

/// Counts the datagrams of one receive, each of which must be whole.
fn receive(client: &Client, buffer: &mut [u8]) -> io::Result<usize> {
    let mut metas = [RecvMeta::default()];
    client.state.recv(
        (&client.socket).into(),
        &mut [IoSliceMut::new(buffer)],
        &mut metas,
    )?;
    let [meta] = metas;
    let datagrams = buffer
        .get(..meta.len)
        .unwrap_or_default()
        .chunks(meta.stride.max(1));
    Ok(datagrams
        .filter(|datagram| channel_data(datagram).is_some())
        .count())
}
