//! Files: sending them, fetching them, and what becomes of those that nobody wants any more.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use serde::Serialize;
use tertulia_auth::FileLink;
use tertulia_domain::{Clock, File, FileId, Timestamp};
use tertulia_files::{Images, Object, Storage};
use tertulia_store::{Deletion, FileLimits, Store};
use tokio::sync::Notify;
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::{Caller, Chat, Error};

mod avatars;
mod collector;
mod upload;

pub use avatars::{AvatarLinkView, AvatarSize};
use collector::Collector;
use upload::Places;
pub use upload::Upload;

/// How long a link is good: a page fetches its images at once.
const LINK_TTL: time::Duration = time::Duration::seconds(60);

/// While bytes are sent, whether they may be read is asked anew as often.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// The largest thumbnail.
const MAX_THUMBNAIL: usize = 2 * 1024 * 1024;

/// Files that a person may have in no message: what they forget is not theirs to fill a disk with.
const MAX_UNATTACHED: i64 = 100;

/// What files people may have.
#[derive(Clone, Copy, Debug)]
pub struct FileOptions {
    /// The largest file, in bytes.
    pub max_bytes: u64,
    /// What one person's files may take together, in bytes.
    pub quota_bytes: u64,
}

impl Default for FileOptions {
    fn default() -> Self {
        Self { max_bytes: 100 * 1024 * 1024, quota_bytes: 2 * 1024 * 1024 * 1024 }
    }
}

/// An address that fetches a file by itself, for a moment.
#[derive(Clone, Serialize, ToSchema)]
pub struct FileLinkView {
    /// Of the file, below this server's own; nothing else is needed to fetch it.
    #[schema(
        max_length = 256,
        example = "/api/v1/files/019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a?link=tfl_AAAA"
    )]
    pub url: String,
    /// Of its thumbnail, if it has one.
    #[schema(max_length = 256)]
    pub thumbnail_url: Option<String>,
    /// Until when they are good, at most 60 s.
    pub expires_at: Timestamp,
}

/// What all of it shares. Clones share it.
#[derive(Clone)]
pub(crate) struct Files {
    storage: Storage,
    images: Images,
    options: FileOptions,
    places: Places,
    /// Something was deleted.
    deleted: Arc<Notify>,
    runtime: tokio::runtime::Handle,
}

impl Files {
    /// On the runtime that it is made on.
    pub(crate) fn new(storage: Storage, options: FileOptions) -> Self {
        Self {
            storage,
            images: Images::new(),
            options,
            places: Places::new(),
            deleted: Arc::new(Notify::new()),
            runtime: tokio::runtime::Handle::current(),
        }
    }

    pub(crate) fn options(&self) -> FileOptions {
        self.options
    }

    pub(crate) fn collector(
        &self,
        store: &Store,
        clock: &Clock,
        owner: &str,
        every: Duration,
    ) -> Collector {
        Collector::new(self, store.clone(), clock.clone(), owner.to_owned(), every)
    }

    /// Has what was deleted removed from the storage now, not only when it is looked for.
    pub(crate) fn collect_soon(&self) {
        self.deleted.notify_one();
    }

    /// Waits until no upload is under way.
    pub(crate) async fn settled(&self) {
        self.places.all().await;
    }

    fn limits(&self) -> FileLimits {
        let bytes = i64::try_from(self.options.quota_bytes).unwrap_or(i64::MAX);
        FileLimits { bytes, unattached: MAX_UNATTACHED }
    }
}

impl Chat {
    /// The largest file, in bytes.
    pub fn max_file_bytes(&self) -> u64 {
        self.0.files.options.max_bytes
    }

    /// A file that one may read now: one's own, or of a message in a channel that one may read.
    pub async fn file(&self, caller: &Caller, id: FileId) -> Result<File, Error> {
        self.still(*caller)?;
        let found = self.0.store.file(id, caller.user).await?;
        let (stored, place) = found.ok_or(Error::NotFound)?;
        if stored.owner != caller.user {
            self.require_read(&place.ok_or(Error::NotFound)?)?;
        }
        Ok(stored.file)
    }

    /// The bytes of a file, or a range of them that lies within it. As soon as one may no longer read
    /// it they end with the error that [`Chat::file`] would give.
    pub async fn file_content(
        &self,
        caller: &Caller,
        file: &File,
        range: Option<Range<u64>>,
    ) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        let id = file.id;
        let content = self.0.files.storage.read(Object::Original(id), range).await?;
        let Some(content) = content else {
            tracing::error!(file = %id, "the storage has lost a file");
            return Err(Error::NotFound);
        };
        let (chat, caller) = (self.clone(), *caller);
        let pieces = stream::try_unfold((content, Instant::now()), move |(mut content, asked)| {
            let chat = chat.clone();
            async move {
                let Some(piece) = content.try_next().await? else { return Ok(None) };
                if asked.elapsed() < ASK_EVERY {
                    return Ok(Some((piece, (content, asked))));
                }
                chat.file(&caller, id).await?;
                Ok(Some((piece, (content, Instant::now()))))
            }
        });
        Ok(pieces.boxed())
    }

    /// The small image of a file that one may read now.
    pub async fn thumbnail(
        &self,
        caller: &Caller,
        id: FileId,
    ) -> Result<(File, Bytes, &'static str), Error> {
        let file = self.file(caller, id).await?;
        if !file.thumbnail {
            return Err(Error::NotFound);
        }
        let storage = &self.0.files.storage;
        let small = storage.read_whole(Object::Thumbnail(id), None, MAX_THUMBNAIL).await?;
        let small = small.ok_or(Error::NotFound)?;
        let content_type = tertulia_files::content_type(&small);
        Ok((file, small, content_type))
    }

    /// An address by which a file that one may read now can be fetched without a header. It is good
    /// for 60 s, as long as one's session lives and one may read the file.
    pub async fn file_link(&self, caller: &Caller, id: FileId) -> Result<FileLinkView, Error> {
        let file = self.file(caller, id).await?;
        let expires_at = self.now().plus(LINK_TTL);
        let link = FileLink { user: caller.user, session: caller.session, expires_at };
        let link = link.sign(id, &self.0.keys);
        Ok(FileLinkView {
            url: format!("/api/v1/files/{id}?link={link}"),
            thumbnail_url: file
                .thumbnail
                .then(|| format!("/api/v1/files/{id}/thumbnail?link={link}")),
            expires_at,
        })
    }

    /// Who comes with a link to this file.
    pub fn authenticate_link(&self, link: &str, file: FileId) -> Result<Caller, Error> {
        let link = FileLink::verify(link, file, &self.0.keys, self.now())
            .map_err(|_| Error::Unauthenticated)?;
        let FileLink { user, session, expires_at } = link;
        self.still(Caller { user, session, expires_at, address: None })
    }

    /// Deletes a file of one's own that belongs to no message.
    pub async fn delete_file(&self, caller: &Caller, id: FileId) -> Result<(), Error> {
        match self.0.store.delete_file(id, caller.user, self.now()).await? {
            Deletion::Deleted => {
                self.0.files.collect_soon();
                Ok(())
            }
            Deletion::Attached => {
                Err(Error::Conflict("attached", "it belongs to a message, and goes with that"))
            }
            Deletion::Unknown => {
                self.file(caller, id).await?;
                Err(Error::Forbidden("only who sent a file may delete it"))
            }
        }
    }
}
