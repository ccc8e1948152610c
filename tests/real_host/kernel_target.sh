#!/usr/bin/env bash
# weft as the host of the Linux kernel's own target, which runs in the guest: what it says of itself, verified
# load with every digest, and a namespace that grows below an attached device.
. "$(dirname "$0")/harness/host.sh"

nqn=nqn.2024-01.test:kernel port=$(free_port)
share=$work/share
mkdir "$share"
guest --share "$share" --forward "$port:4420" "$here/guest/kernel_target.sh" "$nqn" >"$work/guest.log" 2>&1 &
guest=$!
started+=("$guest")
wait_for 200 eval "[ -e '$share/ready' ] || ! kill -0 $guest 2>/dev/null"
[ -e "$share/ready" ] || fail "the guest's target did not come up"
# A guest that crashed has a few seconds to say so.
weft() { "$bin/weft" "$@" || { sleep 5; fail "weft $*"; }; }
target=tcp://127.0.0.1:$port/$nqn

# asks COMMAND: the guest does it.
asks() {
	echo "$1" >"$share/do.tmp"
	mv "$share/do.tmp" "$share/do"
	wait_for 60 test ! -e "$share/do"
}

weft discover "tcp://127.0.0.1:$port" --no-referrals | grep -q "$nqn" || fail "the discovery log does not name it"
weft identify "$target" | grep -q '^mn *Linux' || fail "it is no Linux target"
weft identify "$target" --namespace 1 | grep -Eq '^size_bytes *67108864$' || fail "the size of namespace 1"
weft log smart "$target" >/dev/null
weft log ana "$target" | grep -q ' optimized ' || fail "its ANA log"
for digests in "" --hdr-digest --data-digest "--hdr-digest --data-digest"; do
	# shellcheck disable=SC2086
	weft bench "$target?ns=1" --rw randrw --verify --time 3 --warm-up 0.5 --qd 8 --queues 2 --size 16M $digests
	# shellcheck disable=SC2086
	weft bench "$target?ns=1" --rw write --bs 64K --verify --time 2 --warm-up 0.5 --qd 4 --size 16M $digests
done
head -c 8000001 /dev/urandom >"$work/data"
weft write "$target?ns=2" "$work/data"
weft compare "$target?ns=2" "$work/data" --data-digest
weft zeroes "$target?ns=1" --length 1M
weft discard "$target?ns=1"
weft flush "$target?ns=1"

export RUNTIME_DIRECTORY=$work/run
start weftd "$bin/weftd" --tree none --store none --state-dir "$work/state"
wait_for 30 test -S "$RUNTIME_DIRECTORY/weftd.sock"
weft attach "$target?ns=2"
sizes() { "$bin/weft" attached --json | grep -c '"bytes": '"$1"',' || true; }
[ "$(sizes 33554432)" = 1 ] || fail "the size of the attached device"
asks grow
wait_for 60 eval '[ "$(sizes 50331648)" = 1 ]'
weft detach 1

touch "$share/end"
wait "$guest" || fail "the guest's part failed"
no_complaints 'nvmet: ' 'nvmet_tcp: ' 'nvmet:'
