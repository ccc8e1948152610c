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
# Socket state 11, TCP_CLOSING: host and target close at the same moment.
no_complaints 'detected capacity change' 'starting error recovery' 'Reconnecting in' 'Failed reconnect attempt' \
	'failed to connect socket: -111' 'failed to connect queue: 0 ret=16772' 'is not allowed, hostnqn' 'Property Set error' 'no usable path - requeuing I/O' \
	'Successfully reconnected' 'Removing controller' 'queue [0-9]+ socket state 11'
