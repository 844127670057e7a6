//! What is wrong with an input: every fault of a request, not the first one.

use std::borrow::Cow;

use serde::Serialize;
use utoipa::ToSchema;

/// Why one value was refused: a stable code for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Stable, `snake_case`.
    pub code: &'static str,
    /// A sentence that says what would be accepted.
    pub message: Cow<'static, str>,
}

impl Fault {
    /// A fault with a stable code and a sentence.
    pub fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }
}

/// A fault and the field of the request in which it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldFault {
    /// The field's name, dotted for nested ones (`recipient_ids.3`).
    #[schema(value_type = String, example = "content")]
    pub field: Cow<'static, str>,
    /// Stable, `snake_case`.
    #[schema(value_type = String, example = "too_long")]
    pub code: &'static str,
    /// A sentence that says what would be accepted.
    #[schema(value_type = String, example = "at most 4000 characters")]
    pub message: Cow<'static, str>,
}

/// All that is wrong with a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<FieldFault>);

impl Faults {
    /// No fault yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One fault in one field.
    pub fn one(field: impl Into<Cow<'static, str>>, fault: Fault) -> Self {
        let mut faults = Self::new();
        faults.push(field, fault);
        faults
    }

    /// Notes a fault in `field`.
    pub fn push(&mut self, field: impl Into<Cow<'static, str>>, fault: Fault) {
        self.0.push(FieldFault { field: field.into(), code: fault.code, message: fault.message });
    }

    /// Keeps the value, or notes why there is none.
    pub fn check<T>(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        parsed: Result<T, Fault>,
    ) -> Option<T> {
        parsed.map_err(|fault| self.push(field, fault)).ok()
    }

    /// The faults, in the order found.
    pub fn into_vec(self) -> Vec<FieldFault> {
        self.0
    }

    /// `Ok` when nothing was noted.
    pub fn ok(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}
