//! All pages together are the list.

use super::*;

on_both! {
    async fn pages_together_are_the_list_while_messages_arrive(server: TestServer) {
        let ann = server.user("ann").await;
        let mut channels = Vec::new();
        for n in 0..3 {
            channels.push(ann.create_channel(&format!("channel {n}")).await);
        }
        let mut expected = Vec::new();
        for n in 0..90 {
            let rare = if n % 7 == 0 { "rare" } else { "often" };
            let content = format!("common {rare} {n}");
            ann.say(&channels[n % 3], &content).await;
            if n % 30 == 29 {
                // What is said in one piece has the order in which it was sent, not indexed.
                indexed(server).await;
                server.clock.advance(time::Duration::seconds(1));
            }
            expected.push(content);
        }
        expected.sort();
        for (query, limit) in [("common", 1), ("common", 7), ("comm* rare", 3), ("common", 90), ("often", 100)] {
            let mut found = Vec::new();
            let first = format!("/search?limit={limit}&q={query}");
            let mut path = first.clone();
            loop {
                let page = ann.get(&path).await;
                page.expect(StatusCode::OK);
                let items = page.body["items"].as_array().unwrap();
                found.extend(items.iter().map(|hit| text(&hit["content"])));
                let Some(next) = page.body["next"].as_str() else { break };
                assert_eq!(items.len(), limit, "only the last page is not full");
                path = format!("{first}&cursor={next}");
                // Meanwhile people go on.
                ann.say(&channels[0], "common rare news").await;
            }
            let mut own: Vec<_> = found.iter().filter(|it| !it.ends_with("news")).cloned().collect();
            let words: Vec<&str> = query.split(' ').map(|word| word.trim_end_matches('*')).collect();
            let wanted = |content: &&String| words.iter().all(|word| content.contains(word));
            own.sort();
            assert_eq!(own, expected.iter().filter(wanted).cloned().collect::<Vec<_>>(), "{query}");
        }
    }
}

on_both! {
    async fn the_newest_comes_first(server: TestServer) {
        let ann = server.user("ann").await;
        let (one, two) = (ann.create_channel("one").await, ann.create_channel("two").await);
        let mut said = Vec::new();
        for n in 0..40 {
            let content = format!("tick {n}");
            ann.say(if n % 2 == 0 { &one } else { &two }, &content).await;
            server.clock.advance(time::Duration::seconds(1));
            said.insert(0, content);
        }
        indexed(server).await;
        assert_eq!(find(&ann, "tick").await, said);
    }
}
