#!/usr/bin/env bash
# The configuration changes below a connected host: namespaces come, grow and go, paths change their ANA states
# under load, ports and the host itself are removed.
. "$(dirname "$0")/harness/host.sh"

[ -e /dev/fuse ] || { echo "skipped: there is no /dev/fuse"; exit 77; }

nqn=nqn.2024-01.test:tree host=nqn.2024-01.test:guest port=$(free_port)
other=$port
while [ "$other" = "$port" ]; do other=$(free_port); done
mkdir "$work/share"
export ROOT=$work/tree FILES=$work NQN=$nqn HOST=$host PORT=$port OTHER=$other
export S=$ROOT/nvmet/subsystems/$nqn
mounts+=("$ROOT")
start weftd "$bin/weftd" --tree "$ROOT" --state-dir "$work/state"
wait_for 30 test -d "$ROOT/nvmet/subsystems"

# The guest says what is to be done out here: a script in share/do.  Its status goes to share/done.
(
	while :; do
		until [ -e "$work/share/do" ]; do sleep 0.05; done
		mv "$work/share/do" "$work/doing"
		status=0
		bash -e "$work/doing" >>"$work/outside.log" 2>&1 || status=$?
		echo $status >"$work/share/done.tmp"
		mv "$work/share/done.tmp" "$work/share/done"
	done
) &
started+=($!)
guest --share "$work/share" "$here/guest/tree.sh" "$port" "$other" "$nqn" "$host" || fail "the guest's part failed"

# read_ahead_errors: a regex for each read-ahead (bit 19 of a request's flags) that a path refused.  Linux lets these
# fail and reads again by another path once it needs the blocks; any other read it must have taken there itself.
read_ahead_errors() {
	local sector flags
	sed -n 's/.*I\/O error, dev nvme[0-9c]*n1, sector \([0-9]*\) op 0x0:(READ) flags 0x\([0-9a-f]*\) .*/\1 \2/p' \
		"$work/dmesg" | while read -r sector flags; do
		(((0x$flags >> 19 & 1) == 0)) || printf '%s\n' "LBA $sector, .* \(sct 0x3 / sc 0x[123]\)" "sector $sector op 0x0:"
	done
}
mapfile -t read_ahead < <(read_ahead_errors)
# Socket state 11, TCP_CLOSING: host and target close at the same moment.  Status 370h is the host's own: it was told to
# disconnect while it connected again.
no_complaints "${read_ahead[@]}" 'Connect command failed: host path error' 'failed to connect queue: [0-9]+ ret=880' \
	'detected capacity change' 'starting error recovery' 'Reconnecting in' 'Failed reconnect attempt' \
	'failed to connect socket: -111' 'failed to connect queue: 0 ret=16772' 'is not allowed, hostnqn' 'Property Set error' 'no usable path - requeuing I/O' \
	'Successfully reconnected' 'Removing controller' 'queue [0-9]+ socket state 11'
