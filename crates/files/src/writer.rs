//! Keeps a file as it comes in, without ever holding it.

use bytes::{Bytes, BytesMut};
use object_store::{MultipartUpload, ObjectStoreExt};
use sha2::{Digest, Sha256};
use tertulia_domain::FileId;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::Error;
use crate::kind::{self, HEAD};
use crate::storage::{Object, Storage};

/// A file that is coming in. Holds at most three parts of it: one that fills, one that waits, one
/// that is written and hashed meanwhile. What was written of one that is not finished is to be
/// removed by [`Writer::abort`]; of a folder, dropping it does.
pub struct Writer {
    storage: Storage,
    id: FileId,
    part: usize,
    filling: BytesMut,
    /// What the storage has begun; nothing for a file of one part, which it is given whole.
    upload: Option<Box<dyn MultipartUpload>>,
    writing: Option<JoinHandle<Result<Sha256, Error>>>,
    hasher: Sha256,
    head: BytesMut,
    size: u64,
}

/// What a file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// In bytes.
    pub size: u64,
    /// Of its content.
    pub sha256: [u8; 32],
    /// By its content.
    pub content_type: &'static str,
}

/// The SHA-256 of what is held.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

impl Writer {
    pub(crate) fn new(storage: Storage, id: FileId, part: usize) -> Self {
        Self {
            storage,
            id,
            part,
            filling: BytesMut::new(),
            upload: None,
            writing: None,
            hasher: Sha256::new(),
            head: BytesMut::new(),
            size: 0,
        }
    }

    /// Which file it is.
    pub fn id(&self) -> FileId {
        self.id
    }

    /// How much has come.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next bytes; waits while the storage is slower than they come.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), Error> {
        self.size += bytes.len() as u64;
        let head = bytes.len().min(HEAD - self.head.len());
        self.head.extend_from_slice(&bytes[..head]);
        while !bytes.is_empty() {
            if self.filling.capacity() == 0 {
                // Small files, of which there are many, take no more than they need.
                let room = if self.size < self.part as u64 { bytes.len() } else { self.part };
                self.filling.reserve(room);
            }
            let fits = bytes.len().min(self.part - self.filling.len());
            self.filling.extend_from_slice(&bytes.split_to(fits));
            if self.filling.len() == self.part {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Keeps the file: durable when this returns.
    pub async fn finish(mut self) -> Result<Written, Error> {
        match self.store_rest().await {
            Ok(sha256) => {
                Ok(Written { size: self.size, sha256, content_type: kind::of(&self.head) })
            }
            Err(error) => {
                self.abort().await;
                Err(error)
            }
        }
    }

    async fn store_rest(&mut self) -> Result<[u8; 32], Error> {
        if self.upload.is_none() {
            let whole = std::mem::take(&mut self.filling).freeze();
            self.storage.put(Object::Original(self.id), whole.clone()).await?;
            return Ok(digest(&whole));
        }
        if !self.filling.is_empty() {
            self.flush().await?;
        }
        self.settle().await?;
        if let Some(upload) = &mut self.upload {
            upload.complete().await?;
        }
        Ok(std::mem::take(&mut self.hasher).finalize().into())
    }

    /// Gives up, and removes what was written.
    pub async fn abort(mut self) {
        if let Some(writing) = self.writing.take() {
            let _ = writing.await;
        }
        if let Some(mut upload) = self.upload.take()
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(%error, file = %self.id, "an upload could not be given up; later again");
        }
    }

    /// Hands over the part that is full, once the one before is written.
    async fn flush(&mut self) -> Result<(), Error> {
        self.settle().await?;
        let part = self.filling.split().freeze();
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => {
                let path = self.storage.object(Object::Original(self.id));
                none.insert(self.storage.objects().put_multipart(&path).await?)
            }
        };
        let writing = tokio::spawn(upload.put_part(part.clone().into()));
        let mut hasher = std::mem::take(&mut self.hasher);
        let hashing = spawn_blocking(move || {
            hasher.update(&part);
            hasher
        });
        self.writing = Some(tokio::spawn(async move {
            let (written, digested) = tokio::join!(writing, hashing);
            written.map_err(|error| Error::Unavailable(error.to_string()))??;
            digested.map_err(|error| Error::Unavailable(error.to_string()))
        }));
        Ok(())
    }

    /// Waits for the part that is being written.
    async fn settle(&mut self) -> Result<(), Error> {
        if let Some(writing) = self.writing.take() {
            let settled = writing.await;
            self.hasher = settled.map_err(|error| Error::Unavailable(error.to_string()))??;
        }
        Ok(())
    }
}
