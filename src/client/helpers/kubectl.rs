//! kubectl's exec plugin protocol: `KUBERNETES_EXEC_INFO` has an `ExecCredential`, and the answer is one
//! (client.authentication.k8s.io, v1 from Kubernetes 1.22 on, v1beta1 before).

use serde::Deserialize;

use super::{bearer, json_members, origin_of};
use crate::error::Result;
use crate::json;
use crate::messages::helper as messages;
use crate::secret::Buffer;
use crate::time::rfc3339;
use crate::vault::record::Record;

/// The variable with the request.
pub const INFO_VARIABLE: &str = "KUBERNETES_EXEC_INFO";

/// The versions that are known, the newest first.
const VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

/// What kubectl asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The version in which it reads the answer.
    version: &'static str,
    /// The origin of the cluster, if its configuration has `provideClusterInfo`.
    pub origin: Option<String>,
}

/// Parses a request. Without one, a person tries the command.
///
/// # Errors
/// `BAD_DATA`, `DUPLICATE_KEY`, `NEWER_FORMAT`, and `DENIED` as [`origin_of`].
pub fn parse(info: Option<&str>) -> Result<Request> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct In {
        api_version: String,
        kind: String,
        spec: Option<Spec>,
    }
    #[derive(Deserialize)]
    struct Spec {
        cluster: Option<Cluster>,
    }
    #[derive(Deserialize)]
    struct Cluster {
        server: String,
    }
    let Some(info) = info else { return Ok(Request { version: VERSIONS[0], origin: None }) };
    let read: In = json::parse(info.as_bytes(), INFO_VARIABLE)?;
    let version = VERSIONS.into_iter().find(|version| *version == read.api_version);
    let version = version.filter(|_| read.kind == "ExecCredential").ok_or_else(messages::other_kubectl)?;
    let cluster = read.spec.and_then(|spec| spec.cluster);
    Ok(Request { version, origin: cluster.map(|cluster| origin_of(&cluster.server)).transpose()? })
}

/// Returns the answer to a request.
///
/// # Errors
/// `BAD_DATA` for a secret that a header cannot have.
pub fn answer(request: &Request, record: &Record) -> Result<Buffer> {
    let line = bearer::answer(record)?;
    let token = line.expose_str().unwrap_or_default().trim_end();
    let expires = record.credential.expires.map(rfc3339);
    let mut status = vec![("token", token)];
    status.extend(expires.as_deref().map(|at| ("expirationTimestamp", at)));
    let mut out = Buffer::with_capacity(256 + 2 * token.len());
    out.push(b'{');
    json_members(&mut out, &[("apiVersion", request.version), ("kind", "ExecCredential")]);
    out.extend(b",\"status\":{");
    json_members(&mut out, &status);
    out.extend(b"}}\n");
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::super::record;
    use super::*;
    use crate::error::Code;

    #[test]
    fn the_version_that_is_asked_for_is_answered() {
        for version in ["v1", "v1beta1"] {
            let info = format!(
                r#"{{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/{version}","spec":{{"interactive":false}}}}"#
            );
            let request = parse(Some(&info)).unwrap();
            assert_eq!(request.origin, None);
            assert_eq!(
                answer(&request, &record("made-up", None, Some(1_000))).unwrap().expose_str().unwrap(),
                format!(
                    "{{\"apiVersion\":\"client.authentication.k8s.io/{version}\",\"kind\":\"ExecCredential\",\
                     \"status\":{{\"token\":\"made-up\",\"expirationTimestamp\":\"1970-01-01T00:00:01.000Z\"}}}}\n"
                )
            );
        }
        for info in [
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1alpha1"}"#,
            r#"{"kind":"Other","apiVersion":"client.authentication.k8s.io/v1"}"#,
        ] {
            assert_eq!(parse(Some(info)).unwrap_err().code(), Code::NewerFormat);
        }
        assert_eq!(parse(Some("{")).unwrap_err().code(), Code::BadData);
    }

    #[test]
    fn a_cluster_is_a_destination() {
        let of = |server: &str| {
            let text = serde_json::json!({
                "kind": "ExecCredential",
                "apiVersion": "client.authentication.k8s.io/v1",
                "spec": { "cluster": { "server": server, "certificate-authority-data": "AA==" } },
            });
            parse(Some(&text.to_string())).map(|request| request.origin)
        };
        assert_eq!(of("https://k8s.x.io:6443").unwrap().as_deref(), Some("https://k8s.x.io:6443"));
        for server in ["https://10.0.0.1:6443", "https://me@k8s.x.io", ""] {
            assert_eq!(of(server).unwrap_err().code(), Code::Denied);
        }
    }
}
