//! FTS5. The index keeps no texts: to forget an entry it is told its words again.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use diesel::{RunQueryDsl, SqliteConnection};

use crate::Error;
use crate::fulltext::{CHUNK_BITS, Clause, Entry, Matching, Phrase, Proposed, ProposedRow, tag};
use crate::types::{DbUuid, Id};

diesel::table! {
    use diesel::sql_types::{BigInt, Integer, Text};
    use crate::types::DbUuid;

    search_entries (no) {
        no -> BigInt,
        message_id -> DbUuid,
        channel_id -> DbUuid,
        version -> Integer,
        words -> Text,
    }
}

diesel::table! {
    search_words (rowid) {
        rowid -> BigInt,
        words -> Text,
        #[sql_name = "search_words"]
        command -> Text,
    }
}

/// Entries of these chunks below a number that the index proposes, the newest first.
pub(crate) fn candidates(
    conn: &mut SqliteConnection,
    matching: &Matching,
    chunks: &[i64],
    below: i64,
    limit: i64,
) -> std::future::Ready<Result<Vec<Proposed>, Error>> {
    let asked = Candidates { matching: expression(matching, chunks), below, limit };
    let found: QueryResult<Vec<ProposedRow>> = asked.load(conn);
    let found = found.map(|rows| {
        rows.into_iter().map(|(no, message, channel)| (no, message.0, channel.0)).collect()
    });
    std::future::ready(found.map_err(Error::from))
}

/// Adds entries.
pub(crate) fn add(
    conn: &mut SqliteConnection,
    entries: &[Entry],
) -> std::future::Ready<Result<(), Error>> {
    std::future::ready(entries.iter().try_for_each(|entry| {
        diesel::insert_into(search_entries::table)
            .values((
                search_entries::no.eq(entry.no),
                search_entries::message_id.eq(Id(entry.message)),
                search_entries::channel_id.eq(Id(entry.channel)),
                search_entries::version.eq(entry.version),
                search_entries::words.eq(&entry.document),
            ))
            .execute(conn)?;
        diesel::insert_into(search_words::table)
            .values((
                search_words::rowid.eq(entry.no),
                search_words::words.eq(tagged(entry.no, &entry.document)),
            ))
            .execute(conn)?;
        Ok(())
    }))
}

/// Forgets entries.
pub(crate) fn remove(
    conn: &mut SqliteConnection,
    numbers: &[i64],
) -> std::future::Ready<Result<(), Error>> {
    std::future::ready(numbers.iter().try_for_each(|no| {
        let entry = search_entries::table.find(*no);
        let words: String = entry.select(search_entries::words).get_result(conn)?;
        diesel::insert_into(search_words::table)
            .values((
                search_words::command.eq("delete"),
                search_words::rowid.eq(*no),
                search_words::words.eq(tagged(*no, &words)),
            ))
            .execute(conn)?;
        diesel::delete(entry).execute(conn)?;
        Ok(())
    }))
}

fn tagged(no: i64, document: &str) -> String {
    let tag = tag(no >> CHUNK_BITS);
    let mut text = String::with_capacity(document.len() * 2);
    for word in document.split(' ') {
        text.push_str(&tag);
        text.push_str(word);
        text.push(' ');
    }
    text
}

fn expression(matching: &Matching, chunks: &[i64]) -> String {
    let of_chunk = |chunk: &i64| {
        let tag = tag(*chunk);
        let clause = |clause: &Clause| match clause {
            Clause::Phrase(words) => phrase(&tag, words),
            Clause::Any(marks) => {
                let marks: Vec<_> = marks.iter().map(|mark| format!("\"{tag}{mark}\"")).collect();
                format!("({})", marks.join(" OR "))
            }
        };
        let all = matching.all.iter().map(clause).collect::<Vec<_>>().join(" AND ");
        if matching.none.is_empty() {
            return format!("({all})");
        }
        let none: Vec<_> = matching.none.iter().map(|words| phrase(&tag, words)).collect();
        format!("(({all}) NOT ({}))", none.join(" OR "))
    };
    chunks.iter().map(of_chunk).collect::<Vec<_>>().join(" OR ")
}

fn phrase(tag: &str, Phrase { words, prefix }: &Phrase) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("{tag}{word}")).collect();
    format!("\"{}\"{}", words.join(" "), if *prefix { " *" } else { "" })
}

struct Candidates {
    matching: String,
    below: i64,
    limit: i64,
}

impl QueryFragment<Sqlite> for Candidates {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        // CROSS: the words come first.
        out.push_sql(
            "SELECT e.no, e.message_id, e.channel_id FROM search_words AS w \
             CROSS JOIN search_entries AS e ON e.no = w.rowid WHERE w.search_words MATCH ",
        );
        out.push_bind_param::<Text, _>(&self.matching)?;
        out.push_sql(" AND w.rowid < ");
        out.push_bind_param::<BigInt, _>(&self.below)?;
        out.push_sql(" ORDER BY w.rowid DESC LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

impl Query for Candidates {
    type SqlType = (BigInt, DbUuid, DbUuid);
}

impl QueryId for Candidates {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl RunQueryDsl<SqliteConnection> for Candidates {}
