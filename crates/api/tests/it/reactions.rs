//! Reacting to what others say, live and afterwards.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::on_both;
use crate::server::{Answer, Person, text};

/// Where a reaction to this message is.
fn path(message: &Value, emoji: &str) -> String {
    let emoji = emoji.bytes().fold(String::new(), |path, byte| format!("{path}%{byte:02X}"));
    format!("/messages/{}/reactions/{emoji}", text(&message["id"]))
}

async fn react(person: &Person, message: &Value, emoji: &str) -> Answer {
    person.send(person.request(Method::PUT, &path(message, emoji))).await
}

/// The reactions to a message, as somebody reads them.
async fn read(person: &Person, message: &Value) -> Value {
    let message = person.get(&format!("/messages/{}", text(&message["id"]))).await;
    message.expect(StatusCode::OK).body["reactions"].clone()
}

on_both! {
    async fn reactions_are_counted_for_all_and_marked_for_those_who_reacted(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let message = ann.say(&channel, "lunch?").await;
        assert_eq!(message["reactions"], json!([]));
        let (mut ears, mut own) = (bob.listen().await, ann.listen().await);
        let head = ears.ready["channels"][0]["head"].as_i64().unwrap();

        let first = react(&ann, &message, "👍").await;
        assert_eq!(first.expect(StatusCode::OK).body, json!({ "emoji": "👍", "count": 1, "mine": true }));
        assert_eq!(react(&bob, &message, "👍").await.body["count"], 2);
        // Written otherwise, it is the same.
        react(&bob, &message, "\u{2764}").await.expect(StatusCode::OK);
        let again = react(&bob, &message, "\u{2764}\u{FE0F}").await;
        assert_eq!(again.expect(StatusCode::OK).body["count"], 1);

        for (rev, by, emoji, count) in [(1, &ann, "👍", 1), (2, &bob, "👍", 2), (3, &bob, "❤️", 1)] {
            let frame = ears.next_of("reaction.added").await;
            let expected = json!({
                "type": "reaction.added", "feed": channel, "channel_id": channel,
                "prev": head + rev - 1, "rev": head + rev, "message_id": message["id"],
                "reactions": [{ "emoji": emoji, "count": count }],
                "by": [{ "user_id": by.id, "emoji": emoji }],
            });
            assert_eq!(frame, expected, "what changes nothing takes no rev");
        }
        let mine = own.next_of("reaction.mine").await;
        assert_eq!((&mine["feed"], &mine["emoji"], &mine["mine"]), (&json!("me"), &json!("👍"), &json!(true)));
        assert_eq!(mine["message_id"], message["id"]);

        let seen_by_ann = json!([
            { "emoji": "❤️", "count": 1, "mine": false },
            { "emoji": "👍", "count": 2, "mine": true },
        ]);
        assert_eq!(read(&ann, &message).await, seen_by_ann);
        let page = ann.get(&format!("/channels/{channel}/messages")).await.body;
        assert_eq!(page["items"][0]["reactions"], seen_by_ann);
        assert_eq!(page["own_head"], mine["rev"]);
        assert_eq!(read(&bob, &message).await[0]["mine"], true);

        ann.delete(&path(&message, "👍")).await.expect(StatusCode::NO_CONTENT);
        ann.delete(&path(&message, "👍")).await.expect(StatusCode::NO_CONTENT);
        bob.delete(&path(&message, "👍")).await.expect(StatusCode::NO_CONTENT);
        for count in [1, 0] {
            let frame = ears.next_of("reaction.removed").await;
            assert_eq!(frame["reactions"], json!([{ "emoji": "👍", "count": count }]));
        }
        assert_eq!(own.next_of("reaction.mine").await["mine"], false);
        assert_eq!(read(&ann, &message).await, json!([{ "emoji": "❤️", "count": 1, "mine": false }]));
    }
}

on_both! {
    async fn who_comes_back_learns_how_reactions_stand(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let message = ann.say(&channel, "lunch?").await;
        let path_of = |feed: &str, since: &Value, epoch: &Value| {
            format!("/{feed}/changes?since={since}&epoch={}", text(epoch))
        };
        let ready = ann.listen().await.ready;
        let (epoch, head) = (&ready["epoch"], &ready["channels"][0]["head"]);
        react(&ann, &message, "👍").await;
        react(&bob, &message, "👍").await;
        react(&bob, &message, "🎉").await;
        bob.delete(&path(&message, "🎉")).await;

        let missed = ann.get(&path_of(&format!("channels/{channel}"), head, epoch)).await.body;
        let said: Vec<_> = missed["items"].as_array().unwrap().iter().map(|it| (&it["type"], &it["reactions"])).collect();
        let up = json!([{ "emoji": "👍", "count": 2 }]);
        let gone = json!([{ "emoji": "🎉", "count": 0 }]);
        assert_eq!(said, [(&json!("reaction.added"), &up), (&json!("reaction.removed"), &gone)]);
        assert!(missed["items"].as_array().unwrap().iter().all(|it| it["by"] == json!([])));

        let own = ann.get(&path_of("users/me", &ready["me"]["head"], epoch)).await.body;
        assert_eq!(own["items"].as_array().map(Vec::len), Some(1));
        assert_eq!((&own["items"][0]["type"], &own["items"][0]["mine"]), (&json!("reaction.mine"), &json!(true)));
        let bobs = bob.pages("/users/me/changes?since=0&limit=100").await;
        let last = bobs.last().unwrap();
        assert_eq!((&last["emoji"], &last["mine"]), (&json!("🎉"), &json!(false)));
    }
}

on_both! {
    async fn who_reacted_is_a_page(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let message = ann.say(&channel, "lunch?").await;
        let mut people = Vec::new();
        for name in ["bob", "carol", "dan"] {
            let person = server.user(name).await;
            person.join(&channel).await;
            react(&person, &message, "🎉").await.expect(StatusCode::OK);
            people.push(person);
        }
        people[1].delete(&path(&message, "🎉")).await.expect(StatusCode::NO_CONTENT);
        react(&ann, &message, "👍").await.expect(StatusCode::OK);
        let who = ann.pages(&format!("{}?limit=1", path(&message, "🎉"))).await;
        let mut expected = [&people[0], &people[2]].map(|person| json!({ "user_id": person.id, "emoji": "🎉" }));
        expected.sort_by_key(|one| text(&one["user_id"]));
        assert_eq!(who, expected);
        assert_eq!(ann.get(&path(&message, "🚀")).await.body, json!({ "items": [], "next": null }));
    }
}

on_both! {
    async fn only_members_react_and_only_with_one_emoji(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        let message = ann.say(&channel, "lunch?").await;
        react(&bob, &message, "👍").await.problem(403, "forbidden");
        bob.delete(&path(&message, "👍")).await.problem(403, "forbidden");
        bob.get(&path(&message, "👍")).await.expect(StatusCode::OK);
        for bad in ["x", "1", "👍👍", "👍 ", ":+1:", "<b>", &"👩\u{200D}".repeat(20)] {
            let refused = react(&ann, &message, bad).await;
            refused.problem(422, "invalid");
            assert_eq!(refused.faults(), [("emoji".to_owned(), "bad_emoji".to_owned())]);
        }
        let mut socket = ann.listen().await;
        let reaction = json!({ "type": "reaction.add", "message_id": message["id"], "emoji": "🎉" });
        assert_eq!(socket.done(reaction.clone()).await, json!({ "emoji": "🎉", "count": 1, "mine": true }));
        let mut removal = reaction.clone();
        removal["type"] = json!("reaction.remove");
        assert_eq!(socket.done(removal).await, json!({ "emoji": "🎉", "count": 0, "mine": false }));
        let reply = socket.ask(json!({ "type": "reaction.add", "emoji": "yes" })).await;
        let faults: Vec<_> = reply["error"]["errors"].as_array().unwrap().iter().map(|it| text(&it["field"])).collect();
        assert_eq!(faults, ["message_id", "emoji"]);
    }
}

on_both! {
    async fn a_message_has_fifty_different_reactions_at_most(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let message = ann.say(&channel, "lunch?").await;
        let emoji: Vec<String> = ('\u{1F400}'..).take(51).map(String::from).collect();
        for one in &emoji[..50] {
            react(&ann, &message, one).await.expect(StatusCode::OK);
        }
        react(&ann, &message, &emoji[50]).await.problem(409, "too_many_reactions");
        react(&ann, &message, &emoji[0]).await.expect(StatusCode::OK);
        ann.delete(&path(&message, &emoji[0])).await.expect(StatusCode::NO_CONTENT);
        react(&ann, &message, &emoji[50]).await.expect(StatusCode::OK);
        assert_eq!(read(&ann, &message).await.as_array().map(Vec::len), Some(50));
    }
}

on_both! {
    async fn reactions_go_with_their_message(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let (kept, message) = (ann.say(&channel, "one").await, ann.say(&channel, "two").await);
        for one in [&kept, &message] {
            react(&ann, one, "👍").await.expect(StatusCode::OK);
        }
        ann.delete(&format!("/messages/{}", text(&message["id"]))).await.expect(StatusCode::NO_CONTENT);
        assert_eq!(read(&ann, &message).await, json!([]));
        assert_eq!(ann.get(&path(&message, "👍")).await.body["items"], json!([]));
        react(&ann, &message, "👍").await.problem(409, "deleted");
        ann.delete(&path(&message, "👍")).await.expect(StatusCode::NO_CONTENT);
        assert_eq!(read(&ann, &kept).await[0]["count"], 1);
        let changes = ann.pages(&format!("/channels/{channel}/changes?since=0&limit=100")).await;
        let told: Vec<_> = changes.iter().filter(|it| it["type"] == "reaction.added").collect();
        assert_eq!(told.len(), 1, "of what is gone nothing is told: {told:?}");
        assert_eq!(told[0]["message_id"], kept["id"]);
    }
}
