//! Every line of `docs/GUARANTEES.md` names tests, and all of them exist.

use std::fs;
use std::path::Path;

#[test]
fn every_guarantee_is_proven_by_tests_that_exist() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let page = fs::read_to_string(root.join("docs/GUARANTEES.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Promise"));
    let mut count = 0;
    for row in rows {
        let links: Vec<&str> = row.split("](../").skip(1).collect();
        assert!(!links.is_empty(), "no test is named: {row}");
        let names = row.split("[`").skip(1).map(|rest| rest.split('`').next().unwrap_or_default());
        for (name, link) in names.zip(&links) {
            let file = link.split(')').next().unwrap_or_default();
            let source = fs::read_to_string(root.join(file)).unwrap_or_default();
            assert!(source.contains(&format!("fn {name}(")), "{file} has no test {name}");
            count += 1;
        }
    }
    assert!(count >= 20, "the table was found");
}
