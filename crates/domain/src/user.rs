//! People.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{FileId, Timestamp, UserId};

/// What an account may do on the whole server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountRole {
    /// An ordinary account.
    Member,
    /// Runs the server.
    Admin,
}

/// Whose an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// Somebody's who can sign in again.
    Person,
    /// Somebody's who gave a name and nothing else, for as long as they stay.
    Guest,
    /// Nobody's any more.
    Deleted,
}

/// What decides what an account may do, and what may be done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// The account.
    pub id: UserId,
    /// Whose it is.
    pub kind: AccountKind,
    /// What it may do on the whole server.
    pub role: AccountRole,
    /// Whether it can be used. Those that are deleted cannot.
    pub disabled: bool,
    /// Its password, in PHC format, if one signs in.
    pub password_hash: Option<String>,
}

impl AccountState {
    /// Whether it runs the server now.
    pub fn is_admin(&self) -> bool {
        self.role == AccountRole::Admin && !self.disabled
    }
}

/// What everybody may see of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Profile {
    /// The account.
    pub id: UserId,
    /// Whose it is.
    pub kind: AccountKind,
    /// Unique without case. Of a deleted account, a word that is nobody's name.
    #[schema(example = "ann")]
    pub username: String,
    /// How the person is shown.
    #[schema(example = "Ann Lee")]
    pub display_name: String,
    /// What the person says of themselves.
    #[schema(example = "")]
    pub bio: String,
    /// Which image they have, if any: another one has another id.
    pub avatar: Option<FileId>,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// What only the person may see, beside the profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Account {
    /// What everybody may see.
    #[serde(flatten)]
    pub profile: Profile,
    /// The address to sign in with, if any.
    #[schema(example = "ann@example.com")]
    pub email: Option<String>,
    /// What the account may do on the whole server.
    pub role: AccountRole,
}
