//! One request to the upstream: with the credential that is next, and once more with another one.

use http::header::HeaderMap;
use http::{Method, Request};
use zeroize::Zeroizing;

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::blame::{self, Failure, Outcome};
use crate::credentials::{Access, Credentials, Lease, ProfileTag};
use crate::hygiene;
use crate::key::Placement;
use crate::log::{Body, Record};
use crate::look::{Looked, Verdict};
use crate::refusal::Refusal;
use crate::replay::{Attempt, Replay};
use crate::routes::{Kind, Route};
use crate::server::Shared;
use crate::target::Target;
use crate::upstream::SendError;

/// The last segments of inference that costs nothing.
const FREE: [&str; 5] = ["count_tokens", "countTokens", "count-tokens", "input_tokens", "moderations"];

/// A request that was let in.
pub(crate) struct Call<'a, C> {
    pub shared: &'a Arc<Shared<C>>,
    pub access: &'a Access,
    pub route: &'a Route,
    pub target: &'a Target,
    pub kind: Kind,
    pub is_socket: bool,
    pub method: Method,
    /// The headers for the upstream, without the credential.
    pub headers: HeaderMap,
    pub session: Option<String>,
    pub body: Replay,
}

/// What was done already, each of it once.
#[derive(Default)]
struct Done {
    sent_again: bool,
    read_again: bool,
    hopped: bool,
    tried: Vec<ProfileTag>,
}

impl<C: Credentials> Call<'_, C> {
    /// Sends the request, and returns the answer and the credential that it was sent with. Nothing of the answer has
    /// gone to the client until then.
    pub async fn run(&self, record: &mut Record) -> Result<(Looked, Lease), Refusal> {
        let mut done = Done::default();
        let mut lease = self.next(&[]).await?;
        loop {
            record.profile = Some(lease.tag.id.clone());
            self.check(&lease)?;
            record.sent += 1;
            let begun = Instant::now();
            let sent = self.send(&lease).await;
            record.body = if self.body.is_kept() { Body::Kept } else { Body::NotKept };
            let looked = match sent {
                Ok(looked) => looked,
                // It says nothing of the credential, so that the same one is used.
                Err(error) if error.may_send_again && !done.sent_again && self.may_send_again() => {
                    done.sent_again = true;
                    continue;
                }
                Err(error) => return Err(error.refusal),
            };
            match self.judge(&looked, &lease, begun, &mut done).await {
                Some(another) => lease = another,
                None => return Ok((looked, lease)),
            }
        }
    }

    /// Reports what an answer means, and returns the credential to try next, or `None` if this is the answer.
    async fn judge(&self, looked: &Looked, lease: &Lease, begun: Instant, done: &mut Done) -> Option<Lease> {
        let failure = match looked.verdict {
            Verdict::Neither => return None,
            Verdict::Works => {
                if self.costs() {
                    let worked = Outcome::Succeeded { took: begun.elapsed() };
                    self.shared.credentials.report(self.access, &lease.tag, worked, None).await;
                }
                return None;
            }
            Verdict::Fails(failure) => failure,
        };
        if failure == Some(Failure::Auth) && !done.read_again {
            done.read_again = true;
            // The credential was replaced meanwhile: the failure is the former one's.
            if let Some(newer) = self.shared.credentials.newer(self.access, self.route, &lease.tag).await {
                return Some(newer)
                    .filter(|newer| newer.origin == lease.origin && self.body.may_start_again());
            }
        }
        if let Some(failure) = failure {
            let retry_after = blame::retry_after(&looked.parts.headers, SystemTime::now());
            let status = looked.parts.status.as_u16();
            let model = self.body.model().or_else(|| self.model_in_path());
            self.report_failure(lease, Outcome::Failed { failure, status, retry_after }, model).await;
        }
        done.tried.push(lease.tag.clone());
        let may_hop =
            !done.hopped && !lease.pinned && self.kind != Kind::Stored && self.body.may_start_again();
        if !may_hop {
            return None;
        }
        done.hopped = true;
        let another = self.next(&done.tried).await.ok()?;
        let is_other =
            another.origin == lease.origin && done.tried.iter().all(|tag| tag.id != another.tag.id);
        Some(another).filter(|another| is_other && self.check(another).is_ok())
    }

    async fn next(&self, tried: &[ProfileTag]) -> Result<Lease, Refusal> {
        Ok(self.shared.credentials.next(self.access, self.route, self.session.as_deref(), tried).await?)
    }

    /// Returns whether the provider answers it only to one whose account is in order. Lists of models and counts of tokens are
    /// answered without credit, and say nothing of limits.
    fn costs(&self) -> bool {
        let last = self.target.path.rsplit(['/', ':']).next().unwrap_or_default();
        matches!(self.kind, Kind::Inference | Kind::Socket) && !FREE.contains(&last)
    }

    /// Reports a failure, also if the client goes away meanwhile.
    async fn report_failure(&self, lease: &Lease, outcome: Outcome, model: Option<String>) {
        let (shared, access, tag) = (Arc::clone(self.shared), self.access.clone(), lease.tag.clone());
        let reporting = tokio::spawn(async move {
            shared.credentials.report(&access, &tag, outcome, model.as_deref()).await;
        });
        // It fails only if the vault panics, which the other requests need not do.
        let _ = reporting.await;
    }

    /// Refuses credentials that may not be used for this request.
    fn check(&self, lease: &Lease) -> Result<(), Refusal> {
        if self.kind == Kind::Stored && !lease.sole {
            return Err(Refusal::Stored);
        }
        let refused = self.route.api.refused.iter().find(|(prefix, _)| lease.key.begins_with(prefix));
        refused.map_or(Ok(()), |(_, why)| Err(Refusal::Credential(why)))
    }

    /// Returns whether a request may be sent again after its connection broke: the upstream has not had the whole of it,
    /// or it changes nothing there.
    fn may_send_again(&self) -> bool {
        self.body.may_start_again() && (self.kind != Kind::Stored || !self.body.is_sent())
    }

    async fn send(&self, lease: &Lease) -> Result<Looked, SendError> {
        let unsendable =
            SendError { refusal: Refusal::Credential("it cannot be sent"), may_send_again: false };
        let request = self.request(lease).ok_or(unsendable)?;
        let upstreams = &self.shared.upstreams;
        let answer = upstreams.send(self.access, &lease.origin, request, &self.body, self.is_socket).await?;
        Looked::at(self.route.api, answer, self.shared.limits.idle).await
    }

    fn request(&self, lease: &Lease) -> Option<Request<Attempt>> {
        let mut added = Zeroizing::new(String::new());
        let mut headers = self.headers.clone();
        match self.route.placement_at(&self.target.path, &lease.placement) {
            Placement::Header(name, prefix) => {
                headers.insert(name, lease.key.header(prefix)?);
            }
            Placement::Query(name) => {
                added.push_str(name);
                added.push('=');
                added.push_str(&lease.key.in_query());
            }
        }
        let uri = hygiene::uri(&lease.origin.to_string(), &self.target.path, &self.target.query, &added)?;
        let mut request = Request::new(self.body.attempt());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Some(request)
    }

    /// Returns the model that the path names, as Google's, Azure's and Bedrock's do.
    fn model_in_path(&self) -> Option<String> {
        let mut segments = self.target.path.split('/');
        segments.find(|segment| ["models", "model", "deployments"].contains(segment))?;
        let model = segments.next()?;
        Some(model.split(':').next().unwrap_or(model).to_owned())
    }
}
