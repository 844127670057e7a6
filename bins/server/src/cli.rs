//! The command line: every setting as a flag, and the few commands.

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::{Arg, ArgAction, ArgMatches};

use crate::config::keys::{ALL, Key};

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// What to do.
    pub command: Command,
    /// The settings file, if another than `tertulia.toml`.
    pub config: Option<String>,
    /// Setting names (`DATA_DIR`) and what the flags give for them.
    pub flags: BTreeMap<&'static str, String>,
}

/// What the program can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Run the server; what happens without any command.
    Serve,
    /// Bring the database to this version's schema, and end.
    Migrate,
    /// Print the `OpenAPI` document. Needs no settings.
    OpenApi,
    /// Ask a server that runs with the same settings whether it is alive.
    Health,
    /// Say all that is wrong with the settings, and touch nothing.
    CheckConfig,
    /// Print the settings and where each comes from, without secrets.
    PrintConfig,
    /// Make an admin's account. With SQLite, while no server runs.
    CreateAdmin {
        /// The username, not parsed yet.
        username: String,
        /// The e-mail address, not parsed yet.
        email: Option<String>,
        /// Whether the password comes on standard input; else one is made and printed.
        password_stdin: bool,
    },
    /// Print a token that makes an admin. With SQLite, while no server runs.
    AdminToken,
}

/// Reads the arguments, the program's name first. The error is also how `--help` and `--version`
/// come back: [`clap::Error::exit`] prints it and ends the process rightly.
pub fn parse<T: Into<OsString> + Clone>(
    arguments: impl IntoIterator<Item = T>,
) -> Result<Invocation, clap::Error> {
    let matches = command().try_get_matches_from(arguments)?;
    let (command, matches) = match matches.subcommand() {
        Some(("migrate", inner)) => (Command::Migrate, inner),
        Some(("openapi", inner)) => (Command::OpenApi, inner),
        Some(("health", inner)) => (Command::Health, inner),
        Some(("config", config)) => match config.subcommand() {
            Some(("print", inner)) => (Command::PrintConfig, inner),
            _ => (Command::CheckConfig, config.subcommand_matches("check").unwrap_or(config)),
        },
        Some(("admin", admin)) => match admin.subcommand() {
            Some(("create", inner)) => (
                Command::CreateAdmin {
                    username: inner.get_one("username").cloned().unwrap_or_default(),
                    email: inner.get_one("email").cloned(),
                    password_stdin: inner.get_flag("password-stdin"),
                },
                inner,
            ),
            _ => (Command::AdminToken, admin.subcommand_matches("token").unwrap_or(admin)),
        },
        _ => (Command::Serve, &matches),
    };
    let config = matches.get_one::<String>(CONFIG_FILE).cloned();
    Ok(Invocation { command, config, flags: flags(matches) })
}

/// The name of `--config` among the arguments.
const CONFIG_FILE: &str = "config file";

fn flags(matches: &ArgMatches) -> BTreeMap<&'static str, String> {
    let value = |key: &Key| matches.get_one::<String>(key.name).cloned();
    ALL.iter().filter_map(|key| Some((key.name, value(key)?))).collect()
}

fn command() -> clap::Command {
    clap::Command::new("tertulia")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A self-hosted real-time chat server. Without a command, it serves.")
        .after_help(
            "Every setting is also read from the environment and from `.env` in the current folder, under\n\
             the name shown in brackets, and from `tertulia.toml` there, under the same name in lower case.\n\
             Flags win over the environment, which wins over `.env`, which wins over `tertulia.toml`; an\n\
             empty value is as good as none. Other users of the machine can see flags: give secrets by\n\
             environment or file.",
        )
        .arg(
            Arg::new(CONFIG_FILE)
                .long("config")
                .value_name("FILE")
                .global(true)
                .help("The settings file [default: tertulia.toml in the current folder, if it is there]"),
        )
        .args(ALL.iter().map(argument))
        .subcommand(
            clap::Command::new("migrate")
                .about("Brings the database to this version's schema, and ends"),
        )
        .subcommand(clap::Command::new("openapi").about("Prints the OpenAPI document"))
        .subcommand(
            clap::Command::new("health")
                .about("Asks the server on HOST and PORT whether it is alive; exits with 0 or 1"),
        )
        .subcommand(config())
        .subcommand(admin())
}

fn config() -> clap::Command {
    clap::Command::new("config")
        .about("Checks or prints the settings, and touches nothing")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("check")
                .about("Says all that is wrong with the settings; exits with 0 or 2"),
        )
        .subcommand(
            clap::Command::new("print")
                .about("Prints the settings as a settings file, and where each comes from"),
        )
}

fn admin() -> clap::Command {
    clap::Command::new("admin")
        .about("Makes admins (with SQLite, while no server runs)")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            clap::Command::new("create")
                .about("Makes an admin's account, and prints its password unless that is given")
                .arg(Arg::new("username").value_name("USERNAME").required(true))
                .arg(
                    Arg::new("email")
                        .long("email")
                        .value_name("ADDRESS")
                        .help("An address to sign in by"),
                )
                .arg(
                    Arg::new("password-stdin")
                        .long("password-stdin")
                        .action(ArgAction::SetTrue)
                        .help("Takes the password from the first line of standard input"),
                ),
        )
        .subcommand(
            clap::Command::new("token")
                .about("Prints a token that makes an admin of who claims it, once"),
        )
}

fn argument(key: &Key) -> Arg {
    Arg::new(key.name).long(key.flag()).value_name("VALUE").global(true).help(format!(
        "{} [{}; default: {}]",
        key.help,
        key.name,
        key.default_text()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Invocation, clap::Error> {
        parse(std::iter::once("tertulia").chain(arguments.iter().copied()))
    }

    #[test]
    fn flags_are_the_settings_in_kebab_case_before_or_after_the_command() {
        for arguments in [["--data-dir", "x", "migrate"], ["migrate", "--data-dir", "x"]] {
            let invocation = parsed(&arguments).unwrap();
            assert_eq!(invocation.command, Command::Migrate);
            assert_eq!(invocation.flags, BTreeMap::from([("DATA_DIR", "x".to_owned())]));
        }
        assert_eq!(parsed(&[]).unwrap().command, Command::Serve);
    }

    #[test]
    fn admins_are_made_by_name_and_settings_stand_anywhere() {
        let given = ["--data-dir", "x", "admin", "create", "ann", "--email", "ann@example.com"];
        let invocation = parsed(&given).unwrap();
        let (username, email) = ("ann".to_owned(), Some("ann@example.com".to_owned()));
        let expected = Command::CreateAdmin { username, email, password_stdin: false };
        assert_eq!(invocation.command, expected);
        assert_eq!(invocation.flags, BTreeMap::from([("DATA_DIR", "x".to_owned())]));
        let invocation = parsed(&["admin", "token", "--data-dir", "x"]).unwrap();
        assert_eq!(invocation.command, Command::AdminToken);
        assert_eq!(invocation.flags, BTreeMap::from([("DATA_DIR", "x".to_owned())]));
        for bad in [&["admin"][..], &["admin", "create"]] {
            assert_eq!(parsed(bad).unwrap_err().exit_code(), 2);
        }
    }

    #[test]
    fn settings_are_checked_and_printed_from_whichever_file() {
        let invocation = parsed(&["config", "check", "--config", "x.toml", "--port", "1"]).unwrap();
        assert_eq!(invocation.command, Command::CheckConfig);
        assert_eq!(invocation.config.as_deref(), Some("x.toml"));
        assert_eq!(invocation.flags, BTreeMap::from([("PORT", "1".to_owned())]));
        let invocation = parsed(&["--config", "y.toml", "config", "print"]).unwrap();
        assert_eq!(invocation.command, Command::PrintConfig);
        assert_eq!(invocation.config.as_deref(), Some("y.toml"));
        assert_eq!(parsed(&[]).unwrap().config, None);
        assert_eq!(parsed(&["config"]).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn help_shows_every_setting_with_its_default() {
        let help = parsed(&["--help"]).unwrap_err().to_string();
        for key in ALL {
            assert!(help.contains(&format!("--{} ", key.flag())), "{}", key.name);
            let bracket = format!("[{}; default: {}]", key.name, key.default_text());
            assert!(help.contains(&bracket), "{help}");
        }
    }

    #[test]
    fn what_is_not_known_is_a_usage_error() {
        for arguments in [["--prot", "1"], ["serve", "x"]] {
            assert_eq!(parsed(&arguments).unwrap_err().exit_code(), 2);
        }
    }
}
