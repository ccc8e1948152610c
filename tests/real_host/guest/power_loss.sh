#!/bin/bash
# power_loss.sh load: formats the guest's disk, serves two files on it, writes records and says which are
#                     acknowledged as durable; resets the guest in the middle of it when they are enough.
# power_loss.sh check: what /mnt/share/acks names is there.
. "$LH_GUEST/lib.sh"
m=/tmp/m nqn=nqn.2024-01.test:power
mkdir $m
modprobe -a nvme-tcp ext4 virtio_blk
disk=/dev/vda
[ -b $disk ] || fail "no $disk"

# record NAME NUMBER: 4096 bytes that name their place.
seeded power 4032 >/tmp/tail
record() { printf '%-64s' "$1 $2"; cat /tmp/tail; }

serve() {
	cat >/tmp/weft.json <<-JSON
		{"version": 1,
		 "target": {"core": {"fileio_1": {
		   "direct": {"control": {"fd_dev_name": "$m/direct", "create": "1", "fd_dev_size": "64M", "block_size": "4096"}, "enable": 1},
		   "buffered": {"control": {"fd_dev_name": "$m/buffered", "create": "1", "fd_dev_size": "64M", "block_size": "4096", "fd_buffered_io": "1"}, "enable": 1}}}},
		 "nvmet": {"subsystems": {"$nqn": {"attr_allow_any_host": "1",
		   "namespaces": {"1": {"device": "target/core/fileio_1/direct"}, "2": {"device": "target/core/fileio_1/buffered"}},
		   "ports": {"tcp:127.0.0.1:4420": {"enable": 1}}}}}}
	JSON
	/mnt/share/lib/ld-linux-x86-64.so.2 --library-path /mnt/share/lib /mnt/share/weftd --config /tmp/weft.json \
		--state-dir $m/state >/tmp/weftd.log 2>&1 &
	until_true 60 grep -q 'listening on' /tmp/weftd.log || { cat /tmp/weftd.log; fail "weftd does not listen"; }
	nvme connect -t tcp -a 127.0.0.1 -s 4420 -n $nqn >/dev/null || fail "connect"
	direct=$(ns_dev $nqn 1) && buffered=$(ns_dev $nqn 2) || fail "no namespaces"
}

# write_records NAME DEVICE KIND FIRST: for ever, one 4 KiB record after the other; flush: written, then flushed;
# fua: written durably.  An acknowledgement is printed only after the command has returned; /tmp/NAME.KIND counts.
write_records() {
	local number option
	case $3 in flush) option=(oflag=direct conv=fsync) ;; fua) option=(oflag=direct,dsync) ;; esac
	for number in $(seq "$4" $(($4 + 3999))); do
		record "$1" "$number" | dd of="$2" bs=4096 count=1 iflag=fullblock seek="$number" "${option[@]}" conv=notrunc status=none || return
		echo "ack $1 $3 $number"
		echo $((number - $4)) >"/tmp/$1.$3"
	done
}

case $1 in
load)
	mkfs.ext4 -q -F $disk && mount -t ext4 $disk $m || fail "the guest's disk"
	serve
	for name in direct buffered; do
		write_records $name "${!name}" flush 0 &
		write_records $name "${!name}" fua 8000 &
	done
	enough() { cat /tmp/{direct,buffered}.{flush,fua} 2>/dev/null | awk '$1 >= 30 { n++ } END { exit n < 4 }'; }
	until_true 240 enough || fail "too few writes were acknowledged"
	echo b >/proc/sysrq-trigger
	sleep 60; fail "no reset" ;;
check)
	mount -t ext4 $disk $m || fail "the guest's disk"
	serve
	count=0
	while read -r _ name _ number; do
		cmp -s <(dd if="${!name}" bs=4096 count=1 skip="$number" iflag=direct status=none) <(record "$name" "$number") ||
			fail "$name: record $number was acknowledged as durable and is not there"
		count=$((count + 1))
	done </mnt/share/acks
	nvme disconnect -n $nqn >/dev/null
	kill %1; wait %1 || fail "weftd ended with $?"
	umount $m
	step "PASS: all $count acknowledged records are there" ;;
esac
