//! What a password proved is true of a moment only: what is done with it asks once more.

use tertulia_domain::{
    AccountAct, AccountChange, AuditAction, AuditEntry, AuditId, AuditResult, Change, Email,
    Rejection, SessionId, UserId,
};

use crate::on_both;
use crate::world::World;

/// The hash that everybody in these tests begins with.
const OLD: &str = "$none$";
const NEW: &str = "$another$";

fn entry(world: &World, user: UserId) -> AuditEntry {
    AuditEntry {
        id: AuditId::new(world.now()),
        at: world.now(),
        actor_id: Some(user),
        action: AuditAction::PasswordChanged,
        target_id: None,
        address: String::new(),
        result: AuditResult::Done,
        detail: String::new(),
    }
}

fn change(user: UserId, act: AccountAct) -> Change {
    Change::Account(Box::new(AccountChange { user, act }))
}

fn password(world: &World, user: UserId, proven: &str) -> Change {
    let act = AccountAct::SetPassword {
        proven: proven.to_owned(),
        hash: NEW.to_owned(),
        kept: SessionId::new(world.now()),
        audit: entry(world, user),
    };
    change(user, act)
}

fn deletion(user: UserId, proven: Option<&str>) -> Change {
    let proven = proven.map(str::to_owned);
    change(user, AccountAct::Delete { proven, erase_messages: false, audit: None })
}

on_both! {
    async fn a_password_that_was_replaced_proves_nothing(world: World) {
        let ann = world.user("ann").await;
        // In one batch and after it.
        let both = vec![password(&world, ann, OLD), password(&world, ann, OLD)];
        let outcomes = world.commit(both).await.outcomes;
        assert!(outcomes[0].is_ok());
        assert_eq!(outcomes[1], Err(Rejection::WrongPassword));
        assert_eq!(world.one(password(&world, ann, OLD)).await, Err(Rejection::WrongPassword));
        assert_eq!(world.one(deletion(ann, Some(OLD))).await, Err(Rejection::WrongPassword));
        assert_eq!(world.one(deletion(ann, None)).await, Err(Rejection::WrongPassword));

        let email = || Email::parse("ann@example.com").unwrap();
        let set = async |proven: &str| {
            world.store.set_email(ann, proven.to_owned(), email(), entry(&world, ann)).await.unwrap()
        };
        assert!(!set(OLD).await);
        assert!(world.store.account(ann).await.unwrap().unwrap().email.is_none());
        assert!(set(NEW).await);
        assert!(world.one(deletion(ann, Some(NEW))).await.is_ok());
    }
}
