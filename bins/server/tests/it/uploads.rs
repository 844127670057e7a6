//! `kill -9` while a file comes in.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{Answer, Person};
use crate::on_both;
use crate::process::{Home, PATIENCE};

const KIND: &str = "multipart/form-data; boundary=X";

/// A form with one file.
fn form(content: &[u8]) -> Vec<u8> {
    let head = b"--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
    [&head[..], content, b"\r\n--X--\r\n"].concat()
}

async fn upload(person: &Person, content: &[u8]) -> Value {
    let request = person.request(Method::POST, "/files").header("content-type", KIND);
    Answer::to(request.body(form(content))).await.expect(201).body.clone()
}

/// What is kept, but for the name of the storage's owner.
fn objects(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| if path.is_dir() { objects(&path) } else { vec![path] };
    paths.flat_map(below).filter(|path| !path.ends_with("owner")).collect()
}

on_both! {
    async fn what_was_attached_outlives_kill_9_and_what_was_coming_in_is_not_there(home: Home) {
        let files = home.path("data").join("files");
        let server = home.start();
        let ann = server.user("ann").await;
        let channel = ann.post("/channels", json!({ "name": "files" })).await.expect(201).body["id"].clone();
        let messages = format!("/channels/{}/messages", channel.as_str().unwrap());
        let content: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        let file = upload(&ann, &content).await;
        let kept = objects(&files);
        assert_eq!(kept.len(), 1);

        // Half of another one has come when the server dies.
        let body = form(&vec![7; 16_000_000]);
        let address = server.base.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /api/v1/files HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: {KIND}\r\nContent-Length: {}\r\n\r\n",
            ann.token, body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body[..8_000_000]).await.unwrap();
        let begun = std::time::Instant::now();
        while objects(&files).len() < 2 {
            assert!(begun.elapsed() < PATIENCE, "nothing is written");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        ann.post(&messages, json!({ "attachments": [file["id"]] })).await.expect(201);
        server.program.kill();

        // What it was is no file: it is called so that it cannot be read as one.
        let left: Vec<_> = objects(&files).into_iter().filter(|path| !kept.contains(path)).collect();
        assert!(left.iter().all(|path| path.to_str().unwrap().ends_with("#1")), "{left:?}");
        let server = home.start();
        let ann = ann.at(&server);
        let history = ann.get(&messages).await.expect(200).body.clone();
        assert_eq!(history["items"][0]["attachments"], json!([file]));
        let path = format!("/files/{}", file["id"].as_str().unwrap());
        let bytes = ann.request(Method::GET, &path).send().await.unwrap().bytes().await.unwrap();
        assert_eq!(bytes, content);
        upload(&ann, b"more").await;
        server.stop();
    }
}
