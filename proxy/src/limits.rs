//! Limits, and who is at theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::credentials::Access;
use crate::refusal::Refusal;

/// How much of everything there may be.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The bytes of a request's head.
    pub head_bytes: usize,
    /// The headers of a request.
    pub headers: usize,
    /// The time until a request's head has come. An idle connection is closed after it.
    pub head_time: Duration,
    /// The time without a byte, in either direction.
    pub idle: Duration,
    /// The time to connect to an upstream, TLS included.
    pub connect: Duration,
    /// The connections at the same time. More wait until one ends.
    pub connections: usize,
    /// The bytes of one body that is kept to be sent again.
    pub replay_each: usize,
    /// The bytes of all of those bodies.
    pub replay_total: usize,
    /// The time for requests to end after the server was told to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 64 * 1024,
            headers: 100,
            head_time: Duration::from_secs(15),
            idle: Duration::from_secs(600),
            connect: Duration::from_secs(10),
            connections: 1024,
            replay_each: 32 << 20,
            replay_total: 256 << 20,
            drain: Duration::from_secs(30),
        }
    }
}

/// Counts the requests of each access.
#[derive(Default)]
pub(crate) struct Gates(Mutex<HashMap<Arc<str>, Gate>>);

struct Gate {
    running: usize,
    /// The requests that may be made now, and when that was true.
    allowance: f64,
    at: Instant,
}

impl Gates {
    /// Lets a request in, until the permit is dropped.
    pub fn enter(self: &Arc<Self>, access: &Access, now: Instant) -> Result<Permit, Refusal> {
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let most = access.per_minute.map(f64::from);
        let gate = gates.entry(Arc::clone(&access.id)).or_insert_with(|| Gate {
            running: 0,
            allowance: most.unwrap_or_default(),
            at: now,
        });
        if gate.running >= access.at_once {
            return Err(Refusal::AtOnce);
        }
        if let Some(most) = most {
            let gained = now.saturating_duration_since(gate.at).as_secs_f64() * most / 60.0;
            gate.allowance = (gate.allowance + gained).min(most);
            gate.at = now;
            if gate.allowance < 1.0 {
                let wait = if most > 0.0 { (1.0 - gate.allowance) * 60.0 / most } else { 60.0 };
                return Err(Refusal::Rate(Duration::from_secs_f64(wait)));
            }
            gate.allowance -= 1.0;
        }
        gate.running += 1;
        drop(gates);
        Ok(Permit { gates: Arc::clone(self), id: Arc::clone(&access.id), is_rated: most.is_some() })
    }
}

/// A request that is counted.
pub(crate) struct Permit {
    gates: Arc<Gates>,
    id: Arc<str>,
    is_rated: bool,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut gates = self.gates.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = gates.get_mut(&self.id) {
            gate.running = gate.running.saturating_sub(1);
            if gate.running == 0 && !self.is_rated {
                gates.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn access(at_once: usize, per_minute: Option<u32>) -> Access {
        Access { id: "a".into(), at_once, per_minute, ended: CancellationToken::new() }
    }

    #[test]
    fn requests_at_once_are_limited_and_counted_back() {
        let gates = Arc::new(Gates::default());
        let now = Instant::now();
        let first = gates.enter(&access(1, None), now).ok().unwrap();
        assert_eq!(gates.enter(&access(1, None), now).err(), Some(Refusal::AtOnce));
        drop(first);
        assert!(gates.enter(&access(1, None), now).is_ok());
        assert!(gates.0.lock().unwrap().is_empty());
    }

    #[test]
    fn requests_a_minute_are_limited_and_come_back() {
        let gates = Arc::new(Gates::default());
        let now = Instant::now();
        let rated = access(9, Some(2));
        assert!(gates.enter(&rated, now).is_ok() && gates.enter(&rated, now).is_ok());
        assert_eq!(gates.enter(&rated, now).err(), Some(Refusal::Rate(Duration::from_secs(30))));
        assert!(gates.enter(&rated, now + Duration::from_secs(30)).is_ok());
        assert!(gates.enter(&rated, now + Duration::from_secs(31)).is_err());
    }
}
