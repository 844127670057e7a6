//! Images of people: seen by everybody who is signed in, made anew from what was sent.

use bytes::Bytes;
use serde::Serialize;
use tertulia_auth::FileLink;
use tertulia_domain::{FileId, Timestamp, UserId};
use tertulia_files::Object;
use utoipa::ToSchema;

use super::{LINK_TTL, MAX_THUMBNAIL};
use crate::{Caller, Chat, Error};

/// The largest image that is taken to make one of a person, in bytes.
const MAX_AVATAR_BYTES: u64 = 10 * 1024 * 1024;

/// Which of the two sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AvatarSize {
    /// At most 512 pixels wide and high.
    Large,
    /// At most 96.
    Small,
}

/// Addresses that fetch somebody's image by themselves, for a moment.
#[derive(Clone, Serialize, ToSchema)]
pub struct AvatarLinkView {
    /// Of the image, below this server's own; nothing else is needed to fetch it.
    #[schema(max_length = 512)]
    pub url: String,
    /// Of the small one.
    #[schema(max_length = 512)]
    pub small_url: String,
    /// Until when they are good, at most 60 s.
    pub expires_at: Timestamp,
}

impl Chat {
    /// The largest image that is taken for one of a person, in bytes.
    pub fn max_avatar_bytes(&self) -> u64 {
        self.max_file_bytes().min(MAX_AVATAR_BYTES)
    }

    /// Somebody's image: which it is, its bytes, and what they are. Another `version` than theirs is
    /// not there.
    pub async fn avatar(
        &self,
        caller: &Caller,
        user: UserId,
        version: Option<FileId>,
        size: AvatarSize,
    ) -> Result<(FileId, Bytes, &'static str), Error> {
        let id = self.avatar_of(caller, user).await?;
        if version.is_some_and(|version| version != id) {
            return Err(Error::NotFound);
        }
        let object = match size {
            AvatarSize::Large => Object::Original(id),
            AvatarSize::Small => Object::Thumbnail(id),
        };
        let bytes = self.0.files.storage.read_whole(object, None, MAX_THUMBNAIL).await?;
        let bytes = bytes.ok_or(Error::NotFound)?;
        let content_type = tertulia_files::content_type(&bytes);
        Ok((id, bytes, content_type))
    }

    /// Addresses by which somebody's image can be fetched without a header. They are good for 60 s,
    /// as long as one's session lives and the image is theirs.
    pub async fn avatar_link(
        &self,
        caller: &Caller,
        user: UserId,
    ) -> Result<AvatarLinkView, Error> {
        let id = self.avatar_of(caller, user).await?;
        let expires_at = self.now().plus(LINK_TTL);
        let link = FileLink { user: caller.user, session: caller.session, expires_at };
        let link = link.sign(id, &self.0.keys);
        let address =
            |size: &str| format!("/api/v1/users/{user}/avatar{size}?version={id}&link={link}");
        Ok(AvatarLinkView { url: address(""), small_url: address("/small"), expires_at })
    }

    /// Takes one's own image away.
    pub async fn remove_avatar(&self, caller: &Caller) -> Result<(), Error> {
        self.0.store.remove_avatar(caller.user, self.now()).await?;
        self.avatar_changed(caller.user);
        Ok(())
    }

    pub(super) fn avatar_changed(&self, user: UserId) {
        self.0.files.collect_soon();
        self.tell_profile(user);
    }

    async fn avatar_of(&self, caller: &Caller, user: UserId) -> Result<FileId, Error> {
        self.still(*caller)?;
        self.profile(caller, user).await?.avatar.ok_or(Error::NotFound)
    }
}
