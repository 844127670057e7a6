//! The settings file.

use super::*;

fn file(text: &str) -> Given {
    let file = ConfigFile { name: "tertulia.toml".to_owned(), text: text.to_owned(), open: false };
    Given { file: Some(file), ..Given::default() }
}

impl Given {
    fn printed(&self) -> String {
        let read_file = |path: &Path| -> io::Result<String> {
            let text = path.to_str().and_then(|path| self.files.get(path));
            text.map(ToString::to_string).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        };
        print(&Input {
            flags: &self.flags,
            environment: &self.environment,
            env_file: &self.env_file,
            file: self.file.as_ref(),
            read_file: &read_file,
        })
        .unwrap()
    }
}

#[test]
fn a_file_has_the_names_in_lower_case_and_all_else_wins_over_it() {
    let given = file(
        "# a comment\nport = 1\nhost = \"one\"\napp_name = \"It's \\u00fcber\"\nrate_limits = false\n\
         public_url = [\"https://a.example\", \"https://b.example\"]\nworkers = \"2\"\n\
         limit_messages = \"7/1m\"\n",
    );
    let settings = given.settings();
    assert_eq!((settings.port, settings.host.as_str()), (1, "one"));
    assert_eq!(settings.app_name, "It's \u{fc}ber");
    assert_eq!((settings.rate_limits, settings.workers), (false, 2));
    assert_eq!(settings.public_origins.len(), 2);
    assert_eq!(settings.limits.get(Rule::Messages), tertulia_auth::Limit::of(7, 60));
    assert_eq!(settings.limits.get(Rule::Frames), Rule::Frames.default_limit());
    let given = Given { env_file: "PORT=2\nHOST=two".to_owned(), ..given };
    assert_eq!((given.settings().port, given.settings().host), (2, "two".to_owned()));
    let given = given.variable("PORT", "3").flag("HOST", "three");
    assert_eq!((given.settings().port, given.settings().host), (3, "three".to_owned()));
    // An empty value is as good as none, here too.
    assert_eq!(file("port = \"\"").settings().port, 8000);
}

#[test]
fn every_fault_of_a_file_is_told_with_its_line() {
    let given = file(
        "prot = 1\nworkers = 0\n\nPORT = 2\nport = 1.5\nhost = {a = 1}\n[limits]\nmessages = \"1/1s\"\n",
    );
    let given = given.variable("LIMIT_FRAMES", "a lot");
    assert_eq!(
        given.faults(),
        [
            "prot (tertulia.toml, line 1): this is no setting; did you mean port?",
            "PORT (tertulia.toml, line 4): this is no setting; did you mean port?",
            "port (tertulia.toml, line 5): a text, a whole number, true, false or a list of texts is wanted",
            "host (tertulia.toml, line 6): a text, a whole number, true, false or a list of texts is wanted",
            "limits (tertulia.toml, line 7): this is no setting",
            "LIMIT_FRAMES = \"a lot\" (environment): a number from 1 to 100000 and a time from 1s to 1d are \
             wanted, as 300/60s",
            "WORKERS = \"0\" (tertulia.toml, line 2): a whole number from 1 to 64 is wanted",
        ]
    );
}

#[test]
fn what_is_no_toml_is_told_by_line_without_its_value_and_the_rest_still_read() {
    let faults = file("port = 1\nsecret_key = pa55\nworkers = 0\nport = 2\nhost = \"x\n").faults();
    for line in [2, 4, 5] {
        let start = format!("tertulia.toml, line {line}: ");
        assert!(faults.iter().any(|fault| fault.starts_with(&start)), "{line}: {faults:?}");
    }
    assert!(faults.iter().any(|fault| fault.starts_with("WORKERS = ")), "{faults:?}");
    assert!(!faults.concat().contains("pa55"), "{faults:?}");
    for hostile in [
        "\0",
        "[",
        "[[",
        "= 1",
        "a.b.c = 1",
        "\u{202e} = 1",
        "\"\\u0007\" = 1",
        "[port]",
        "[[port]]",
    ] {
        let faults = file(hostile).faults();
        assert!(!faults.is_empty(), "{hostile:?}");
        assert!(!faults.concat().contains(char::is_control), "{faults:?}");
    }
    file(&"[".repeat(100_000)).faults();
    file(&format!("port = {}1", "[".repeat(100_000))).faults();
}

#[test]
fn a_secret_in_a_file_is_never_told_and_best_not_read_by_others() {
    let key = "3f0c9a1e7b5d2846c1f3a09e8d7b6245";
    let weak = file("secret_key = \"pa55\"\ndatabase_url = \"mysql://a:pa55@b\"").faults();
    assert_eq!(weak.len(), 2);
    assert!(!weak.concat().contains("pa55"), "{weak:?}");
    let mut given = file(&format!("secret_key = \"{key}\""));
    assert_eq!(given.settings().notes, []);
    given.file.as_mut().unwrap().open = true;
    let notes = given.settings().notes;
    let [Note::Warning(warning)] = &notes[..] else { panic!("{notes:?}") };
    assert!(warning.contains("secret_key") && !warning.contains(key), "{warning}");
    let mut harmless = file("secret_key_file = \"/key\"\nport = 1").file("/key", key);
    harmless.file.as_mut().unwrap().open = true;
    assert_eq!(harmless.settings().notes, []);
}

#[test]
fn what_is_printed_says_the_same_when_it_is_read_and_tells_no_secret() {
    let key = "3f0c9a1e7b5d2846c1f3a09e8d7b6245";
    let given = file(
        "port = 1\napp_name = \"a \\\"b\\\" \\\\ c\"\ndatabase_url_file = \"/url\"\nhost = \"123\"",
    )
    .variable("SECRET_KEY", key)
    .variable("DATABASE_URL", "postgres://ann:pa55@localhost/chat")
    .variable("CORS_ORIGINS", "[\"https://a.example\"]")
    .flag("LIMIT_MESSAGES", "7/1m")
    .file("/url", "sqlite://other.db");
    let given = Given { env_file: "\n\nWORKERS=3".to_owned(), ..given };
    let printed = given.printed();
    for line in [
        "port = 1 # tertulia.toml, line 1",
        "workers = 3 # .env, line 3",
        "limit_messages = \"7/1m\" # command line",
        "drain_seconds = 8 # default",
        "# secret_key is set, and not shown # environment",
        "# database_url is set, and not shown # environment",
        "# database_url_file = \"/url\" # tertulia.toml, line 3",
        "# files_url is not set: the folder files in DATA_DIR",
    ] {
        assert!(printed.lines().any(|it| it == line), "{line}\n{printed}");
    }
    assert!(!printed.contains(key) && !printed.contains("pa55"), "{printed}");
    let again = file(&printed);
    let (first, second) = (given.settings(), again.settings());
    assert_eq!(
        (first.port, &first.app_name, first.workers),
        (second.port, &second.app_name, second.workers)
    );
    assert_eq!((first.limits, first.cors, first.host), (second.limits, second.cors, second.host));
    assert_eq!(second.database, Database::Sqlite("./data/tertulia.db".into()));
}

#[test]
fn the_example_is_what_is_printed_when_nothing_is_set() {
    const EXAMPLE: &str = include_str!("../../../../../docs/tertulia.example.toml");
    assert_eq!(env_file("").printed(), EXAMPLE, "`tertulia config print` in an empty folder");
    assert_eq!(file(EXAMPLE).settings().notes, []);
}
