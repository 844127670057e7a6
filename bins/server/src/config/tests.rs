use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use tracing_subscriber::filter::LevelFilter;

use super::*;

mod file;

/// The `.env` files as the documents of other servers print them, with a secret of one's own.
const CHANNELS_API: &str = "\
DATABASE_URL=postgresql://postgres:postgres@db:5432/chat_db
SECRET_KEY=3f0c9a1e7b5d2846c1f3a09e8d7b6245
APP_NAME=Chat API
ACCESS_TOKEN_EXPIRE_MINUTES=30
";
const EVENTS_API: &str = r#"# Application
APP_NAME=Chat Application API
APP_VERSION=1.0.0
DEBUG=False

# Server
HOST=0.0.0.0
PORT=8000

# Database (defaults to PostgreSQL, but SQLite is used if chat.db exists)
DATABASE_URL=postgresql+psycopg2://postgres:root@localhost:5432/chat_db

# Security (IMPORTANT: Change in production!)
SECRET_KEY=3f0c9a1e7b5d2846c1f3a09e8d7b6245
ALGORITHM=HS256
ACCESS_TOKEN_EXPIRE_MINUTES=30

# CORS
CORS_ORIGINS=["*"]
CORS_ALLOW_CREDENTIALS=True

# Logging
LOG_LEVEL=INFO
"#;

#[derive(Default)]
struct Given {
    flags: BTreeMap<&'static str, String>,
    environment: BTreeMap<String, String>,
    env_file: String,
    file: Option<ConfigFile>,
    files: BTreeMap<&'static str, &'static str>,
}

fn env_file(text: &str) -> Given {
    Given { env_file: text.to_owned(), ..Given::default() }
}

impl Given {
    fn flag(mut self, name: &'static str, value: &str) -> Self {
        self.flags.insert(name, value.to_owned());
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn file(mut self, path: &'static str, text: &'static str) -> Self {
        self.files.insert(path, text);
        self
    }

    fn load(&self) -> Result<Settings, SettingsError> {
        let read_file = |path: &Path| {
            let text = path.to_str().and_then(|path| self.files.get(path));
            text.map(ToString::to_string).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        };
        Settings::load(&Input {
            flags: &self.flags,
            environment: &self.environment,
            env_file: &self.env_file,
            file: self.file.as_ref(),
            read_file: &read_file,
        })
    }

    fn settings(&self) -> Settings {
        self.load().unwrap()
    }

    fn faults(&self) -> Vec<String> {
        self.load().unwrap_err().lines().to_vec()
    }
}

#[test]
fn without_any_setting_there_are_the_documented_defaults() {
    let settings = env_file("").settings();
    assert_eq!((settings.host.as_str(), settings.port), ("127.0.0.1", 8000));
    assert_eq!(settings.database, Database::Sqlite("./data/tertulia.db".into()));
    assert!(settings.keys.is_none());
    assert_eq!(settings.access_token_lifetime, Duration::from_mins(15));
    assert!(settings.registration_open && settings.guests);
    assert_eq!(settings.guest_lifetime, Duration::from_hours(24));
    assert_eq!(settings.app_name, "Tertulia");
    assert_eq!(settings.cors, Cors::default());
    assert!(settings.public_origins.is_empty() && settings.trusted_proxies.is_empty());
    assert!(settings.rate_limits && settings.is_loopback());
    assert!(settings.workers >= 1);
    assert_eq!(settings.drain, Duration::from_secs(8));
    assert_eq!(settings.log.filter(), "warn,tertulia=info");
    assert_eq!(settings.notes, []);
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_env_file() {
    let given = env_file("PORT=1\nHOST=one\nAPP_NAME=One")
        .variable("PORT", "2")
        .variable("HOST", "two")
        .flag("PORT", "3");
    let settings = given.settings();
    assert_eq!((settings.port, settings.host.as_str()), (3, "two"));
    assert_eq!(settings.app_name, "One");
}

#[test]
fn an_empty_value_is_as_good_as_none() {
    let given = env_file("PORT=9000\nSECRET_KEY=\nCORS_ORIGINS=\"\"")
        .variable("PORT", " ")
        .variable("DATABASE_URL", "")
        .flag("PORT", "");
    let settings = given.settings();
    assert_eq!(settings.port, 9000);
    assert!(settings.keys.is_none());
    assert_eq!(settings.database, Database::Sqlite("./data/tertulia.db".into()));
}

#[test]
fn the_env_file_of_the_channels_api_works_as_printed() {
    let settings = env_file(CHANNELS_API).settings();
    assert_eq!(settings.app_name, "Chat API");
    assert_eq!(settings.access_token_lifetime, Duration::from_mins(30));
    assert!(matches!(settings.database, Database::Postgres(_)));
    assert!(settings.keys.is_some());
}

#[test]
fn the_env_file_of_the_events_api_works_as_printed_but_never_credentials_for_everybody() {
    let settings = env_file(EVENTS_API).settings();
    assert_eq!(settings.app_name, "Chat Application API");
    assert_eq!((settings.host.as_str(), settings.port), ("0.0.0.0", 8000));
    assert_eq!(settings.cors, Cors { origins: CorsOrigins::Any, credentials: false });
    assert_eq!(settings.log.level, LevelFilter::INFO);
    let [Note::Info(ignored), Note::Warning(warning)] = settings.notes.as_slice() else {
        panic!("{:?}", settings.notes)
    };
    assert_eq!(ignored, ".env: ignored, no settings of this server: APP_VERSION, DEBUG");
    assert!(warning.starts_with("CORS_ALLOW_CREDENTIALS is left off"), "{warning}");
}

#[test]
fn the_sample_secrets_that_those_files_print_are_refused() {
    for sample in ["your_secret_key_here", "your-secret-key-here"] {
        let faults = env_file(&format!("SECRET_KEY={sample}")).faults();
        assert_eq!(faults.len(), 1);
        assert!(faults[0].starts_with("SECRET_KEY (.env, line 1): "), "{faults:?}");
        assert!(!faults[0].contains(sample), "{faults:?}");
    }
}

#[test]
fn listed_origins_may_have_credentials() {
    let settings =
        env_file("CORS_ORIGINS=http://localhost:3000\nCORS_ALLOW_CREDENTIALS=1").settings();
    assert!(settings.cors.credentials);
    assert_eq!(settings.notes, []);
}

#[test]
fn secrets_may_stand_in_files() {
    let given = env_file("SECRET_KEY=refused-if-it-were-used")
        .variable("SECRET_KEY_FILE", "/run/secrets/key")
        .variable("DATABASE_URL_FILE", "/run/secrets/url")
        .file("/run/secrets/key", "3f0c9a1e7b5d2846c1f3a09e8d7b6245\n")
        .file("/run/secrets/url", "sqlite://chat.db\r\n");
    let settings = given.settings();
    assert!(settings.keys.is_some());
    assert_eq!(settings.database, Database::Sqlite("chat.db".into()));
}

#[test]
fn a_secret_file_that_cannot_serve_is_named() {
    let given = env_file("")
        .variable("SECRET_KEY_FILE", "/empty")
        .flag("DATABASE_URL_FILE", "/missing")
        .file("/empty", " \n");
    assert_eq!(
        given.faults(),
        [
            "DATABASE_URL_FILE (command line): \"/missing\" cannot be read: entity not found",
            "SECRET_KEY_FILE (environment): the file \"/empty\" is empty",
        ]
    );
    let weak = env_file("SECRET_KEY_FILE=/weak").file("/weak", "hunter2").faults();
    assert!(
        weak[0].starts_with("SECRET_KEY_FILE (.env, line 1): the secret has 7 bytes"),
        "{weak:?}"
    );
}

#[test]
fn a_secret_and_its_file_in_one_place_are_one_too_many() {
    let faults = env_file("SECRET_KEY_FILE=/key\nSECRET_KEY=hunter2").faults();
    assert_eq!(faults, ["SECRET_KEY (.env, line 2): SECRET_KEY_FILE is set there too; keep one"]);
}

#[test]
fn every_fault_is_told_at_once_each_with_its_name_value_and_place() {
    let given = env_file("PORT=80000\nwhat is this\nALGORITHM=none\nLOG_LEVEL=loud")
        .variable("HOST", "http://localhost")
        .variable("ACCESS_TOKEN_EXPIRE_MINUTES", "0")
        .variable("RUST_LOG", "tertulia=loud")
        .variable("APP_NAME", "a\tb")
        .flag("WORKERS", "many");
    let faults = given.faults();
    let starts = [
        ".env, line 2: NAME=value is wanted",
        "HOST = \"http://localhost\" (environment): ",
        "PORT = \"80000\" (.env, line 1): a whole number from 0 to 65535 is wanted",
        "ALGORITHM = \"none\" (.env, line 3): ",
        "ACCESS_TOKEN_EXPIRE_MINUTES = \"0\" (environment): a whole number from 1 to 1440 is wanted",
        "APP_NAME (environment): control characters",
        "WORKERS = \"many\" (command line): ",
        "LOG_LEVEL = \"loud\" (.env, line 4): ",
        "RUST_LOG = \"tertulia=loud\" (environment): ",
    ];
    assert_eq!(faults.len(), starts.len(), "{faults:#?}");
    for (fault, start) in faults.iter().zip(starts) {
        assert!(fault.starts_with(start), "{fault:?} does not begin with {start:?}");
        assert!(!fault.contains('\n'));
    }
}

#[test]
fn neither_faults_nor_debug_show_a_secret() {
    let given = env_file("SECRET_KEY=pa55word\nDATABASE_URL=mysql://root:pa55word@localhost/chat")
        .variable("CORS_ORIGINS", "https://ann:pa55word@example.org")
        .variable("PUBLIC_URL", "https://ann:pa55word@example.org");
    let faults = given.faults();
    assert_eq!(faults.len(), 4);
    assert!(!faults.concat().contains("pa55"), "{faults:?}");

    let settings = env_file(CHANNELS_API).settings();
    let shown = format!("{settings:?}");
    assert!(!shown.contains("postgres:postgres") && !shown.contains("3f0c9a1e"), "{shown}");
}

#[test]
fn guests_come_in_by_themselves_only_where_nobody_else_can() {
    let guests = |env: &str| env_file(env).settings().guests;
    for (env, let_in) in [
        ("", true),
        ("HOST=localhost", true),
        ("HOST=0.0.0.0", false),
        ("PUBLIC_URL=https://chat.example.org", false),
        ("TRUSTED_PROXIES=127.0.0.1", false),
        ("REGISTRATION=closed", false),
        ("GUESTS=off", false),
        ("GUESTS=on\nHOST=0.0.0.0\nREGISTRATION=closed", true),
    ] {
        assert_eq!(guests(env), let_in, "{env}");
    }
    let faults = env_file("GUESTS=some\nREGISTRATION=on\nGUEST_HOURS=0").faults();
    assert_eq!(faults.len(), 3, "{faults:?}");
}

#[test]
fn limits_that_are_off_on_a_public_address_are_remarked_upon() {
    let notes = |host: &str| env_file(&format!("RATE_LIMITS=off\nHOST={host}")).settings().notes;
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        assert_eq!(notes(host), [], "{host}");
    }
    assert!(matches!(notes("0.0.0.0").as_slice(), [Note::Warning(_)]));
}

#[test]
fn redis_joins_nodes_on_postgresql_and_is_left_unused_with_sqlite() {
    let settings = env_file("REDIS_URL=redis://:pa55@localhost:6379").load().unwrap();
    assert!(settings.redis.is_none());
    let warned = |note: &Note| matches!(note, Note::Warning(text) if text.starts_with("REDIS_URL is left unused"));
    assert!(settings.notes.iter().any(warned), "{:?}", settings.notes);
    let both = "DATABASE_URL=postgres://a:b@localhost/c\nREDIS_URL=rediss://:pa55@localhost";
    let settings = env_file(both).load().unwrap();
    assert!(settings.redis.is_some() && !settings.notes.iter().any(warned));
    assert!(!format!("{settings:?}").contains("pa55"));
    let error = env_file("REDIS_URL=http://:pa55@localhost").load().unwrap_err().to_string();
    assert!(error.contains("REDIS_URL") && !error.contains("pa55"), "{error}");
}
