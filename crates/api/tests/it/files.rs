//! Files: what people send beside text.

mod access;
mod avatars;
mod garbage;
mod hostile;
mod sent;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tertulia_chat::{FileOptions, Options};

use crate::documented;
use crate::server::{Answer, Person, Setup, TestServer, text};

/// A red pixel, as a PNG.
pub(crate) const PIXEL: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\
    \0\0\0\x0cIDAT\x08\xd7c\xf8\xcf\xc0\0\0\x03\x01\x01\0\x18\xdd\x8d\xb0\0\0\0\0IEND\xaeB`\x82";

const BOUNDARY: &str = "X-TERTULIA-X";

/// A server that looks for garbage all the time, and where access tokens last a day.
fn setup() -> Setup {
    let options = Options {
        access_ttl: time::Duration::days(1),
        purge_every: Duration::from_millis(20),
        ..Options::default()
    };
    Setup { options, ..Setup::default() }
}

/// The same where people have little room.
fn small(max_bytes: u64, quota_bytes: u64) -> Setup {
    let mut setup = setup();
    setup.options.files = FileOptions { max_bytes, quota_bytes };
    setup
}

/// One part of a form: its `Content-Disposition`, and what is in it.
fn part(disposition: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\
         Content-Type: text/html\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn end() -> Vec<u8> {
    format!("--{BOUNDARY}--\r\n").into_bytes()
}

/// A form with one file.
fn form(name: &str, content: &[u8]) -> Vec<u8> {
    let name = name.replace('\\', "\\\\").replace('"', "\\\"");
    [part(&format!("name=\"file\"; filename=\"{name}\""), content), end()].concat()
}

/// A form with a good image, and its type.
pub(crate) fn an_image() -> (String, Vec<u8>) {
    (format!("multipart/form-data; boundary={BOUNDARY}"), form("me.png", PIXEL))
}

/// A good form, and its type.
pub(crate) fn a_form() -> (String, Vec<u8>) {
    (format!("multipart/form-data; boundary={BOUNDARY}"), form("note.txt", b"hello"))
}

impl Person {
    /// Sends a form.
    async fn send_form(&self, body: impl Into<reqwest::Body>) -> Answer {
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = self.request(Method::POST, "/files").header("content-type", kind).body(body);
        self.send(request).await
    }

    /// Sends a file, and gives what is said of it.
    pub(crate) async fn upload(&self, name: &str, content: &[u8]) -> Value {
        let answer = self.send_form(form(name, content)).await;
        answer.expect(StatusCode::CREATED);
        let id = text(&answer.body["id"]);
        assert_eq!(answer.headers["location"], format!("/api/v1/files/{id}"));
        answer.body
    }

    /// Says nothing, with these files.
    async fn show(&self, channel: &str, files: &[&Value]) -> Value {
        let ids: Vec<_> = files.iter().map(|file| &file["id"]).collect();
        let path = format!("/channels/{channel}/messages");
        let answer = self.post(&path, json!({ "attachments": ids })).await;
        answer.expect(StatusCode::CREATED);
        answer.body
    }

    /// Fetches what is there with these headers.
    async fn fetch(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.request(Method::GET, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        documented::check(&Method::GET, &format!("/api/v1{path}"), response.status());
        response
    }
}

fn path_of(file: &Value) -> String {
    format!("/files/{}", text(&file["id"]))
}

/// All objects that are kept, and what is left of those that were to be.
fn objects(server: &TestServer) -> Vec<PathBuf> {
    fn all_below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                all_below(&path, found);
            } else if !path.ends_with("owner") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    all_below(server.files.path(), &mut found);
    found
}
