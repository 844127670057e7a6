//! Roles, and what moderators do: who writes, when, and whether anybody does.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::on_both;
use crate::server::{Answer, Person, text};

/// Somebody's place in a channel, as another member finds it in the list.
async fn place(from: &Person, channel: &str, of: &Person) -> Value {
    let members = from.pages(&format!("/channels/{channel}/members?limit=2")).await;
    members.into_iter().find(|member| member["user_id"] == of.id.as_str()).unwrap_or_default()
}

async fn says(person: &Person, channel: &str, content: &str) -> Answer {
    person.post(&format!("/channels/{channel}/messages"), json!({ "content": content })).await
}

on_both! {
    async fn an_owner_makes_moderators_and_hands_the_channel_on(server: TestServer) {
        let (ann, bob, carol) =
            (server.user("ann").await, server.user("bob").await, server.user("carol").await);
        let id = ann.create_channel("general").await;
        bob.join(&id).await;
        carol.join(&id).await;
        let (mut ears, mut own) = (carol.listen().await, bob.listen().await);
        let role = |user: &Person| format!("/channels/{id}/members/{}", user.id);
        bob.put(&role(&carol), json!({ "role": "moderator" })).await.problem(403, "forbidden");
        let made = ann.put(&role(&bob), json!({ "role": "moderator" })).await;
        assert_eq!(made.expect(StatusCode::OK).body["role"], "moderator");
        let heard = ears.next_of("member.updated").await;
        assert_eq!((&heard["member"]["user_id"], &heard["member"]), (&json!(bob.id), &made.body));
        let told = own.next_of("membership.updated").await;
        assert_eq!((&told["feed"], &told["membership"]["role"]), (&json!("me"), &json!("moderator")));
        assert_eq!(place(&carol, &id, &bob).await, made.body);
        // Again it changes nothing, and takes no number.
        let before = ann.get(&format!("/channels/{id}")).await.body["head"].clone();
        ann.promote(&id, &bob).await;
        assert_eq!(ann.get(&format!("/channels/{id}")).await.body["head"], before);

        // What a moderator may, and whom.
        bob.patch(&format!("/channels/{id}"), json!({ "topic": "tea" })).await.expect(StatusCode::OK);
        bob.put(&role(&carol), json!({ "role": "moderator" })).await.problem(403, "forbidden");
        bob.delete(&role(&ann)).await.problem(403, "forbidden");
        bob.patch(&format!("/channels/{id}"), json!({ "archived": true })).await.problem(403, "forbidden");

        let owner = format!("/channels/{id}/owner");
        bob.put(&owner, json!({ "user_id": carol.id })).await.problem(403, "forbidden");
        let stranger = server.user("dan").await;
        let refused = ann.put(&owner, json!({ "user_id": stranger.id })).await;
        assert_eq!(refused.problem(422, "invalid").faults(), [("user_id".into(), "not_a_member".into())]);
        let handed = ann.put(&owner, json!({ "user_id": carol.id })).await;
        assert_eq!(handed.expect(StatusCode::OK).body["owner_id"], carol.id.as_str());
        assert_eq!(place(&bob, &id, &carol).await["role"], "owner");
        assert_eq!(place(&bob, &id, &ann).await["role"], "moderator");
        ann.put(&owner, json!({ "user_id": ann.id })).await.problem(403, "forbidden");
        ann.call(&format!("/channels/{id}/leave")).await.expect(StatusCode::NO_CONTENT);
        carol.call(&format!("/channels/{id}/leave")).await.problem(403, "forbidden");
        // One owner, on the way too: who missed it all finds the same.
        let changes = carol.get(&format!("/channels/{id}/changes?since=0")).await;
        let states: Vec<_> = changes.body["items"].as_array().unwrap().iter()
            .filter_map(|frame| frame.get("member")).collect();
        let owners = states.iter().filter(|member| member["role"] == "owner").count();
        assert_eq!((owners, states.len()), (1, 3));
    }
}

on_both! {
    async fn a_moderator_deletes_what_others_say(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let id = ann.create_channel("general").await;
        bob.join(&id).await;
        let message = format!("/messages/{}", text(&ann.say(&id, "rude").await["id"]));
        bob.delete(&message).await.problem(403, "forbidden");
        ann.promote(&id, &bob).await;
        bob.patch(&message, json!({ "content": "nice" })).await.problem(403, "forbidden");
        bob.delete(&message).await.expect(StatusCode::NO_CONTENT);
    }
}

on_both! {
    async fn who_is_muted_reads_and_is_silent_until_then(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let id = ann.create_channel("general").await;
        bob.join(&id).await;
        let said = text(&bob.say(&id, "before").await["id"]);
        let mut ears = bob.listen().await;
        let mute = format!("/channels/{id}/members/{}/mute", bob.id);
        let past = ann.put(&mute, json!({ "until": server.clock.now() })).await;
        assert_eq!(past.problem(422, "invalid").faults(), [("until".into(), "past".into())]);
        let until = server.clock.now().plus(time::Duration::seconds(90));
        let muted = ann.put(&mute, json!({ "until": until })).await;
        assert_eq!(muted.expect(StatusCode::OK).body["muted_until"], json!(until));
        let heard = ears.next_of("member.updated").await;
        assert_eq!(heard["member"], muted.body);
        assert_eq!(ears.next_of("membership.updated").await["membership"]["muted_until"], json!(until));
        let own = bob.get("/users/me/channels").await;
        assert_eq!(own.body["items"][0]["muted_until"], json!(until));

        let refused = says(&bob, &id, "hm").await;
        assert_eq!(refused.problem(403, "muted").headers["retry-after"], "90");
        let edited = bob.patch(&format!("/messages/{said}"), json!({ "content": "hm" })).await;
        edited.problem(403, "muted");
        let sent = json!({ "type": "message.send", "channel_id": id, "content": "hm" });
        let reply = ears.ask(sent.clone()).await;
        assert_eq!((&reply["error"]["code"], &reply["error"]["retry_after_ms"]), (&json!("muted"), &json!(90_000)));
        // Nobody is told to wait for years: a timer so long goes off at once in browsers.
        ann.put(&mute, json!({ "until": "9999-12-31T23:59:59Z" })).await.expect(StatusCode::OK);
        let refused = says(&bob, &id, "hm").await;
        assert_eq!(refused.problem(403, "muted").headers["retry-after"], "86400");
        let reply = ears.ask(sent).await;
        assert_eq!(reply["error"]["retry_after_ms"], 86_400_000);
        ann.put(&mute, json!({ "until": until })).await.expect(StatusCode::OK);
        // Neither by going out and in.
        bob.call(&format!("/channels/{id}/leave")).await.expect(StatusCode::NO_CONTENT);
        bob.join(&id).await;
        says(&bob, &id, "hm").await.problem(403, "muted");
        ann.say(&id, "listen").await;
        ears.until(|frame| frame["message"]["content"] == "listen").await;

        server.clock.advance(time::Duration::seconds(90));
        says(&bob, &id, "at last").await.expect(StatusCode::CREATED);
        let until = server.clock.now().plus(time::Duration::hours(1));
        ann.put(&mute, json!({ "until": until })).await.expect(StatusCode::OK);
        ann.delete(&mute).await.expect(StatusCode::NO_CONTENT);
        ann.delete(&mute).await.expect(StatusCode::NO_CONTENT);
        says(&bob, &id, "again").await.expect(StatusCode::CREATED);
        let mute = format!("/channels/{id}/members/{}/mute", ann.id);
        ann.put(&mute, json!({ "until": until })).await.problem(403, "forbidden");
    }
}

on_both! {
    async fn slow_mode_lets_members_speak_now_and_then(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let id = ann.create_channel("general").await;
        bob.join(&id).await;
        let slow = json!({ "slow_mode_seconds": 30 });
        let changed = ann.patch(&format!("/channels/{id}"), slow).await;
        assert_eq!(changed.expect(StatusCode::OK).body["slow_mode_seconds"], 30);
        let name = tertulia_domain::MessageId::new(server.clock.now());
        let first = json!({ "id": name, "content": "one" });
        let messages = format!("/channels/{id}/messages");
        let one = bob.post(&messages, first.clone()).await;
        one.expect(StatusCode::CREATED);
        server.clock.advance(time::Duration::milliseconds(9_500));
        let refused = says(&bob, &id, "two").await;
        assert_eq!(refused.problem(429, "slow_mode").headers["retry-after"], "21");
        // What got no answer may be sent again, and is no second message.
        let again = bob.post(&messages, first).await;
        assert_eq!(again.expect(StatusCode::OK).body, one.body);
        let mut socket = bob.listen().await;
        let sent = json!({ "type": "message.send", "channel_id": id, "content": "two" });
        let reply = socket.ask(sent.clone()).await;
        assert_eq!(reply["error"]["code"], "slow_mode");
        assert_eq!(reply["error"]["retry_after_ms"], 20_500);
        // Neither by going out and in.
        bob.call(&format!("/channels/{id}/leave")).await.expect(StatusCode::NO_CONTENT);
        bob.join(&id).await;
        says(&bob, &id, "two").await.problem(429, "slow_mode");

        for n in 0..3 {
            ann.say(&id, &n.to_string()).await;
        }
        server.clock.advance(time::Duration::milliseconds(20_500));
        // Of twenty at once one is heard.
        let all = (0..20).map(|n| {
            let (bob, id) = (bob.clone(), id.clone());
            async move { says(&bob, &id, &n.to_string()).await.status.as_u16() }
        });
        let mut statuses = futures_util::future::join_all(all).await;
        statuses.sort_unstable();
        assert_eq!((statuses[0], &statuses[1..]), (201, &[429; 19][..]));
        ann.promote(&id, &bob).await;
        says(&bob, &id, "a moderator").await.expect(StatusCode::CREATED);
        let off = json!({ "slow_mode_seconds": 0 });
        ann.patch(&format!("/channels/{id}"), off).await.expect(StatusCode::OK);
    }
}

on_both! {
    async fn announcements_are_made_by_moderators(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let id = ann.create_channel("news").await;
        bob.join(&id).await;
        let path = format!("/channels/{id}");
        let mut ears = bob.listen().await;
        ann.patch(&path, json!({ "posting": "moderators", "topic": "Green tea" })).await.expect(StatusCode::OK);
        let heard = ears.next_of("channel.updated").await;
        let channel = &heard["channel"];
        assert_eq!((&channel["posting"], &channel["topic"]), (&json!("moderators"), &json!("Green tea")));
        says(&bob, &id, "hm").await.problem(403, "forbidden");
        says(&ann, &id, "news").await.expect(StatusCode::CREATED);
        ann.promote(&id, &bob).await;
        says(&bob, &id, "more news").await.expect(StatusCode::CREATED);
        let cleared = ann.patch(&path, json!({ "topic": "", "posting": "everyone" })).await;
        assert_eq!(cleared.expect(StatusCode::OK).body["topic"], "");
    }
}

on_both! {
    async fn an_archived_channel_is_read_and_nothing_more(server: TestServer) {
        let (ann, bob, carol) =
            (server.user("ann").await, server.user("bob").await, server.user("carol").await);
        let id = ann.create_channel("general").await;
        bob.join(&id).await;
        let message = format!("/messages/{}", text(&bob.say(&id, "before").await["id"]));
        let path = format!("/channels/{id}");
        let mut ears = bob.listen().await;
        let archived = ann.patch(&path, json!({ "archived": true })).await;
        assert!(archived.expect(StatusCode::OK).body["archived_at"].is_string());
        assert_eq!(ears.next_of("channel.updated").await["channel"]["archived_at"], archived.body["archived_at"]);
        let again = ann.patch(&path, json!({ "archived": true })).await;
        assert_eq!(again.expect(StatusCode::OK).body, archived.body);

        says(&ann, &id, "hm").await.problem(409, "archived");
        says(&carol, &id, "hm").await.problem(403, "forbidden");
        bob.patch(&message, json!({ "content": "hm" })).await.problem(409, "archived");
        carol.call(&format!("{path}/join")).await.problem(409, "archived");
        ann.post(&format!("{path}/members"), json!({ "user_id": carol.id })).await.problem(409, "archived");
        ann.patch(&path, json!({ "name": "hm" })).await.problem(409, "archived");
        ann.post(&format!("{path}/invites"), json!({})).await.problem(409, "archived");
        bob.post(&format!("{path}/invitations"), json!({ "user_id": carol.id })).await.problem(409, "archived");

        let history = carol.get(&format!("{path}/messages")).await;
        assert_eq!(history.expect(StatusCode::OK).body["items"][0]["content"], "before");
        bob.delete(&message).await.expect(StatusCode::NO_CONTENT);
        ann.promote(&id, &bob).await;
        let opened = ann.patch(&path, json!({ "archived": false, "name": "open" })).await;
        assert_eq!(opened.expect(StatusCode::OK).body["archived_at"], Value::Null);
        assert_eq!(opened.body["name"], "open");
        says(&bob, &id, "after").await.expect(StatusCode::CREATED);
    }
}
