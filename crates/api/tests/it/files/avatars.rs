//! Images of people.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tertulia_chat::Options;

use super::access::by_link;
use super::hostile::BOMB;
use super::{BOUNDARY, PIXEL, end, form, objects, part, setup, small};
use crate::on_both;
use crate::server::{Answer, PASSWORD, Person, Setup, text, until};

async fn send(person: &Person, body: Vec<u8>) -> Answer {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = person.request(Method::PUT, "/users/me/avatar");
    person.send(request.header("content-type", kind).body(body)).await
}

async fn set(person: &Person) -> String {
    let answer = send(person, form("me.png", PIXEL)).await;
    text(&answer.expect(StatusCode::OK).body["avatar"])
}

on_both! {
    with setup(),
    async fn everybody_who_is_signed_in_sees_an_image_until_another_one_takes_its_place(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        assert_eq!(ann.get("/users/me").await.body["avatar"], Value::Null);
        let path = format!("/users/{}/avatar", ann.id);
        bob.get(&path).await.problem(404, "not_found");
        let first = set(&ann).await;
        for shape in ["/users/me".to_owned(), format!("/users/{}", ann.id), "/users/by-username/ann".to_owned()] {
            assert_eq!(ann.get(&shape).await.body["avatar"], first.as_str(), "{shape}");
        }
        assert_eq!(bob.get("/users?query=ann").await.body["items"][0]["avatar"], first.as_str());
        assert_eq!(ann.listen().await.ready["user"]["avatar"], first.as_str());

        for (path, tag) in [(path.clone(), format!("\"{first}\"")), (format!("{path}/small"), format!("\"{first}-small\""))] {
            server.nobody().get(&path).await.problem(401, "unauthenticated");
            let found = bob.fetch(&path, &[]).await;
            assert_eq!(found.status(), StatusCode::OK);
            for (name, value) in [
                ("etag", tag.as_str()), ("content-type", "image/jpeg"), ("content-disposition", "inline"),
                ("cache-control", "private, no-cache"), ("x-content-type-options", "nosniff"),
                ("content-security-policy", "sandbox; default-src 'none'"),
            ] {
                assert_eq!(found.headers()[name], value, "{path}");
            }
            assert!(found.bytes().await.unwrap().starts_with(b"\xff\xd8\xff"));
            let held = bob.fetch(&path, &[("if-none-match", &tag)]).await;
            assert_eq!(held.status(), StatusCode::NOT_MODIFIED);
            // With its version, the address never means another image.
            let found = bob.fetch(&format!("{path}?version={first}"), &[]).await;
            assert_eq!(found.headers()["cache-control"], "private, max-age=31536000, immutable");
            let other = uuid::Uuid::new_v4();
            bob.get(&format!("{path}?version={other}")).await.problem(404, "not_found");
        }
        let links = bob.call(&format!("{path}/links")).await;
        links.expect(StatusCode::CREATED);
        let urls = ["url", "small_url"].map(|name| text(&links.body[name]));
        for url in &urls {
            assert_eq!(by_link(&ann, url).await, StatusCode::OK);
            assert_eq!(by_link(&ann, &url.replace("link=tfl_", "link=tfl_x")).await, StatusCode::UNAUTHORIZED);
            let without = url.replace(&format!("version={first}&"), "");
            assert_eq!(by_link(&ann, &without).await, StatusCode::UNAUTHORIZED);
        }

        // It is no file that could be fetched, sent or deleted as one.
        for person in [&ann, &bob] {
            person.get(&format!("/files/{first}")).await.problem(404, "not_found");
            person.delete(&format!("/files/{first}")).await.problem(404, "not_found");
        }
        let channel = ann.create_channel("general").await;
        let attached = ann.post(&format!("/channels/{channel}/messages"), json!({ "attachments": [first] })).await;
        assert_eq!(attached.problem(422, "invalid").faults(), [("attachments.0".to_owned(), "unknown_file".to_owned())]);

        let second = set(&ann).await;
        assert_ne!(first, second);
        until(|| objects(server).len() == 2).await;
        bob.get(&format!("{path}?version={first}")).await.problem(404, "not_found");
        for url in &urls {
            assert_eq!(by_link(&ann, url).await, StatusCode::NOT_FOUND, "the image of the link is gone");
        }
        // What nobody has taken up in a day is forgotten; this is somebody's.
        server.clock.advance(time::Duration::hours(23));
        server.clock.advance(time::Duration::hours(2));
        let ann = server.log_in("ann").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        ann.get(&path).await.expect(StatusCode::OK);
        ann.delete("/users/me/avatar").await.expect(StatusCode::NO_CONTENT);
        ann.get(&path).await.problem(404, "not_found");
        ann.delete("/users/me/avatar").await.expect(StatusCode::NO_CONTENT);
        until(|| objects(server).is_empty()).await;
    }
}

on_both! {
    with setup(),
    async fn an_image_goes_with_its_account(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        set(&ann).await;
        assert_eq!(objects(server).len(), 2);
        let end = json!({ "password": PASSWORD });
        ann.send(ann.request(Method::DELETE, "/users/me").json(&end)).await.expect(StatusCode::NO_CONTENT);
        bob.get(&format!("/users/{}/avatar", ann.id)).await.problem(404, "not_found");
        assert_eq!(bob.get(&format!("/users/{}", ann.id)).await.body["avatar"], Value::Null);
        until(|| objects(server).is_empty()).await;
    }
}

on_both! {
    with small(11 * 1024 * 1024, 20 * 1024 * 1024),
    async fn what_is_no_image_or_too_large_a_one_is_refused_and_changes_nothing(server: TestServer) {
        let ann = server.user("ann").await;
        let mine = set(&ann).await;
        let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
        for (name, content) in [
            ("a.png", &b"<html><script>alert(1)</script>"[..]),
            ("a.svg", &svg[..]),
            ("a.png", b""),
            ("bomb.png", BOMB),
            ("cut.png", &PIXEL[..45]),
            ("42.zip", b"PK\x03\x04"),
            ("a.tiff", b"II*\0\x08\0\0\0"),
        ] {
            let answer = send(&ann, form(name, content)).await;
            answer.problem(422, "invalid");
            assert_eq!(answer.faults(), [("file".to_owned(), "bad_image".to_owned())], "{name}");
        }
        send(&ann, form("large.png", &vec![7; 10 * 1024 * 1024 + 1])).await.problem(413, "payload_too_large");
        let file = part("name=\"file\"; filename=\"a\"", PIXEL);
        for (body, status, code) in [
            ([&file[..], &file, &end()].concat(), 422, "invalid"),
            (end(), 422, "invalid"),
            (form("a", PIXEL)[..60].to_vec(), 400, "malformed"),
        ] {
            send(&ann, body).await.problem(status, code);
        }
        let json = ann.put("/users/me/avatar", json!({ "file": "x" })).await;
        json.problem(415, "unsupported_media_type");
        assert_eq!(ann.get("/users/me").await.body["avatar"], mine.as_str());
        until(|| objects(server).len() == 2).await;
        for query in ["version=x", "link=x"] {
            let answer = ann.get(&format!("/users/{}/avatar?{query}", ann.id)).await;
            assert!(answer.status == 422 || query == "link=x", "{}", answer.body);
        }
    }
}

on_both! {
    with setup(),
    async fn nothing_of_what_was_sent_is_in_an_image(server: TestServer) {
        let ann = server.user("ann").await;
        let polyglot = [PIXEL, b"<script>alert(1)</script>PK\x03\x04"].concat();
        send(&ann, form("a.html", &polyglot)).await.expect(StatusCode::OK);
        for path in ["", "/small"] {
            let found = ann.fetch(&format!("/users/{}/avatar{path}", ann.id), &[]).await;
            assert_eq!(found.headers()["content-type"], "image/jpeg");
            let found = found.bytes().await.unwrap();
            assert!(!found.windows(7).any(|window| window == b"<script"));
        }
        // Nor on the disk.
        for object in objects(server) {
            let kept = std::fs::read(&object).unwrap();
            assert!(!kept.windows(7).any(|window| window == b"<script"), "{}", object.display());
        }
    }
}

on_both! {
    with small(10_000, 700),
    async fn an_image_counts_as_ones_files_do(server: TestServer) {
        let ann = server.user("ann").await;
        // Two sizes of a pixel take some hundred bytes each.
        ann.upload("much", &[7; 400]).await;
        send(&ann, form("me.png", PIXEL)).await.problem(409, "quota_exceeded");
        assert_eq!(ann.get("/users/me").await.body["avatar"], Value::Null);
    }
}

on_both! {
    with Setup {
        options: Options { presence_every: Duration::from_millis(50), ..Options::default() },
        ..Setup::default()
    },
    async fn those_who_look_are_told_that_somebody_has_another_profile(server: TestServer) {
        let (ann, bob, eve) =
            (server.user("ann").await, server.user("bob").await, server.user("eve").await);
        let (channel, other) = (ann.create_channel("general").await, bob.create_channel("other").await);
        bob.join(&channel).await;
        let focus = |channel: &str| json!({ "type": "focus", "channel_ids": [channel] });
        let (mut looks, mut elsewhere, mut visits) =
            (bob.listen().await, bob.listen().await, eve.listen().await);
        looks.done(focus(&channel)).await;
        elsewhere.done(focus(&other)).await;
        visits.done(json!({ "type": "subscribe", "channel_id": channel })).await;
        visits.done(focus(&channel)).await;
        let hint = json!({ "type": "profile", "channel_id": channel, "user_id": ann.id });
        ann.patch("/users/me", json!({ "display_name": "Ann Lee" })).await.expect(StatusCode::OK);
        assert_eq!(looks.next_of("profile").await, hint, "no rev: it is in no feed");
        ann.patch("/users/me", json!({ "bio": "Likes tea." })).await.expect(StatusCode::OK);
        assert_eq!(looks.next_of("profile").await, hint);
        set(&ann).await;
        assert_eq!(looks.next_of("profile").await, hint);
        ann.delete("/users/me/avatar").await.expect(StatusCode::NO_CONTENT);
        assert_eq!(looks.next_of("profile").await, hint);
        // What is nobody else's business is told to nobody.
        ann.patch("/users/me", json!({ "receipts": false })).await.expect(StatusCode::OK);
        tokio::time::sleep(Duration::from_millis(200)).await;
        for socket in [&mut looks, &mut elsewhere, &mut visits] {
            socket.settle().await;
            assert!(socket.kept().all(|frame| frame["type"] != "profile"));
        }
    }
}
