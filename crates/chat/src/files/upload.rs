//! A file comes in.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tertulia_domain::{Clock, File, FileId, FileName, UserId};
use tertulia_files::{Object, Picture, Writer, Written};
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
    size: u64,
    /// What its owner has room for, in bytes.
    room: u64,
    pieces: mpsc::Sender<Piece>,
    task: JoinHandle<Result<File, Error>>,
}

enum Piece {
    Bytes(Bytes),
    /// That was all of it: without this, it was cut off.
    End,
}

impl Chat {
    /// Begins to take in a file of that name, if there is room for one.
    pub async fn upload(&self, caller: &Caller, name: FileName) -> Result<Upload, Error> {
        let (files, store) = (&self.0.files, &self.0.store);
        let place = files.places.take(caller.user)?;
        let now = self.now();
        let id = FileId::new(now);
        let new = NewFile { id, owner: caller.user, name, created_at: now };
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
            _place: place,
        };
        // On the main runtime: who sends may go away at any time, and takes this handler along.
        let task = files.runtime.spawn(incoming.run(pieces));
        Ok(Upload { chat: self.clone(), caller: *caller, size: 0, room, pieces: sender, task })
    }
}

impl Upload {
    /// Takes the next bytes; waits while the storage is slower than they come.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.chat.still(self.caller)?;
        self.size += bytes.len() as u64;
        let max = self.chat.max_file_bytes();
        if self.size > max {
            return Err(Error::TooLarge(max));
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

    /// That was all of it. The file is on disk when this returns.
    pub async fn finish(self) -> Result<File, Error> {
        self.chat.still(self.caller)?;
        let _ = self.pieces.send(Piece::End).await;
        drop(self.pieces);
        self.task.await.map_err(Error::internal)?
    }
}

struct Incoming {
    files: Files,
    store: Store,
    clock: Clock,
    owner: UserId,
    id: FileId,
    _place: InPlace,
}

impl Incoming {
    async fn run(self, pieces: mpsc::Receiver<Piece>) -> Result<File, Error> {
        let result = self.take(pieces).await;
        if result.is_err() {
            if let Err(error) = self.store.cancel_file(self.id, self.clock.now()).await {
                tracing::warn!(%error, file = %self.id, "an upload could not be taken back; later again");
            }
            self.files.collect_soon();
        }
        result
    }

    async fn take(&self, mut pieces: mpsc::Receiver<Piece>) -> Result<File, Error> {
        let mut writer = self.files.storage.writer(self.id);
        if let Err(error) = receive(&mut writer, &mut pieces).await {
            writer.abort().await;
            return Err(error);
        }
        let written = writer.finish().await?;
        let picture = self.look(&written).await?;
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
