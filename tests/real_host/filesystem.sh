#!/usr/bin/env bash
# A file as a disk: discovered, connected with four I/O queues, formatted, filled, checked to the byte, with and
# without digests.
. "$(dirname "$0")/harness/host.sh"

nqn=nqn.2024-01.test:filesystem port=$(free_port)
cat >"$work/weft.json" <<-JSON
	{"version": 1,
	 "target": {"core": {"fileio_1": {"disk": {"control": {"fd_dev_name": "$work/disk", "create": "1", "fd_dev_size": "1G"}, "enable": 1}}}},
	 "nvmet": {"subsystems": {"$nqn": {"attr_allow_any_host": "1",
	   "namespaces": {"1": {"device": "target/core/fileio_1/disk"}},
	   "ports": {"tcp:127.0.0.1:$port": {"enable": 1, "addr_advertise": "10.0.2.2:$port"}}}}}}
JSON
start_weftd "$work/weft.json" "$port"
guest --smp 4 "$here/guest/filesystem.sh" "$port" "$nqn" || fail "the guest's part failed"
no_complaints
