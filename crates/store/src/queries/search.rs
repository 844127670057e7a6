//! Searching, a bounded piece at a time. The index proposes messages, the newest first; each is held
//! against what its channel, its reader's place there, and the message itself are in the same
//! snapshot. What may not be read, or says something else by now, is as if it had not been proposed.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use tertulia_domain::policy::Standing;
use tertulia_domain::{
    Channel, ChannelId, ChannelKind, Member, MemberState, Message, MessageKind, SearchHit,
    SearchQuery, Span, UserId,
};
use uuid::Uuid;

use super::messages::views;
use super::{Conn, RunQueryDsl, files, fulltext};
use crate::fragment::KeyIn;
use crate::fulltext::{CHUNK_BITS, Matching, Proposed, Within};
use crate::rows::{ChannelRow, MemberRow, MessageRow, channel_kind_code, member_state_code};
use crate::schema::{channels, members, messages, search_chunks, users};
use crate::types::{At, Id};
use crate::{Error, Found, Search};

/// Entries that are asked for at first, and where most of them were not to be found.
const FIRST: i64 = 128;
const MORE: i64 = 1024;

/// Entries in one piece, about.
const MAX_EXAMINED: i64 = 1024;

/// Questions to the index in one piece.
const MAX_QUESTIONS: usize = 8;

/// Chunks in one question, and words in all of them.
const MAX_CHUNKS: usize = 32;
const MAX_WORDS: usize = 512;

/// Who is in at most so many channels that are not public has the index look only there, and in what
/// is public: what others say to each other is not even looked at, so that no question takes longer
/// by it. To look for each in a chunk takes some 10 µs.
const FEW: i64 = 128;

/// Channels that a name may mean.
const MAX_NAMED: i64 = 100;

const JOINED: i16 = member_state_code(MemberState::Joined);
const PUBLIC: i16 = channel_kind_code(ChannelKind::Public);

/// A piece of what a person may read and is looked for. Needs one snapshot.
pub(crate) async fn find(conn: &mut Conn, search: Search) -> Result<Found, Error> {
    let nothing = Found { hits: Vec::new(), below: None };
    let query = &*search.query;
    let authors = authors(conn, query).await?;
    if authors.is_empty() && !query.from.is_empty() {
        return Ok(nothing);
    }
    let mut look = Look { search: &search, authors, within: Vec::new(), places: HashMap::new() };
    let within = if query.within.is_empty() {
        match few_joined(conn, search.user).await? {
            Some(few) => Within::TheseAndPublic(few),
            // Each message that is proposed is looked at.
            None => Within::All,
        }
    } else {
        let named = within(conn, query, search.user).await?;
        look.within = look.readable(conn, named).await?;
        if look.within.is_empty() {
            return Ok(nothing);
        }
        Within::These(look.within.clone())
    };
    let matching = Matching::new(query, &look.authors, &within);

    let mut hits = Vec::new();
    let mut below = search.below;
    let mut examined = 0;
    let mut chunks = 1;
    for _ in 0..MAX_QUESTIONS {
        let some = chunks_below(conn, query, below, chunks).await?;
        let Some(last) = some.last() else { return found(conn, &search, hits, None).await };
        let limit = if examined == 0 { FIRST } else { MORE };
        let proposed = fulltext::candidates(conn, &matching, &some, below, limit).await?;
        let count = i64::try_from(proposed.len()).unwrap_or(limit);
        examined += count;
        let reached = match proposed.last() {
            Some((no, ..)) if count == limit => *no,
            _ => last << CHUNK_BITS,
        };
        // What was not looked at is proposed again.
        below = look.check(conn, proposed, &mut hits).await?.unwrap_or(reached);
        if hits.len() >= search.want || examined >= MAX_EXAMINED {
            break;
        }
        // Where little is found, more may be looked through at once.
        let most = (MAX_WORDS / matching.weight().max(1)).clamp(1, MAX_CHUNKS);
        chunks = if count < FIRST { (chunks * 4).min(most) } else { 1 };
    }
    found(conn, &search, hits, Some(below)).await
}

async fn found(
    conn: &mut Conn,
    search: &Search,
    hits: Vec<Hit>,
    below: Option<i64>,
) -> Result<Found, Error> {
    let (numbers, rest): (Vec<_>, Vec<_>) =
        hits.into_iter().map(|hit| (hit.no, (hit.message, hit.matches))).unzip();
    let (messages, matches): (Vec<_>, Vec<_>) = rest.into_iter().unzip();
    let views = views(conn, messages, search.user).await?;
    let hits = views.into_iter().zip(matches);
    let hits = hits.map(|(message, matches)| SearchHit { message, matches });
    Ok(Found { hits: numbers.into_iter().zip(hits).collect(), below })
}

struct Hit {
    no: i64,
    message: Message,
    matches: Vec<Span>,
}

/// One person's look at what is proposed.
struct Look<'a> {
    search: &'a Search,
    authors: Vec<UserId>,
    within: Vec<ChannelId>,
    /// Which channels may be read.
    places: HashMap<ChannelId, bool>,
}

impl Look<'_> {
    /// Keeps what is to be found, until there is enough: then the number of the last hit.
    async fn check(
        &mut self,
        conn: &mut Conn,
        proposed: Vec<Proposed>,
        hits: &mut Vec<Hit>,
    ) -> Result<Option<i64>, Error> {
        self.load_places(conn, proposed.iter().map(|(_, _, channel)| *channel)).await?;
        let readable = |(_, _, channel): &Proposed| self.places.get(channel) == Some(&true);
        let readable: Vec<Proposed> = proposed.into_iter().filter(readable).collect();
        let mut rest = readable.as_slice();
        while !rest.is_empty() {
            let missing = self.search.want.saturating_sub(hits.len());
            if missing == 0 {
                return Ok(hits.last().map(|hit| hit.no));
            }
            let (some, others) = rest.split_at(rest.len().min(missing + 8));
            rest = others;
            self.keep(conn, some, hits).await?;
        }
        Ok(None)
    }

    /// Those of some channels that may be read.
    async fn readable(
        &mut self,
        conn: &mut Conn,
        mut channels: Vec<ChannelId>,
    ) -> Result<Vec<ChannelId>, Error> {
        self.load_places(conn, channels.iter().copied()).await?;
        channels.retain(|channel| self.places.get(channel) == Some(&true));
        Ok(channels)
    }

    /// Keeps those of these that say what is looked for.
    async fn keep(
        &self,
        conn: &mut Conn,
        some: &[Proposed],
        hits: &mut Vec<Hit>,
    ) -> Result<(), Error> {
        let query = &*self.search.query;
        let rows: Vec<MessageRow> = messages::table
            .filter(KeyIn::ids("id", some.iter().map(|(_, id, _)| *id)))
            .filter(messages::deleted_at.is_null())
            .select(MessageRow::as_select())
            .load(conn)
            .await?;
        let mut found = HashMap::new();
        for message in files::messages_of(conn, rows).await? {
            if self.is_asked_for(&message)
                && let Some(matches) = query.matches(&message.content)
            {
                found.insert(message.id, (message, matches));
            }
        }
        for (no, id, _) in some {
            if let Some((message, matches)) = found.remove(id) {
                hits.push(Hit { no: *no, message, matches });
            }
        }
        Ok(())
    }

    fn is_asked_for(&self, message: &Message) -> bool {
        let query = &*self.search.query;
        message.kind != MessageKind::System
            // A channel is read by the row of the message, whatever the index says.
            && self.places.get(&message.channel_id) == Some(&true)
            && (query.from.is_empty() || self.authors.contains(&message.author_id))
            && (query.within.is_empty() || self.within.contains(&message.channel_id))
            && query.before.is_none_or(|before| message.created_at < before)
            && query.since.is_none_or(|since| message.created_at >= since)
            && (!query.has_file || message.kind == MessageKind::File)
    }

    async fn load_places(
        &mut self,
        conn: &mut Conn,
        channels: impl Iterator<Item = ChannelId>,
    ) -> Result<(), Error> {
        let unknown: HashSet<ChannelId> =
            channels.filter(|channel| !self.places.contains_key(channel)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let of_reader =
            members::channel_id.eq(channels::id).and(members::user_id.eq(Id(self.search.user)));
        let rows: Vec<(ChannelRow, Option<MemberRow>)> = channels::table
            .left_join(members::table.on(of_reader))
            .filter(KeyIn::ids("channels.id", unknown))
            .select((ChannelRow::as_select(), Option::<MemberRow>::as_select()))
            .load(conn)
            .await?;
        for (channel, member) in rows {
            let channel = Channel::try_from(channel)?;
            let member = member.map(Member::try_from).transpose()?;
            let standing = Standing::new(&channel, member.as_ref(), self.search.now);
            self.places.insert(channel.id, standing.may_read());
        }
        Ok(())
    }
}

/// The chunks below a number in which there can be anything, the newest first.
async fn chunks_below(
    conn: &mut Conn,
    query: &SearchQuery,
    below: i64,
    limit: usize,
) -> Result<Vec<i64>, Error> {
    let mut chunks = search_chunks::table
        .filter(search_chunks::chunk.le((below - 1) >> CHUNK_BITS))
        .order(search_chunks::chunk.desc())
        .limit(i64::try_from(limit).unwrap_or(1))
        .select(search_chunks::chunk)
        .into_boxed();
    if let Some(before) = query.before {
        chunks = chunks.filter(search_chunks::oldest.lt(At(before)));
    }
    if let Some(since) = query.since {
        chunks = chunks.filter(search_chunks::newest.ge(At(since)));
    }
    Ok(chunks.load(conn).await?)
}

/// Who is meant by `from:`.
async fn authors(conn: &mut Conn, query: &SearchQuery) -> Result<Vec<UserId>, Error> {
    if query.from.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<Id<UserId>> = users::table
        .filter(users::username_key.eq_any(&query.from))
        .select(users::id)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|id| id.0).collect())
}

/// Which channels are meant by `in:`; by a name, those that one is in and public ones.
async fn within(
    conn: &mut Conn,
    query: &SearchQuery,
    user: UserId,
) -> Result<Vec<ChannelId>, Error> {
    let named = &query.within;
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let ids = named.iter().filter_map(|name| Uuid::parse_str(name).ok()).map(ChannelId::from);
    let mut found: Vec<ChannelId> = ids.collect();
    let public: Vec<Id<ChannelId>> = channels::table
        .filter(channels::name_key.eq_any(named))
        .filter(channels::kind.eq(PUBLIC))
        .filter(channels::deleted_at.is_null())
        .limit(MAX_NAMED)
        .select(channels::id)
        .load(conn)
        .await?;
    let own: Vec<Id<ChannelId>> = members::table
        .inner_join(channels::table.on(channels::id.eq(members::channel_id)))
        .filter(members::user_id.eq(Id(user)))
        .filter(members::state.eq(JOINED))
        .filter(channels::name_key.eq_any(named))
        .filter(channels::kind.ne(PUBLIC))
        .limit(MAX_NAMED)
        .select(channels::id)
        .load(conn)
        .await?;
    found.extend(public.into_iter().chain(own).map(|id| id.0));
    Ok(found)
}

/// The channels that somebody is in and that are not public; `None` when there are many.
async fn few_joined(conn: &mut Conn, user: UserId) -> Result<Option<Vec<ChannelId>>, Error> {
    let own: Vec<Id<ChannelId>> = members::table
        .inner_join(channels::table.on(channels::id.eq(members::channel_id)))
        .filter(members::user_id.eq(Id(user)))
        .filter(members::state.eq(JOINED))
        .filter(channels::kind.ne(PUBLIC))
        .filter(channels::deleted_at.is_null())
        .limit(FEW + 1)
        .select(members::channel_id)
        .load(conn)
        .await?;
    let is_few = i64::try_from(own.len()).is_ok_and(|count| count <= FEW);
    Ok(is_few.then(|| own.into_iter().map(|id| id.0).collect()))
}
