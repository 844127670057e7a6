//! A file is sent, attached, heard of, fetched, and goes with its message.

use reqwest::StatusCode;
use serde_json::json;

use super::{PIXEL, form, objects, path_of, setup, small};
use crate::on_both;
use crate::server::{as_said, text, until};

const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

on_both! {
    with setup(),
    async fn a_file_is_heard_of_with_its_message_and_goes_with_it(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_private("files").await;
        ann.add(&channel, &bob).await;
        let mut ears = bob.listen().await;
        let head = ears.ready["channels"][0]["head"].as_i64().unwrap();

        let note = ann.upload("note.txt", b"hello").await;
        let id = text(&note["id"]);
        assert_eq!(note, json!({
            "id": id, "name": "note.txt", "size": 5, "content_type": "text/plain",
            "sha256": HELLO, "thumbnail": false,
        }));
        let pixel = ann.upload("pixel.png", PIXEL).await;
        assert_eq!(pixel["content_type"], "image/png");
        assert_eq!((&pixel["width"], &pixel["height"]), (&json!(1), &json!(1)));
        assert_eq!(pixel["thumbnail"], true);

        // Live, in what is answered, in history, in what was missed and in lists: the same.
        let message = ann.show(&channel, &[&pixel, &note]).await;
        assert_eq!((&message["type"], &message["content"]), (&json!("file"), &json!("")));
        assert_eq!(message["attachments"], json!([pixel, note]));
        assert_eq!(ears.next_of("message.created").await["message"], as_said(&message));
        let path = format!("/messages/{}", text(&message["id"]));
        assert_eq!(bob.get(&path).await.body, message);
        let history = bob.get(&format!("/channels/{channel}/messages")).await.body;
        assert_eq!(history["items"][0], message);
        let missed = bob.get(&format!("/channels/{channel}/changes?since=0")).await.body;
        let missed = missed["items"].as_array().unwrap().iter().rfind(|it| it["type"] == "message.created");
        assert_eq!(missed.unwrap()["message"], as_said(&message));
        let own = bob.get("/users/me/channels").await.body;
        assert_eq!(own["items"][0]["last_message"], as_said(&message));

        // Said afterwards, it is still there; and what is said without files has none.
        let edited = ann.patch(&path, json!({ "content": "look" })).await;
        edited.expect(StatusCode::OK);
        assert_eq!(edited.body["attachments"], message["attachments"]);
        assert_eq!(ears.next_of("message.updated").await["message"], as_said(&edited.body));
        let plain = ann.say(&channel, "plain").await;
        assert_eq!((&plain["type"], &plain["attachments"]), (&json!("text"), &json!([])));

        let file = bob.fetch(&path_of(&note), &[]).await;
        assert_eq!(file.bytes().await.unwrap(), "hello".as_bytes());
        assert_eq!(objects(server).len(), 3, "two files and a thumbnail");

        ann.delete(&path).await.expect(StatusCode::NO_CONTENT);
        let tombstone = ears.next_of("message.deleted").await;
        assert_eq!(tombstone["message"]["attachments"], json!([]));
        for person in [&ann, &bob] {
            for file in [&note, &pixel] {
                person.get(&path_of(file)).await.problem(404, "not_found");
                person.get(&format!("{}/thumbnail", path_of(file))).await.problem(404, "not_found");
            }
        }
        until(|| objects(server).is_empty()).await;
        let missed = bob.get(&format!("/channels/{channel}/changes?since={head}")).await.body;
        assert!(!missed.to_string().contains(HELLO));
    }
}

on_both! {
    with setup(),
    async fn a_message_with_files_that_is_sent_again_is_one(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("files").await;
        let (one, two) = (ann.upload("1", b"1").await, ann.upload("2", b"2").await);
        let path = format!("/channels/{channel}/messages");
        let id = tertulia_domain::MessageId::new(server.clock.now()).to_string();
        let send = json!({ "id": id, "content": "", "attachments": [one["id"], two["id"]] });
        let first = ann.post(&path, send.clone()).await;
        first.expect(StatusCode::CREATED);
        let again = ann.post(&path, send.clone()).await;
        again.expect(StatusCode::OK);
        assert_eq!(again.body, first.body);
        let mut socket = ann.listen().await;
        let mut frame = send.clone();
        frame["type"] = json!("message.send");
        frame["channel_id"] = json!(channel);
        frame["ref"] = json!(1);
        socket.send(frame).await;
        assert_eq!(socket.next_of("reply").await["data"], as_said(&first.body));

        for other in [json!([one["id"]]), json!([two["id"], one["id"]]), json!([])] {
            let mut other_files = send.clone();
            other_files["attachments"] = other.clone();
            other_files["content"] = json!("x");
            ann.post(&path, other_files).await.problem(409, "id_taken");
        }
        // Deleted, it stays so.
        ann.delete(&format!("/messages/{id}")).await.expect(StatusCode::NO_CONTENT);
        let again = ann.post(&path, send).await;
        again.expect(StatusCode::OK);
        assert_eq!(again.body["attachments"], json!([]));
    }
}

on_both! {
    with setup(),
    async fn only_own_whole_and_free_files_can_be_attached(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("files").await;
        bob.join(&channel).await;
        let path = format!("/channels/{channel}/messages");
        let (used, free) = (ann.upload("used", b"1").await, ann.upload("free", b"2").await);
        let his = bob.upload("his", b"3").await;
        ann.show(&channel, &[&used]).await;
        let nothing = uuid::Uuid::new_v4().to_string();
        let many: Vec<_> = (0..11).map(|_| uuid::Uuid::new_v4().to_string()).collect();
        for (attachments, faults) in [
            (json!([used["id"]]), vec![("attachments.0", "attached")]),
            (json!([free["id"], his["id"], nothing, used["id"]]), vec![
                ("attachments.1", "unknown_file"),
                ("attachments.2", "unknown_file"),
                ("attachments.3", "attached"),
            ]),
            (json!([free["id"], free["id"]]), vec![("attachments", "duplicate")]),
            (json!(["../etc/passwd", 5]), vec![
                ("attachments.0", "bad_id"),
                ("attachments.1", "wrong_type"),
            ]),
            (json!(many), vec![("attachments", "too_long")]),
            (json!(free["id"]), vec![("attachments", "wrong_type")]),
        ] {
            let answer = ann.post(&path, json!({ "content": "x", "attachments": attachments })).await;
            answer.problem(422, "invalid");
            let faults: Vec<_> =
                faults.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect();
            assert_eq!(answer.faults(), faults, "{attachments}");
        }
        ann.post(&path, json!({ "attachments": [] })).await.problem(422, "invalid");
        // The refused ones have taken nothing.
        ann.show(&channel, &[&free]).await;
        bob.show(&channel, &[&his]).await;
    }
}

on_both! {
    with setup(),
    async fn what_belongs_to_no_message_can_be_deleted_by_its_owner(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("files").await;
        let (one, two) = (ann.upload("1", PIXEL).await, ann.upload("2", b"2").await);
        bob.delete(&path_of(&one)).await.problem(404, "not_found");
        ann.delete(&path_of(&one)).await.expect(StatusCode::NO_CONTENT);
        ann.delete(&path_of(&one)).await.problem(404, "not_found");
        ann.get(&path_of(&one)).await.problem(404, "not_found");
        ann.show(&channel, &[&two]).await;
        ann.delete(&path_of(&two)).await.problem(409, "attached");
        bob.delete(&path_of(&two)).await.problem(403, "forbidden");
        until(|| objects(server).len() == 1).await;
    }
}

on_both! {
    with setup(),
    async fn one_file_is_attached_once_whoever_is_first(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("files").await;
        let path = format!("/channels/{channel}/messages");
        let file = ann.upload("once", b"once").await;
        let attempts = (0..20).map(|_| ann.post(&path, json!({ "attachments": [file["id"]] })));
        let answers = futures_util::future::join_all(attempts).await;
        let made = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
        assert_eq!(made, 1);
        for refused in answers.iter().filter(|answer| answer.status != StatusCode::CREATED) {
            assert_eq!(refused.faults(), [("attachments.0".to_owned(), "attached".to_owned())]);
        }
    }
}

on_both! {
    with setup(),
    async fn a_file_comes_whole_or_in_parts_and_is_known_by_its_tag(server: TestServer) {
        let ann = server.user("ann").await;
        let content: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[1]).collect();
        let file = ann.upload("grüße \"1\".bin", &content).await;
        let path = path_of(&file);
        let tag = format!("\"{}\"", text(&file["sha256"]));

        let whole = ann.fetch(&path, &[]).await;
        assert_eq!(whole.status(), StatusCode::OK);
        let header = |name: &str| whole.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("etag"), tag);
        assert_eq!(header("content-length"), "200000");
        assert_eq!(header("accept-ranges"), "bytes");
        assert_eq!(header("content-type"), "application/octet-stream");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("content-security-policy"), "sandbox; default-src 'none'");
        assert_eq!(header("cache-control"), "private, no-cache");
        assert_eq!(
            header("content-disposition"),
            "attachment; filename=\"gr__e _1_.bin\"; filename*=UTF-8''gr%C3%BC%C3%9Fe%20%221%22.bin"
        );
        assert_eq!(whole.bytes().await.unwrap(), content);

        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=1000-150000", 1000..150_001),
            ("bytes=199999-", 199_999..200_000),
            ("bytes=-70000", 130_000..200_000),
        ] {
            let found = ann.fetch(&path, &[("range", range), ("if-range", &tag)]).await;
            assert_eq!(found.status(), StatusCode::PARTIAL_CONTENT, "{range}");
            let said = found.headers()["content-range"].to_str().unwrap().to_owned();
            assert_eq!(said, format!("bytes {}-{}/200000", part.start, part.end - 1));
            assert_eq!(found.bytes().await.unwrap(), content[part], "{range}");
        }
        let changed = ann.fetch(&path, &[("range", "bytes=0-0"), ("if-range", "\"other\"")]).await;
        assert_eq!(changed.status(), StatusCode::OK);
        let beyond = ann.fetch(&path, &[("range", "bytes=200000-")]).await;
        assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
        assert_eq!(beyond.headers()["content-range"], "bytes */200000");
        let held = ann.fetch(&path, &[("if-none-match", &tag)]).await;
        assert_eq!((held.status(), &held.headers()["etag"]), (StatusCode::NOT_MODIFIED, &tag.parse().unwrap()));

        let only = ann.request(reqwest::Method::HEAD, &path).send().await.unwrap();
        assert_eq!((only.status(), &only.headers()["content-length"]), (StatusCode::OK, &"200000".parse().unwrap()));
        assert_eq!(only.bytes().await.unwrap(), "");

        let empty = ann.upload("empty", b"").await;
        assert_eq!(empty["size"], 0);
        let whole = ann.fetch(&path_of(&empty), &[]).await;
        assert_eq!(whole.bytes().await.unwrap(), "");
    }
}

on_both! {
    with setup(),
    async fn a_thumbnail_is_an_image_of_its_own(server: TestServer) {
        let ann = server.user("ann").await;
        let file = ann.upload("pixel.png", PIXEL).await;
        let path = format!("{}/thumbnail", path_of(&file));
        let small = ann.fetch(&path, &[]).await;
        assert_eq!(small.status(), StatusCode::OK);
        assert_eq!(small.headers()["content-type"], "image/jpeg");
        assert_eq!(small.headers()["content-disposition"], "inline");
        assert_eq!(small.headers()["content-security-policy"], "sandbox; default-src 'none'");
        let tag = small.headers()["etag"].to_str().unwrap().to_owned();
        assert!(small.bytes().await.unwrap().starts_with(b"\xff\xd8\xff"));
        let held = ann.fetch(&path, &[("if-none-match", &tag)]).await;
        assert_eq!(held.status(), StatusCode::NOT_MODIFIED);
        let none = ann.upload("note.txt", b"hello").await;
        ann.get(&format!("{}/thumbnail", path_of(&none))).await.problem(404, "not_found");
    }
}

on_both! {
    with small(10_000, 15_000),
    async fn nobody_takes_more_room_than_they_have(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let half = vec![7; 8_000];
        let first = ann.upload("1", &half).await;
        ann.send_form(form("2", &half)).await.problem(409, "quota_exceeded");
        ann.upload("3", &half[..7_000]).await;
        ann.send_form(form("4", b"1")).await.problem(409, "quota_exceeded");
        bob.upload("1", &half).await;
        ann.delete(&path_of(&first)).await.expect(StatusCode::NO_CONTENT);
        // Of four at once, as many as there is room for.
        let attempts = (0..4).map(|_| ann.send_form(form("5", &half)));
        let answers = futures_util::future::join_all(attempts).await;
        let made = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
        assert_eq!(made, 1, "{answers:?}");
        until(|| objects(server).len() == 3).await;
    }
}
