//! Reading everything there is, to see that it is there.

use crate::db::Space;
use crate::error::ReadError;
use crate::keys::Digest;
use crate::row::{self, Key, Table};
use crate::vault::Vault;
use crate::vault::read::UNREADABLE;

/// What a check of the whole vault found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Contacts.
    pub contacts: u64,
    /// Sessions that open.
    pub sessions: u64,
    /// Messages that open, with all their amendments.
    pub messages: u64,
    /// Items on their way that open.
    pub outbox: u64,
    /// Inbox entries that open.
    pub inbox: u64,
    /// Segments of the search index that open.
    pub segments: u64,
    /// What does not, in words; empty for a vault that is whole.
    pub problems: Vec<String>,
}

impl Report {
    /// Whether the vault is whole.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }
}

impl Vault {
    /// Reads every record and recomputes both digests. Takes time with the length of the history.
    ///
    /// # Errors
    ///
    /// Only when the database cannot be scanned at all; what does not open is in the report.
    pub fn check(&self) -> Result<Report, ReadError> {
        let mut report = Report::default();
        self.check_digests(&mut report)?;
        for (id, peer) in self.peers() {
            report.contacts += 1;
            match self.session(*id) {
                Ok(Some(_)) => report.sessions += 1,
                Ok(None) => {}
                Err(error) => report.problems.push(format!("session with {id}: {error}")),
            }
            for seq in peer.conversation.first_seq..peer.conversation.next_seq {
                match self.message(*id, seq) {
                    Ok(Some((message, _))) => {
                        report.messages += 1;
                        let indexed = self.find_message(*id, &message.id);
                        if !matches!(indexed, Ok(Some(at)) if at == seq) {
                            let line = format!("message {seq} with {id}: not found by its id");
                            report.problems.push(line);
                        }
                    }
                    Ok(None) => report
                        .problems
                        .push(format!("message {seq} with {id}: missing")),
                    Err(error) => {
                        report
                            .problems
                            .push(format!("message {seq} with {id}: {error}"));
                    }
                }
            }
            for number in peer.conversation.queues() {
                match self.queue(peer, number) {
                    Ok(queue) => report.outbox += queue.places().count() as u64,
                    Err(error) => report.problems.push(format!("outbox of {id}: {error}")),
                }
            }
            if let Err(error) = self.outbox(*id, usize::MAX) {
                report.problems.push(format!("outbox of {id}: {error}"));
            }
        }
        for number in 1..self.head().inbox_next {
            match self.inbox_entry(number) {
                Ok(_) => report.inbox += 1,
                Err(error) => report
                    .problems
                    .push(format!("inbox entry {number}: {error}")),
            }
        }
        report.segments = self.check_index(&mut report.problems)?;
        Ok(report)
    }

    fn check_digests(&self, report: &mut Report) -> Result<(), ReadError> {
        let mut mutable = Digest::default();
        self.db().scan(Space::Mutable, |key, value| {
            let row = row::open_mutable(self.keys(), key, value)?;
            if row.table != Table::Head {
                let key: Key = key.try_into().map_err(|_| UNREADABLE)?;
                mutable.add(&self.keys().mutable_mark(&key, row.version));
            }
            Ok::<_, ReadError>(())
        })?;
        if mutable != self.head().mutable {
            report
                .problems
                .push("the records are not those of the last commit".to_owned());
        }
        let mut log = Digest::default();
        self.db().scan(Space::Log, |key, _| {
            let key: Key = key.try_into().map_err(|_| UNREADABLE)?;
            log.add(&self.keys().log_mark(&key));
            Ok::<_, ReadError>(())
        })?;
        if log != self.head().log {
            report
                .problems
                .push("the log has records too many or too few".to_owned());
        }
        Ok(())
    }
}
