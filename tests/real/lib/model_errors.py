"""What model providers say if they refuse: the status, and the structured error in each provider's form. Imported by model-api.py."""

# What the stand-in is told to answer: the status, and by provider the type of the error.
KINDS = {
    "401": (401, {"anthropic": "authentication_error", "openai": "invalid_api_key", "google": "UNAUTHENTICATED"}),
    "403": (403, {"anthropic": "permission_error", "openai": "forbidden", "google": "PERMISSION_DENIED"}),
    "404": (404, {"anthropic": "not_found_error", "openai": "not_found", "google": "NOT_FOUND"}),
    "429": (429, {"anthropic": "rate_limit_error", "openai": "rate_limit_exceeded", "google": "RESOURCE_EXHAUSTED"}),
    "500": (500, {"anthropic": "api_error", "openai": "server_error", "google": "INTERNAL"}),
    "529": (529, {"anthropic": "overloaded_error", "openai": "overloaded", "google": "UNAVAILABLE"}),
}
# A used-up account: each provider has a status of its own.
BILLING = {"anthropic": (400, "billing_error"), "openai": (429, "insufficient_quota"), "google": (403, "BILLING_DISABLED")}


def error(provider, kind):
    """Returns the status and the body of an error."""
    if kind == "billing":
        status, name = BILLING[provider]
    else:
        status, names = KINDS[kind]
        name = names[provider]
    return status, body(provider, status, name)


def body(provider, status, name):
    message = f"made-up refusal {status}"
    if provider == "anthropic":
        return {"type": "error", "error": {"type": name, "message": message}, "request_id": "req_made_up"}
    if provider == "openai":
        return {"error": {"message": message, "type": name, "param": None, "code": name}}
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": name, "domain": "googleapis.com"}
    return {"error": {"code": status, "message": message, "status": name, "details": [info]}}


def event(path, provider):
    """Returns the name and the data of an event that says "too many requests", in the form of the API with that path."""
    _, refusal = error(provider, "429")
    if path == "/v1/responses":
        return "error", {name: refusal["error"][name] for name in ("code", "message", "param")}
    return "error" if provider == "anthropic" else None, refusal
