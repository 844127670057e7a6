//! PostgreSQL's own full-text search: a `tsvector` made of words with their places, and a GIN index
//! over it.

use std::collections::BTreeMap;
use std::fmt::Write;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Integer, Text};
use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use tertulia_domain::{ChannelId, MessageId};

use crate::Error;
use crate::fulltext::{
    CHUNK_BITS, Clause, Entry, MANY, Matching, Phrase, Proposed, ProposedRow, tag,
};
use crate::schema::search_entries;
use crate::types::{DbUuid, Id};

/// Entries of these chunks below a number that the index proposes, the newest first.
pub(crate) async fn candidates(
    conn: &mut AsyncPgConnection,
    matching: &Matching,
    chunks: &[i64],
    below: i64,
    limit: i64,
) -> Result<Vec<Proposed>, Error> {
    let asked = Candidates { matching: expression(matching, chunks), below, limit };
    let rows: Vec<ProposedRow> = asked.load(conn).await?;
    Ok(rows.into_iter().map(|(no, message, channel)| (no, message.0, channel.0)).collect())
}

/// Adds entries.
pub(crate) async fn add(conn: &mut AsyncPgConnection, entries: &[Entry]) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut new = InsertEntries::default();
    for entry in entries {
        new.no.push(entry.no);
        new.message_id.push(Id(entry.message));
        new.channel_id.push(Id(entry.channel));
        new.version.push(entry.version);
        new.words.push(vector(entry.no, &entry.document));
    }
    new.execute(conn).await?;
    Ok(())
}

/// Forgets entries.
pub(crate) async fn remove(conn: &mut AsyncPgConnection, numbers: &[i64]) -> Result<(), Error> {
    if numbers.is_empty() {
        return Ok(());
    }
    let gone = search_entries::table.filter(search_entries::no.eq_any(numbers));
    diesel::delete(gone).execute(conn).await?;
    Ok(())
}

/// Words have no quotes or backslashes; marks no place.
fn vector(no: i64, document: &str) -> String {
    let tag = tag(no >> CHUNK_BITS);
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut place = 0;
    for word in document.split(' ') {
        let known = places.entry(word).or_default();
        if !word.starts_with('_') {
            place += 1;
            known.push(place);
        }
    }
    let mut vector = String::with_capacity(document.len() * 2);
    for (word, places) in places {
        let _ = write!(vector, "'{tag}{word}'");
        // More than 255 are cut off anyway.
        for (at, place) in places.into_iter().take(255).enumerate() {
            let _ = write!(vector, "{}{place}", if at == 0 { ':' } else { ',' });
        }
        vector.push(' ');
    }
    vector
}

fn expression(matching: &Matching, chunks: &[i64]) -> String {
    let of_chunk = |chunk: &i64| {
        let tag = tag(*chunk);
        let clause = |clause: &Clause| match clause {
            Clause::Phrase(words) => phrase(&tag, words),
            Clause::Any(marks) => {
                let marks: Vec<_> = marks.iter().map(|mark| format!("'{tag}{mark}'")).collect();
                format!("({})", marks.join("|"))
            }
        };
        let all = matching.all.iter().map(clause);
        let none = matching.none.iter().map(|words| format!("!{}", side_by_side(&tag, words)));
        format!("({})", all.chain(none).collect::<Vec<_>>().join("&"))
    };
    chunks.iter().map(of_chunk).collect::<Vec<_>>().join("|")
}

/// Words side by side, or just together where not all of their places are known.
fn phrase(tag: &str, phrase: &Phrase) -> String {
    if phrase.words.len() == 1 {
        return side_by_side(tag, phrase);
    }
    let near = side_by_side(tag, phrase);
    format!("({near}|({}&'{tag}{MANY}'))", joined(tag, phrase, "&"))
}

fn side_by_side(tag: &str, phrase: &Phrase) -> String {
    format!("({})", joined(tag, phrase, "<->"))
}

fn joined(tag: &str, Phrase { words, prefix }: &Phrase, by: &str) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("'{tag}{word}'")).collect();
    format!("{}{}", words.join(by), if *prefix { ":*" } else { "" })
}

struct Candidates {
    matching: String,
    below: i64,
    limit: i64,
}

/// An array a column: one text for any number of entries.
#[derive(Default)]
struct InsertEntries {
    no: Vec<i64>,
    message_id: Vec<Id<MessageId>>,
    channel_id: Vec<Id<ChannelId>>,
    version: Vec<i32>,
    words: Vec<String>,
}

impl QueryFragment<Pg> for Candidates {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // MATERIALIZED: the words come first, however few entries the planner thinks there are.
        out.push_sql(
            "WITH found AS MATERIALIZED (SELECT no, message_id, channel_id FROM search_entries \
             WHERE words @@ ",
        );
        out.push_bind_param::<Text, _>(&self.matching)?;
        out.push_sql("::text::tsquery) SELECT no, message_id, channel_id FROM found WHERE no < ");
        out.push_bind_param::<BigInt, _>(&self.below)?;
        out.push_sql(" ORDER BY no DESC LIMIT ");
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

impl<Conn> diesel::RunQueryDsl<Conn> for Candidates {}

impl QueryFragment<Pg> for InsertEntries {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO search_entries (no, message_id, channel_id, version, words) \
             SELECT no, message_id, channel_id, version, words::tsvector FROM UNNEST(",
        );
        out.push_bind_param::<Array<BigInt>, _>(&self.no)?;
        out.push_sql(",");
        out.push_bind_param::<Array<DbUuid>, _>(&self.message_id)?;
        out.push_sql(",");
        out.push_bind_param::<Array<DbUuid>, _>(&self.channel_id)?;
        out.push_sql(",");
        out.push_bind_param::<Array<Integer>, _>(&self.version)?;
        out.push_sql(",");
        out.push_bind_param::<Array<Text>, _>(&self.words)?;
        out.push_sql(") AS v (no, message_id, channel_id, version, words)");
        Ok(())
    }
}

impl QueryId for InsertEntries {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<Conn> diesel::RunQueryDsl<Conn> for InsertEntries {}
