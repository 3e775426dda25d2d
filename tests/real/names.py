"""The variables that OpenClaw's manifests name for providers: `names.py DIST` prints a line for each provider, with
its variables in the order in which the client looks at them."""
import json
import pathlib
import re
import sys

dist = pathlib.Path(sys.argv[1])
providers = {}


def add(provider, names):
    known = providers.setdefault(provider.strip(), [])
    known.extend(name for name in names if name not in known)


for path in sorted((dist / "extensions").glob("*/openclaw.plugin.json")):
    manifest = json.loads(path.read_text())
    for provider, names in sorted(manifest.get("providerAuthEnvVars", {}).items()):
        add(provider, names)
    for provider in manifest.get("setup", {}).get("providers", []):
        add(provider["id"], provider.get("envVars", []))
# Variables that the client knows without a manifest come before those of a manifest.
core = re.compile(r"CORE_PROVIDER_AUTH_ENV_VAR_CANDIDATES = \{(.*?)\n\};", re.DOTALL)
source = next(found for path in sorted(dist.glob("provider-env-vars-*")) if (found := core.search(path.read_text())))
for provider, names in re.findall(r'"?([\w-]+)"?: \[(.*?)\]', source.group(1)):
    providers[provider] = re.findall(r'"(\w+)"', names)
for provider, names in sorted(providers.items()):
    if names:
        print(f"{provider}: {' '.join(names)}")
