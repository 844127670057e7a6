//! Nothing is found that one may not read, and nobody can tell that it is there.

use super::*;

on_both! {
    async fn only_what_one_may_read_now_is_found(server: TestServer) {
        let (ann, bob, eve) =
            (server.user("ann").await, server.user("bob").await, server.user("eve").await);
        let public = ann.create_channel("public").await;
        let private = ann.create_private("private").await;
        let talk = ann.post("/conversations", json!({ "recipient_id": bob.id })).await.body;
        let talk = text(&talk["id"]);
        ann.add(&private, &bob).await;
        for (channel, content) in
            [(&public, "secret public"), (&private, "secret private"), (&talk, "secret talk")]
        {
            ann.say(channel, content).await;
            server.clock.advance(time::Duration::seconds(1));
        }
        indexed(server).await;
        let all = ["secret talk", "secret private", "secret public"];
        assert_eq!(find(&ann, "secret").await, all);
        assert_eq!(find(&bob, "secret").await, all);
        // A public channel is read without being in it.
        assert_eq!(find(&eve, "secret").await, ["secret public"]);
        for query in ["secret private", "talk", "from:ann -public", "in:private", "in:private secret"] {
            assert_eq!(find(&eve, query).await, [""; 0], "{query}");
        }
        for hidden in [&private, &talk] {
            assert_eq!(find(&eve, &format!("in:{hidden} secret")).await, [""; 0]);
        }

        // Sent out, and gone: at once.
        ann.delete(&format!("/channels/{private}/members/{}", bob.id)).await;
        assert_eq!(find(&bob, "secret").await, ["secret talk", "secret public"]);
        ann.ban(&public, &bob).await;
        assert_eq!(find(&bob, "secret").await, ["secret talk"]);
        assert_eq!(find(&bob, "secret in:public").await, [""; 0]);
        ann.delete(&format!("/channels/{public}/bans/{}", bob.id)).await;
        assert_eq!(find(&bob, "secret").await, ["secret talk", "secret public"]);
        ann.add(&private, &bob).await;
        assert_eq!(find(&bob, "secret").await.len(), 3);
        bob.call(&format!("/channels/{private}/leave")).await;
        assert_eq!(find(&bob, "secret private").await, [""; 0]);
        // What was said meanwhile is not found later either, but by who is back.
        ann.say(&private, "secret private again").await;
        indexed(server).await;
        assert_eq!(find(&bob, "again").await, [""; 0]);
        ann.delete(&format!("/channels/{private}")).await;
        assert_eq!(find(&ann, "secret").await, ["secret talk", "secret public"]);
    }
}

on_both! {
    async fn a_page_is_as_full_as_if_hidden_messages_were_not_there(server: TestServer) {
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        // In so many channels that each message is looked at, and in few.
        for many in [false, true] {
            let word = format!("word{many}");
            let hidden = ann.create_private("hidden").await;
            let shown = ann.create_private("shown").await;
            ann.add(&shown, &bob).await;
            for n in 0..20 {
                if many {
                    bob.create_channel(&format!("room {n}")).await;
                }
            }
            for n in 0..60 {
                ann.say(&hidden, &format!("{word} hidden {n}")).await;
                if n % 10 == 0 {
                    ann.say(&shown, &format!("{word} shown {n}")).await;
                }
            }
            for n in 0..200 {
                ann.say(&hidden, &format!("{word} hidden again {n}")).await;
            }
            indexed(server).await;
            let mut path = format!("/search?limit=2&q={word}");
            let mut sizes = Vec::new();
            loop {
                let page = bob.get(&path).await.body;
                let items = page["items"].as_array().unwrap();
                assert!(items.iter().all(|hit| hit["channel_id"] == shown.as_str()));
                sizes.push(items.len());
                let Some(next) = page["next"].as_str() else { break };
                path = format!("/search?limit=2&q={word}&cursor={next}");
            }
            assert_eq!(sizes, [2, 2, 2], "no page ends early, and none is empty");
        }
    }
}
