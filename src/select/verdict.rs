//! What selection says of a profile.

use serde::Serialize;

use super::pin::Model;

/// Why a profile is not a candidate, as OpenClaw spells it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// An order is set for the provider, and does not name it.
    ExcludedByAuthOrder,
    /// There is no record, or no such profile at all.
    MissingCredential,
    /// Its expiry has passed.
    Expired,
    /// Its expiry is not an instant.
    InvalidExpires,
    /// Its record cannot be trusted, or it refers to another secret provider.
    UnresolvedRef,
    /// Its secret is not sealed, it belongs to another provider, or the client's configuration has
    /// it otherwise or not at all.
    IneligibleProfile,
}

impl ReasonCode {
    /// The code as it is in a report.
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

/// What selection says of a profile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It can be used now.
    Eligible,
    /// It failed a short while ago; used only when nothing else is left.
    CoolingDown {
        /// When it is free again.
        until: i64,
        /// What it failed of, such as `rate_limit`.
        reason: Option<String>,
        /// The one model for which it cools down, if it is one alone.
        model: Option<Model>,
    },
    /// It failed in a way that lasts, such as `billing`; used only when nothing else is left.
    Disabled {
        /// When it is tried again.
        until: i64,
        /// What it failed of.
        reason: Option<String>,
    },
    /// It is never used as it is.
    Excluded(ReasonCode),
}

impl Verdict {
    /// The verdict in a word.
    #[must_use]
    pub const fn kind(&self) -> VerdictKind {
        match self {
            Self::Eligible => VerdictKind::Eligible,
            Self::CoolingDown { .. } => VerdictKind::Cooldown,
            Self::Disabled { .. } => VerdictKind::Disabled,
            Self::Excluded(_) => VerdictKind::Excluded,
        }
    }

    /// Why it is not eligible: a reason code, or what the profile failed of.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Eligible => None,
            Self::CoolingDown { reason, .. } | Self::Disabled { reason, .. } => reason.as_deref(),
            Self::Excluded(code) => Some(code.as_str()),
        }
    }

    /// When the profile is free again, if it waits for that.
    #[must_use]
    pub const fn until(&self) -> Option<i64> {
        match self {
            Self::CoolingDown { until, .. } | Self::Disabled { until, .. } => Some(*until),
            Self::Eligible | Self::Excluded(_) => None,
        }
    }
}

/// A [`Verdict`] in a word.
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
