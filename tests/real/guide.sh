#!/usr/bin/env bash
# Follows the documents literally: lib/typed.py types each block of the guide in order, in fresh homes, and compares
# the output.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_DIR=DIR tests/real/guide.sh
#
# With GUIDE_WRITE=1 the documents are updated to the current output; review the diff afterwards.
# budget: 60 s
# Prints a line `ok: ...` or `FAILED: ...` for each command, and which blocks are not run, and why.
# shellcheck source=tests/real/lib/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/checks.sh"
# Set by checks.sh.
# shellcheck disable=SC2154

need gnome-keyring-daemon dbus-daemon age git kubectl
need_openclaw
rig gnome

# Programs that the documents call. For those of others, stand-ins print the same output.
tools=$tmp/tools
mkdir "$tools" "$tmp/homes"
install -m 755 "$binary" "$tools/strongroom"
tool() { cat >"$tools/$1" && chmod 755 "$tools/$1"; }
tool claude <<END
#!/bin/sh
printf 'Your OAuth token (valid for 1 year):\n\n  %s\n\nStore this token securely.\n' '$(token 1)'
END
tool pass <<END
#!/bin/sh
printf '%s\nuser: someone@example.com\n' '$(api_key 1)'
END
tool some-program <<'END'
#!/bin/sh
[ -n "$OPENROUTER_API_KEY" ]
END
tool openclaw <<'END'
#!/bin/sh
exec "$OPENCLAW_NODE" "$OPENCLAW_JS" "$@"
END
tool notify-send <<'END'
#!/bin/sh
printf '%s: %s\n' "$@"
END
# shellcheck disable=SC2016 # the tool is to expand it
# What the chapters assume: `made-up token|key N` prints a secret of the right form.
{ printf '#!/bin/bash\n'; declare -f token api_key; declare -p filler
  printf 'case $1 in token) token "$2" ;; key) api_key "$2" ;; esac\nprintf "\\n"\n'; } | tool made-up

has=''
if env -i HOME="$tmp/homes" "$binary" unlock --help >/dev/null && keyctl show @u >/dev/null 2>&1; then has=keyctl; fi
REPO=$root HOMES=$tmp/homes TOOLS=$tools BUS=$bus HAS=$has OPENCLAW_NODE=$node OPENCLAW_JS=$openclaw \
    "$rig_python" "$lib/typed.py" ${GUIDE_WRITE:+--write} "$root/docs/guide.md" "$root/docs/clients.md" "$root/docs/proxy.md" "$root/docs/keychain.md" "$root/README.md" || failed=1
finish guide
