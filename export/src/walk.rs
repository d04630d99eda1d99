//! Through a conversation from its oldest message on, a page at a time: by number where it is
//! to be restored, by time where it is to be read.

use std::collections::VecDeque;
use std::io;

use solo2_store::{Amendments, Contact, ContactId, Kind, Message};

use crate::document::{Desk, Document, Placed};
use crate::known::{self, Known, Mark};
use crate::{Base, ExportError, Numbered, PAGE, Progress, Request, Source, jsonl, place};

/// Settings of a contact that are no secret and mean something elsewhere.
pub(crate) const SETTINGS: [&str; 6] = [
    "max-file", "profile", "receipts", "retain", "route", "strict",
];

/// One conversation, and how long it was when the export began: what arrives
/// meanwhile is for the next one.
pub(crate) struct Conversation<'a> {
    pub(crate) contact: &'a Contact,
    /// The number behind the newest message.
    pub(crate) end: u64,
}

/// Every conversation that was asked for, in the contacts' order.
fn conversations<'a, S: Source>(
    source: &mut S,
    request: &'a Request<'_>,
) -> Result<Vec<Conversation<'a>>, ExportError<S::Error>> {
    let mut found = Vec::new();
    for contact in &request.contacts {
        let newest = source.newest(contact.id).map_err(ExportError::Source)?;
        found.push(Conversation {
            contact,
            end: newest.map_or(0, |newest| newest.saturating_add(1)),
        });
    }
    Ok(found)
}

/// Writes what stands in front of the conversations; which they are, and how far they go.
pub(crate) fn begin<'a, S: Source, D: Document>(
    source: &mut S,
    request: &'a Request<'_>,
    document: &mut D,
) -> Result<(Vec<Conversation<'a>>, Progress), ExportError<S::Error>> {
    let manifest = jsonl::line(&jsonl::manifest(request, D::FORMAT));
    document
        .bytes(place::MANIFEST, request.now_ms, manifest.as_bytes())
        .map_err(ExportError::Write)?;
    let conversations = conversations(source, request)?;
    let mut contacts = String::new();
    for one in &conversations {
        let directory = place::conversation(one.contact, &request.names);
        contacts.push_str(&jsonl::line(&jsonl::contact(one.contact, &directory)));
    }
    for id in &request.removed {
        contacts.push_str(&jsonl::line(&jsonl::removed(*id)));
    }
    document
        .bytes(place::CONTACTS, request.now_ms, contacts.as_bytes())
        .map_err(ExportError::Write)?;
    let progress = places(&conversations);
    Ok((conversations, progress))
}

/// Writes what stands behind them, but for the sums.
pub(crate) fn end<S: Source, D: Document>(
    source: &mut S,
    request: &Request<'_>,
    mut known: Known,
    document: &mut D,
    progress: &Progress,
) -> Result<(), ExportError<S::Error>> {
    if let Some(base) = &request.base {
        known.keep(&base.known, &request.removed);
    }
    document
        .bytes(place::KNOWN, request.now_ms, &known.to_bytes())
        .map_err(ExportError::Write)?;
    source.progress(progress).map_err(ExportError::Source)
}

/// What is done with one message.
pub(crate) type Each<'a, E> = dyn FnMut(&Numbered) -> Result<(), ExportError<E>> + 'a;

/// A piece of a conversation within which numbers and times ascend together.
struct Stretch {
    from: u64,
    end: u64,
    /// What was read of it and not handed on.
    found: VecDeque<Numbered>,
}

/// Calls `each` for every message of a conversation that is written, in the order of the
/// times at which they were stored: its stretches are merged, a page of messages in memory.
pub(crate) fn messages<S: Source>(
    source: &mut S,
    request: &Request<'_>,
    conversation: &Conversation<'_>,
    each: &mut Each<'_, S::Error>,
) -> Result<(), ExportError<S::Error>> {
    let contact = conversation.contact.id;
    let mut turns = source.turns(contact).map_err(ExportError::Source)?;
    turns.retain(|turn| *turn < conversation.end);
    let firsts = std::iter::once(0).chain(turns.iter().copied());
    let ends = turns.iter().copied().chain([conversation.end]);
    let mut stretches: Vec<Stretch> = firsts
        .zip(ends)
        .map(|(from, end)| Stretch {
            from,
            end,
            found: VecDeque::new(),
        })
        .collect();
    let share = (usize::try_from(PAGE).unwrap_or(1) / stretches.len()).max(1);
    loop {
        for stretch in &mut stretches {
            while stretch.found.is_empty() && stretch.from < stretch.end {
                let mut page = page(source, conversation, stretch.from)?;
                page.retain(|(seq, ..)| *seq < stretch.end);
                stretch.from += PAGE;
                if let Some((left, ..)) = page.get(share) {
                    stretch.from = *left;
                    page.truncate(share);
                }
                stretch.found = page.into();
            }
        }
        // Of two at one time the one in front is the older.
        let oldest = stretches
            .iter_mut()
            .filter(|stretch| !stretch.found.is_empty())
            .min_by_key(|stretch| stretch.found.front().map(|(_, one, _)| one.stored_at_ms));
        let Some(numbered) = oldest.and_then(|stretch| stretch.found.pop_front()) else {
            return Ok(());
        };
        let new = |base: &Base| judge(request, contact, &numbered, base).is_new();
        if asked(request, &numbered.1)
            && deleted_at(request, &numbered.1, &numbered.2).is_none()
            && request.base.as_ref().is_none_or(new)
        {
            each(&numbered)?;
        }
    }
}

/// What is done with a message whose file has been written: its record's line, and where the
/// file went.
pub(crate) type Record<'a, D> =
    dyn FnMut(&mut D, &Numbered, &str, Option<Placed>, &mut Progress) -> io::Result<()> + 'a;

/// Goes through a conversation once: notes in `known` what the document or its base has of it,
/// writes the files, and hands over the records that are to be written.
pub(crate) fn through<S: Source, D: Document>(
    source: &mut S,
    request: &Request<'_>,
    (conversation, directory): (&Conversation<'_>, &str),
    document: &mut D,
    (known, progress): (&mut Known, &mut Progress),
    each: &mut Record<'_, D>,
) -> Result<(), ExportError<S::Error>> {
    let contact = conversation.contact.id;
    let nothing = Base::default();
    let base = request.base.as_ref().unwrap_or(&nothing);
    let mut marks = Vec::new();
    let mut from = 0;
    while from < conversation.end {
        for numbered in page(source, conversation, from)? {
            let deleted = deleted_at(request, &numbered.1, &numbered.2).is_some();
            if deleted && !D::RESTORABLE {
                continue;
            }
            let judged = judge(request, contact, &numbered, base);
            if !asked(request, &numbered.1) {
                // What the base has of it is there all the same.
                marks.extend(judged.known.then_some(judged.mark));
                marks.extend(judged.file.and_then(|(mark, known)| known.then_some(mark)));
                continue;
            }
            marks.push(judged.mark);
            let mut placed = None;
            match judged.file {
                Some((mark, true)) => marks.push(mark),
                Some((mark, false)) => {
                    let mut desk = Desk {
                        request,
                        directory,
                        progress,
                    };
                    placed = desk.attach(source, document, &numbered)?;
                    marks.extend(placed.is_some().then_some(mark));
                }
                None => {}
            }
            if !judged.known || placed.is_some() {
                let line = match &placed {
                    Some(_) => jsonl::line(&jsonl::message(request, &numbered, placed.as_ref())),
                    None => judged.line,
                };
                each(document, &numbered, &line, placed, progress).map_err(ExportError::Write)?;
                progress.messages += u64::from(!deleted);
            }
            source.progress(progress).map_err(ExportError::Source)?;
        }
        progress.looked_at += PAGE.min(conversation.end - from);
        source.progress(progress).map_err(ExportError::Source)?;
        from += PAGE;
    }
    known.note(contact, marks);
    Ok(())
}

/// A message held against what is there already.
struct Judged {
    /// Its record's line, without the place of its file.
    line: String,
    mark: Mark,
    known: bool,
    /// Its file, if it is to be written, and whether it is there already.
    file: Option<(Mark, bool)>,
}

impl Judged {
    /// Whether something of it is to be written.
    fn is_new(&self) -> bool {
        !self.known || self.file.is_some_and(|(_, known)| !known)
    }
}

fn judge(request: &Request<'_>, contact: ContactId, numbered: &Numbered, base: &Base) -> Judged {
    let line = jsonl::line(&jsonl::message(request, numbered, None));
    let mark = known::record(line.trim_end().as_bytes());
    let (_, message, amendments) = numbered;
    let file = amendments
        .file()
        .filter(|file| request.files && file.kept.is_some() && message.kind == Kind::File)
        .filter(|_| deleted_at(request, message, amendments).is_none())
        .map(|file| {
            let mark = known::file(&message.id, &file.root);
            (mark, base.known.has(contact, &mark))
        });
    Judged {
        line,
        mark,
        known: base.known.has(contact, &mark),
        file,
    }
}

fn page<S: Source>(
    source: &mut S,
    conversation: &Conversation<'_>,
    from: u64,
) -> Result<Vec<Numbered>, ExportError<S::Error>> {
    let contact = conversation.contact.id;
    let mut page = source.page(contact, from).map_err(ExportError::Source)?;
    page.retain(|(seq, ..)| (from..conversation.end).contains(seq));
    Ok(page)
}

/// Whether a message was stored within the time that was asked for.
fn asked(request: &Request<'_>, message: &Message) -> bool {
    let at = message.stored_at_ms;
    request.since_ms.is_none_or(|since| at >= since)
        && request.until_ms.is_none_or(|until| at <= until)
}

/// When a message was deleted, or disappeared by itself.
pub(crate) fn deleted_at(
    request: &Request<'_>,
    message: &Message,
    amendments: &Amendments,
) -> Option<u64> {
    let expired = message.expires_at_ms.filter(|at| *at <= request.now_ms);
    amendments.deleted_at_ms().or(expired)
}

/// Places to look at in all.
fn places(conversations: &[Conversation<'_>]) -> Progress {
    Progress {
        places: conversations.iter().map(|one| one.end).sum(),
        ..Progress::default()
    }
}
