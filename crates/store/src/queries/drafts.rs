//! What people have begun to write.

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::upsert::excluded;
use tertulia_domain::{
    Body, ChannelId, Draft, DraftNeeds, FoundDrafts, MemberState, MessageId, Page, PageRequest,
    UserId,
};
use uuid::Uuid;

use super::{Conn, RunQueryDsl};
use crate::fragment::KeyIn;
use crate::rows::{DraftRow, all, answered, member_state_code};
use crate::schema::{channels, drafts, members};
use crate::types::Id;
use crate::{Error, MAX_BEHIND};

const JOINED: i16 = member_state_code(MemberState::Joined);

/// Loads what a batch needs of drafts, under the locks of their people's feeds.
pub(super) async fn load(conn: &mut Conn, needs: DraftNeeds) -> Result<FoundDrafts, Error> {
    let DraftNeeds { keys, places, writers } = needs;
    let mut found = FoundDrafts::default();
    if !keys.is_empty() {
        let keys = keys
            .iter()
            .map(|key| [key.user.uuid(), key.channel.uuid(), answered(key.reply_to).uuid()]);
        let rows: Vec<DraftRow> = drafts::table
            .filter(KeyIn::new("(user_id, channel_id, reply_to)", keys))
            .select(DraftRow::as_select())
            .load(conn)
            .await?;
        found.drafts = all(rows)?;
    }
    if !places.is_empty() {
        let keys = places.iter().map(|(user, channel)| [user.uuid(), channel.uuid()]);
        let rows: Vec<DraftRow> = drafts::table
            .filter(KeyIn::new("(user_id, channel_id)", keys))
            .filter(drafts::written.eq(1))
            .select(DraftRow::as_select())
            .load(conn)
            .await?;
        found.drafts.extend(all::<_, Draft>(rows)?);
    }
    if !writers.is_empty() {
        let rows: Vec<(Id<UserId>, i64)> = drafts::table
            .filter(KeyIn::ids("user_id", writers))
            .filter(drafts::written.eq(1))
            .group_by(drafts::user_id)
            .select((drafts::user_id, count_star()))
            .load(conn)
            .await?;
        found.counts = rows.into_iter().map(|(user, count)| (user.0, count)).collect();
    }
    Ok(found)
}

/// Writes what a batch decided. Emptied ones that no client can ask for any more, since so much has
/// happened in its person's feed that it begins anew, go: a person has at most as many as that.
pub(super) async fn write(conn: &mut Conn, changed: Vec<Draft>) -> Result<(), Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let emptied: Vec<_> =
        changed.iter().filter(|it| it.is_empty()).map(|it| (it.user, it.rev)).collect();
    let rows: Vec<DraftRow> = changed.into_iter().map(DraftRow::from).collect();
    diesel::insert_into(drafts::table)
        .values(rows)
        .on_conflict((drafts::user_id, drafts::channel_id, drafts::reply_to))
        .do_update()
        .set((
            drafts::content.eq(excluded(drafts::content)),
            drafts::attachments.eq(excluded(drafts::attachments)),
            drafts::written.eq(excluded(drafts::written)),
            drafts::updated_at.eq(excluded(drafts::updated_at)),
            drafts::user_rev.eq(excluded(drafts::user_rev)),
        ))
        .execute(conn)
        .await?;
    for (user, rev) in emptied.into_iter().filter(|(_, rev)| *rev > MAX_BEHIND) {
        let forgotten = drafts::table
            .filter(drafts::user_id.eq(Id(user)))
            .filter(drafts::user_rev.le(rev - MAX_BEHIND))
            .filter(drafts::written.eq(0));
        diesel::delete(forgotten).execute(conn).await?;
    }
    Ok(())
}

/// What somebody has begun to write where they can say it, by channel, the newest first.
pub(crate) async fn of_user(
    conn: &mut Conn,
    user: UserId,
    page: PageRequest,
) -> Result<Page<Draft>, Error> {
    let own = members::channel_id.eq(drafts::channel_id).and(members::user_id.eq(drafts::user_id));
    let mut query = drafts::table
        .inner_join(members::table.on(own))
        .inner_join(channels::table.on(channels::id.eq(drafts::channel_id)))
        .filter(drafts::user_id.eq(Id(user)))
        .filter(drafts::written.eq(1))
        .filter(members::state.eq(JOINED))
        .filter(channels::deleted_at.is_null())
        .order((drafts::channel_id.desc(), drafts::reply_to.desc()))
        .limit(page.limit + 1)
        .select(DraftRow::as_select())
        .into_boxed();
    if let Some((channel, reply_to)) = page.after.as_deref().and_then(key_of) {
        let same = drafts::channel_id.eq(Id(channel)).and(drafts::reply_to.lt(Id(reply_to)));
        query = query.filter(drafts::channel_id.lt(Id(channel)).or(same));
    }
    let rows: Vec<DraftRow> = query.load(conn).await?;
    let key = |draft: &Draft| format!("{} {}", draft.channel_id, answered(draft.reply_to));
    Ok(Page::of(all(rows)?, page.limit, key))
}

fn key_of(text: &str) -> Option<(ChannelId, MessageId)> {
    let (channel, reply_to) = text.split_once(' ')?;
    let id = |text: &str| text.parse::<Uuid>().ok();
    Some((id(channel)?.into(), id(reply_to)?.into()))
}

/// How the drafts of a person stand that changed after `since`. Those of channels that are no more
/// went with them.
pub(super) async fn own_after(
    conn: &mut Conn,
    user: UserId,
    since: i64,
    limit: i64,
) -> Result<Vec<(i64, Body)>, Error> {
    let rows: Vec<DraftRow> = drafts::table
        .inner_join(channels::table.on(channels::id.eq(drafts::channel_id)))
        .filter(drafts::user_id.eq(Id(user)))
        .filter(drafts::user_rev.gt(since))
        .filter(channels::deleted_at.is_null())
        .order(drafts::user_rev)
        .limit(limit)
        .select(DraftRow::as_select())
        .load(conn)
        .await?;
    let changed: Vec<Draft> = all(rows)?;
    Ok(changed.into_iter().map(|draft| (draft.rev, Body::Draft(draft))).collect())
}

/// Forgets all of somebody's.
pub(super) async fn erase(conn: &mut Conn, user: UserId) -> Result<(), Error> {
    let own = drafts::table.filter(drafts::user_id.eq(Id(user)));
    diesel::delete(own).execute(conn).await?;
    Ok(())
}

/// Removes up to `limit` drafts for a deleted channel. How many that were.
pub(super) async fn purge(
    conn: &mut Conn,
    channel: Id<ChannelId>,
    limit: i64,
) -> Result<usize, Error> {
    let some: Vec<(Id<UserId>, Id<MessageId>)> = drafts::table
        .filter(drafts::channel_id.eq(channel))
        .order((drafts::user_id, drafts::reply_to))
        .limit(limit)
        .select((drafts::user_id, drafts::reply_to))
        .load(conn)
        .await?;
    if some.is_empty() {
        return Ok(0);
    }
    let keys = some
        .into_iter()
        .map(|(user, reply_to)| [user.0.uuid(), channel.0.uuid(), reply_to.0.uuid()]);
    let keys = KeyIn::new("(user_id, channel_id, reply_to)", keys);
    Ok(diesel::delete(drafts::table.filter(keys)).execute(conn).await?)
}
