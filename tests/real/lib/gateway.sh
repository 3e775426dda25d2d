# To be sourced after verdict.sh: a gateway of the real client in its own process group.
# shellcheck shell=bash
# Set by verdict.sh.
# shellcheck disable=SC2154

gateway='' drain=''
kill_gateway() {
    [ -z "$gateway" ] || kill -KILL -- "-$gateway" 2>/dev/null || true
    [ -z "$drain" ] || kill "$drain" 2>/dev/null || true
}
at_end+=(kill_gateway)

free_port() { "$node" -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }

# start_gateway LOG COMMAND...: starts it with `gateway run`; its lines can be read from descriptor 7.
start_gateway() {
    rm -f "$tmp/lines"
    mkfifo "$tmp/lines"
    : >"$1"
    set -m
    ("${@:2}" "$node" "$openclaw" gateway run) >"$tmp/lines" 2>&1 </dev/null &
    gateway=$!
    set +m
    # What runs in a shell of its own, as a section does, is ended by its file.
    printf '%s\n' "$gateway" >"$tmp/gateway.pid"
    exec 7<"$tmp/lines"
}
# wait_for LOG TEXT: copies lines to the log until one has the text; fails at the end or after two minutes.
wait_for() {
    local line deadline=$((SECONDS + 120))
    while [ "$SECONDS" -lt "$deadline" ] && IFS= read -r -t $((deadline - SECONDS)) -u 7 line; do
        printf '%s\n' "$line" >>"$1"
        case "$line" in *"$2"*) return 0 ;; esac
    done
    return 1
}
# drain_gateway LOG: from here on its lines go to the log by themselves.
drain_gateway() {
    cat <&7 >>"$1" &
    drain=$!
}
# Returns the gateway's exit status, after at most 20 more seconds; no process of its group may be left.
end_gateway() {
    local status=0
    timeout 20 tail --pid="$gateway" -f /dev/null || kill -KILL -- "-$gateway" 2>/dev/null || true
    wait "$gateway" || status=$?
    if pgrep -g "$gateway" >"$tmp/left"; then
        fail 'the gateway leaves no process running' "$tmp/left"
        kill -KILL -- "-$gateway" 2>/dev/null || true
    fi
    forget_gateway
    return "$status"
}
# After the gateway has ended.
forget_gateway() {
    exec 7<&-
    [ -z "$drain" ] || wait "$drain" || true
    drain='' gateway=''
    rm -f "$tmp/gateway.pid"
}
