//! What people have begun to write: on all of their devices, and nobody else's.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tertulia_chat::Options;
use tertulia_domain::{DraftText, PageRequest};

use crate::on_both;
use crate::retention::until;
use crate::server::{Answer, Person, Setup, TestServer, text};
use crate::socket::Socket;

async fn draft(person: &Person, channel: &str, draft: Value) -> Answer {
    person.put(&format!("/channels/{channel}/draft"), draft).await
}

/// What is in each of one's drafts.
async fn drafts(person: &Person) -> Vec<String> {
    let all = person.pages("/users/me/drafts?limit=1").await;
    all.iter().map(|draft| text(&draft["content"])).collect()
}

/// What a device that was away since then learns of one's drafts: what happened, and with what.
async fn missed(person: &Person, server: &TestServer, since: i64) -> Vec<(String, String)> {
    let path = format!("/users/me/changes?since={since}&epoch={}", server.chat.epoch());
    let answer = person.get(&path).await;
    let items = answer.expect(StatusCode::OK).body["items"].as_array().unwrap().clone();
    let of_drafts = items.iter().filter(|it| it["draft"].is_object());
    of_drafts.map(|it| (text(&it["type"]), text(&it["draft"]["content"]))).collect()
}

fn head(socket: &Socket) -> i64 {
    socket.ready["me"]["head"].as_i64().unwrap()
}

on_both! {
    async fn what_one_begins_to_write_is_on_all_of_ones_devices_and_nobody_elses(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = bob.create_channel("general").await;
        ann.join(&channel).await;
        let said = text(&bob.say(&channel, "lunch?").await["id"]);
        let (mut one, mut two) = (ann.listen().await, ann.listen().await);
        let mut other = bob.listen().await;
        let since = head(&one);
        let before = bob.get(&format!("/channels/{channel}")).await.body;

        let answer = draft(&ann, &channel, json!({ "content": "Hello, every" })).await;
        let written = answer.expect(StatusCode::OK).body.clone();
        assert_eq!(written["rev"], since + 1);
        for socket in [&mut one, &mut two] {
            let frame = socket.next_of("draft.updated").await;
            assert_eq!((&frame["feed"], &frame["prev"], &frame["rev"]), (&json!("me"), &json!(since), &json!(since + 1)));
            assert_eq!((&frame["channel_id"], &frame["draft"]), (&json!(channel), &written), "the whole state");
        }
        // A draft for each message that one answers, and the files that are to go with it.
        let file = ann.upload("menu.txt", b"soup").await;
        let reply = json!({ "type": "draft.set", "channel_id": channel, "content": " no ", "reply_to": said, "attachments": [file["id"]] });
        let reply = one.done(reply).await;
        assert_eq!((&reply["content"], &reply["reply_to"], &reply["attachments"]), (&json!(" no "), &json!(said), &json!([file["id"]])));
        assert_eq!(two.until(|frame| frame["rev"] == reply["rev"]).await["draft"], reply);
        let mut all = drafts(&ann).await;
        all.sort();
        assert_eq!(all, [" no ", "Hello, every"]);
        let moved = |n: i64| reply["rev"].as_i64().unwrap() + n;
        let again = draft(&ann, &channel, json!({ "content": "Hello, every" })).await;
        assert_eq!(again.body, written, "what it says already takes no rev");

        let path = format!("/channels/{channel}/draft");
        ann.delete(&path).await.expect(StatusCode::NO_CONTENT);
        let frame = two.next_of("draft.deleted").await;
        assert_eq!((&frame["rev"], &frame["draft"]["content"]), (&json!(moved(1)), &json!("")));
        ann.delete(&path).await.expect(StatusCode::NO_CONTENT);
        assert_eq!(drafts(&ann).await, [" no "]);
        let pair = |kind: &str, content: &str| (kind.to_owned(), content.to_owned());
        assert_eq!(missed(&ann, server, since).await, [pair("draft.updated", " no "), pair("draft.deleted", "")]);
        ann.delete(&format!("{path}?reply_to={said}")).await.expect(StatusCode::NO_CONTENT);
        assert_eq!(drafts(&ann).await, [""; 0]);

        other.settle().await;
        assert!(other.kept().all(|frame| !text(&frame["type"]).starts_with("draft")));
        assert_eq!(drafts(&bob).await, [""; 0]);
        assert_eq!(bob.get(&format!("/channels/{channel}")).await.body, before, "nothing of it is in the channel");
    }
}

on_both! {
    async fn a_draft_goes_with_the_message_that_it_was_and_with_no_other(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let root = text(&ann.say(&channel, "root").await["id"]);
        let mut socket = ann.listen().await;
        for content in ["in the channel", "in the thread"] {
            let reply_to = (content == "in the thread").then_some(&root);
            draft(&ann, &channel, json!({ "content": content, "reply_to": reply_to })).await.expect(StatusCode::OK);
        }
        let path = format!("/channels/{channel}/messages");
        let send = |body: Value| ann.post(&path, body);
        send(json!({ "content": "from a device that knows no drafts" })).await.expect(StatusCode::CREATED);
        send(json!({ "content": "" , "draft": true })).await.problem(422, "invalid");
        assert_eq!(drafts(&ann).await.len(), 2, "what is not sent takes nothing away");
        socket.done(json!({ "type": "message.send", "channel_id": channel, "content": "in the thread", "reply_to": root, "draft": true })).await;
        assert_eq!(drafts(&ann).await, ["in the channel"]);
        let gone = socket.next_of("draft.deleted").await;
        assert_eq!(gone["draft"]["reply_to"], root.as_str());

        // Sent again, it takes away nothing that was begun since.
        let id = "019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a";
        let again = json!({ "id": id, "content": "in the channel", "draft": true });
        send(again.clone()).await.expect(StatusCode::CREATED);
        assert_eq!(drafts(&ann).await, [""; 0]);
        draft(&ann, &channel, json!({ "content": "the next" })).await.expect(StatusCode::OK);
        send(again).await.expect(StatusCode::OK);
        assert_eq!(drafts(&ann).await, ["the next"]);
        // The same message is the same, whether or not it says that it was a draft.
        send(json!({ "id": id, "content": "in the channel" })).await.expect(StatusCode::OK);
    }
}

on_both! {
    async fn a_storm_of_writing_is_one_commit_a_second_and_the_last_one_counts(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let mut socket = ann.listen().await;
        let since = head(&socket);
        for n in 1..=40 {
            socket.send(json!({ "type": "draft.set", "ref": n, "channel_id": channel, "content": n.to_string() })).await;
        }
        for n in 1..=40 {
            let reply = socket.until(|frame| frame["ref"] == n).await;
            assert_eq!(reply["ok"], true, "{reply}");
            assert!(n == 1 || reply["data"]["content"] == "40", "{reply}: answered with what is on disk");
        }
        assert_eq!(drafts(&ann).await, ["40"]);
        let moved = head(&ann.listen().await) - since;
        assert!((2..=3).contains(&moved), "{moved} commits for 40 writings");
    }
}

on_both! {
    async fn what_still_waits_of_a_draft_is_not_written_after_its_message(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let mut socket = ann.listen().await;
        for content in ["h", "he", "hello"] {
            socket.send(json!({ "type": "draft.set", "ref": content, "channel_id": channel, "content": content })).await;
        }
        socket.done(json!({ "type": "message.send", "channel_id": channel, "content": "hello", "draft": true })).await;
        for content in ["h", "he", "hello"] {
            let reply = socket.until(|frame| frame["ref"] == content).await;
            assert_eq!(reply["ok"], true, "{reply}");
        }
        tokio::time::sleep(Duration::from_millis(1200)).await;
        assert_eq!(drafts(&ann).await, [""; 0]);
        // Of what is refused nothing is taken away, and what waited is written.
        for content in ["b", "by", "bye"] {
            socket.send(json!({ "type": "draft.set", "ref": content, "channel_id": channel, "content": content })).await;
        }
        let nothing = uuid::Uuid::new_v4().to_string();
        let attached = json!({ "type": "message.send", "channel_id": channel, "attachments": [nothing], "draft": true });
        assert_eq!(socket.ask(attached).await["error"]["code"], "invalid");
        let reply = socket.until(|frame| frame["ref"] == "bye").await;
        assert_eq!(reply["data"]["content"], "bye");
        assert_eq!(drafts(&ann).await, ["bye"]);
    }
}

on_both! {
    async fn one_that_is_refused_does_not_take_those_along_that_wait_with_it(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let mut socket = ann.listen().await;
        let nothing = uuid::Uuid::new_v4().to_string();
        for (content, files) in [("a", json!([])), ("ab", json!([])), ("abc", json!([nothing]))] {
            socket.send(json!({ "type": "draft.set", "ref": content, "channel_id": channel, "content": content, "attachments": files })).await;
        }
        for (content, ok) in [("a", true), ("ab", true), ("abc", false)] {
            let reply = socket.until(|frame| frame["ref"] == content).await;
            assert_eq!(reply["ok"], ok, "{reply}");
        }
        assert_eq!(drafts(&ann).await, ["ab"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_that_waits_is_committed_when_the_server_stops() {
    let server = TestServer::sqlite().await;
    let ann = server.user("ann").await;
    let channel = ann.create_channel("general").await;
    let caller = server.chat.authenticate(ann.token.as_deref().unwrap()).unwrap();
    let set = |content: &str| {
        let content = DraftText::parse(content.to_owned()).unwrap();
        server.chat.set_draft(&caller, channel.parse().unwrap(), None, content, Vec::new()).unwrap()
    };
    set("first").await.unwrap();
    let waits = tokio::spawn(set("last"));
    let store = server.store.clone();
    server.stop().await;
    assert_eq!(waits.await.unwrap().unwrap().content, "last");
    let page = PageRequest { after: None, limit: 10 };
    let kept = store.drafts(ann.id.parse().unwrap(), page).await.unwrap();
    assert_eq!(kept.items[0].content, "last");
}

on_both! {
    async fn who_is_out_of_a_channel_has_no_drafts_there_on_any_device(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let mut socket = bob.listen().await;
        for way in ["leave", "remove", "ban"] {
            let channel = ann.create_private("tea").await;
            ann.add(&channel, &bob).await;
            let said = text(&ann.say(&channel, "a secret").await["id"]);
            for reply_to in [None, Some(&said)] {
                draft(&bob, &channel, json!({ "content": "of the secret", "reply_to": reply_to })).await.expect(StatusCode::OK);
            }
            let since = head(&bob.listen().await);
            let out = match way {
                "leave" => bob.call(&format!("/channels/{channel}/leave")).await,
                "remove" => ann.delete(&format!("/channels/{channel}/members/{}", bob.id)).await,
                _ => ann.put(&format!("/channels/{channel}/bans/{}", bob.id), json!({})).await,
            };
            assert!(out.status.is_success(), "{}", out.body);
            for _ in 0..2 {
                let gone = socket.next_of("draft.deleted").await;
                assert_eq!((&gone["channel_id"], &gone["draft"]["content"]), (&json!(channel), &json!("")), "{way}");
            }
            assert_eq!(drafts(&bob).await, [""; 0], "{way}");
            // Also a device that was away while they left and came back.
            if way == "remove" {
                ann.add(&channel, &bob).await;
            }
            let learned = missed(&bob, server, since).await;
            assert_eq!(learned, [("draft.deleted".to_owned(), String::new()), ("draft.deleted".to_owned(), String::new())], "{way}");
            if way != "remove" {
                draft(&bob, &channel, json!({ "content": "more" })).await.problem(404, "not_found");
            }
            socket.forget();
        }
    }
}

on_both! {
    with Setup {
        options: Options { purge_every: Duration::from_millis(20), ..Options::default() },
        ..Setup::default()
    },
    async fn drafts_go_with_a_deleted_channel(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        draft(&bob, &channel, json!({ "content": "of the channel" })).await.expect(StatusCode::OK);
        let since = head(&bob.listen().await) - 1;
        assert_eq!(missed(&bob, server, since).await.len(), 1);
        ann.delete(&format!("/channels/{channel}")).await.expect(StatusCode::NO_CONTENT);
        assert_eq!(drafts(&bob).await, [""; 0]);
        assert_eq!(missed(&bob, server, since).await, []);
        until(async || !crate::erasure::is_on_disk(server, "of the channel").await).await;
    }
}

on_both! {
    async fn a_person_has_five_hundred_drafts_at_most(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let caller = server.chat.authenticate(ann.token.as_deref().unwrap()).unwrap();
        let id = channel.parse().unwrap();
        let mut said = Vec::new();
        for n in 0..501 {
            said.push(text(&ann.say(&channel, &n.to_string()).await["id"]));
        }
        // All at once: those that wait are one commit.
        let texts = said[..500].iter().map(|reply_to| {
            let content = DraftText::parse("begun".to_owned()).unwrap();
            server.chat.set_draft(&caller, id, Some(reply_to.parse().unwrap()), content, Vec::new()).unwrap()
        });
        for written in futures_util::future::join_all(texts).await {
            written.unwrap();
        }
        assert_eq!(ann.pages("/users/me/drafts?limit=100").await.len(), 500);
        let one_more = json!({ "content": "one more", "reply_to": said[500] });
        draft(&ann, &channel, one_more.clone()).await.problem(409, "too_many_drafts");
        draft(&ann, &channel, json!({ "content": "said otherwise", "reply_to": said[0] })).await.expect(StatusCode::OK);
        ann.delete(&format!("/channels/{channel}/draft?reply_to={}", said[1])).await.expect(StatusCode::NO_CONTENT);
        draft(&ann, &channel, one_more).await.expect(StatusCode::OK);
    }
}

on_both! {
    async fn a_bad_draft_is_refused_with_all_that_is_wrong(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        let elsewhere = ann.create_channel("elsewhere").await;
        let said = text(&ann.say(&elsewhere, "elsewhere").await["id"]);
        let theirs = bob.upload("theirs.txt", b"theirs").await;
        let nothing = uuid::Uuid::new_v4().to_string();
        for (body, faults) in [
            (json!({ "content": "x".repeat(4001) }), vec![("content", "too_long")]),
            (json!({ "content": "a\0b" }), vec![("content", "bad_character")]),
            (json!({ "content": 7, "reply_to": "x" }), vec![("content", "wrong_type"), ("reply_to", "bad_id")]),
            (json!({}), vec![("content", "missing")]),
            (json!({ "content": "", "attachments": vec![&nothing; 11] }), vec![("attachments", "too_long")]),
            (json!({ "content": "", "attachments": [&nothing, &nothing] }), vec![("attachments", "duplicate")]),
            (json!({ "content": "", "attachments": [&nothing] }), vec![("attachments.0", "unknown_file")]),
            (json!({ "content": "", "attachments": [theirs["id"]] }), vec![("attachments.0", "unknown_file")]),
            (json!({ "content": "a", "reply_to": said }), vec![("reply_to", "unknown_message")]),
            (json!({ "content": "a", "reply_to": nothing }), vec![("reply_to", "unknown_message")]),
        ] {
            let answer = draft(&ann, &channel, body.clone()).await;
            answer.problem(422, "invalid");
            let faults: Vec<_> = faults.iter().map(|(field, code)| ((*field).to_owned(), (*code).to_owned())).collect();
            assert_eq!(answer.faults(), faults, "{body}");
        }
        for query in ["cursor=x", "cursor=YSBi", "limit=0"] {
            ann.get(&format!("/users/me/drafts?{query}")).await.problem(422, "invalid");
        }
        let bad = ann.send(ann.request(Method::DELETE, &format!("/channels/{channel}/draft?reply_to=x"))).await;
        bad.problem(422, "invalid");
        assert_eq!(drafts(&ann).await, [""; 0]);
        // What is only begun may be blank.
        draft(&ann, &channel, json!({ "content": "  \n" })).await.expect(StatusCode::OK);
        assert_eq!(drafts(&ann).await, ["  \n"]);
    }
}
