//! What can be asked, as the OpenAPI document has it.

use reqwest::Method;
use serde_json::Value;

/// An operation, and the fields of its body.
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) template: String,
    pub(super) fields: Vec<Field>,
    /// Whether its body may be empty.
    pub(super) lenient: bool,
    /// The parameters of its query, with the bounds of those that are numbers.
    pub(super) query: Vec<(String, Option<(i64, i64)>)>,
    /// Whether it is for those only who have signed in.
    pub(super) protected: bool,
}

/// A field of a body.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text of at most so many characters.
    Text(usize),
    /// A UUID.
    Id,
    /// A list of at most so many UUIDs.
    Ids(usize),
    /// One of a few words.
    Word,
    /// True or false.
    Switch,
    /// A whole number.
    Number,
    /// A time (RFC 3339).
    Time,
}

/// Every operation of the API.
pub(super) fn all() -> Vec<Operation> {
    let document = serde_json::to_value(tertulia_api::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            if path.starts_with("/api/") {
                operations.push(Operation::of(&document, method, path, operation));
            }
        }
    }
    assert!(operations.len() > 30);
    operations
}

/// Every operation that takes a body.
pub(super) fn with_bodies() -> Vec<Operation> {
    let mut operations = all();
    operations.retain(|operation| !operation.fields.is_empty());
    assert!(operations.len() >= 11);
    operations
}

impl Operation {
    fn of(document: &Value, method: Method, path: &str, operation: &Value) -> Self {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let mut fields = Vec::new();
        collect(document, schema, true, &mut fields);
        let itself = resolve(document, schema);
        let lenient = itself["type"] == "object"
            && itself.get("minProperties").is_none()
            && itself.get("required").is_none();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let query = parameters
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| {
                let bound = |name: &str| parameter["schema"][name].as_i64();
                let name = parameter["name"].as_str().unwrap().to_owned();
                (name, bound("minimum").zip(bound("maximum")))
            })
            .collect();
        let open = operation["security"].as_array();
        let open = open.is_some_and(|ways| ways.iter().all(|way| way == &serde_json::json!({})));
        Self { method, template: path.to_owned(), fields, lenient, query, protected: !open }
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }
}

/// Notes the fields of an object, or of each of several that a body may be.
fn collect(document: &Value, schema: &Value, always: bool, fields: &mut Vec<Field>) {
    let schema = resolve(document, schema);
    for choice in schema["oneOf"].as_array().into_iter().flatten() {
        collect(document, choice, false, fields);
    }
    let required = |name: &str| {
        always
            && schema["required"].as_array().is_some_and(|names| names.iter().any(|it| it == name))
    };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let kind = kind(document, property);
        fields.push(Field { name: name.clone(), kind, required: required(name) });
    }
}

fn kind(document: &Value, schema: &Value) -> Kind {
    let schema = resolve(document, schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        let choice = choices.iter().find(|choice| choice["type"] != "null");
        return kind(document, choice.unwrap());
    }
    let number = |name: &str| schema[name].as_u64().map(|number| usize::try_from(number).unwrap());
    let switch = |kinds: &Value| kinds == "boolean" || kinds[0] == "boolean";
    match (number("maxLength"), number("maxItems")) {
        _ if switch(&schema["type"]) => Kind::Switch,
        _ if schema["maximum"].is_number() => Kind::Number,
        _ if schema["format"] == "date-time" => Kind::Time,
        _ if schema["enum"].is_array() => Kind::Word,
        (_, Some(items)) => Kind::Ids(items),
        _ if schema["format"] == "uuid" => Kind::Id,
        (Some(characters), _) => Kind::Text(characters),
        _ => panic!("what may be in this field? {schema}"),
    }
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}
