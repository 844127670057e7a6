//! Who is banned sees nothing from that moment on, by whatever way.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use tertulia_chat::Options;

use crate::on_both;
use crate::server::{Person, Setup, TestServer, text};

/// Nobody's access ends while a ban does.
pub(crate) fn patient() -> Setup {
    let options = Options { access_ttl: time::Duration::days(1), ..Options::default() };
    Setup { options, ..Setup::default() }
}

/// Everything of a channel that can be read, and the message.
fn readings(channel: &str, message: &str) -> Vec<String> {
    let mut paths: Vec<_> = ["", "/members", "/messages", "/changes?since=0", "/bans", "/invites"]
        .iter()
        .map(|path| format!("/channels/{channel}{path}"))
        .collect();
    paths.push(format!("/messages/{message}"));
    paths
}

/// Who is banned, as a moderator sees it.
async fn banned(moderator: &Person, channel: &str) -> Vec<Value> {
    moderator.pages(&format!("/channels/{channel}/bans?limit=2")).await
}

on_both! {
    async fn who_is_banned_sees_nothing_even_of_a_public_channel(server: TestServer) {
        let (ann, bob, eve) =
            (server.user("ann").await, server.user("bob").await, server.user("eve").await);
        for in_it in [true, false] {
            let id = ann.create_channel("general").await;
            bob.join(&id).await;
            let message = text(&ann.say(&id, "welcome").await["id"]);
            if in_it {
                eve.join(&id).await;
            }
            let path = format!("/channels/{id}/bans/{}", eve.id);
            bob.put(&path, json!({})).await.problem(403, "forbidden");
            bob.get(&format!("/channels/{id}/bans")).await.problem(403, "forbidden");
            ann.promote(&id, &bob).await;
            let (mut ears, mut hers) = (ann.listen().await, eve.listen().await);
            let end = server.clock.now().plus(time::Duration::days(1));
            let ban = bob.put(&path, json!({ "reason": "Spam", "expires_at": end })).await;
            let expected = json!({
                "user": { "id": eve.id, "username": "eve", "display_name": "eve" },
                "reason": "Spam",
                "expires_at": end,
                "created_at": server.clock.now(),
                "by": bob.id,
            });
            assert_eq!(ban.expect(StatusCode::CREATED).body, expected);
            assert_eq!(ban.headers["location"], format!("/api/v1{path}"));
            assert_eq!(banned(&ann, &id).await, *std::slice::from_ref(&expected));
            let heard = ears.next_of("member.banned").await;
            assert_eq!(heard["member"]["user_id"], eve.id.as_str());
            assert!(!heard.to_string().contains("Spam") && heard["member"].get("banned_until").is_none());
            let told = hers.next_of("membership.updated").await;
            assert_eq!((&told["membership"]["state"], &told["channel"]), (&json!("banned"), &Value::Null));
            assert!(!told.to_string().contains("Spam"));

            for path in readings(&id, &message) {
                eve.get(&path).await.problem(404, "not_found");
            }
            let said = json!({ "content": "hm" });
            eve.post(&format!("/channels/{id}/messages"), said).await.problem(404, "not_found");
            eve.call(&format!("/channels/{id}/join")).await.problem(404, "not_found");
            let add = json!({ "user_id": eve.id });
            ann.post(&format!("/channels/{id}/members"), add).await.problem(409, "banned");
            assert!(!eve.get("/channels?query=gen").await.body.to_string().contains(&id));
            assert!(bob.get("/channels?query=gen").await.body.to_string().contains(&id));
            assert!(!eve.get("/users/me/channels").await.body.to_string().contains(&id));
            let sync = hers.ask(json!({ "type": "sync", "feed": id, "rev": 0 })).await;
            assert_eq!(sync["error"]["code"], "not_found");

            // Another reason is another ban, of which nobody hears; the same again is the same.
            let before = ann.get(&format!("/channels/{id}")).await.body["head"].clone();
            let other = ann.put(&path, json!({ "reason": "Scam" })).await;
            assert_eq!(other.expect(StatusCode::OK).body["by"], ann.id.as_str());
            assert_eq!(banned(&bob, &id).await, *std::slice::from_ref(&other.body));
            assert_eq!(ann.put(&path, json!({ "reason": "Scam" })).await.body, other.body);
            assert_eq!(ann.get(&format!("/channels/{id}")).await.body["head"], before);

            bob.delete(&path).await.expect(StatusCode::NO_CONTENT);
            bob.delete(&path).await.problem(404, "not_found");
            let heard = ears.next_of("member.unbanned").await;
            assert_eq!(heard["member"]["user_id"], eve.id.as_str());
            assert_eq!(banned(&ann, &id).await, Vec::<Value>::new());
            eve.get(&format!("/channels/{id}/messages")).await.expect(StatusCode::OK);
            eve.join(&id).await;
            eve.say(&id, "sorry").await;
        }
    }
}

on_both! {
    with patient(),
    async fn a_ban_is_over_when_its_time_has_come(server: TestServer) {
        let (ann, eve) = (server.user("ann").await, server.user("eve").await);
        let id = ann.create_channel("general").await;
        eve.join(&id).await;
        let path = format!("/channels/{id}/bans/{}", eve.id);
        let past = ann.put(&path, json!({ "expires_at": server.clock.now() })).await;
        assert_eq!(past.problem(422, "invalid").faults(), [("expires_at".into(), "past".into())]);
        let end = server.clock.now().plus(time::Duration::hours(1));
        ann.put(&path, json!({ "expires_at": end })).await.expect(StatusCode::CREATED);
        server.clock.advance(time::Duration::minutes(59));
        eve.get(&format!("/channels/{id}")).await.problem(404, "not_found");
        server.clock.advance(time::Duration::minutes(1));
        eve.get(&format!("/channels/{id}")).await.expect(StatusCode::OK);
        assert!(eve.get("/channels").await.body.to_string().contains(&id));
        assert_eq!(banned(&ann, &id).await, Vec::<Value>::new());
        ann.delete(&path).await.problem(404, "not_found");
        // It may be put anew, and she may come in when that is over.
        ann.put(&path, json!({ "expires_at": end.plus(time::Duration::hours(1)) })).await.expect(StatusCode::CREATED);
        eve.call(&format!("/channels/{id}/join")).await.problem(404, "not_found");
        server.clock.advance(time::Duration::hours(1));
        eve.join(&id).await;
        ann.put(&path, json!({})).await.expect(StatusCode::CREATED);
    }
}

on_both! {
    async fn people_are_banned_by_name_and_not_above_oneself(server: TestServer) {
        let (ann, bob, eve) =
            (server.user("ann").await, server.user("bob").await, server.user("eve").await);
        let carol = server.user("carol").await;
        let id = ann.create_channel("general").await;
        for person in [&bob, &carol] {
            person.join(&id).await;
            ann.promote(&id, person).await;
        }
        let ban = |whom: &str| format!("/channels/{id}/bans/{whom}");
        let made = bob.put(&ban("@EVE"), json!({})).await;
        assert_eq!(made.expect(StatusCode::CREATED).body["user"]["id"], eve.id.as_str());
        bob.put(&ban("%40eve"), json!({})).await.expect(StatusCode::OK);
        let unknown = tertulia_domain::UserId::new(server.clock.now()).to_string();
        for nobody in ["@nobody", "@", "@%00", "eve", "me", &unknown] {
            bob.put(&ban(nobody), json!({})).await.problem(404, "not_found");
            bob.delete(&ban(nobody)).await.problem(404, "not_found");
        }
        for above in ["@ann", "@carol", "@bob"] {
            bob.put(&ban(above), json!({})).await.problem(403, "forbidden");
        }
        ann.put(&ban("@ann"), json!({})).await.problem(403, "forbidden");
        ann.put(&ban("@carol"), json!({})).await.expect(StatusCode::CREATED);
        bob.delete(&ban("@eve")).await.expect(StatusCode::NO_CONTENT);
        // Who is let in again is a member.
        bob.delete(&ban("@carol")).await.expect(StatusCode::NO_CONTENT);
        carol.join(&id).await;
        carol.get(&format!("/channels/{id}/bans")).await.problem(403, "forbidden");

        let talk = ann.post("/conversations", json!({ "recipient_id": bob.id })).await;
        let path = format!("/channels/{}/bans/{}", text(&talk.body["id"]), bob.id);
        ann.put(&path, json!({})).await.problem(403, "forbidden");
    }
}

on_both! {
    async fn twenty_bans_at_once_are_one(server: TestServer) {
        let (ann, eve) = (server.user("ann").await, server.user("eve").await);
        let id = ann.create_channel("general").await;
        eve.join(&id).await;
        let head = |answer: Value| answer["head"].as_i64().unwrap();
        let before = head(ann.get(&format!("/channels/{id}")).await.body);
        let path = format!("/channels/{id}/bans/{}", eve.id);
        let all = (0..20).map(|_| {
            let (ann, path) = (ann.clone(), path.clone());
            async move { ann.put(&path, json!({ "reason": "Spam" })).await.status.as_u16() }
        });
        let mut statuses = futures_util::future::join_all(all).await;
        statuses.sort_unstable();
        assert_eq!((&statuses[..19], statuses[19]), (&[200; 19][..], 201));
        assert_eq!(head(ann.get(&format!("/channels/{id}")).await.body), before + 1);
        assert_eq!(banned(&ann, &id).await.len(), 1);
    }
}

/// A reconciler that never comes: what is lost is found by what follows it, or not at all.
fn never() -> Setup {
    let options = Options { reconcile_every: Duration::from_hours(1), ..Options::default() };
    Setup { options, ..Setup::default() }
}

/// The frames of the channel, but those up to the ban, that came to a socket.
fn frames_of(socket: &crate::socket::Socket, channel: &str) -> Vec<Value> {
    socket.kept().filter(|frame| frame["feed"] == channel).cloned().collect()
}

async fn talk(server: &TestServer, kind: &str) -> (Person, Person, Person, String) {
    let (ann, bob, eve) =
        (server.user("ann").await, server.user("bob").await, server.user("eve").await);
    let made = ann.post("/channels", json!({ "name": "talk", "kind": kind })).await;
    let id = text(&made.body["id"]);
    ann.add(&id, &bob).await;
    ann.add(&id, &eve).await;
    (ann, bob, eve, id)
}

on_both! {
    // Banned at 20, and 11 to 19 were lost: they lie before the ban, and are read after it.
    with never(),
    async fn not_one_later_event_reaches_who_is_banned(server: TestServer) {
        // Nodes that have just met look once for what they may have missed of each other: that would
        // find what is lost before the ban, and be right.
        tokio::time::sleep(Duration::from_millis(600)).await;
        for (kind, lost) in [("public", true), ("public", false), ("private", true), ("private", false)] {
            let (ann, bob, eve, id) = talk(server, kind).await;
            let mut hers = [eve.listen().await, server.log_in("eve").await.listen().await];
            let mut stays = bob.listen().await;
            for n in 0..10 {
                ann.say(&id, &format!("heard {n}")).await;
            }
            for hers in &mut hers {
                hers.until(|frame| frame["message"]["content"] == "heard 9").await;
                hers.settle().await;
                hers.forget();
            }
            server.lose_every(u32::from(lost));
            if lost {
                for n in 11..20 {
                    ann.say(&id, &format!("unheard {n}")).await;
                }
            }
            ann.ban(&id, &eve).await;
            if !lost {
                for n in 11..20 {
                    ann.say(&id, &format!("unheard {n}")).await;
                }
            }
            server.lose_every(0);
            let last = text(&ann.say(&id, "and on").await["id"]);
            // Whoever stays hears it all, so the gap has been read.
            for n in 11..20 {
                let words = format!("unheard {n}");
                stays.until(|frame| frame["message"]["content"] == words.as_str()).await;
            }
            stays.until(|frame| frame["message"]["content"] == "and on").await;
            for hers in &mut hers {
                hers.settle().await;
                assert_eq!(frames_of(hers, &id), [] as [Value; 0], "{kind}, lost: {lost}");
                let sync = json!({ "type": "sync", "feed": id, "rev": 0 });
                assert_eq!(hers.ask(sync).await["error"]["code"], "not_found");
                let said = json!({ "type": "message.send", "channel_id": id, "content": "hm" });
                assert_eq!(hers.ask(said).await["error"]["code"], "not_found");
            }
            for path in readings(&id, &last) {
                eve.get(&path).await.problem(404, "not_found");
            }
            // A new socket begins without it, and hears nothing of it.
            let mut late = eve.listen().await;
            assert!(!late.ready.to_string().contains(&id));
            ann.say(&id, "hm").await;
            stays.until(|frame| frame["message"]["content"] == "hm").await;
            late.settle().await;
            assert_eq!(frames_of(&late, &id), [] as [Value; 0]);
            for person in [&ann, &bob, &eve] {
                let end = json!({ "password": crate::server::PASSWORD });
                let gone = person.request(reqwest::Method::DELETE, "/users/me").json(&end);
                person.send(gone).await.expect(StatusCode::NO_CONTENT);
            }
        }
    }
}

on_both! {
    with Setup {
        options: Options { guests: true, ..Options::default() },
        ..Setup::default()
    },
    async fn a_guest_is_banned_as_anybody(server: TestServer) {
        let ann = server.user("ann").await;
        let entered = server.nobody().post("/auth/guest", json!({ "name": "Eve" })).await;
        let eve = server.person(&entered.expect(StatusCode::CREATED).body);
        let id = ann.create_channel("general").await;
        eve.join(&id).await;
        ann.put(&format!("/channels/{id}/owner"), json!({ "user_id": eve.id })).await.problem(409, "guest");
        ann.ban(&id, &eve).await;
        eve.get(&format!("/channels/{id}")).await.problem(404, "not_found");
        eve.call(&format!("/channels/{id}/join")).await.problem(404, "not_found");
    }
}
