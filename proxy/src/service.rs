//! One request: who asks, what is asked, and what the client gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONNECTION, EXPECT, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use zeroize::Zeroizing;

use crate::answer::Answer;
use crate::credentials::{Access, Credentials, Lease, NoneLeft, Peer};
use crate::hop::Call;
use crate::hygiene;
use crate::limits::Permit;
use crate::linger;
use crate::log::Record;
use crate::look::Looked;
use crate::refusal::Refusal;
use crate::replay::Replay;
use crate::routes::{Kind, Route};
use crate::server::{Listening, Shared};
use crate::target::Target;
use crate::token;
use crate::tunnel;

/// The headers that name a session, the first one that is there.
const SESSION: &[&str] = &["x-strongroom-session", "x-claude-code-session-id"];

/// What the client gets.
pub(crate) type Reply = Response<Either<Answer, Full<Bytes>>>;

/// A request until its end. It is written to the log when it is dropped, with what was noted until then.
pub(crate) struct Running {
    pub record: Record,
    begun: Instant,
    log: Arc<dyn Fn(Record) + Send + Sync>,
    permit: Option<Permit>,
}

impl Running {
    fn answered(&mut self, status: StatusCode) {
        self.record.status = status.as_u16();
        self.record.until_answer = self.begun.elapsed();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.permit = None;
        self.record.until_end = self.begun.elapsed();
        (self.log)(std::mem::take(&mut self.record));
    }
}

/// Answers one request. It is in the log from the call on, also if the client goes away before it is read.
pub(crate) fn answer<C: Credentials>(
    shared: Arc<Shared<C>>,
    listening: Arc<Listening>,
    peer: Peer,
    is_known: Arc<AtomicBool>,
    request: Request<Incoming>,
) -> impl Future<Output = Reply> + Send {
    let log = Arc::clone(&shared.log);
    let mut running = Running { record: Record::default(), begun: Instant::now(), log, permit: None };
    async move {
        let admitted = admit(&shared, &listening, peer, &request, &mut running).await;
        is_known.fetch_or(running.record.access.is_some(), Ordering::Relaxed);
        match admitted {
            Ok(admitted) => forward(&shared, &listening, request, admitted, running).await,
            Err(refusal) => {
                if is_coming(request.headers()) {
                    linger::drain(request.into_body());
                }
                refuse(refusal, running)
            }
        }
    }
}

/// Returns whether the client sends the body without being told to continue.
fn is_coming(headers: &HeaderMap) -> bool {
    !headers.contains_key(EXPECT)
}

fn refuse(refusal: Refusal, mut running: Running) -> Reply {
    running.record.refusal = Some(refusal.code());
    running.record.complete = true;
    running.answered(refusal.status());
    refusal.response().map(Either::Right)
}

/// A request that may be forwarded.
struct Admitted {
    access: Access,
    route: Route,
    target: Target,
    kind: Kind,
    is_socket: bool,
}

/// Checks a request. One without a token that is known learns nothing of what is open.
async fn admit<C: Credentials>(
    shared: &Shared<C>,
    listening: &Listening,
    peer: Peer,
    request: &Request<Incoming>,
    running: &mut Running,
) -> Result<Admitted, Refusal> {
    let is_socket = hygiene::admit(request, &listening.hosts)?;
    let mut target = Target::of(request.uri())?;
    let token = Zeroizing::new(token::find(request.headers(), std::mem::take(&mut target.tokens))?);
    let access = shared.credentials.authorize(&token, &peer, &target.provider).await?;
    running.record.access = Some(Arc::clone(&access.id));
    running.record.session = session(request.headers());
    let route = shared.routes.get(&*target.provider).ok_or(Refusal::Provider)?.clone();
    running.record.provider = Some(Arc::clone(&route.name));
    let kind = route.kind(request.method(), &target.path).ok_or(Refusal::Endpoint)?;
    if is_socket != (kind == Kind::Socket) {
        return Err(Refusal::Upgrade);
    }
    running.permit = Some(shared.gates.enter(&access, Instant::now())?);
    Ok(Admitted { access, route, target, kind, is_socket })
}

fn session(headers: &HeaderMap) -> Option<String> {
    let value = SESSION.iter().find_map(|name| headers.get(*name))?.to_str().ok()?;
    let is_name =
        !value.is_empty() && value.len() <= 128 && value.bytes().all(|byte| byte.is_ascii_graphic());
    is_name.then(|| value.to_owned())
}

async fn forward<C: Credentials>(
    shared: &Arc<Shared<C>>,
    listening: &Listening,
    mut request: Request<Incoming>,
    admitted: Admitted,
    mut running: Running,
) -> Reply {
    let Admitted { access, route, target, kind, is_socket } = admitted;
    let upgrade = is_socket.then(|| hyper::upgrade::on(&mut request));
    let (parts, body) = request.into_parts();
    let is_head = parts.method == Method::HEAD;
    let call = Call {
        shared,
        access: &access,
        route: &route,
        target: &target,
        kind,
        is_socket,
        headers: hygiene::request_headers(&parts.headers, &route, is_socket),
        method: parts.method,
        session: running.record.session.clone(),
        body: Replay::new(body, &shared.memory, shared.limits.idle, is_coming(&parts.headers)),
    };
    let sent = tokio::select! {
        biased;
        () = access.ended.cancelled() => Err(why_ended(shared, &access, &route).await),
        sent = call.run(&mut running.record) => sent,
    };
    let checked = sent.and_then(|(looked, lease)| looked.check(is_socket).map(|()| (looked, lease)));
    let (looked, lease) = match checked {
        Ok(sent) => sent,
        Err(refusal) => return refuse(refusal, running),
    };
    // From here on bytes go to the client, and the request is not sent again.
    call.body.release();
    running.answered(looked.parts.status);
    match upgrade.filter(|_| looked.parts.status == StatusCode::SWITCHING_PROTOCOLS) {
        Some(client) => switch(shared, listening, &access, client, looked, lease, running),
        None => pass(shared, &access, looked, &lease, is_head, running),
    }
}

/// Returns why an access ended: it was removed, or the vault was locked, which passes.
async fn why_ended<C: Credentials>(shared: &Shared<C>, access: &Access, route: &Route) -> Refusal {
    match shared.credentials.next(access, route, None, &[]).await {
        Err(why @ (NoneLeft::Locked | NoneLeft::Unreadable)) => why.into(),
        _ => Refusal::Ended,
    }
}

/// Passes an answer on.
fn pass<C>(
    shared: &Shared<C>,
    access: &Access,
    looked: Looked,
    lease: &Lease,
    is_head: bool,
    running: Running,
) -> Reply {
    let Looked { parts, body, read, .. } = looked;
    let headers = hygiene::answer_headers(&parts.headers, &lease.key, is_head);
    let body = Answer::new(body, read, &lease.key, shared.limits.idle, &access.ended, running);
    let mut reply = Response::new(Either::Left(body));
    *reply.status_mut() = parts.status;
    *reply.headers_mut() = headers;
    reply
}

/// Switches to a WebSocket, which runs after the answer.
fn switch<C>(
    shared: &Shared<C>,
    listening: &Listening,
    access: &Access,
    client: OnUpgrade,
    looked: Looked,
    lease: Lease,
    mut running: Running,
) -> Reply {
    let mut headers = hygiene::answer_headers(&looked.parts.headers, &lease.key, false);
    headers.remove("sec-websocket-extensions");
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.remove(HeaderName::from_static("content-security-policy"));
    let upstream = hyper::upgrade::on(Response::from_parts(looked.parts, ()));
    let (idle, ended) = (shared.limits.idle, access.ended.clone());
    let stop = listening.kill.clone();
    listening.tasks.spawn(async move {
        let tunnel = async {
            let (client, upstream) = tokio::try_join!(client, upstream).ok()?;
            tunnel::run(TokioIo::new(client), TokioIo::new(upstream), &lease.key, idle).await.ok()
        };
        let ended = tokio::select! {
            ended = tunnel => ended,
            () = ended.cancelled() => None,
            () = stop.cancelled() => None,
        };
        running.record.complete = ended.is_some();
        drop(running);
    });
    let mut reply = Response::new(Either::Right(Full::default()));
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *reply.headers_mut() = headers;
    reply
}
