# What the scenarios (../NAME.sh) share, on this machine's side:
#   . "$(dirname "$0")/harness/host.sh"
# Sets kernel (the script's argument), bin (the programs), work (a directory that goes away at the end) and
# here (tests/real_host).  What start() started is ended with the script, what is in mounts unmounted.
# shellcheck shell=bash
set -euo pipefail

kernel=${1:?usage: ${0##*/} KERNEL (6.1, 6.12, backports)}
here=$(cd "$(dirname "$0")" && pwd)
bin=${WEFT_BIN_DIR:-$here/../../build/release/bin}
work=$(mktemp -d "${TMPDIR:-/tmp}/weft-real-host.XXXXXX")
started=()
mounts=()

fail() { echo "FAIL: $*" >&2; exit 1; }

cleanup() {
	local status=$? pid log each
	trap - EXIT
	for pid in "${started[@]}"; do kill -9 "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
	for each in "${mounts[@]}"; do umount -l "$each" 2>/dev/null || fusermount3 -u -z "$each" 2>/dev/null || true; done
	if [ "$status" != 0 ]; then
		for log in "$work"/*.log; do
			[ ! -s "$log" ] || { echo "--- end of ${log##*/}:"; tail -n 60 "$log"; }
		done
	fi
	rm -rf "$work"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 143' TERM INT HUP

# start NAME COMMAND...: in the background, output to $work/NAME.log; sets pid.
start() {
	local name=$1; shift
	"$@" </dev/null >>"$work/$name.log" 2>&1 &
	pid=$!
	started+=("$pid")
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
	local end=$((SECONDS + $1)); shift
	until "$@"; do
		[ $SECONDS -lt $end ] || fail "not within its time: $*"
		sleep 0.1
	done
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wait_listening PID PORT: until the port answers; fails when the process ended.
wait_listening() {
	wait_for 30 eval "listens $2 || ! kill -0 $1 2>/dev/null"
	kill -0 "$1" 2>/dev/null || fail "process $1 ended before it listened on port $2"
}

# free_port: one on which nobody listens, outside the range that the kernel hands out by itself.
free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 10000))
		listens $port || { echo $port; return; }
	done
}

# guest [OPTION of run...] SCRIPT [ARG...]: the script of guest/ in a fresh guest.  Its kernel log is in
# $work/dmesg afterwards.
guest() {
	"$here/harness/run" --kernel "$kernel" --timeout 600 --dmesg "$work/dmesg" "$@"
}

# share_programs DIR: weft and weftd, and all that they need but what the guest has newer; harness/guest/weft.sh runs
# them there.
share_programs() {
	local library
	mkdir -p "$1/lib"
	cp "$bin/weft" "$bin/weftd" "$1"
	ldd "$bin/weft" "$bin/weftd" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u |
		grep -Ev '/(libc|libm|ld-linux[^/]*)\.so' | while read -r library; do cp -L "$library" "$1/lib"; done
}

# start_weftd CONFIG PORT: weftd on that configuration; sets pid once the port answers.
start_weftd() {
	start weftd "$bin/weftd" --config "$1" --state-dir "$work/state" --socket none
	wait_listening "$pid" "$2"
}

# no_complaints [REGEX...]: the guest's kernel log has no NVMe line but the usual ones and those named.
no_complaints() {
	local usual='new ctrl: |Removing ctrl: |creating [0-9]+ I/O queues|mapped [0-9/]+ default/read/poll queues|rescanning namespaces' each
	for each in "$@"; do usual+="|$each"; done
	if grep -iE 'nvme' "$work/dmesg" | grep -vE "$usual|EXT4-fs \(nvme|Kernel command line"; then
		fail "the guest's kernel complains (above)"
	fi
}
