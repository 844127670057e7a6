use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tertulia_domain::Timestamp;

use super::*;

fn new_id() -> FileId {
    FileId::new(Timestamp::from_unix_millis(1_795_000_000_000))
}

async fn folder() -> (TempDir, Storage) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("files");
    let storage = Storage::open(Location::Folder(path)).await.unwrap();
    (folder, storage)
}

fn noise(length: usize) -> Vec<u8> {
    let next = |seed: &mut u32| {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some(seed.to_be_bytes()[0])
    };
    (0..length).scan(7, |seed, _| next(seed)).collect()
}

async fn keep(storage: &Storage, content: &[u8], step: usize) -> (FileId, crate::Written) {
    let id = new_id();
    let mut writer = storage.writer(id);
    for piece in content.chunks(step) {
        writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    (id, writer.finish().await.unwrap())
}

/// A bucket of a real server, where one is named: `TERTULIA_TEST_S3` is an address as in `FILES_URL`,
/// of a bucket that is empty. Its keys may be any.
async fn bucket() -> Option<Storage> {
    let address = std::env::var("TERTULIA_TEST_S3").ok()?;
    let keys =
        crate::Credentials { access_key: "testing".to_owned(), secret_key: "testing".to_owned() };
    let location = Location::parse(&address).unwrap().signed_by(Some(keys));
    Some(Storage::open(location).await.unwrap())
}

/// Every kind of storage that there is here.
async fn every_kind() -> (TempDir, Vec<Storage>) {
    let (folder, local) = folder().await;
    (folder, [local, Storage::in_memory()].into_iter().chain(bucket().await).collect())
}

/// All files below a folder.
fn all_below(folder: &FsPath) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(all_below(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn what_is_kept_comes_back_whole_and_in_ranges() {
    let (_folder, storages) = every_kind().await;
    for storage in storages {
        // The last one takes three parts of a bucket.
        for (length, step) in [
            (0, 1),
            (1, 1),
            (1000, 7),
            (FOLDER_PART, 1 << 16),
            (1_500_001, 4321),
            (2 * BUCKET_PART + 1, 1 << 16),
        ] {
            let content = noise(length);
            let (id, written) = keep(&storage, &content, step).await;
            assert_eq!(written.size, length as u64);
            assert_eq!(written.sha256, <[u8; 32]>::from(Sha256::digest(&content)));
            let whole = storage.read_whole(Object::Original(id), None, length).await.unwrap();
            assert_eq!(whole.unwrap(), content, "{length}");
            if length > 2 {
                let range = 1..length as u64 - 1;
                let part = storage.read_whole(Object::Original(id), Some(range), length).await;
                assert_eq!(part.unwrap().unwrap(), content[1..length - 1]);
                let short = storage.read_whole(Object::Original(id), None, length - 1).await;
                assert_eq!(short.unwrap(), None);
            }
            storage.remove(id).await.unwrap();
            storage.remove(id).await.unwrap();
            assert!(storage.read(Object::Original(id), None).await.unwrap().is_none());
        }
    }
}

#[tokio::test]
async fn what_is_given_up_leaves_nothing() {
    let (folder, storage) = folder().await;
    let mut writer = storage.writer(new_id());
    writer.write(noise(3 * FOLDER_PART).into()).await.unwrap();
    assert_eq!(all_below(folder.path()).len(), 1);
    writer.abort().await;
    assert_eq!(all_below(folder.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn what_is_given_up_or_removed_is_in_no_storage() {
    let (_folder, storages) = every_kind().await;
    for storage in storages {
        let mut writer = storage.writer(new_id());
        writer.write(noise(BUCKET_PART + 1).into()).await.unwrap();
        let id = writer.id();
        writer.abort().await;
        assert!(storage.read(Object::Original(id), None).await.unwrap().is_none());

        let (kept, _) = keep(&storage, b"kept", 4).await;
        let [.., shard] = *kept.uuid().as_bytes();
        storage.put(Object::Thumbnail(kept), Bytes::from_static(b"small")).await.unwrap();
        assert_eq!(storage.ids_in(shard).await.unwrap(), [kept]);
        assert_eq!(storage.ids_in(shard.wrapping_add(1)).await.unwrap(), []);
        storage.remove(kept).await.unwrap();
        assert_eq!(storage.ids_in(shard).await.unwrap(), []);
    }
}

#[tokio::test]
async fn what_a_killed_server_left_is_found_and_removed() {
    let (folder, storage) = folder().await;
    let (kept, _) = keep(&storage, b"kept", 4).await;
    storage.put(Object::Thumbnail(kept), Bytes::from_static(b"small")).await.unwrap();
    let mut writer = storage.writer(new_id());
    writer.write(noise(3 * FOLDER_PART).into()).await.unwrap();
    let interrupted = writer.id();
    // As after a kill: nobody gives it up.
    std::mem::forget(writer);

    let mut found = Vec::new();
    for shard in 0..=u8::MAX {
        found.extend(storage.ids_in(shard).await.unwrap());
    }
    let mut expected = vec![kept, interrupted];
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    for id in found {
        storage.remove(id).await.unwrap();
    }
    assert_eq!(all_below(folder.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_storage_has_one_owner() {
    let (_folder, storages) = every_kind().await;
    for storage in storages {
        assert!(storage.claim("a").await.unwrap());
        assert!(storage.claim("a").await.unwrap());
        assert!(!storage.claim("b").await.unwrap());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_folder_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, _storage) = folder().await;
    let mode = fs::metadata(folder.path().join("files")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();
    let error = Storage::open(Location::Folder(path.clone())).await.err().unwrap();
    assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
}
