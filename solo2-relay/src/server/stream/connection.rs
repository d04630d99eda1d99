//! One task for each connection: it reads, hears, and writes, in turns.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::{Kind, StreamListener, framing, made_up};
use crate::server::batch::Arrival;
use crate::server::io::Pump;
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

/// Accepts connections, until dropped.
pub(in crate::server) fn accept(
    pump: Rc<Pump>,
    door: StreamListener,
) -> io::Result<impl Future<Output = ()>> {
    let listener = TcpListener::from_std(door.listener)?;
    Ok(accept_by(pump, listener, door.kind))
}

async fn accept_by(pump: Rc<Pump>, listener: TcpListener, kind: Kind) {
    let mut accepted = 0_u64;
    loop {
        let Ok((stream, from)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        accepted += 1;
        let (address, ip) = match kind {
            Kind::Onion => (made_up(accepted, from.port()), None),
            Kind::Clear | Kind::Tls(_) => (from, Some(from.ip())),
        };
        let mut engine = pump.engine();
        let now = engine.now;
        let admitted = engine.turn.admits(address.ip(), now);
        drop(engine);
        let enter = || pump.shared().streams.enter(ip, now.instant);
        let Some(number) = admitted.then(enter).flatten() else {
            continue;
        };
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
        tokio::task::spawn_local(serve(place, stream, kind.clone()));
    }
}

/// The place of an open connection among the others. Who leaves it, leaves nothing behind.
struct Place {
    pump: Rc<Pump>,
    number: u64,
    client: Client,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut engine = self.pump.engine();
        engine.turn.leave(&self.client, &mut engine.sockets);
        drop(engine);
        self.pump.shared().streams.remove(self.number);
    }
}

async fn serve(place: Place, stream: TcpStream, kind: Kind) {
    match kind {
        Kind::Clear | Kind::Onion => talk(&place, stream).await,
        Kind::Tls(tls) => {
            if let Ok(Ok(stream)) = timeout(HANDSHAKE, tls.accept(stream)).await {
                talk(&place, stream).await;
            }
        }
    }
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(place: &Place, mut stream: S) {
    let (mut rest, mut taken) = (Vec::new(), VecDeque::new());
    poll_fn(|context| place.poll(&mut stream, &mut rest, &mut taken, context)).await;
    // Gone already is as good.
    let _ = timeout(GOODBYE, stream.shutdown()).await;
}

impl Place {
    /// Reads and writes until nothing more can be done now; ready when the connection is
    /// at its end. `rest` is the beginning of a message, of which the end is not here yet,
    /// and `taken` what is about to be written.
    fn poll<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        rest: &mut Vec<u8>,
        taken: &mut VecDeque<u8>,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        let streams = &self.pump.shared().streams;
        for _ in 0..READS {
            let read = self.poll_read(stream, rest, context);
            if matches!(read, Poll::Ready(Err(_))) {
                return Poll::Ready(());
            }
            if let Poll::Ready(Err(_)) = streams.poll_drain(self.number, taken, stream, context) {
                return Poll::Ready(());
            }
            if read.is_pending() {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Reads once, and hears every whole message.
    fn poll_read<S: AsyncRead + Unpin>(
        &self,
        stream: &mut S,
        rest: &mut Vec<u8>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.pump.work(|hands| {
            let held = rest.len();
            let room = hands.buffers.get_mut(held..held + READ);
            let mut read = ReadBuf::new(room.unwrap_or_default());
            ready!(Pin::new(stream).poll_read(context, &mut read))?;
            let len = read.filled().len();
            if len == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            let bytes = hands.buffers.get_mut(..held + len).unwrap_or_default();
            if let Some(front) = bytes.get_mut(..held) {
                front.copy_from_slice(rest);
            }
            let (client, batch) = (self.client, &mut hands.batch);
            let mut engine = self.pump.engine();
            let used = framing::hear_all(
                bytes,
                &mut engine,
                |engine| engine.turn.knows(&client),
                |engine, bytes, range| {
                    let (stride, ecn) = (range.len(), None);
                    let arrival = Arrival { range, stride, ecn };
                    batch.hear_client(engine, client, bytes, arrival);
                },
            );
            drop(engine);
            let used = used.map_err(|_| io::ErrorKind::InvalidData);
            if let Ok(used) = used {
                rest.clear();
                rest.extend_from_slice(bytes.get(used..).unwrap_or_default());
            }
            hands.finish(&self.pump);
            Poll::Ready(used.map(drop).map_err(io::Error::from))
        })
    }
}
