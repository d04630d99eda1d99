//! One task for each connection: it reads, hears, and writes, in turns.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::framing;
use crate::server::io::{Core, Doors, Pump, now};
use crate::server::turn::{Client, Via};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);
/// Pause after a failed `accept`, which means that descriptors ran out.
const PAUSE: Duration = Duration::from_millis(100);
/// Reads of one connection before others have their turn.
const READS: usize = 16;
/// What one read may bring.
const READ: usize = 1 << 16;

/// Accepts connections on the listening socket of this number, until dropped.
pub(in crate::server) async fn accept(pump: Rc<Pump>, number: usize) {
    let Some(door) = pump.doors().stream_listeners.get(number) else {
        return;
    };
    loop {
        let Ok((stream, address)) = door.listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let now = now();
        let (ip, streams) = (address.ip(), &pump.doors().streams);
        let admitted = pump.with(|turn, _| turn.admits(ip, now));
        let number = admitted.then(|| streams.enter(ip, now.instant)).flatten();
        let Some(number) = number else { continue };
        let client = Client {
            via: Via::Stream(number),
            address,
            local: None,
        };
        let place = Place {
            pump: Rc::clone(&pump),
            number,
            client,
        };
        tokio::task::spawn_local(serve(place, stream, door.tls.clone()));
    }
}

/// The place of an open connection among the others. Who leaves it, leaves nothing behind.
struct Place {
    pump: Rc<Pump>,
    number: u32,
    client: Client,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pump
            .with(|turn, sockets| turn.leave(&self.client, sockets));
        self.pump.doors().streams.remove(self.number);
    }
}

async fn serve(place: Place, stream: TcpStream, tls: Option<TlsAcceptor>) {
    match tls {
        None => talk(&place, stream).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(HANDSHAKE, tls.accept(stream)).await {
                talk(&place, stream).await;
            }
        }
    }
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(place: &Place, mut stream: S) {
    let mut rest = Vec::new();
    poll_fn(|context| place.poll(&mut stream, &mut rest, context)).await;
    // Gone already is as good.
    let _ = timeout(GOODBYE, stream.shutdown()).await;
}

impl Place {
    /// Reads and writes until nothing more can be done now; ready when the connection is
    /// at its end. `rest` is the beginning of a message, of which the end is not here yet.
    fn poll<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        rest: &mut Vec<u8>,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let streams = &self.pump.doors().streams;
        for _ in 0..READS {
            let read = self
                .pump
                .read(|core, doors| core.poll_read(doors, self.client, stream, rest, context));
            if matches!(read, Poll::Ready(Err(_))) {
                return Poll::Ready(());
            }
            if let Poll::Ready(Err(_)) = streams.poll_drain(self.number, stream, context) {
                return Poll::Ready(());
            }
            if read.is_pending() {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Core {
    /// Reads once, and hears every whole message.
    fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        doors: &Doors,
        client: Client,
        stream: &mut S,
        rest: &mut Vec<u8>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut buffer = std::mem::take(&mut self.buffers);
        let heard = self.hear_stream(doors, client, stream, rest, &mut buffer, context);
        self.buffers = buffer;
        heard
    }

    fn hear_stream<S: AsyncRead + Unpin>(
        &mut self,
        doors: &Doors,
        client: Client,
        stream: &mut S,
        rest: &mut Vec<u8>,
        buffer: &mut [u8],
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let held = rest.len();
        let room = buffer.get_mut(held..held + READ).unwrap_or_default();
        let mut read = ReadBuf::new(room);
        ready!(Pin::new(stream).poll_read(context, &mut read))?;
        let len = read.filled().len();
        if len == 0 {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        let bytes = buffer.get_mut(..held + len).unwrap_or_default();
        if let Some(front) = bytes.get_mut(..held) {
            front.copy_from_slice(rest);
        }
        let now = now();
        let used = framing::hear_all(
            bytes,
            self,
            |core| core.turn.knows(&client),
            |core, message| core.clients_message(doors, client, message, now),
        );
        self.flush(doors);
        let used = used.map_err(|_| io::ErrorKind::InvalidData)?;
        rest.clear();
        rest.extend_from_slice(bytes.get(used..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}
