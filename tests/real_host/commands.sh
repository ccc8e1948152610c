#!/usr/bin/env bash
# What an administrator types at a Linux host: identify, logs, features, discard; and a disk that grows.
. "$(dirname "$0")/harness/host.sh"

nqn=nqn.2024-01.test:commands port=$(free_port)
mkdir "$work/share"
cat >"$work/weft.json" <<-JSON
	{"version": 1,
	 "target": {"core": {"fileio_1": {"disk": {"control": {"fd_dev_name": "$work/disk", "create": "1", "fd_dev_size": "256M"}, "enable": 1}},
	                     "rd_mcp_1": {"ram": {"control": {"size": "64M", "block_size": "4096"}, "enable": 1}}}},
	 "nvmet": {"subsystems": {"$nqn": {"attr_allow_any_host": "1", "attr_serial": "WEFT-TEST", "attr_model": "Weft test",
	   "namespaces": {"1": {"device": "target/core/fileio_1/disk"}, "7": {"device": "target/core/rd_mcp_1/ram"}},
	   "ports": {"tcp:127.0.0.1:$port": {"enable": 1}}}}}}
JSON
start_weftd "$work/weft.json" "$port"
# The guest asks for the larger disk when it is ready for it.
(
	until [ -e "$work/share/grow" ]; do sleep 0.1; done
	truncate -s 384M "$work/disk"
) &
started+=($!)
guest --share "$work/share" "$here/guest/commands.sh" "$port" "$nqn" || fail "the guest's part failed"
no_complaints 'detected capacity change'
