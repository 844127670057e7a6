//! `kill -9` under load.

use std::time::Duration;

use crate::load::World;
use crate::on_both;
use crate::process::Home;

/// Where the moments of the kills come from.
const SEED: u64 = 0x7465_7274_756c_6961;

/// As many as fit into every run of the tests; `TERTULIA_KILL_ROUNDS` asks for another number.
const ROUNDS: u64 = 4;

/// The longest that a round talks after its first acknowledgement.
const LONGEST_TALK_MS: u64 = 400;

/// The longest that a start lasts which is killed too.
const LONGEST_START_MS: u64 = 250;

on_both! {
    async fn what_was_acknowledged_outlives_kill_9(home: Home) {
        let home = home.with("ACCESS_TOKEN_EXPIRE_MINUTES", "1440");
        let rounds = std::env::var("TERTULIA_KILL_ROUNDS").map_or(ROUNDS, |n| n.parse().unwrap());
        let mut server = home.start();
        let mut world = World::new(&server).await;
        let (mut unanswered, mut written) = (0, 0);
        for round in 0..rounds {
            let talk = world.begin(&server).await;
            talk.acknowledged(1).await;
            tokio::time::sleep(random(2 * round, LONGEST_TALK_MS)).await;
            server.program.kill();
            world.interrupted(talk).await;
            if round % 2 == 1 {
                let starting = home.spawn(&[]);
                tokio::time::sleep(random(2 * round + 1, LONGEST_START_MS)).await;
                starting.kill();
            }
            server = home.start();
            world.verify(&server).await;
            let open = world.unanswered();
            (unanswered, written) = (unanswered + open.0, written + open.1);
        }
        // What was not acknowledged is sent again.
        let talk = world.begin(&server).await;
        talk.acknowledged(1).await;
        world.finish(&server, talk).await;
        world.verify_all(&server).await;
        println!(
            "{rounds} kills; {} messages acknowledged, none lost; {unanswered} without an answer \
             when the server died, {written} of them written, each once",
            world.acknowledged()
        );
    }
}

/// A moment up to so many milliseconds, the same in every run (`SplitMix64`).
fn random(turn: u64, most_ms: u64) -> Duration {
    let mut x = SEED.wrapping_add(turn.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Duration::from_millis((x ^ (x >> 31)) % most_ms)
}
