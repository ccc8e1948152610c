#!/usr/bin/env bash
# weftd in the guest, whose kernel has a namespace as a block device, /dev/ublkbN: file systems, verified load,
# discard, a size that changes, and the ends of it: detached while it is mounted, a target that
# hangs, before and after there is a device, a daemon that is killed.
. "$(dirname "$0")/harness/host.sh"

nqn=nqn.2024-01.test:ublk
share_programs "$work/share/weft"
cat >"$work/share/weft.json" <<-JSON
	{"version": 1,
	 "target": {"core": {"fileio_1": {"disk": {"control": {"fd_dev_name": "/tmp/disk", "create": "1", "fd_dev_size": "400M", "fd_buffered_io": "1"}, "enable": 1}},
	                     "rd_mcp_1": {"ram": {"control": {"size": "128M", "block_size": "4096"}, "enable": 1},
	                                  "seal": {"control": {"size": "8M"}, "enable": 1}}}},
	 "nvmet": {"subsystems": {"$nqn": {"attr_allow_any_host": "1",
	   "namespaces": {"1": {"device": "target/core/fileio_1/disk"}, "2": {"device": "target/core/rd_mcp_1/ram"},
	                  "3": {"device": "target/core/rd_mcp_1/seal", "readonly": 1}},
	   "ports": {"loop": {"enable": 1}}}}}}
JSON
cat >"$work/share/far.json" <<-JSON
	{"version": 1,
	 "target": {"core": {"rd_mcp_1": {"far": {"control": {"size": "64M"}, "enable": 1}},
	                     "iblock_1": {"stuck": {"control": {"udev_path": "/dev/dm-0"}, "enable": 1}}}},
	 "nvmet": {"subsystems": {"$nqn-far": {"attr_allow_any_host": "1",
	   "namespaces": {"1": {"device": "target/core/rd_mcp_1/far"}, "2": {"device": "target/core/iblock_1/stuck"}},
	   "ports": {"tcp:127.0.0.1:4420": {"enable": 1}}}}}}
JSON
guest --mem 4096 --timeout 400 --share "$work/share" --ro "$here/guest/ublk.sh" "$nqn" || fail "the guest's part failed"
no_complaints
