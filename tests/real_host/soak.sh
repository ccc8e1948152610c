#!/usr/bin/env bash
# soak.sh KERNEL [SECONDS]: a Linux host writes and verifies for that long, while its target is killed and started again,
# or stopped, and its own network is slow, lossy or cut.  Each fault is one line, "soak|KIND|WHAT|COMMANDS|PAUSE|LEAKED|ERROR";
# make soak runs this and has them in its table.
. "$(dirname "$0")/harness/host.sh"

seconds=${2:-60}
nqn=nqn.2024-01.test:soak port=$(free_port)
mkdir "$work/share"
cat >"$work/weft.json" <<-JSON
	{"version": 1,
	 "target": {"core": {"fileio_1": {"disk": {"control": {"fd_dev_name": "$work/disk", "create": "1", "fd_dev_size": "64M"}, "enable": 1}}}},
	 "nvmet": {"subsystems": {"$nqn": {"attr_allow_any_host": "1",
	   "namespaces": {"1": {"device": "target/core/fileio_1/disk"}},
	   "ports": {"tcp:127.0.0.1:$port": {"enable": 1}}}}}}
JSON

# holds: descriptors and threads, less those that the kernel has for its rings.
holds() {
	echo "$(ls "/proc/$target/fd" | wc -l) $(cat /proc/"$target"/task/*/comm 2>/dev/null | grep -vc '^iou-')"
}

# What the guest asks for.
answer() {
	case $1 in
	kill)
		kill -9 "$target"; wait "$target" 2>/dev/null || true
		sleep "$2"
		start_weftd "$work/weft.json" "$port"; target=$pid ;;
	stop) kill -STOP "$target"; sleep "$2"; kill -CONT "$target" ;;
	holds) holds ;;
	*) fail "the guest asks for $*" ;;
	esac
}

start_weftd "$work/weft.json" "$port"
target=$pid
guest --share "$work/share" --timeout $((seconds + 240)) "$here/guest/soak.sh" "$port" "$nqn" "$seconds" </dev/null &
host=$!
started+=("$host")
while kill -0 "$host" 2>/dev/null; do
	if [ -e "$work/share/ask" ]; then
		read -r -a words <"$work/share/ask"
		rm "$work/share/ask"
		answer "${words[@]}" >"$work/share/answer.new"
		mv "$work/share/answer.new" "$work/share/answer"
	fi
	kill -0 "$target" 2>/dev/null || fail "weftd has ended"
	sleep 0.05
done
wait "$host" || fail "the guest's part failed"
kill "$target"
wait "$target" || fail "weftd ended with $?"
