//! Through a conversation from its oldest message on, a page at a time.

use solo2_store::{Contact, ContactId};

use crate::{ExportError, Numbered, PAGE, Progress, Request, Source};

/// Settings of a contact that are no secret and mean something elsewhere.
pub(crate) const SETTINGS: [&str; 5] = ["max-file", "profile", "receipts", "route", "strict"];

/// One conversation, and how long it was when the export began: what arrives
/// meanwhile is for the next one.
pub(crate) struct Conversation<'a> {
    pub(crate) contact: &'a Contact,
    /// The number behind the newest message.
    pub(crate) end: u64,
}

/// Every conversation that was asked for, in the contacts' order.
pub(crate) fn conversations<'a, S: Source>(
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

/// What is done with one message.
pub(crate) type Each<'a, E> = dyn FnMut(&Numbered) -> Result<(), ExportError<E>> + 'a;

/// Calls `each` for every message of a conversation that belongs into the document.
pub(crate) fn messages<S: Source>(
    source: &mut S,
    request: &Request<'_>,
    conversation: &Conversation<'_>,
    each: &mut Each<'_, S::Error>,
) -> Result<(), ExportError<S::Error>> {
    let mut from = 0;
    while from < conversation.end {
        for numbered in page(source, request, conversation.contact.id, from)? {
            if numbered.0 < conversation.end {
                each(&numbered)?;
            }
        }
        from += PAGE;
    }
    Ok(())
}

/// The messages of one page that belong into the document.
pub(crate) fn page<S: Source>(
    source: &mut S,
    request: &Request<'_>,
    contact: ContactId,
    from: u64,
) -> Result<Vec<Numbered>, ExportError<S::Error>> {
    let mut page = source.page(contact, from).map_err(ExportError::Source)?;
    page.retain(|numbered| numbered.0 >= from && belongs(request, numbered));
    Ok(page)
}

/// Neither deleted nor expired, and within the time that was asked for.
fn belongs(request: &Request<'_>, (_, message, amendments): &Numbered) -> bool {
    let expired = message.expires_at_ms.is_some_and(|at| at <= request.now_ms);
    let at = message.stored_at_ms;
    amendments.deleted_at_ms().is_none()
        && !expired
        && request.since_ms.is_none_or(|since| at >= since)
        && request.until_ms.is_none_or(|until| at <= until)
}

/// Places to look at in all.
pub(crate) fn places(conversations: &[Conversation<'_>]) -> Progress {
    Progress {
        places: conversations.iter().map(|one| one.end).sum(),
        ..Progress::default()
    }
}
