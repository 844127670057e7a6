//! Families of refresh tokens, tickets, and the end of sessions.

use tertulia_domain::{Change, SessionId, SessionScope, UserId};
use tertulia_store::{NewSession, Rotation, SessionEnd};
use time::Duration;

use crate::on_both;
use crate::world::World;

pub(crate) async fn session(world: &World, user: UserId, refresh: u8) -> SessionId {
    let new = NewSession {
        id: SessionId::new(world.now()),
        user,
        user_agent: "test".to_owned(),
        address: "127.0.0.1".to_owned(),
        created_at: world.now(),
        expires_at: world.now().plus(Duration::days(30)),
        proof: None,
    };
    let id = new.id;
    assert!(world.store.insert_session(new, [refresh; 32]).await.unwrap());
    id
}

pub(crate) async fn rotate(world: &World, from: u8, to: u8) -> Rotation {
    let (person, guest) =
        (world.now().plus(Duration::days(30)), world.now().plus(Duration::days(1)));
    let until = SessionEnd { person, guest };
    world.store.rotate([from; 32], [to; 32], world.now(), until).await.unwrap()
}

on_both! {
    async fn a_refresh_token_works_once_and_twenty_seconds_more(world: World) {
        let ann = world.user("ann").await;
        let session = session(&world, ann, 1).await;
        let rotated = Rotation::Rotated { user: ann, session };
        assert_eq!(rotate(&world, 1, 2).await, rotated);
        world.clock.advance(Duration::seconds(20));
        assert_eq!(rotate(&world, 1, 2).await, rotated, "two tabs, or a lost answer");
        assert_eq!(rotate(&world, 2, 3).await, rotated);
        world.clock.advance(Duration::milliseconds(1));
        assert_eq!(rotate(&world, 1, 2).await, Rotation::Reused { user: ann, session });
        assert_eq!(rotate(&world, 9, 10).await, Rotation::Unknown);
    }
}

on_both! {
    async fn an_ended_session_refreshes_nothing_and_shows_in_the_system_feed(world: World) {
        let ann = world.user("ann").await;
        let (kept, ended) = (session(&world, ann, 1).await, session(&world, ann, 2).await);
        let change = Change::EndSessions { user: ann, scope: SessionScope::AllBut(kept) };
        let batch = world.commit(vec![change]).await;
        assert_eq!(batch.frames.len(), 1);
        assert_eq!(rotate(&world, 2, 3).await, Rotation::Unknown);
        assert!(matches!(rotate(&world, 1, 4).await, Rotation::Rotated { .. }));
        assert_eq!(world.store.sessions(ann, world.now()).await.unwrap().len(), 1);
        assert_eq!(world.store.sessions_ended_since(world.now()).await.unwrap(), [ended]);
        let missed = world.store.changes(tertulia_domain::Feed::System, 0, 10).await.unwrap();
        assert_eq!(missed.items, batch.frames);
    }
}

on_both! {
    async fn a_ticket_is_good_once_and_for_its_time(world: World) {
        let ann = world.user("ann").await;
        let session = session(&world, ann, 1).await;
        let until = world.now().plus(Duration::seconds(30));
        for ticket in [5, 6] {
            world.store.insert_ticket([ticket; 32], session, until).await.unwrap();
        }
        let redeem = |ticket: u8| world.store.redeem_ticket([ticket; 32], world.now());
        assert_eq!(redeem(5).await.unwrap(), Some((ann, session)));
        assert_eq!(redeem(5).await.unwrap(), None);
        world.clock.advance(Duration::seconds(30));
        let late = world.store.redeem_ticket([6; 32], world.now()).await.unwrap();
        assert_eq!(late, None);
    }
}
