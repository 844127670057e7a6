//! Queries that mean harm, or nothing.

use super::*;

on_both! {
    async fn whatever_is_asked_is_only_ever_looked_for(server: TestServer) {
        let ann = server.user("ann").await;
        let channel = ann.create_channel("general").await;
        let odd = [
            "AND OR NOT NEAR(a b, 2) ^a {words} : a", "x' OR '1'='1'; DROP TABLE messages; --",
            "\\ \\' '' \" \"\" ''' $1 ? %s", "words:a search_words : b", "a:* & b | !c <-> d <2> e",
            "_file _many _c0 _a0", "0000a 1z141z4a", "(((((((((((", "* ** a* *a", "\u{202E}abc\u{FEFF}",
            "🏳️‍🌈 🇩🇪 👩‍👩‍👧‍👦", "İıſßK Å ﷺ",
        ];
        for content in odd {
            ann.say(&channel, content).await;
        }
        ann.say(&channel, &"spam ham ".repeat(300)).await;
        ann.say(&channel, &format!("{}needle hay", "needle ".repeat(300))).await;
        ann.say(&channel, &"w".repeat(3000)).await;
        ann.say(&channel, &"ﷺ".repeat(3000)).await;
        indexed(server).await;
        for query in odd {
            let answer = ann.get(&path(query)).await;
            let fine = answer.status == 200 || answer.status == 422;
            assert!(fine, "{query}: {} {}", answer.status, answer.body);
        }
        for (query, count) in [
            ("near", 1), ("drop table", 1), ("_file", 1), ("\"_file\"", 1), ("_file x", 0), ("file many", 1), ("1z141z4a", 1),
            ("a & b", 3), ("(a) (b)", 3), ("🇩🇪", 1), ("🏳", 1), ("iissk", 0), ("iis*", 1),
            // Beyond what either index knows the places of.
            ("\"needle hay\"", 1), ("\"ham spam\"", 1), ("\"spam hay\"", 0),
            (&"w".repeat(200), 0), (&format!("{}*", "w".repeat(200)), 1), ("w*", 3),
            ("صلى", 2), ("\"الله عليه\"", 2),
        ] {
            assert_eq!(find(&ann, query).await.len(), count, "{query}");
        }
        // Nothing happened to anything.
        let history = ann.pages(&format!("/channels/{channel}/messages?limit=100")).await;
        assert_eq!(history.len(), odd.len() + 4);
    }
}

on_both! {
    async fn what_cannot_be_understood_is_refused_with_all_its_faults(server: TestServer) {
        let ann = server.user("ann").await;
        let long = "a".repeat(10_000);
        for (query, codes) in [
            ("", vec!["nothing_to_find"]),
            ("***", vec!["nothing_to_find"]),
            ("-tea", vec!["nothing_to_find"]),
            ("before:2026-11-21", vec!["nothing_to_find"]),
            ("a\0b", vec!["bad_character"]),
            (&long, vec!["too_long"]),
            (&"a ".repeat(17), vec!["too_many_terms"]),
            ("\"open", vec!["unclosed_quote"]),
            ("from: before:2026-13-01 has:wings -in:x tea",
                vec!["bad_date", "cannot_exclude", "empty_filter", "unknown_filter"]),
        ] {
            let answer = ann.get(&path(query)).await;
            answer.problem(422, "invalid");
            let expected: Vec<_> =
                codes.into_iter().map(|code| ("q".to_owned(), code.to_owned())).collect();
            assert_eq!(answer.faults(), expected, "{query:.40}");
        }
        let faults = ann.get("/search?limit=0&cursor=x").await.faults();
        let fields: Vec<_> = faults.iter().map(|(field, code)| (field.as_str(), code.as_str())).collect();
        assert_eq!(fields, [("cursor", "bad_cursor"), ("limit", "out_of_range"), ("q", "missing")]);
        server.nobody().get(&path("tea")).await.problem(401, "unauthenticated");
    }
}
