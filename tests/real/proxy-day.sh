#!/usr/bin/env bash
# A day of use of `strongroom serve`, in about a minute: 200 clients ask through it all the time, from a provider whose keys run
# out, are revoked, have no credit and come back, while real commands rotate, add, reorder and remove profiles. Each request is
# compared with what `status` said at that time.
#
#   STRONGROOM=target/debug/strongroom tests/real/proxy-day.sh
#
# budget: 150 s
# once: as an ordinary user
# With STRONGROOM_TEST_DAY it goes on for as many seconds: scripts/test.sh --all says 1200.
day=${STRONGROOM_TEST_DAY:-1}
# shellcheck source=tests/real/lib/helper-world.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/helper-world.sh"
# Set by the file that is sourced.
# shellcheck disable=SC2154
need openssl setpriv
mkdir "$tmp/day"
certificates "$tmp/day"
python3 -B "$lib/proxy_day" "$binary" "$tmp/day" "$day" || failed=1
finish 'a day of the proxy'
