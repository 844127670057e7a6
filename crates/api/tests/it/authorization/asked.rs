//! How what the table of operations says is asked of the server.

use serde_json::{Value, json};

use super::operations::Row;
use super::world::{Scene, Who, World};
use crate::server::{PASSWORD, unique};

/// 👍, as a path has it.
const EMOJI: &str = "%F0%9F%91%8D";

impl Row {
    /// A fresh place for it, with files in it where it is about one.
    pub(super) async fn scene(&self, world: &World<'_>) -> Scene {
        let mut scene = world.scene(self.place).await;
        if self.operation.contains("{file}") {
            world.add_files(&mut scene, self.place).await;
        }
        scene
    }

    pub(super) fn method(&self) -> &'static str {
        self.operation.split_once(' ').map_or("", |(method, _)| method)
    }

    /// The template of the path.
    pub(super) fn template(&self) -> &'static str {
        self.operation.split_once(' ').map_or("", |(_, path)| path)
    }

    /// The path to what is there.
    pub(super) fn path(&self, world: &World<'_>, scene: &Scene, who: Who) -> String {
        let person = world.person(who);
        let named = if self.own && who != Who::Nobody { person } else { &world.fellow };
        self.template()
            .replace("/search", "/search?q=something")
            .replace("{channel}", &scene.channel)
            .replace("{message}", scene.message(who, self.own))
            .replace("{emoji}", EMOJI)
            .replace("{file}", scene.file(who, self.own))
            .replace("{user}", &named.id)
            .replace("{session}", &named.session)
            .replace("{username}", "fellow")
            .replace("{invite}", &uuid::Uuid::nil().to_string())
            .replace("{notification}", &uuid::Uuid::nil().to_string())
            .replace("{code}", &format!("ti_{}", "A".repeat(43)))
    }

    /// The path to what is not there.
    pub(super) fn path_to_nothing(&self) -> String {
        let mut path = self.template().replace("{emoji}", EMOJI);
        while let Some((begin, end)) = path.find('{').zip(path.find('}')) {
            path.replace_range(begin..=end, &uuid::Uuid::new_v4().to_string());
        }
        path
    }

    /// A good body, where there is one.
    pub(super) fn body(&self, world: &World<'_>) -> Option<Value> {
        let once = format!("n{}", unique());
        Some(match self.operation {
            "POST /api/v1/auth/register"
            | "POST /api/v1/auth/guest/upgrade"
            | "POST /api/v1/admin/users" => json!({ "username": once, "password": PASSWORD }),
            "POST /api/v1/auth/password" => json!({ "current": PASSWORD, "new": PASSWORD }),
            "POST /api/v1/auth/email" => {
                json!({ "email": format!("{once}@example.com"), "password": PASSWORD })
            }
            "DELETE /api/v1/users/me" => json!({ "password": PASSWORD }),
            "PATCH /api/v1/admin/users/{user}" => json!({ "role": "admin" }),
            "POST /api/v1/auth/login" => json!({ "username": "fellow", "password": PASSWORD }),
            "POST /api/v1/auth/refresh" => json!({ "refresh_token": world.fellow.refresh_token }),
            "POST /api/v1/admin/claim" => json!({ "token": format!("tat_{}", "A".repeat(43)) }),
            "PUT /api/v1/users/me/status" => json!({ "status": "dnd", "text": once }),
            "PUT /api/v1/channels/{channel}/read" | "POST /api/v1/channels/{channel}/unread" => {
                json!({ "seq": 1 })
            }
            "PUT /api/v1/channels/{channel}/notifications" => json!({ "level": "nothing" }),
            "PATCH /api/v1/users/me" => json!({ "bio": once }),
            "POST /api/v1/auth/guest"
            | "POST /api/v1/channels"
            | "PATCH /api/v1/channels/{channel}" => json!({ "name": once }),
            "POST /api/v1/channels/{channel}/members" => json!({ "user_id": world.newcomer.id }),
            "POST /api/v1/channels/{channel}/invitations" => {
                json!({ "user_id": world.newcomer.id })
            }
            "PUT /api/v1/channels/{channel}/owner" => json!({ "user_id": world.fellow.id }),
            "PUT /api/v1/channels/{channel}/members/{user}" => json!({ "role": "moderator" }),
            "PUT /api/v1/channels/{channel}/members/{user}/mute" => {
                json!({ "until": "2099-01-01T00:00:00Z" })
            }
            "PUT /api/v1/channels/{channel}/bans/{user}"
            | "POST /api/v1/channels/{channel}/invites"
            | "POST /api/v1/notifications/read" => json!({}),
            "POST /api/v1/conversations" => json!({ "recipient_id": world.fellow.id }),
            "PUT /api/v1/channels/{channel}/draft"
            | "POST /api/v1/channels/{channel}/messages"
            | "PATCH /api/v1/messages/{message}" => {
                json!({ "content": once })
            }
            _ => return None,
        })
    }

    /// Whether it ends the account that asks, when it is done.
    pub(super) fn ends_account(&self) -> bool {
        self.operation == "DELETE /api/v1/users/me"
    }

    /// Whether it ends the session that asks, when it is done.
    pub(super) fn signs_out(&self) -> bool {
        match self.operation {
            "POST /api/v1/auth/logout" | "DELETE /api/v1/auth/sessions" => true,
            operation => self.own && operation.ends_with("{session}"),
        }
    }
}
