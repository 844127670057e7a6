//! Files: what is known of each, from the first byte that comes to the last that is removed.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use tertulia_domain::{
    Attached, File, FileId, Message, MessageId, MessageKind, StoredFile, Timestamp, UserId,
};

use super::channels::place;
use super::{Conn, RunQueryDsl, claimed, locked};
use crate::fragment::{KeyIn, sql};
use crate::model::{Admission, Deletion, FileContent, FileLimits, NewFile};
use crate::rows::{COMPLETE, FileRow, MessageRow, UPLOADING, all};
use crate::schema::{files, messages, users};
use crate::types::{At, Id};
use crate::{Error, Place};

/// Makes the row of a file that is about to come in, if its owner has room for one more.
pub(crate) async fn begin(
    conn: &mut Conn,
    new: NewFile,
    limits: FileLimits,
) -> Result<Admission, Error> {
    lock_owner(conn, new.owner).await?;
    let unattached: i64 = files::table
        .filter(files::owner_id.eq(Id(new.owner)))
        .filter(files::message_id.is_null())
        .filter(files::deleted_at.is_null())
        .filter(files::avatar.eq(0))
        .select(count_star())
        .get_result(conn)
        .await?;
    if unattached >= limits.unattached && !new.avatar {
        return Ok(Admission::TooMany);
    }
    let room = limits.bytes - used_by(conn, new.owner).await?;
    if room <= 0 {
        return Ok(Admission::Full);
    }
    let row = FileRow {
        id: Id(new.id),
        owner_id: Id(new.owner),
        name: new.name.into_string(),
        size: 0,
        content_type: String::new(),
        sha256: Vec::new(),
        width: None,
        height: None,
        thumbnail: 0,
        state: UPLOADING,
        message_id: None,
        position: 0,
        created_at: At(new.created_at),
        deleted_at: None,
        avatar: i16::from(new.avatar),
    };
    diesel::insert_into(files::table).values(row).execute(conn).await?;
    Ok(Admission::Admitted { room })
}

/// Notes that all bytes are there, if its owner still has room for them. `None` when there is no
/// such file any more, or no room.
pub(crate) async fn complete(
    conn: &mut Conn,
    id: FileId,
    owner: UserId,
    content: FileContent,
    limits: FileLimits,
) -> Result<Option<File>, Error> {
    // Of several that come in at once, each is counted.
    lock_owner(conn, owner).await?;
    if used_by(conn, owner).await? + content.size > limits.bytes {
        return Ok(None);
    }
    let file = files::table
        .filter(files::id.eq(Id(id)))
        .filter(files::state.eq(UPLOADING))
        .filter(files::deleted_at.is_null());
    let updated = diesel::update(file)
        .set((
            files::state.eq(COMPLETE),
            files::size.eq(content.size),
            files::content_type.eq(content.content_type),
            files::sha256.eq(content.sha256.to_vec()),
            files::width.eq(content.width),
            files::height.eq(content.height),
            files::thumbnail.eq(i16::from(content.thumbnail)),
        ))
        .execute(conn)
        .await?;
    if updated == 0 {
        return Ok(None);
    }
    let row: FileRow = files::table
        .filter(files::id.eq(Id(id)))
        .select(FileRow::as_select())
        .get_result(conn)
        .await?;
    Ok(Some(row.try_into()?))
}

pub(super) async fn lock_owner(conn: &mut Conn, owner: UserId) -> Result<(), Error> {
    let _: Option<Id<UserId>> =
        locked!(users::table.filter(users::id.eq(Id(owner))).select(users::id))
            .get_result(conn)
            .await
            .optional()?;
    Ok(())
}

async fn used_by(conn: &mut Conn, owner: UserId) -> Result<i64, Error> {
    // The sum of bigints is no bigint on PostgreSQL.
    Ok(files::table
        .filter(files::owner_id.eq(Id(owner)))
        .filter(files::deleted_at.is_null())
        .select(sql::<BigInt>("CAST(COALESCE(SUM(size), 0) AS BIGINT)"))
        .get_result(conn)
        .await?)
}

/// A file, and the place of `user` in the channel of the message that it belongs to, if it does.
/// Needs one snapshot.
pub(crate) async fn by_id(
    conn: &mut Conn,
    id: FileId,
    user: UserId,
) -> Result<Option<(StoredFile, Option<Place>)>, Error> {
    let Some(stored) = of_ids(conn, [id]).await?.pop() else { return Ok(None) };
    let Some(message) = stored.message else { return Ok(Some((stored, None))) };
    let channel = messages::table
        .filter(messages::id.eq(Id(message)))
        .filter(messages::deleted_at.is_null())
        .select(messages::channel_id)
        .get_result(conn)
        .await
        .optional()?;
    let Some(Id(channel)) = channel else { return Ok(Some((stored, None))) };
    Ok(Some((stored, place(conn, channel, user).await?)))
}

/// Files that are complete and there.
async fn of_ids(
    conn: &mut Conn,
    ids: impl IntoIterator<Item = FileId>,
) -> Result<Vec<StoredFile>, Error> {
    let rows: Vec<FileRow> = files::table
        .filter(KeyIn::ids("id", ids))
        .filter(files::state.eq(COMPLETE))
        .filter(files::deleted_at.is_null())
        .filter(files::avatar.eq(0))
        .select(FileRow::as_select())
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(StoredFile::from).collect())
}

/// The same, locked in the order of their ids, for those who attach them.
pub(crate) async fn lock(
    conn: &mut Conn,
    ids: impl IntoIterator<Item = FileId>,
) -> Result<Vec<StoredFile>, Error> {
    let rows: Vec<FileRow> = locked!(
        files::table
            .filter(KeyIn::ids("id", ids))
            .filter(files::state.eq(COMPLETE))
            .filter(files::deleted_at.is_null())
            .filter(files::avatar.eq(0))
            .order(files::id)
            .select(FileRow::as_select())
    )
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(StoredFile::from).collect())
}

/// Attaches files. [`Error::Raced`] when one went away meanwhile.
pub(crate) async fn attach(conn: &mut Conn, attached: Vec<Attached>) -> Result<(), Error> {
    for Attached { file, message, position } in attached {
        let free = files::table
            .filter(files::id.eq(Id(file)))
            .filter(files::message_id.is_null())
            .filter(files::deleted_at.is_null());
        let updated = diesel::update(free)
            .set((files::message_id.eq(Some(Id(message))), files::position.eq(position)))
            .execute(conn)
            .await?;
        if updated == 0 {
            return Err(Error::Raced);
        }
    }
    Ok(())
}

/// Deletes the files of messages: nobody can read them any more, and their bytes go next.
pub(crate) async fn delete_of(
    conn: &mut Conn,
    messages: Vec<MessageId>,
    now: Timestamp,
) -> Result<(), Error> {
    let theirs =
        files::table.filter(KeyIn::ids("message_id", messages)).filter(files::deleted_at.is_null());
    diesel::update(theirs).set(files::deleted_at.eq(Some(At(now)))).execute(conn).await?;
    Ok(())
}

/// Deletes a file that belongs to no message.
pub(crate) async fn delete(
    conn: &mut Conn,
    id: FileId,
    owner: UserId,
    now: Timestamp,
) -> Result<Deletion, Error> {
    let own = files::table
        .filter(files::id.eq(Id(id)))
        .filter(files::owner_id.eq(Id(owner)))
        .filter(files::state.eq(COMPLETE))
        .filter(files::avatar.eq(0))
        .filter(files::deleted_at.is_null());
    let updated = diesel::update(own.filter(files::message_id.is_null()))
        .set(files::deleted_at.eq(Some(At(now))))
        .execute(conn)
        .await?;
    if updated > 0 {
        return Ok(Deletion::Deleted);
    }
    let attached: i64 = own.select(count_star()).get_result(conn).await?;
    Ok(if attached > 0 { Deletion::Attached } else { Deletion::Unknown })
}

/// Deletes up to `limit` files that were begun before then and belong to no message: forgotten ones,
/// and those whose upload ended without a word. Images of people are theirs.
pub(crate) async fn delete_unattached(
    conn: &mut Conn,
    created_before: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<usize, Error> {
    let orphans: Vec<Id<FileId>> = claimed!(
        files::table
            .filter(files::message_id.is_null())
            .filter(files::deleted_at.is_null())
            .filter(files::created_at.lt(At(created_before)))
            .filter(files::avatar.eq(0).or(files::state.eq(UPLOADING)))
            .order(files::created_at)
            .limit(limit)
            .select(files::id)
    )
    .load(conn)
    .await?;
    if orphans.is_empty() {
        return Ok(0);
    }
    let orphans = KeyIn::ids("id", orphans.into_iter().map(|id| id.0));
    Ok(diesel::update(files::table.filter(orphans))
        .set(files::deleted_at.eq(Some(At(now))))
        .execute(conn)
        .await?)
}

/// Takes back the row of an upload that came to nothing.
pub(crate) async fn cancel(conn: &mut Conn, id: FileId, now: Timestamp) -> Result<(), Error> {
    let own = files::table
        .filter(files::id.eq(Id(id)))
        .filter(files::message_id.is_null())
        .filter(files::avatar.eq(0).or(files::state.eq(UPLOADING)));
    diesel::update(own).set(files::deleted_at.eq(Some(At(now)))).execute(conn).await?;
    Ok(())
}

/// Up to `limit` files that are deleted, and whose bytes may still be there.
pub(crate) async fn deleted(conn: &mut Conn, limit: i64) -> Result<Vec<FileId>, Error> {
    let ids: Vec<Id<FileId>> = files::table
        .filter(files::deleted_at.is_not_null())
        .order(files::deleted_at)
        .limit(limit)
        .select(files::id)
        .load(conn)
        .await?;
    Ok(ids.into_iter().map(|id| id.0).collect())
}

/// Forgets deleted files whose bytes are gone.
pub(crate) async fn forget(conn: &mut Conn, ids: Vec<FileId>) -> Result<(), Error> {
    let gone = files::table.filter(KeyIn::ids("id", ids)).filter(files::deleted_at.is_not_null());
    diesel::delete(gone).execute(conn).await?;
    Ok(())
}

/// Those of `ids` of which there is no row.
pub(crate) async fn unknown(conn: &mut Conn, ids: Vec<FileId>) -> Result<Vec<FileId>, Error> {
    let mut unknown = Vec::new();
    for some in ids.chunks(crate::fragment::MAX_KEYS) {
        let known: Vec<Id<FileId>> = files::table
            .filter(KeyIn::ids("id", some.iter().copied()))
            .select(files::id)
            .load(conn)
            .await?;
        unknown.extend(some.iter().filter(|id| !known.contains(&Id(**id))));
    }
    Ok(unknown)
}

/// Messages with what is attached to them: one more statement, only where one has any.
pub(crate) async fn messages_of(
    conn: &mut Conn,
    rows: Vec<MessageRow>,
) -> Result<Vec<Message>, Error> {
    let mut messages: Vec<Message> = all(rows)?;
    add_to(conn, messages.iter_mut()).await?;
    Ok(messages)
}

/// Reads what is attached to those messages that have any.
pub(crate) async fn add_to<'a>(
    conn: &mut Conn,
    messages: impl Iterator<Item = &'a mut Message>,
) -> Result<(), Error> {
    let has_any =
        |message: &&mut Message| message.kind == MessageKind::File && message.deleted_at.is_none();
    let mut bare: HashMap<MessageId, &mut Message> =
        messages.filter(has_any).map(|message| (message.id, message)).collect();
    if bare.is_empty() {
        return Ok(());
    }
    let rows: Vec<FileRow> = files::table
        .filter(KeyIn::ids("message_id", bare.keys().copied()))
        .filter(files::deleted_at.is_null())
        .order((files::message_id, files::position))
        .select(FileRow::as_select())
        .load(conn)
        .await?;
    for row in rows {
        let message = row.message_id.and_then(|Id(id)| bare.get_mut(&id));
        if let Some(message) = message {
            message.attachments.push(row.try_into()?);
        }
    }
    Ok(())
}
