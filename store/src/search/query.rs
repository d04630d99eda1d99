//! A query: words that a message must all have, words in a row, beginnings of words.
//!
//! ```text
//! query  = *( phrase / word )         separated by spaces, all of them must fit
//! phrase = DQUOTE text DQUOTE [ "*" ]
//! word   = text without spaces [ "*" ]        user@example.com is three units in a row
//! ```
//! A star asks for any word that begins so.

use std::ops::Range;

use super::text::{self, Units};

/// Units that one query may have.
const MAX_UNITS: usize = 64;
/// Shortest beginning of a word that may be asked for, in characters.
const MIN_PREFIX: usize = 2;

/// What is looked for.
pub struct Query {
    pub(crate) clauses: Vec<Clause>,
}

/// Units that must stand in a row.
pub(crate) struct Clause {
    pub(crate) units: Units,
    /// The last unit is the beginning of a word.
    pub(crate) prefix: bool,
    /// If all of it is a telephone number: its digits, which will do as well.
    pub(crate) phone: Option<String>,
}

/// Why a query is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A quotation mark has no partner.
    #[error("a quotation mark is not closed")]
    OpenQuote,
    /// Punctuation alone.
    #[error("there is no word in a part of the query")]
    NoWord,
    /// `a*`.
    #[error("the beginning of a word takes {MIN_PREFIX} characters or more before the *")]
    ShortPrefix,
    /// More than anybody types.
    #[error("the query has more than {MAX_UNITS} words")]
    TooLong,
}

impl Query {
    /// Reads a query; one of spaces alone fits everything.
    ///
    /// # Errors
    ///
    /// [`QueryError`] says which part is not one.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut clauses = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (part, behind) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or(QueryError::OpenQuote)?,
                None => {
                    let end = rest.find(|c: char| c.is_whitespace() || c == '"');
                    rest.split_at(end.unwrap_or(rest.len()))
                }
            };
            let (starred, behind) = match behind.strip_prefix('*') {
                Some(behind) => (true, behind),
                None => (false, behind),
            };
            clauses.push(Clause::of(part, starred)?);
            rest = behind.trim_start();
        }
        if clauses
            .iter()
            .map(|clause| clause.units.len())
            .sum::<usize>()
            > MAX_UNITS
        {
            return Err(QueryError::TooLong);
        }
        Ok(Self { clauses })
    }

    /// Whether it asks for no word at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    /// Whether `body` has everything; where the first clause stands in it.
    pub(crate) fn fits(&self, body: &str) -> Option<Range<usize>> {
        if self.is_empty() {
            return Some(0..0);
        }
        let units = Units::of(body);
        let mut place = None;
        for clause in &self.clauses {
            let at = clause.fits(&units, body)?;
            place.get_or_insert(at);
        }
        place
    }
}

impl Clause {
    fn of(part: &str, starred: bool) -> Result<Self, QueryError> {
        let (bare, inner) = match part.strip_suffix('*') {
            Some(bare) => (bare, true),
            None => (part, false),
        };
        let units = Units::of(bare);
        let last = units
            .len()
            .checked_sub(1)
            .and_then(|last| units.get(last))
            .ok_or(QueryError::NoWord)?;
        // What follows a character of a script without spaces is another unit.
        let prefix = (starred || inner) && !last.gram;
        if prefix && last.text.chars().count() < MIN_PREFIX {
            return Err(QueryError::ShortPrefix);
        }
        let is_number = |c: char| c.is_ascii_digit() || " -./()+\u{a0}".contains(c);
        let phone = (!starred && !inner && bare.chars().all(is_number))
            .then(|| {
                bare.chars()
                    .filter(char::is_ascii_digit)
                    .collect::<String>()
            })
            .and_then(|digits| text::phone(&digits));
        Ok(Self {
            units,
            prefix,
            phone,
        })
    }

    fn fits(&self, units: &Units, body: &str) -> Option<Range<usize>> {
        let starts = (units.len() + 1).saturating_sub(self.units.len());
        let found = (0..starts).find(|from| self.fits_at(units, *from));
        if let Some(from) = found {
            return Some(units.place(from, from + self.units.len() - 1));
        }
        let phone = self.phone.as_ref()?;
        text::phones(body).contains(phone).then_some(0..0)
    }

    fn fits_at(&self, units: &Units, from: usize) -> bool {
        let last = self.units.len() - 1;
        self.units.iter().enumerate().all(|(at, wanted)| {
            units.get(from + at).is_some_and(|found| {
                let reads = if self.prefix && at == last {
                    !found.gram && found.text.starts_with(wanted.text)
                } else {
                    found.text == wanted.text
                };
                reads && (at == 0 || !(wanted.gram && wanted.glued) || found.glued)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(query: &str, body: &str) -> bool {
        Query::parse(query).unwrap().fits(body).is_some()
    }

    #[test]
    fn every_word_must_be_there_and_a_phrase_in_order() {
        let body = "The backup of the server failed: Backup-Server, see https://example.com/a?b";
        for query in [
            "backup failed",
            "FAILED backup",
            "\"server failed\"",
            "\"backup of the\" see",
            "serv*",
            "example.com",
            "https://example.com/a",
            "\"the serv\"*",
            "backup-server",
            "",
        ] {
            assert!(fits(query, body), "{query}");
        }
        for query in [
            "backups",
            "\"failed server\"",
            "serv",
            "\"backup failed\"",
            "back server-backup",
            "xserv*",
        ] {
            assert!(!fits(query, body), "{query}");
        }
    }

    #[test]
    fn a_word_of_a_script_without_spaces_is_found_inside_others() {
        let body = "明日、東京都庁へ行きます";
        assert!(fits("東京", body) && fits("京都", body) && fits("庁", body));
        assert!(!fits("都東", body) && !fits("日東", body));
        assert!(fits("ประเทศ", "ในประเทศไทย"));
    }

    #[test]
    fn a_telephone_number_is_found_however_it_is_grouped() {
        let body = "mine is +49 171 234-5678";
        assert!(fits("00491712345678", body) && fits("\"171 234\"", body));
        assert!(fits("\"+49 171 2345678\"", body));
        assert!(!fits("491712345679", body));
    }

    #[test]
    fn the_place_is_that_of_the_first_clause() {
        let body = "Über die Straße";
        let place = Query::parse("strasse uber").unwrap().fits(body).unwrap();
        assert_eq!(&body[place], "Straße");
    }

    #[test]
    fn what_is_no_query_says_why() {
        for (text, error) in [
            ("\"abc", QueryError::OpenQuote),
            ("abc ...", QueryError::NoWord),
            ("*", QueryError::NoWord),
            ("a*", QueryError::ShortPrefix),
            (&"a ".repeat(65), QueryError::TooLong),
        ] {
            assert_eq!(Query::parse(text).err(), Some(error), "{text}");
        }
    }
}
