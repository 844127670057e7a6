//! Every setting: its name, its default and what it means. `--help`, the reading of the four
//! sources and the tests of `.env.example` and `docs/OPERATIONS.md` all follow this list.

use tertulia_auth::Rule;

/// One setting. Its name in the environment and in `.env` is `name`; its flag is the same in
/// kebab-case, and in the settings file it is in lower case.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// As in the environment: `DATA_DIR`.
    pub name: &'static str,
    /// What holds when no source sets it.
    pub default: Fallback,
    /// One or two sentences for `--help`.
    pub help: &'static str,
    /// Whether the value may hold a password, and is never shown.
    pub secret: bool,
}

/// What holds when a setting is not set.
#[derive(Debug, PartialEq, Eq)]
pub enum Fallback {
    /// This value, as if it had been written.
    Value(&'static str),
    /// Something that cannot be written as a value; said so in `--help`.
    Said(&'static str),
}

impl Key {
    /// The flag without its dashes: `data-dir`.
    pub fn flag(&self) -> String {
        self.name.to_ascii_lowercase().replace('_', "-")
    }

    /// Whether the value is never shown. The origins among the secrets are refused if they hold a
    /// password: those that were accepted are none.
    pub fn hides(&self) -> bool {
        self.secret && !matches!(self.name, "PUBLIC_URL" | "CORS_ORIGINS")
    }

    /// The default as `--help` shows it.
    pub const fn default_text(&self) -> &'static str {
        match self.default {
            Fallback::Value(text) | Fallback::Said(text) => text,
        }
    }
}

macro_rules! keys {
    ($($name:ident, $default:ident($text:literal), $secret:literal, $help:literal;)*) => {
        $(
            #[doc = concat!("The setting `", stringify!($name), "`.")]
            pub const $name: Key = Key {
                name: stringify!($name),
                default: Fallback::$default($text),
                help: $help,
                secret: $secret,
            };
        )*

        /// All settings, in the order of `--help`.
        pub const ALL: &[Key] = &[$($name),*];
    };
}

keys! {
    HOST, Value("127.0.0.1"), false,
        "Address or host name to listen on; 0.0.0.0 is every IPv4 address of the machine";
    PORT, Value("8000"), false,
        "Port to listen on; 0 takes a free one and prints it";
    DATA_DIR, Value("./data"), false,
        "Folder of the SQLite database and the secret; made at the first start, for its owner only";
    DATABASE_URL, Said("SQLite in DATA_DIR"), true,
        "postgres://user:password@host/database, or sqlite://path";
    DATABASE_URL_FILE, Said("none"), false,
        "File that holds DATABASE_URL";
    DATABASE_POOL, Value("10"), false,
        "Connections to PostgreSQL that requests share, 1 to 500";
    REDIS_URL, Said("none"), true,
        "redis://:password@host:port or rediss://…, by which several nodes on one PostgreSQL hear of each other at once";
    REDIS_URL_FILE, Said("none"), false,
        "File that holds REDIS_URL";
    FILES_URL, Said("the folder files in DATA_DIR"), false,
        "Where files are kept: file:///folder, or s3://bucket/prefix?region=…&endpoint=https://…";
    FILES_ACCESS_KEY, Said("the machine's own role"), true,
        "Access key of FILES_URL's bucket";
    FILES_ACCESS_KEY_FILE, Said("none"), false,
        "File that holds FILES_ACCESS_KEY";
    FILES_SECRET_KEY, Said("the machine's own role"), true,
        "Secret key of FILES_URL's bucket";
    FILES_SECRET_KEY_FILE, Said("none"), false,
        "File that holds FILES_SECRET_KEY";
    FILES_MAX_BYTES, Value("104857600"), false,
        "Size of the largest file, in bytes";
    FILES_QUOTA_BYTES, Value("2147483648"), false,
        "What one person's files may take together, in bytes";
    SECRET_KEY, Said("made at the first start, in DATA_DIR"), true,
        "Secret that signs tokens, the same on every node; another one ends all access tokens";
    SECRET_KEY_FILE, Said("none"), false,
        "File that holds SECRET_KEY";
    ALGORITHM, Value("HS256"), false,
        "How access tokens are signed; there is only HS256";
    ACCESS_TOKEN_EXPIRE_MINUTES, Value("15"), false,
        "Life of an access token in minutes, 1 to 1440; clients refresh it";
    APP_NAME, Value("Tertulia"), false,
        "Name of this server in its page and API document, at most 64 characters";
    PUBLIC_URL, Said("none"), true,
        "Where people reach the server from outside, as https://chat.example.org; several with commas";
    REGISTRATION, Value("open"), false,
        "open: anybody may register; closed: only admins make accounts";
    GUESTS, Value("auto"), false,
        "Whether people come in by a name only: on, off, or auto, which is on only where nobody but this machine can";
    GUEST_HOURS, Value("24"), false,
        "How long a guest may be away before they are forgotten, in hours, 1 to 8760";
    CORS_ORIGINS, Said("none: pages of this server only"), true,
        "Other web origins whose pages may call the API: commas or a JSON list; * is all";
    CORS_ALLOW_CREDENTIALS, Value("false"), false,
        "Whether pages of CORS_ORIGINS may send credentials; never together with *";
    TRUSTED_PROXIES, Said("none"), false,
        "Addresses or CIDR ranges whose X-Forwarded-For is believed: commas or a JSON list";
    RATE_LIMITS, Value("on"), false,
        "Whether anything is limited; off is for tests and benchmarks";
    LIMIT_ANONYMOUS, Value("2000/20s"), false,
        "Requests of an address without a good token, as 2000/20s: so many at once, and as many again in that time";
    LIMIT_READINESS, Value("100/10s"), false,
        "Questions of an address to /ready";
    LIMIT_REQUESTS, Value("2000/40s"), false,
        "Requests of an account";
    LIMIT_SESSION, Value("1000/40s"), false,
        "Requests of a signed-in device";
    LIMIT_FRAMES, Value("3000/30s"), false,
        "Frames of a socket";
    LIMIT_SOCKETS, Value("100/60s"), false,
        "Sockets that an account opens";
    LIMIT_MESSAGES, Value("300/60s"), false,
        "Messages of an account";
    LIMIT_CHANNEL_MESSAGES, Value("100/50s"), false,
        "Messages of an account to one channel";
    LIMIT_REACTIONS, Value("200/50s"), false,
        "Reactions of an account";
    LIMIT_MESSAGE_REACTIONS, Value("60/60s"), false,
        "Reactions of an account to one message";
    LIMIT_DRAFTS, Value("300/100s"), false,
        "Drafts that an account saves";
    LIMIT_CHANGES, Value("300/150s"), false,
        "All else that an account writes";
    LIMIT_SEARCHES, Value("120/60s"), false,
        "Searches of an account, and lists by the beginning of a name";
    LIMIT_UPLOADS, Value("200/1000s"), false,
        "Files that an account sends";
    LIMIT_CONVERSATIONS, Value("50/3000s"), false,
        "Conversations and groups that an account begins";
    LIMIT_INVITATIONS, Value("50/3000s"), false,
        "Invitations by an account";
    LIMIT_PROBES, Value("10/600s"), false,
        "Changes of an account's e-mail address";
    LIMIT_LOG_INS, Value("100/100s"), false,
        "Attempts of an address to sign in";
    LIMIT_GUESSES, Value("20/1200s"), false,
        "Wrong passwords for an account from one address";
    LIMIT_PROOFS, Value("20/1200s"), false,
        "Wrong passwords of a signed-in device that proves once more whose it is";
    LIMIT_REGISTRATIONS, Value("40/2400s"), false,
        "Registrations and guests from an address";
    WORKERS, Said("one for each processor core"), false,
        "Threads that serve requests, 1 to 64";
    DRAIN_SECONDS, Value("8"), false,
        "Time to finish in after SIGTERM or SIGINT, in seconds, 0 to 600";
    LOG_LEVEL, Value("info"), false,
        "trace, debug, info, warn, error or off; Python's names too. RUST_LOG, when set, wins";
    LOG_FORMAT, Value("human"), false,
        "human, or json: one object a line";
}

/// The setting of a limit: `LIMIT_` and its name.
pub fn limit(rule: Rule) -> Option<&'static Key> {
    let is_of = |key: &&Key| {
        let name = key.name.strip_prefix("LIMIT_");
        name.is_some_and(|name| name.eq_ignore_ascii_case(rule.name()))
    };
    ALL.iter().find(is_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../../.env.example");
    const MANUAL: &str = include_str!("../../../../docs/OPERATIONS.md");

    #[test]
    fn the_example_file_and_the_manual_show_every_setting_and_its_default() {
        for key in ALL {
            let line = match key.default {
                Fallback::Value(value) => format!("#{}={value}\n", key.name),
                Fallback::Said(_) => format!("#{}=", key.name),
            };
            assert!(EXAMPLE.contains(&line), ".env.example has no line {line:?}");
            let row = match key.default {
                Fallback::Value(value) => format!("| `{}` | `{value}` |", key.name),
                Fallback::Said(text) => format!("| `{}` | {text} |", key.name),
            };
            assert!(MANUAL.contains(&row), "docs/OPERATIONS.md has no row {row:?}");
        }
    }

    #[test]
    fn every_limit_has_a_setting_and_the_same_default() {
        for rule in Rule::ALL {
            let key = limit(*rule).unwrap();
            assert_eq!(key.default, Fallback::Value(key.default_text()));
            assert_eq!(key.default_text().parse(), Ok(rule.default_limit()), "{}", key.name);
        }
        let settings = ALL.iter().filter(|key| key.name.starts_with("LIMIT_")).count();
        assert_eq!(settings, Rule::ALL.len());
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = ALL.iter().map(|key| key.name).collect();
        assert_eq!(names.len(), ALL.len());
    }
}
