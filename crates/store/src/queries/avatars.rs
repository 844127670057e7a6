//! Images of people: files that no message can take up.

use diesel::prelude::*;
use tertulia_domain::{FileId, Timestamp, UserId};

use super::{Conn, RunQueryDsl, files as file_queries};
use crate::Error;
use crate::model::{FileContent, FileLimits};
use crate::rows::COMPLETE;
use crate::schema::{files, users};
use crate::types::{At, Id};

/// Notes that all bytes of somebody's new image are there, and that it is theirs instead of the one
/// before, which goes. False when there is no such file or person any more, or no room for it.
pub(crate) async fn complete(
    conn: &mut Conn,
    id: FileId,
    owner: UserId,
    content: FileContent,
    limits: FileLimits,
    now: Timestamp,
) -> Result<bool, Error> {
    // Under the lock of the owner's row: of two images at once one stays.
    if file_queries::complete(conn, id, owner, content, limits).await?.is_none() {
        return Ok(false);
    }
    let usable = users::table.filter(users::id.eq(Id(owner))).filter(users::disabled_at.is_null());
    let theirs =
        diesel::update(usable).set(users::avatar_id.eq(Some(Id(id)))).execute(conn).await?;
    let before = avatars_of(owner).filter(files::id.ne(Id(id)));
    diesel::update(before).set(files::deleted_at.eq(Some(At(now)))).execute(conn).await?;
    if theirs == 0 {
        let own = files::table.filter(files::id.eq(Id(id)));
        diesel::update(own).set(files::deleted_at.eq(Some(At(now)))).execute(conn).await?;
    }
    Ok(theirs > 0)
}

/// Takes somebody's image away.
pub(crate) async fn remove(conn: &mut Conn, owner: UserId, now: Timestamp) -> Result<(), Error> {
    file_queries::lock_owner(conn, owner).await?;
    let own = users::table.filter(users::id.eq(Id(owner)));
    diesel::update(own).set(users::avatar_id.eq(None::<Id<FileId>>)).execute(conn).await?;
    diesel::update(avatars_of(owner))
        .set(files::deleted_at.eq(Some(At(now))))
        .execute(conn)
        .await?;
    Ok(())
}

/// The images of somebody that are complete.
#[diesel::dsl::auto_type(no_type_alias)]
fn avatars_of(owner: UserId) -> _ {
    let owner: Id<UserId> = Id(owner);
    let complete: i16 = COMPLETE;
    files::table
        .filter(files::owner_id.eq(owner))
        .filter(files::avatar.eq(1_i16))
        .filter(files::state.eq(complete))
        .filter(files::deleted_at.is_null())
}
