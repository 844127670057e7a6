//! A deleted account is erased, however often the server dies at it.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, PASSWORD, Person};
use crate::on_both;
use crate::process::Home;

const MANY: usize = 3000;

fn unerased(history: &[Value], author: &Person) -> usize {
    let said = |message: &&Value| message["author_id"] == author.id.as_str();
    history.iter().filter(said).filter(|message| message["content"] != "").count()
}

on_both! {
    async fn an_account_is_erased_after_kill_9_too(home: Home) {
        let server = home.start();
        let (ann, bob) = (server.user("ann").await, server.user("bob").await);
        let channel = bob.create_channel("general").await;
        ann.join(&channel).await;
        for n in 0..MANY / 100 {
            join_all((0..100).map(|_| ann.say(&channel, "not for long"))).await;
            bob.say(&channel, &format!("to stay {n}")).await;
        }
        let end = json!({ "password": PASSWORD, "messages": "erase" });
        let request = ann.request(Method::DELETE, "/users/me").json(&end);
        Answer::to(request).await.expect(204);
        server.program.kill();

        let mut left = vec![MANY];
        while left.last() != Some(&0) {
            let server = home.start();
            let (nobody, bob) = (server.nobody(), bob.at(&server));
            // What was answered holds from the first moment.
            let log_in = json!({ "username": "ann", "password": PASSWORD });
            nobody.post("/auth/login", log_in).await.expect(401);
            ann.at(&server).get("/users/me").await.expect(401);
            left.push(unerased(&bob.history(&channel, 0).await, &ann));
            server.program.kill();
        }
        assert!(left.is_sorted_by(|before, after| before >= after), "{left:?}");
        assert!(left.len() > 2, "it was killed in the middle: {left:?}");
        let server = home.start();
        let history = bob.at(&server).history(&channel, 0).await;
        assert_eq!(history.len(), MANY + MANY / 100);
        assert_eq!(unerased(&history, &bob), MANY / 100);
    }
}
