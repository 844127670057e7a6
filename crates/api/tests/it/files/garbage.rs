//! What nobody wants any more is removed, and nothing else.

use std::fs;
use std::time::Duration;

use reqwest::StatusCode;
use tertulia_domain::{FileId, FileName};
use tertulia_store::{FileLimits, NewFile};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{BOUNDARY, PIXEL, form, objects, path_of, setup};
use crate::on_both;
use crate::server::{Person, Setup, TestServer, until};

/// Begins to send a file of this size, and sends so much of it.
async fn begin(person: &Person, size: usize, sent: usize) -> TcpStream {
    let address = person.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = form("large", &vec![7; size]);
    let token = person.token.clone().unwrap();
    let head = format!(
        "POST /api/v1/files HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body[..sent]).await.unwrap();
    stream
}

/// Objects of a file that is no file of anybody's.
fn plant(server: &TestServer, hours_ago: i64) -> FileId {
    let id = FileId::new(server.clock.now().plus(-time::Duration::hours(hours_ago)));
    let name = id.uuid().simple().to_string();
    let folder = server.files.path().join(&name[30..]);
    fs::create_dir_all(&folder).unwrap();
    for ending in ["", "-thumbnail", "#1"] {
        fs::write(folder.join(format!("{name}{ending}")), "garbage").unwrap();
    }
    id
}

on_both! {
    with setup(),
    async fn an_upload_that_is_cut_off_leaves_nothing(server: TestServer) {
        let ann = server.user("ann").await;
        let size = 3 * 1024 * 1024;
        for sent in [300, size / 2, size] {
            let stream = begin(&ann, size, sent).await;
            if sent > 1024 * 1024 {
                until(|| !objects(server).is_empty()).await;
            }
            drop(stream);
            until(|| objects(server).is_empty()).await;
        }
        // Four at a time; the places are free again. (Hers may not be yet.)
        let bob = server.user("bob").await;
        let mut open = Vec::new();
        for _ in 0..4 {
            open.push(begin(&bob, size, size / 2).await);
        }
        until(|| objects(server).len() == 4).await;
        bob.send_form(form("5", b"5")).await.problem(429, "too_many_requests");
        drop(open);
        until(|| objects(server).is_empty()).await;
        // A place is free when all of it is taken back.
        let free = async || bob.send_form(form("5", b"5")).await.status == StatusCode::CREATED;
        tokio::time::timeout(Duration::from_secs(20), async { while !free().await {} }).await.unwrap();
    }
}

on_both! {
    alone "it is long, and about one request",
    with setup(),
    async fn who_sends_nothing_for_ten_seconds_is_not_waited_for(server: TestServer) {
        let ann = server.user("ann").await;
        let mut stream = begin(&ann, 2_000_000, 1_000_000).await;
        let mut answer = vec![0; 12];
        let answered = tokio::time::timeout(Duration::from_secs(20), stream.read_exact(&mut answer));
        answered.await.expect("an answer").unwrap();
        assert_eq!(answer, b"HTTP/1.1 408");
        until(|| objects(server).is_empty()).await;
    }
}

on_both! {
    with setup(),
    async fn an_upload_ends_with_its_session(server: TestServer) {
        let ann = server.user("ann").await;
        let phone = server.log_in("ann").await;
        let mut stream = begin(&phone, 3_000_000, 2_000_000).await;
        until(|| !objects(server).is_empty()).await;
        phone.send(phone.request(reqwest::Method::POST, "/auth/logout")).await
            .expect(StatusCode::NO_CONTENT);
        stream.write_all(&[7; 1000]).await.unwrap();
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 401");
        until(|| objects(server).is_empty()).await;
        ann.upload("a", b"1").await;
    }
}

on_both! {
    with setup(),
    async fn what_no_message_takes_up_in_a_day_is_removed(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("files").await;
        let (shown, forgotten) = (ann.upload("1.png", PIXEL).await, ann.upload("2.png", PIXEL).await);
        ann.show(&channel, &[&shown]).await;
        assert_eq!(objects(server).len(), 4);
        server.clock.advance(time::Duration::hours(23));
        let young = ann.upload("3", b"3").await;
        server.clock.advance(time::Duration::hours(1) + time::Duration::seconds(1));
        until(|| objects(server).len() == 3).await;
        let ann = server.log_in("ann").await;
        ann.get(&path_of(&forgotten)).await.problem(404, "not_found");
        for there in [&shown, &young] {
            ann.get(&path_of(there)).await.expect(StatusCode::OK);
        }
    }
}

on_both! {
    with setup(),
    async fn what_nothing_is_known_of_is_removed_after_a_day(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("files").await;
        let shown = ann.upload("1", b"1").await;
        ann.show(&channel, &[&shown]).await;
        let (old, young) = (plant(server, 25), plant(server, 23));
        let left = |id: FileId| {
            let name = id.uuid().simple().to_string();
            let of = |path: &std::path::PathBuf| path.to_string_lossy().contains(&name);
            objects(server).iter().filter(|path| of(path)).count()
        };
        until(|| left(old) == 0).await;
        // The whole storage has been looked through by then: twice the old one was planted.
        let last = plant(server, 25);
        until(|| left(last) == 0).await;
        assert_eq!(left(young), 3);
        ann.get(&path_of(&shown)).await.expect(StatusCode::OK);
    }
}

on_both! {
    with setup(),
    async fn what_a_killed_server_left_is_removed_after_a_day(server: TestServer) {
        let ann = server.user("ann").await;
        // As `kill -9` leaves it: a row of an upload, and the part of it that had come.
        let id = FileId::new(server.clock.now());
        let new = NewFile {
            avatar: false,
            id,
            owner: ann.id.parse().unwrap(),
            name: FileName::clean("large"),
            created_at: server.clock.now(),
        };
        let limits = FileLimits { bytes: 1000, unattached: 1 };
        server.store.begin_file(new, limits).await.unwrap();
        let name = id.uuid().simple().to_string();
        let folder = server.files.path().join(&name[30..]);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}#1")), "half").unwrap();
        ann.get(&format!("/files/{id}")).await.problem(404, "not_found");
        ann.delete(&format!("/files/{id}")).await.problem(404, "not_found");
        let channel = ann.create_channel("files").await;
        let attach = serde_json::json!({ "attachments": [id] });
        let answer = ann.post(&format!("/channels/{channel}/messages"), attach).await;
        answer.problem(422, "invalid");
        server.clock.advance(time::Duration::hours(24) + time::Duration::seconds(1));
        until(|| objects(server).is_empty()).await;
        let gone = async || server.store.unknown_files(vec![id]).await.unwrap() == [id];
        while !gone().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

on_both! {
    with setup(),
    async fn a_deleted_channels_files_are_removed(server: TestServer) {
        let ann = server.user("ann").await;
        let (lives, dies) = (ann.create_channel("lives").await, ann.create_channel("dies").await);
        for channel in [&lives, &dies] {
            let files = [ann.upload("1.png", PIXEL).await, ann.upload("2", b"2").await];
            ann.show(channel, &[&files[0], &files[1]]).await;
        }
        assert_eq!(objects(server).len(), 6);
        ann.delete(&format!("/channels/{dies}")).await.expect(StatusCode::NO_CONTENT);
        until(|| objects(server).len() == 3).await;
    }
}

/// As on a server whose settings name the storage of another one, and that looks through it quickly.
fn foreign() -> Setup {
    let mut setup = Setup { storage_owner: Some("somebody else"), ..setup() };
    setup.options.purge_every = Duration::from_millis(1);
    setup
}

on_both! {
    with foreign(),
    async fn another_servers_files_are_left_alone(server: TestServer) {
        let ann = server.user("ann").await;
        // All over the storage: some lie where it would look first.
        let theirs: Vec<_> = (0..64).map(|_| plant(server, 25)).collect();
        let there = objects(server).len();
        assert_eq!(there, 3 * theirs.len());
        // Its own it removes all the same.
        for _ in 0..20 {
            let file = ann.upload("1", b"1").await;
            ann.delete(&path_of(&file)).await.expect(StatusCode::NO_CONTENT);
            until(|| objects(server).len() <= there).await;
        }
        assert_eq!(objects(server).len(), there);
    }
}
