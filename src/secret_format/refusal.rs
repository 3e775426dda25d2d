//! Why a value is refused.

use std::borrow::Cow;

use crate::error::{Code, Error};

/// Why a value is refused; it quotes nothing of it.
#[derive(Debug)]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// What is wrong, as a predicate: "is empty".
    pub why: Cow<'static, str>,
    /// What to do, if that is more than what the code says.
    pub remedy: Option<Cow<'static, str>>,
}

impl Refusal {
    pub(super) fn new(code: Code, why: impl Into<Cow<'static, str>>) -> Self {
        Self { code, why: why.into(), remedy: None }
    }

    pub(super) fn bad(why: impl Into<Cow<'static, str>>, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self { remedy: Some(remedy.into()), ..Self::new(Code::BadData, why) }
    }

    /// As an error about a thing of that name.
    pub(super) fn of(self, what: &str) -> Error {
        let error = Error::new(self.code, format!("{what} {}", self.why));
        match self.remedy {
            Some(remedy) => error.with_remedy(remedy),
            None => error,
        }
    }
}
