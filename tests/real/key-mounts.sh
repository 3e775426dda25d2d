#!/usr/bin/env bash
# Keys as container runtimes mount them, on real mounts: read-only, in memory, and in /run/secrets.
#
#   STRONGROOM=target/debug/strongroom tests/real/key-mounts.sh
#
# budget: 20 s
# once: as root
# It mounts in its own namespace with an empty /run. Prints a line `ok: ...` or `FAILED: ...` for each check.
if [ "${1-}" != --in-own-mounts ]; then
    if [ "$(id -u)" -ne 0 ]; then
        printf 'key-mounts needs root, because it mounts: sudo -E %s\n' "$0" >&2
        exit 1
    fi
    exec unshare --mount --propagation private -- bash "${BASH_SOURCE[0]}" --in-own-mounts
fi
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need setpriv mount
need_binary

chmod 755 "$tmp"
export HOME=$tmp XDG_RUNTIME_DIR=$tmp
"$STRONGROOM" init >/dev/null 2>&1
printf 'made-up-key' | "$STRONGROOM" paste-api-key --provider groq >/dev/null
mv "$tmp/.config/strongroom/key" "$tmp/key"
mkdir "$tmp/disk" "$tmp/read-only" "$tmp/memory"
chmod 755 "$tmp/disk" "$tmp/read-only" "$tmp/memory"
install -m 444 "$tmp/key" "$tmp/disk/key"
mount --bind "$tmp/disk" "$tmp/read-only"
mount -o remount,ro,bind "$tmp/read-only"
mount -t tmpfs -o mode=755 none "$tmp/memory"
install -m 440 "$tmp/key" "$tmp/memory/key"
mount -t tmpfs -o mode=755 none /run
mkdir -m 755 /run/secrets
install -m 444 "$tmp/key" /run/secrets/strongroom-key
at_end+=(unmount)
unmount() { umount "$tmp/read-only" "$tmp/memory" /run; }

# opens KEY WHAT, refuses KEY WHY WHAT
opens() {
    local status=0
    "$STRONGROOM" --key-file "$1" get groq:default >"$tmp/said" 2>&1 || status=$?
    exits "$status" 0 "$2" "$tmp/said"
}
refuses() {
    local status=0
    "$STRONGROOM" --key-file "$1" get groq:default >"$tmp/said" 2>&1 || status=$?
    exits "$status" 78 "$3" "$tmp/said"
    has "$tmp/said" "$2" "$3, and says why"
}

refuses "$tmp/disk/key" 'can be read or written by other users' 'a key that others can read is refused on a disk'
opens "$tmp/read-only/key" 'it opens the vault on a read-only mount'
opens "$tmp/memory/key" 'it opens the vault on a tmpfs'
opens /run/secrets/strongroom-key 'it opens the vault in /run/secrets'
"$STRONGROOM" --key-file /run/secrets/strongroom-key doctor >"$tmp/said" 2>&1 || true
has "$tmp/said" 'it is where container runtimes mount secrets' 'doctor notes it'

chmod 446 "$tmp/disk/key"
refuses "$tmp/read-only/key" 'can be written by other users' 'a key that others can write is refused on a read-only mount'
chmod 444 "$tmp/disk/key"
chmod 777 "$tmp"
refuses "$tmp/memory/key" 'a directory above it' 'a key below a directory that others can write is refused'
chmod 755 "$tmp"
chown 1234 "$tmp/memory/key"
refuses "$tmp/memory/key" 'belongs to another user' 'a key of a third user is refused'

# A container that does not run as root: root owns the key, and everyone can read it.
cp -r "$tmp/.local" "$tmp/theirs"
chown -R 65534:65534 "$tmp/theirs"
status=0
setpriv --reuid 65534 --regid 65534 --clear-groups env HOME="$tmp" STRONGROOM_HOME="$tmp/theirs/share/strongroom" \
    STRONGROOM_KEY_FILE=/run/secrets/strongroom-key "$STRONGROOM" get groq:default >"$tmp/said" 2>&1 || status=$?
exits "$status" 0 'an ordinary user opens the vault by the key that root mounted' "$tmp/said"

finish key-mounts
