//! What people want to be told of.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{next, nothing_more, reply, told};
use crate::on_both;
use crate::server::{Person, text};

async fn set(person: &Person, channel: &str, level: &str, until: Value) -> Value {
    let body = json!({ "level": level, "muted_until": until });
    let answer = person.put(&format!("/channels/{channel}/notifications"), body).await;
    answer.expect(StatusCode::OK);
    answer.body
}

async fn setting(person: &Person, channel: &str) -> Value {
    let list = person.get("/users/me/channels").await;
    let items = list.body["items"].as_array().unwrap();
    items.iter().find(|own| own["channel"]["id"] == channel).unwrap()["notifications"].clone()
}

on_both! {
    async fn people_say_what_they_want_to_be_told_of(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = ann.create_channel("general").await;
        bob.join(&channel).await;
        let direct = ann.post("/conversations", json!({ "recipient_id": bob.id })).await.body;
        let direct = text(&direct["id"]);
        let unsaid = |level: &str| json!({ "level": level, "muted_until": null });
        assert_eq!(setting(&bob, &channel).await, unsaid("mentions"));
        assert_eq!(setting(&bob, &direct).await, unsaid("all"));

        // All of one's devices hear of it, and nobody else.
        let (mut ears, mut other) = (bob.listen().await, ann.listen().await);
        let before = ann.get(&format!("/channels/{channel}")).await.body;
        assert_eq!(set(&bob, &channel, "nothing", Value::Null).await, unsaid("nothing"));
        let heard = ears.next_of("membership.updated").await;
        assert_eq!((&heard["feed"], &heard["membership"]["notifications"]), (&json!("me"), &unsaid("nothing")));
        set(&bob, &channel, "nothing", Value::Null).await;
        assert_eq!(setting(&bob, &channel).await, unsaid("nothing"));
        let own = ann.say(&channel, "nothing for @bob").await;
        nothing_more(&mut ears).await;
        let ready = bob.listen().await.ready;
        let heads = ready["channels"].as_array().unwrap();
        let first = heads.iter().find(|head| head["feed"] == channel.as_str()).unwrap();
        assert_eq!(first["mentions"], 1, "it counts all the same");
        assert_eq!(ann.get(&format!("/channels/{channel}")).await.body["head"], before["head"].as_i64().unwrap() + 1);
        let later = ears.kept().filter(|frame| frame["type"] == "membership.updated").count();
        assert_eq!(later, 0, "what changed nothing was not said");

        // Replies count as mentions; direct messages do not.
        set(&bob, &direct, "mentions", Value::Null).await;
        let said = bob.say(&direct, "hello").await;
        assert_eq!(next(&mut other).await["kind"], "direct");
        ann.say(&direct, "how are you?").await;
        let answer = reply(&ann, &direct, &said, "well").await;
        assert_eq!(next(&mut ears).await["message_id"], answer["id"]);
        assert_eq!(told(&bob).await.len(), 1);

        // Muted for a while.
        let until = server.clock.now().plus(time::Duration::hours(1));
        let muted = set(&bob, &channel, "all", json!(until)).await;
        assert_eq!(muted, json!({ "level": "all", "muted_until": until }));
        ann.say(&channel, "@bob").await;
        nothing_more(&mut ears).await;
        server.clock.advance(time::Duration::hours(2));
        let bob = server.log_in("bob").await;
        let ann = server.log_in("ann").await;
        let loud = ann.say(&channel, "@bob").await;
        assert_eq!(told(&bob).await[0].1, loud["id"]);
        let past = json!({ "level": "all", "muted_until": until });
        let refused = bob.put(&format!("/channels/{channel}/notifications"), past).await;
        assert_eq!(refused.faults(), [("muted_until".to_owned(), "past".to_owned())]);
        // What somebody wants does not end by going out and coming in.
        set(&bob, &channel, "nothing", Value::Null).await;
        bob.call(&format!("/channels/{channel}/leave")).await.expect(StatusCode::NO_CONTENT);
        bob.join(&channel).await;
        assert_eq!(setting(&bob, &channel).await, unsaid("nothing"));
        assert_ne!(own["id"], Value::Null);
    }
}
