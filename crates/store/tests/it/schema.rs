//! Both migrations make the tables that the queries speak of.

use std::collections::BTreeMap;
use std::fs;

/// Table → its columns in order, as the migrations say.
fn columns(sql: &str) -> BTreeMap<String, Vec<String>> {
    let mut tables = BTreeMap::new();
    let mut current: Option<(String, Vec<String>)> = None;
    for line in sql.lines().map(str::trim).filter(|line| !line.starts_with("--")) {
        if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
            let name = rest.split(' ').next().unwrap_or_default();
            current = Some((name.to_owned(), Vec::new()));
        } else if let Some((table, column)) = added(line) {
            let columns: &mut Vec<String> = tables.entry(table.to_owned()).or_default();
            columns.push(described(column));
        } else if line.starts_with(')') {
            tables.extend(current.take());
        } else if let Some((_, columns)) = &mut current
            && !line.starts_with("PRIMARY KEY")
        {
            columns.push(described(line));
        }
    }
    tables
}

/// The table and the column of an `ALTER TABLE … ADD COLUMN …`.
fn added(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("ALTER TABLE ")?.split_once(" ADD COLUMN ")
}

/// A column's name, with a question mark when it may be null.
fn described(column: &str) -> String {
    let name = column.split(' ').next().unwrap_or_default();
    format!("{name}{}", if column.contains("NOT NULL") { "" } else { "?" })
}

fn indexes(sql: &str) -> Vec<String> {
    let lines = sql.lines().filter(|line| line.starts_with("CREATE") && line.contains(" INDEX "));
    // Each database searches texts in its own way.
    let lines = lines.filter(|line| !line.contains("USING gin"));
    let mut indexes: Vec<String> = lines.map(str::to_owned).collect();
    indexes.sort();
    indexes
}

fn all_of(folder: &str) -> String {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names.iter().map(|path| fs::read_to_string(path.join("up.sql")).unwrap()).collect()
}

#[test]
fn both_databases_have_the_same_tables_and_indexes() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let sqlite = all_of(&format!("{root}/sqlite"));
    let postgres = all_of(&format!("{root}/postgres"));
    assert_eq!(columns(&sqlite), columns(&postgres));
    assert!(columns(&sqlite).len() >= 9, "the tables were found");
    assert_eq!(indexes(&sqlite), indexes(&postgres));
}
