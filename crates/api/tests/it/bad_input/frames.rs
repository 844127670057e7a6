//! Frames that cannot be read: whoever sent one learns which it was, and what is wrong with it.

use serde_json::json;

use crate::on_both;
use crate::raw::{FIN, Raw, TEXT};

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn a_frame_that_cannot_be_read_is_answered_by_its_ref(server: TestServer) {
        let ann = server.user("ann").await;
        let (mut raw, _) = Raw::open(&ann, None).await;
        let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let (lone, deeply) = ("a lone surrogate", "nested too deeply");
        for (frame, reference, why) in [
            (r#"{"type":"message.send","ref":"a","content":"\ud800"}"#.to_owned(), json!("a"), lone),
            (r#"{"type":"message.send","content":"\udc00\ud800","ref":2}"#.to_owned(), json!(2), lone),
            (r#"{"\ud83d":1,"content":"\ud83d\u0041","ref":"é"}"#.to_owned(), json!("é"), lone),
            (format!(r#"{{"type":"ping","ref":"b","x":{}}}"#, deep(30_000)), json!("b"), deeply),
            (format!(r#"{{"x":{},"type":"ping","ref":"c"}}"#, deep(30_000)), json!("c"), deeply),
            (format!(r#"{{"type":"ping","ref":"d","x":{}"#, "{\"a\":".repeat(9_000)), json!("d"), deeply),
            (r#"{"type":"ping","ref":"e","#.to_owned(), json!("e"), "not JSON"),
            (r#"{"type":"ping","type":"ping","ref":"f"}"#.to_owned(), json!("f"), "comes twice"),
            // Which one is not known, or it is none.
            (r#"{"type":"ping","ref":"g","ref":"h"}"#.to_owned(), json!(null), "comes twice"),
            (r#"{"type":"ping","ref":"\ud800"}"#.to_owned(), json!(null), lone),
            (format!(r#"{{"type":"ping","ref":{}}}"#, deep(200)), json!(null), deeply),
            (r#"[{"ref":"i"}]"#.to_owned(), json!(null), "JSON object"),
        ] {
            raw.say(FIN | TEXT, frame.as_bytes()).await;
            let reply = raw.json().await;
            let shown = &frame[..frame.len().min(60)];
            assert_eq!((&reply["type"], &reply["ref"]), (&json!("reply"), &reference), "{shown}");
            assert_eq!(reply["error"]["code"], "malformed", "{shown}");
            let detail = reply["error"]["detail"].as_str().unwrap();
            assert!(detail.contains(why), "{shown}: {detail}");
        }
        raw.say(FIN | TEXT, br#"{"type":"ping","ref":"last"}"#).await;
        assert_eq!(raw.json().await["ref"], "last");
    }
}
