//! Objects: a file's bytes and its thumbnail, named by the file's id and nothing else.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::AmazonS3Builder;
use object_store::client::SpawnedReqwestConnector;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    ClientOptions, GetOptions, GetResultPayload, ObjectStore, ObjectStoreExt, PutMode, PutOptions,
    RetryConfig,
};
use tertulia_domain::FileId;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::{Error, Location, Writer};

/// Parts of a file in a folder: what one upload holds in memory is a few of them.
const FOLDER_PART: usize = 512 * 1024;

/// Parts of a file in a bucket: S3 takes none that is smaller, but the last.
const BUCKET_PART: usize = 5 * 1024 * 1024;

/// What is read of a folder at a time.
const CHUNK: usize = 64 * 1024;

/// Whoever waits for a bucket as long gets an error.
const BUCKET_PATIENCE: Duration = Duration::from_secs(20);

/// The object that says whose storage this is.
const OWNER: &str = "owner";

/// What the thumbnail's name has more than its file's.
const THUMBNAIL: &str = "-thumbnail";

/// Where files are. Clones share it.
#[derive(Clone)]
pub struct Storage(Arc<Inner>);

struct Inner {
    objects: Box<dyn ObjectStore>,
    /// Of a folder: where unfinished uploads are found.
    folder: Option<PathBuf>,
    prefix: String,
    part: usize,
}

/// One of the objects of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// What was sent.
    Original(FileId),
    /// The small image of it.
    Thumbnail(FileId),
}

/// The bytes of an object, in order, as they are read.
pub type Content = BoxStream<'static, Result<Bytes, Error>>;

impl Storage {
    /// Opens it, on a runtime that must outlive it: what a bucket is asked runs there.
    pub async fn open(location: Location) -> Result<Self, Error> {
        match location {
            Location::Folder(path) => spawn_blocking(move || Self::folder(&path))
                .await
                .map_err(|error| Error::Setup(error.to_string()))?,
            bucket @ Location::Bucket { .. } => Self::bucket(bucket),
        }
    }

    fn folder(path: &FsPath) -> Result<Self, Error> {
        let failed =
            |error: &dyn std::fmt::Display| Error::Setup(format!("{}: {error}", path.display()));
        make_private(path).map_err(|error| failed(&error))?;
        let objects = LocalFileSystem::new_with_prefix(path).map_err(|error| failed(&error))?;
        let path = path.canonicalize().map_err(|error| failed(&error))?;
        Ok(Self(Arc::new(Inner {
            // What is attached to an acknowledged message is on disk like it.
            objects: Box::new(objects.with_fsync(true)),
            folder: Some(path),
            prefix: String::new(),
            part: FOLDER_PART,
        })))
    }

    fn bucket(location: Location) -> Result<Self, Error> {
        let Location::Bucket { name, prefix, endpoint, region, credentials } = location else {
            return Err(Error::Setup("this is no bucket".to_owned()));
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(name)
            .with_region(region.unwrap_or_else(|| "us-east-1".to_owned()))
            .with_retry(RetryConfig {
                max_retries: 3,
                retry_timeout: BUCKET_PATIENCE,
                ..RetryConfig::default()
            })
            .with_client_options(ClientOptions::new().with_timeout(BUCKET_PATIENCE))
            .with_http_connector(SpawnedReqwestConnector::new(Handle::current()));
        if let Some(endpoint) = endpoint {
            builder =
                builder.with_allow_http(endpoint.starts_with("http:")).with_endpoint(endpoint);
        }
        if let Some(credentials) = credentials {
            builder = builder
                .with_access_key_id(credentials.access_key)
                .with_secret_access_key(credentials.secret_key);
        }
        let objects = builder.build().map_err(|error| Error::Setup(error.to_string()))?;
        let objects = Box::new(objects);
        Ok(Self(Arc::new(Inner { objects, folder: None, prefix, part: BUCKET_PART })))
    }

    /// A storage that forgets: for tests.
    pub fn in_memory() -> Self {
        let (objects, prefix) = (Box::new(InMemory::new()), "files".to_owned());
        Self(Arc::new(Inner { objects, folder: None, prefix, part: FOLDER_PART }))
    }

    /// Makes it `owner`'s if it is nobody's, and says whether it is theirs: objects that one server
    /// does not know are garbage only if no other server does.
    pub async fn claim(&self, owner: &str) -> Result<bool, Error> {
        let (objects, path) = (&self.0.objects, self.path(OWNER));
        let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match objects.put_opts(&path, owner.to_owned().into(), create).await {
            Ok(_) => Ok(true),
            Err(
                object_store::Error::AlreadyExists { .. }
                | object_store::Error::Precondition { .. },
            ) => {
                let found = objects.get(&path).await?.bytes().await?;
                Ok(found == owner.as_bytes())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Begins to keep a file. Nothing is kept until [`Writer::finish`].
    pub fn writer(&self, id: FileId) -> Writer {
        Writer::new(self.clone(), id, self.0.part)
    }

    /// Keeps a small object at once.
    pub async fn put(&self, object: Object, bytes: Bytes) -> Result<(), Error> {
        self.0.objects.put(&self.object(object), bytes.into()).await?;
        Ok(())
    }

    /// The bytes of an object, or a range of them that lies within it; `None` when there is no such
    /// object.
    pub async fn read(
        &self,
        object: Object,
        range: Option<Range<u64>>,
    ) -> Result<Option<Content>, Error> {
        let options = GetOptions { range: range.map(Into::into), ..GetOptions::default() };
        let found = match self.0.objects.get_opts(&self.object(object), options).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let range = found.range;
        Ok(Some(match found.payload {
            GetResultPayload::File(file, _) => of_file(file, range),
            GetResultPayload::Stream(stream) => stream.map_err(Error::from).boxed(),
        }))
    }

    /// The same, whole, of what is known to be small; `None` also when it is above `max`.
    pub async fn read_whole(
        &self,
        object: Object,
        range: Option<Range<u64>>,
        max: usize,
    ) -> Result<Option<Bytes>, Error> {
        let Some(mut content) = self.read(object, range).await? else { return Ok(None) };
        let mut whole = Vec::new();
        while let Some(chunk) = content.try_next().await? {
            if whole.len() + chunk.len() > max {
                return Ok(None);
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(Some(whole.into()))
    }

    /// Removes all that is kept of a file, also what an interrupted upload left. Done when nothing
    /// is there.
    pub async fn remove(&self, id: FileId) -> Result<(), Error> {
        for object in [Object::Original(id), Object::Thumbnail(id)] {
            match self.0.objects.delete(&self.object(object)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let Some(folder) = self.0.folder.clone() else { return Ok(()) };
        let removed = spawn_blocking(move || {
            for name in staged(&folder.join(shard_of(id)))? {
                if id_in(&name) == Some(id) {
                    fs::remove_file(folder.join(shard_of(id)).join(name))?;
                }
            }
            io::Result::Ok(())
        });
        Ok(removed.await.map_err(io::Error::other)??)
    }

    /// The files of which anything is kept in one of the 256 parts into which ids fall, also what
    /// interrupted uploads left in a folder. (A bucket is told to drop those by a rule of its own.)
    pub async fn ids_in(&self, shard: u8) -> Result<Vec<FileId>, Error> {
        let shard = format!("{shard:02x}");
        let listed = self.0.objects.list(Some(&self.path(&shard)));
        let mut ids: Vec<FileId> = listed
            .try_filter_map(async |meta| Ok(meta.location.filename().and_then(id_in)))
            .try_collect()
            .await?;
        if let Some(folder) = self.0.folder.clone() {
            let staged = spawn_blocking(move || staged(&folder.join(shard)));
            let staged = staged.await.map_err(io::Error::other)??;
            ids.extend(staged.iter().filter_map(|name| id_in(name)));
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    pub(crate) fn objects(&self) -> &dyn ObjectStore {
        &*self.0.objects
    }

    pub(crate) fn object(&self, object: Object) -> Path {
        let (id, ending) = match object {
            Object::Original(id) => (id, ""),
            Object::Thumbnail(id) => (id, THUMBNAIL),
        };
        self.path(&format!("{}/{}{ending}", shard_of(id), id.uuid().simple()))
    }

    fn path(&self, key: &str) -> Path {
        match &*self.0.prefix {
            "" => Path::from(key),
            prefix => Path::from(format!("{prefix}/{key}")),
        }
    }
}

fn shard_of(id: FileId) -> String {
    let [.., last] = *id.uuid().as_bytes();
    format!("{last:02x}")
}

/// The file of which an object or a staged upload (`<id>#1`) is called so.
fn id_in(name: &str) -> Option<FileId> {
    let end = name.find(['-', '#']).unwrap_or(name.len());
    let id = name.get(..end).filter(|id| id.len() == 32)?;
    id.parse().ok()
}

/// What unfinished uploads are called that lie in a folder.
fn staged(folder: &FsPath) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.contains('#') {
            names.push(name);
        }
    }
    Ok(names)
}

/// The folder, made for its owner only; one that exists keeps its mode.
fn make_private(path: &FsPath) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Reads a part of a file, piece by piece, off the runtime.
fn of_file(file: fs::File, range: Range<u64>) -> Content {
    let pieces = stream::try_unfold((file, range), |(mut file, range)| async move {
        let left = range.end - range.start;
        if left == 0 {
            return Ok(None);
        }
        let length = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
        let start = range.start;
        let read = spawn_blocking(move || {
            let mut piece = vec![0; length];
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(&mut piece)?;
            io::Result::Ok((file, piece))
        });
        let (file, piece) = read.await.map_err(io::Error::other)??;
        let rest = start + piece.len() as u64..range.end;
        Ok::<_, Error>(Some((Bytes::from(piece), (file, rest))))
    });
    pieces.boxed()
}

#[cfg(test)]
mod tests;
