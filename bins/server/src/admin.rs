//! Making admins from the command line: who has the server's files may run it.

use anyhow::{Context, anyhow};
use tertulia_auth::Keys;
use tertulia_chat::{Chat, Registration, Storage};
use tertulia_domain::{Email, Fault, NewPassword, Username};

use crate::config::Settings;
use crate::serve;

/// Makes an admin's account. Without a password, makes and prints one.
pub async fn create(
    settings: &Settings,
    keys: Keys,
    username: &str,
    email: Option<&str>,
    password: Option<String>,
) -> anyhow::Result<()> {
    let bad = |what| move |fault: Fault| anyhow!("{what}: {}", fault.message);
    let username = Username::parse(username).map_err(bad("USERNAME"))?;
    let email = email.map(Email::parse).transpose().map_err(bad("--email"))?;
    let made = if password.is_none() { Some(Keys::generate_secret()?) } else { None };
    let password = password.or_else(|| made.clone()).unwrap_or_default();
    let password = NewPassword::parse(password).map_err(bad("the password"))?;
    let name = username.as_str().to_owned();
    let new = Registration { username, email, password, display_name: None };
    with_chat(settings, keys, async |chat| chat.create_admin(new).await).await?;
    println!("{name} is an admin now");
    if let Some(password) = made {
        println!("the password, shown once: {password}");
    }
    Ok(())
}

/// Prints a token that makes an admin of who claims it. The one that was printed last counts.
pub async fn token(settings: &Settings, keys: Keys) -> anyhow::Result<()> {
    let token = with_chat(settings, keys, async |chat| chat.print_admin_token().await).await?;
    println!("this token makes an admin, once: {token}");
    Ok(())
}

async fn with_chat<T>(
    settings: &Settings,
    keys: Keys,
    act: impl AsyncFnOnce(&Chat) -> Result<T, tertulia_chat::Error>,
) -> anyhow::Result<T> {
    let store = serve::open(settings).await?;
    let storage = Storage::open(settings.files.clone()).await.context("FILES_URL")?;
    let options = serve::options(settings)?;
    let (chat, tasks) = Chat::start(store.clone(), storage, keys, options).await?;
    let done = act(&chat).await;
    tasks.stop(&chat).await;
    drop(chat);
    store.close().await;
    done.context("nothing was changed")
}
