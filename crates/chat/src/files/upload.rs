//! A file comes in.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tertulia_domain::{Clock, File, FileId, FileName, UserId};
use tertulia_files::{Object, Picture, Portrait, Writer, Written};
use tertulia_store::{Admission, FileContent, NewFile, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;

use super::Files;
use crate::{Caller, Chat, Error};

/// Uploads at a time on one node: each holds 2 MiB of a file, 15 MiB when it goes to a bucket.
const MAX_UPLOADS: usize = 16;

/// Of one person, so that nobody takes all places.
const MAX_UPLOADS_EACH: usize = 4;

/// Pieces that may wait for the storage: a piece is at most 64 KiB as it comes from the network.
const MAX_WAITING: usize = 8;

/// When a place may be free again.
const LATER: Duration = Duration::from_secs(1);

/// What a file is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// To be taken up by a message, as it is.
    Attachment,
    /// To have an image of its sender made of it, and be no more.
    Avatar,
}

/// The places for uploads. Clones share them.
#[derive(Clone)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    each: Arc<Mutex<HashMap<UserId, usize>>>,
}

/// One upload's place, free again when this is dropped.
struct InPlace {
    owner: UserId,
    each: Arc<Mutex<HashMap<UserId, usize>>>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(MAX_UPLOADS)), each: Arc::default() }
    }

    fn take(&self, owner: UserId) -> Result<InPlace, Error> {
        let permit = Arc::clone(&self.all).try_acquire_owned();
        let permit = permit.map_err(|_| Error::Overloaded(LATER))?;
        let mut each = self.each.lock();
        let count = each.entry(owner).or_default();
        if *count >= MAX_UPLOADS_EACH {
            return Err(Error::TooManyRequests(LATER));
        }
        *count += 1;
        drop(each);
        Ok(InPlace { owner, each: Arc::clone(&self.each), _permit: permit })
    }

    /// Waits until all are free, and takes them.
    pub(super) async fn all(&self) {
        if let Ok(permits) =
            self.all.acquire_many(u32::try_from(MAX_UPLOADS).unwrap_or(u32::MAX)).await
        {
            permits.forget();
        }
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        let mut each = self.each.lock();
        if let Some(count) = each.get_mut(&self.owner) {
            *count -= 1;
            if *count == 0 {
                each.remove(&self.owner);
            }
        }
    }
}

/// A file that comes in, piece by piece. Dropped before [`Upload::finish`], nothing of it stays,
/// whatever the reason.
pub struct Upload {
    chat: Chat,
    caller: Caller,
    purpose: Purpose,
    size: u64,
    /// The largest that it may be, in bytes.
    max: u64,
    /// What its owner has room for, in bytes.
    room: u64,
    pieces: mpsc::Sender<Piece>,
    /// Gives the file; none of what became an image of its sender.
    task: JoinHandle<Result<Option<File>, Error>>,
}

enum Piece {
    Bytes(Bytes),
    /// That was all of it: without this, it was cut off.
    End,
}

impl Chat {
    /// Begins to take in a file of that name, if there is room for one.
    pub async fn upload(&self, caller: &Caller, name: FileName) -> Result<Upload, Error> {
        self.take_in(caller, name, Purpose::Attachment).await
    }

    /// Begins to take in an image to make one's own of, whatever it is called.
    pub async fn upload_avatar(&self, caller: &Caller) -> Result<Upload, Error> {
        self.take_in(caller, FileName::clean("avatar"), Purpose::Avatar).await
    }

    async fn take_in(
        &self,
        caller: &Caller,
        name: FileName,
        purpose: Purpose,
    ) -> Result<Upload, Error> {
        let (files, store) = (&self.0.files, &self.0.store);
        let place = files.places.take(caller.user)?;
        let now = self.now();
        let id = FileId::new(now);
        let avatar = purpose == Purpose::Avatar;
        let new = NewFile { id, owner: caller.user, name, created_at: now, avatar };
        let room = match store.begin_file(new, files.limits()).await? {
            Admission::Admitted { room } => u64::try_from(room).unwrap_or_default(),
            Admission::Full => return Err(over_quota()),
            Admission::TooMany => {
                let why = "too many of your files belong to no message: send or delete some";
                return Err(Error::Conflict("too_many_files", why));
            }
        };
        let (sender, pieces) = mpsc::channel(MAX_WAITING);
        let incoming = Incoming {
            files: files.clone(),
            store: store.clone(),
            clock: self.0.clock.clone(),
            owner: caller.user,
            id,
            purpose,
            _place: place,
        };
        // On the main runtime: who sends may go away at any time, and takes this handler along.
        let task = files.runtime.spawn(incoming.run(pieces));
        let max = match purpose {
            Purpose::Attachment => self.max_file_bytes(),
            Purpose::Avatar => self.max_avatar_bytes(),
        };
        let (chat, caller) = (self.clone(), *caller);
        Ok(Upload { chat, caller, purpose, size: 0, max, room, pieces: sender, task })
    }
}

impl Upload {
    /// Takes the next bytes; waits while the storage is slower than they come.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.chat.still(self.caller)?;
        self.size += bytes.len() as u64;
        if self.size > self.max {
            return Err(Error::TooLarge(self.max));
        }
        if self.size > self.room {
            return Err(over_quota());
        }
        if self.pieces.send(Piece::Bytes(bytes)).await.is_ok() {
            return Ok(());
        }
        // It has ended before its time, and says why.
        match (&mut self.task).await {
            Ok(Err(error)) => Err(error),
            _ => Err(Error::internal("an upload ended by itself")),
        }
    }

    /// That was all of it. The file is on disk when this returns; what was made an image of its
    /// sender is none.
    pub async fn finish(self) -> Result<Option<File>, Error> {
        self.chat.still(self.caller)?;
        let _ = self.pieces.send(Piece::End).await;
        drop(self.pieces);
        let file = self.task.await.map_err(Error::internal)??;
        if self.purpose == Purpose::Avatar {
            self.chat.avatar_changed(self.caller.user);
        }
        Ok(file)
    }
}

struct Incoming {
    files: Files,
    store: Store,
    clock: Clock,
    owner: UserId,
    id: FileId,
    purpose: Purpose,
    _place: InPlace,
}

impl Incoming {
    async fn run(self, pieces: mpsc::Receiver<Piece>) -> Result<Option<File>, Error> {
        let result = self.take(pieces).await;
        if result.is_err() {
            if let Err(error) = self.store.cancel_file(self.id, self.clock.now()).await {
                tracing::warn!(%error, file = %self.id, "an upload could not be taken back; later again");
            }
            self.files.collect_soon();
        }
        result
    }

    async fn take(&self, mut pieces: mpsc::Receiver<Piece>) -> Result<Option<File>, Error> {
        let mut writer = self.files.storage.writer(self.id);
        if let Err(error) = receive(&mut writer, &mut pieces).await {
            writer.abort().await;
            return Err(error);
        }
        let written = writer.finish().await?;
        match self.purpose {
            Purpose::Attachment => self.keep(&written).await.map(Some),
            Purpose::Avatar => self.portray(&written).await.map(|()| None),
        }
    }

    /// Makes an image of its sender of it. What was sent is overwritten before anybody can fetch it.
    async fn portray(&self, written: &Written) -> Result<(), Error> {
        let Files { images, storage, .. } = &self.files;
        let made = images.portrait(storage, self.id, written.size, written.content_type).await;
        let Some(Portrait { large, small, side }) = made else {
            let why = "a PNG, JPEG, GIF or WebP of at most 25 megapixels";
            return Err(Error::field("file", "bad_image", why));
        };
        let content_type = tertulia_files::content_type(&large);
        let content = FileContent {
            size: i64::try_from(large.len() + small.len()).unwrap_or(i64::MAX),
            content_type,
            sha256: tertulia_files::digest(&large),
            width: i32::try_from(side).ok(),
            height: i32::try_from(side).ok(),
            thumbnail: true,
        };
        storage.put(Object::Original(self.id), large).await?;
        storage.put(Object::Thumbnail(self.id), small).await?;
        let (limits, now) = (self.files.limits(), self.clock.now());
        let done = self.store.complete_avatar(self.id, self.owner, content, limits, now).await?;
        if done { Ok(()) } else { Err(over_quota()) }
    }

    async fn keep(&self, written: &Written) -> Result<File, Error> {
        let picture = self.look(written).await?;
        let size = i64::try_from(written.size).unwrap_or(i64::MAX);
        let pixels = |side: fn(&Picture) -> u32| {
            picture.as_ref().and_then(|picture| i32::try_from(side(picture)).ok())
        };
        let content = FileContent {
            size,
            content_type: written.content_type,
            sha256: written.sha256,
            width: pixels(|picture| picture.width),
            height: pixels(|picture| picture.height),
            thumbnail: picture.as_ref().is_some_and(|picture| picture.thumbnail.is_some()),
        };
        let done =
            self.store.complete_file(self.id, self.owner, content, self.files.limits()).await?;
        done.ok_or_else(over_quota)
    }

    /// Looks into an image, and keeps the small one.
    async fn look(&self, written: &Written) -> Result<Option<Picture>, Error> {
        let Files { images, storage, .. } = &self.files;
        let picture = images.look(storage, self.id, written.size, written.content_type).await;
        if let Some(small) = picture.as_ref().and_then(|picture| picture.thumbnail.clone()) {
            storage.put(Object::Thumbnail(self.id), small).await?;
        }
        Ok(picture)
    }
}

async fn receive(writer: &mut Writer, pieces: &mut mpsc::Receiver<Piece>) -> Result<(), Error> {
    loop {
        match pieces.recv().await {
            Some(Piece::Bytes(bytes)) => writer.write(bytes).await?,
            Some(Piece::End) => return Ok(()),
            // Whoever sent it has gone away, or been refused.
            None => return Err(Error::Timeout),
        }
    }
}

fn over_quota() -> Error {
    Error::Conflict("quota_exceeded", "your files take all the room that you have")
}
