//! The verdict of selection on a profile.

use serde::Serialize;

use super::pin::Model;

/// Why a profile is excluded, as OpenClaw spells it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// An order is set for the provider, and does not name it.
    ExcludedByAuthOrder,
    /// It has no record, or does not exist at all.
    MissingCredential,
    /// Its expiry has passed.
    Expired,
    /// Its expiry is invalid.
    InvalidExpires,
    /// Its record cannot be trusted, or it refers to another secret provider.
    UnresolvedRef,
    /// Its secret is not encrypted, it belongs to another provider, or the client's configuration does not list it, or
    /// lists it differently.
    IneligibleProfile,
}

impl ReasonCode {
    /// Returns the code as it is spelled in a report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExcludedByAuthOrder => "excluded_by_auth_order",
            Self::MissingCredential => "missing_credential",
            Self::Expired => "expired",
            Self::InvalidExpires => "invalid_expires",
            Self::UnresolvedRef => "unresolved_ref",
            Self::IneligibleProfile => "ineligible_profile",
        }
    }
}

/// The verdict of selection on a profile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It can be used now.
    Eligible,
    /// It failed a short while ago; used only if nothing else is left.
    CoolingDown {
        /// When it is available again, in Unix milliseconds.
        until: i64,
        /// Why it failed, such as `rate_limit`.
        reason: Option<String>,
        /// The model for which it is cooling down, if it is only one.
        model: Option<Model>,
    },
    /// It failed in a way that lasts, such as `billing`; used only if nothing else is left.
    Disabled {
        /// When it is tried again, in Unix milliseconds.
        until: i64,
        /// Why it failed.
        reason: Option<String>,
    },
    /// It is never used as it is.
    Excluded(ReasonCode),
}

impl Verdict {
    /// Returns the verdict without its details.
    #[must_use]
    pub const fn kind(&self) -> VerdictKind {
        match self {
            Self::Eligible => VerdictKind::Eligible,
            Self::CoolingDown { .. } => VerdictKind::Cooldown,
            Self::Disabled { .. } => VerdictKind::Disabled,
            Self::Excluded(_) => VerdictKind::Excluded,
        }
    }

    /// Returns why it is not eligible: a reason code, or why the profile failed.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Eligible => None,
            Self::CoolingDown { reason, .. } | Self::Disabled { reason, .. } => reason.as_deref(),
            Self::Excluded(code) => Some(code.as_str()),
        }
    }

    /// Returns when the profile is available again, if it is cooling down or disabled.
    #[must_use]
    pub const fn until(&self) -> Option<i64> {
        match self {
            Self::CoolingDown { until, .. } | Self::Disabled { until, .. } => Some(*until),
            Self::Eligible | Self::Excluded(_) => None,
        }
    }
}

/// A [`Verdict`] without its details.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VerdictKind {
    /// It can be used now.
    Eligible,
    /// It failed a short while ago.
    Cooldown,
    /// It failed in a way that lasts.
    Disabled,
    /// It is never used as it is.
    Excluded,
}
