//! stdin to a peer: read as far as there is room, given out as often as it is asked for.
//!
//! ```text
//!   stdin ─ thread ─► Spool ──Prefix, Data, End──► owner
//!                       ▲ ◄──From, Ack, Over─────
//! ```
//! The owner of the profile may die and another take its place: the spool is here.
//! Spec: docs/protocol/6-files.md §8.

use std::collections::VecDeque;
use std::io::{self, Read as _};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::line::{Line, Meter, TICK};
use super::spool::Spool;
use crate::agent::wire::{DATA_MAX, Frame, Reason};
use crate::context::Context;
use crate::error::{Failure, Kind};

/// What to send, and how long nothing may move.
pub(in crate::cli) struct Source {
    /// The file's id, `f_…`.
    pub(in crate::cli) id: String,
    /// What the peer sees.
    pub(in crate::cli) name: String,
    /// Whether it arrives as a file: then in whole chunks only.
    pub(in crate::cli) file: bool,
    pub(in crate::cli) patience: Option<Duration>,
}

/// Where the sender stands.
struct Sending<'a> {
    source: &'a Source,
    spool: Spool,
    /// stdin has ended.
    ended: bool,
    /// The next byte to give out, while somebody takes them.
    next: Option<u64>,
    /// Bytes that were given out in all: no more can be acknowledged.
    given: u64,
    /// The end was given out since the newest question.
    told_end: bool,
    /// Whether the peer has asked at all.
    asked: bool,
    replies: VecDeque<Frame>,
    moved: Instant,
}

impl Source {
    /// Reads stdin to its end and returns when the peer has verified all of it.
    ///
    /// `stored` is called with the owner's answer once the offer is on disk.
    pub(in crate::cli) async fn send(
        &self,
        cx: &Context,
        line: &Line,
        stored: impl FnOnce(&Value) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let params = line.params.clone();
        let (answer, mut frames, mut to) = line.open(&params).await?;
        stored(&answer)?;
        let mut stdin = stdin_parts();
        let mut meter = Meter::new(&self.id, &self.name, &answer, false);
        let mut tick = tokio::time::interval(TICK);
        let mut sending = Sending {
            source: self,
            spool: Spool::new(),
            ended: false,
            next: None,
            given: 0,
            told_end: false,
            asked: false,
            replies: VecDeque::new(),
            moved: Instant::now(),
        };
        let problem = loop {
            let reads = !sending.ended && sending.spool.room() >= DATA_MAX;
            tokio::select! {
                frame = frames.next() => match frame {
                    Ok(Some(Frame::Over(end))) => return sending.over(end),
                    Ok(Some(frame)) => sending.hear(&frame),
                    Ok(None) | Err(_) => {
                        (_, frames, to) = line.reopen(&params, self.patience).await?;
                        sending.forget_question();
                    }
                },
                permit = to.clone().reserve_owned(), if sending.has_next() => {
                    if let (Ok(permit), Some(frame)) = (permit, sending.next()) {
                        let _ = permit.send(frame);
                    }
                }
                part = stdin.recv(), if reads => match part {
                    Some(Ok(part)) => sending.spool.push(&part),
                    Some(Err(error)) => {
                        let failure = Failure::io("cannot read stdin", &error);
                        break (failure, Reason::Failed);
                    }
                    None => sending.ended = true,
                },
                _ = tick.tick() => {
                    meter.tell(cx, sending.spool.base())?;
                    if sending.is_late() {
                        break (unfinished(sending.asked), Reason::Left);
                    }
                }
            }
        };
        let (failure, reason) = problem;
        super::line::abort(frames, to, reason).await;
        Err(failure)
    }
}

impl Sending<'_> {
    fn hear(&mut self, frame: &Frame) {
        match *frame {
            Frame::From { serial, offset } => {
                self.asked = true;
                self.told_end = false;
                let hash = self.spool.hash(offset).filter(|_| self.may_begin(offset));
                self.next = hash.map(|_| offset);
                self.replies.clear();
                self.replies.push_back(match hash {
                    Some(hash) => Frame::Prefix { serial, hash },
                    None => Frame::Gone { serial },
                });
                self.moved = Instant::now();
            }
            Frame::Ack(offset) => {
                let before = self.spool.base();
                self.spool.acknowledge(offset.min(self.given));
                if self.spool.base() > before {
                    self.moved = Instant::now();
                }
            }
            // Nothing else is said to who sends.
            _ => {}
        }
    }

    /// A file goes on where a whole chunk ends.
    fn may_begin(&self, offset: u64) -> bool {
        let whole = offset.is_multiple_of(DATA_MAX as u64);
        !self.source.file || whole || (self.ended && offset == self.spool.read())
    }

    fn forget_question(&mut self) {
        self.next = None;
        self.replies.clear();
        self.moved = Instant::now();
    }

    /// Whether something is to be said now.
    fn has_next(&self) -> bool {
        !self.replies.is_empty() || self.ready().is_some()
    }

    /// Bytes that may be given out now; zero where only the end is left to be said.
    fn ready(&self) -> Option<u64> {
        let left = self.spool.read().checked_sub(self.next?)?;
        match left {
            0 => (self.ended && !self.told_end).then_some(0),
            // What a program wrote is not kept waiting for more; a file has whole chunks.
            left if self.source.file && left < DATA_MAX as u64 => self.ended.then_some(left),
            left => Some(left),
        }
    }

    fn next(&mut self) -> Option<Frame> {
        if let Some(reply) = self.replies.pop_front() {
            return Some(reply);
        }
        let offset = self.next?;
        if self.ready()? == 0 {
            self.told_end = true;
            let (total, root) = self.spool.whole();
            return Some(Frame::End { total, root });
        }
        let part = self.spool.part(offset, DATA_MAX);
        let behind = offset + part.len() as u64;
        self.next = Some(behind);
        self.given = self.given.max(behind);
        Some(Frame::Data(part))
    }

    /// Whether the peer has been waited for long enough. A pause of stdin is none of its.
    fn is_late(&mut self) -> bool {
        let waits = !self.asked || !self.spool.is_empty() || self.ended;
        if !waits {
            self.moved = Instant::now();
        }
        let patience = self.source.patience;
        patience.is_some_and(|patience| self.moved.elapsed() >= patience)
    }

    fn over(&self, end: Option<Box<Failure>>) -> Result<(), Failure> {
        match end {
            Some(failure) => Err(*failure),
            None if self.ended && self.given == self.spool.read() => Ok(()),
            None => Err(Failure::new(
                Kind::Integrity,
                "the peer says that it has all of it, and there is more",
            )
            .hint("it runs another program, or means harm; send it again")),
        }
    }
}

fn unfinished(asked: bool) -> Failure {
    let (message, hint) = match asked {
        true => (
            "the peer did not take on in time; it was called off",
            "wait longer: --timeout",
        ),
        false => (
            "nobody took it in time; it was called off",
            "wait longer with --timeout, and on the other side: solo2 pipe --listen, or solo2 file accept",
        ),
    };
    Failure::new(Kind::NotDelivered, message)
        .code("pipe_unfinished")
        .hint(hint)
        .retry(None)
}

/// stdin in parts as they come; a thread of its own reads, because a pipe cannot be read
/// with a way out.
fn stdin_parts() -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (to, from) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        loop {
            let mut part = vec![0; DATA_MAX];
            let read = match stdin.read(&mut part) {
                Ok(0) => return,
                Ok(count) => {
                    part.truncate(count);
                    Ok(part)
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
            let last = read.is_err();
            if to.blocking_send(read).is_err() || last {
                return;
            }
        }
    });
    from
}

/// The parameters of `pipe.send`.
pub(in crate::cli) fn params(cx: &Context, source: &Source, peer: &impl serde::Serialize) -> Value {
    cx.routed(json!({
        "peer": peer,
        "id": source.id,
        "name": source.name,
        "file": source.file,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(file: bool) -> Source {
        Source {
            id: "f_1".into(),
            name: "x".into(),
            file,
            patience: Some(Duration::ZERO),
        }
    }

    fn sending(source: &Source) -> Sending<'_> {
        Sending {
            source,
            spool: Spool::new(),
            ended: false,
            next: None,
            given: 0,
            told_end: false,
            asked: false,
            replies: VecDeque::new(),
            moved: Instant::now(),
        }
    }

    fn said(sending: &mut Sending<'_>) -> Vec<Frame> {
        let mut frames = Vec::new();
        while sending.has_next() {
            frames.extend(sending.next());
        }
        frames
    }

    fn hash(bytes: &[u8]) -> [u8; 32] {
        *blake3::hash(bytes).as_bytes()
    }

    #[test]
    fn a_pipe_gives_out_at_once_what_it_has_and_a_file_whole_chunks() {
        for file in [false, true] {
            let source = source(file);
            let mut sending = sending(&source);
            sending.spool.push(b"hello");
            assert!(said(&mut sending).is_empty(), "nobody has asked");
            sending.hear(&Frame::From {
                serial: 3,
                offset: 0,
            });
            let prefix = Frame::Prefix {
                serial: 3,
                hash: hash(b""),
            };
            let mut expected = vec![prefix];
            if !file {
                expected.push(Frame::Data(b"hello".to_vec()));
            }
            assert_eq!(said(&mut sending), expected);
            sending.spool.push(&[7; DATA_MAX]);
            let lens: Vec<usize> = said(&mut sending)
                .iter()
                .map(|frame| match frame {
                    Frame::Data(data) => data.len(),
                    other => panic!("{other:?}"),
                })
                .collect();
            assert_eq!(lens, [DATA_MAX]);
            sending.ended = true;
            let mut whole = b"hello".to_vec();
            whole.extend([7; DATA_MAX]);
            let end = Frame::End {
                total: DATA_MAX as u64 + 5,
                root: hash(&whole),
            };
            let mut rest = said(&mut sending);
            assert_eq!(rest.pop(), Some(end));
            assert_eq!(rest.len(), usize::from(file), "{rest:?}");
        }
    }

    #[test]
    fn whoever_asks_again_gets_the_same_bytes_or_hears_that_they_are_gone() {
        let source = source(false);
        let mut sending = sending(&source);
        sending.spool.push(b"0123456789");
        sending.ended = true;
        let from = |serial, offset| Frame::From { serial, offset };
        sending.hear(&from(1, 0));
        assert_eq!(said(&mut sending).len(), 3);
        // More than was given out is not acknowledged by anybody.
        sending.hear(&Frame::Ack(4));
        sending.hear(&Frame::Ack(11));
        assert_eq!(sending.spool.base(), 10);
        sending.hear(&from(2, 9));
        assert_eq!(said(&mut sending), [Frame::Gone { serial: 2 }]);
        sending.hear(&from(3, 10));
        let end = Frame::End {
            total: 10,
            root: hash(b"0123456789"),
        };
        let prefix = Frame::Prefix {
            serial: 3,
            hash: hash(b"0123456789"),
        };
        assert_eq!(said(&mut sending), [prefix, end]);
    }

    #[test]
    fn a_file_does_not_go_on_in_the_middle_of_a_chunk() {
        let source = source(true);
        let mut sending = sending(&source);
        sending.spool.push(&vec![1; 2 * DATA_MAX + 9]);
        for (offset, goes) in [
            (0, true),
            (1, false),
            (DATA_MAX as u64, true),
            (2 * DATA_MAX as u64 + 9, false),
        ] {
            sending.hear(&Frame::From { serial: 1, offset });
            assert_eq!(sending.next.is_some(), goes, "{offset}");
        }
        sending.ended = true;
        let offset = 2 * DATA_MAX as u64 + 9;
        sending.hear(&Frame::From { serial: 1, offset });
        assert_eq!(said(&mut sending).len(), 2);
    }

    #[test]
    fn a_peer_that_claims_to_have_all_of_it_too_early_is_not_believed() {
        let source = source(false);
        let mut sending = sending(&source);
        sending.spool.push(b"more");
        assert_eq!(sending.over(None).expect_err("refused").exit, 12);
        sending.ended = true;
        assert_eq!(sending.over(None).expect_err("refused").exit, 12);
        sending.hear(&Frame::From {
            serial: 1,
            offset: 0,
        });
        said(&mut sending);
        assert!(sending.over(None).is_ok());
    }

    #[test]
    fn the_peer_is_waited_for_and_a_pause_of_stdin_is_not_its_fault() {
        let source = source(false);
        let mut sending = sending(&source);
        assert!(sending.is_late(), "nobody has asked");
        sending.hear(&Frame::From {
            serial: 1,
            offset: 0,
        });
        let patient = Source {
            patience: Some(Duration::from_millis(5)),
            ..super::tests::source(false)
        };
        sending.source = &patient;
        std::thread::sleep(Duration::from_millis(10));
        assert!(!sending.is_late(), "there is nothing to take");
        sending.spool.push(b"x");
        std::thread::sleep(Duration::from_millis(10));
        assert!(sending.is_late());
    }
}
