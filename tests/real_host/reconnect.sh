#!/usr/bin/env bash
# The target is killed under load and started again: the host comes back by itself and nothing is lost.
. "$(dirname "$0")/harness/host.sh"

nqn=nqn.2024-01.test:reconnect port=$(free_port)
mkdir "$work/share"
cat >"$work/weft.json" <<-JSON
	{"version": 1,
	 "target": {"core": {"fileio_1": {"disk": {"control": {"fd_dev_name": "$work/disk", "create": "1", "fd_dev_size": "256M"}, "enable": 1}}}},
	 "nvmet": {"subsystems": {"$nqn": {"attr_allow_any_host": "1",
	   "namespaces": {"1": {"device": "target/core/fileio_1/disk"}},
	   "ports": {"tcp:127.0.0.1:$port": {"enable": 1}}}}}}
JSON
start_weftd "$work/weft.json" "$port"
(
	until [ -e "$work/share/kill" ]; do sleep 0.1; done
	kill -9 "$pid"
	touch "$work/share/killed"
	until [ -e "$work/share/start" ]; do sleep 0.1; done
	exec "$bin/weftd" --config "$work/weft.json" --state-dir "$work/state" --socket none >>"$work/weftd-again.log" 2>&1
) &
started+=($!)
guest --share "$work/share" "$here/guest/reconnect.sh" "$port" "$nqn" || fail "the guest's part failed"
no_complaints 'starting error recovery' 'Reconnecting in' 'Successfully reconnected' 'failed to connect socket: -111' \
	'Failed reconnect attempt' 'no usable path - requeuing I/O'
