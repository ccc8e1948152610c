#!/bin/bash
# soak.sh PORT NQN SECONDS
. "$LH_GUEST/lib.sh"
port=$1 nqn=$2 seconds=$3
modprobe -a nvme-tcp sch_netem
nvme connect -t tcp -a 10.0.2.2 -s "$port" -n "$nqn" -k 5 --reconnect-delay 1 --ctrl-loss-tmo 600 || fail "connect"
dev=$(ns_dev "$nqn") || fail "no namespace"

# ask WORD...: of this machine's other side, which does it.
ask() {
	rm -f /mnt/share/answer
	echo "$*" >/mnt/share/ask.new
	mv /mnt/share/ask.new /mnt/share/ask
	until_true 120 test -e /mnt/share/answer || fail "no answer to $*"
	cat /mnt/share/answer
}
state() { cat /sys/class/nvme/nvme*/state; }
is_live() { [ "$(state)" = live ]; }

# load SEED: writes at random all over a part, then reads all of it: what an earlier seed has left is found, too.
load() {
	fio --name=soak --filename="$dev" --direct=1 --ioengine=libaio --iodepth=8 --rw=randwrite --bs=4k --size=12M --rate_iops=600 \
		--randseed="$1" --verify=crc32c --verify_fatal=1 --do_verify=1 --output-format=json --output=/tmp/fio.json >/tmp/fio.log 2>&1
}

netem() {
	tc qdisc add dev eth0 root netem "$@" || fail "netem"
	sleep 4
	tc qdisc del dev eth0 root
}
unplug() { ip link set eth0 down; sleep "$1"; ip link set eth0 up; }

# fault KIND WHAT COMMAND...: done in the middle of the writes.
fault() {
	local kind=$1 what=$2 error='' leaked=0 commands pause now; shift 2
	load $((seed += 1)) &
	sleep 2
	"$@" >/dev/null
	until_true 60 is_live || error="the host did not come back: $(state)"
	wait $! || error="fio: $(grep -hoE '(verify|error|Error).*' /tmp/fio.log | head -n1)"
	commands=$(jq '[.jobs[0] | .read.total_ios, .write.total_ios] | add' /tmp/fio.json)
	pause=$(jq '[.jobs[0] | .read.clat_ns.max, .write.clat_ns.max] | max / 1e9' /tmp/fio.json)
	lets_go() { now=$(ask holds); [ "${now% *}" -le "${base% *}" ] && [ "${now#* }" -le "${base#* }" ]; }
	until_true 20 lets_go || leaked="$now instead of $base"
	echo "soak|$kind|$what|${commands:-0}|${pause:-0}|$leaked|$error"
	[ -z "$error" ] || { cat /tmp/fio.log; exit 1; }
}

seed=$((RANDOM * 1000))
load "$seed" || fail "without any fault: $(cat /tmp/fio.log)"
base=$(ask holds)
end=$((SECONDS + seconds))
while :; do
	for turn in "SIGKILL|ask|kill|0" "delay and loss|netem|delay|30ms|10ms|loss|1%" "SIGSTOP|ask|stop|2" "network cut|unplug|3" \
		"SIGKILL|ask|kill|3" "delay and loss|netem|delay|5ms|loss|5%" "SIGSTOP|ask|stop|12" "network cut|unplug|12"; do
		IFS='|' read -r -a words <<<"$turn"
		fault "${words[0]}" "${words[*]:2}" "${words[@]:1}"
		[ $SECONDS -lt $end ] || break 2
	done
done
nvme disconnect -n "$nqn" || fail "disconnect"
step "PASS"
