#!/bin/bash
. "$LH_GUEST/lib.sh"
. "$LH_GUEST/weft.sh"
nqn=nqn.2024-01.test:iopoll target=tcp://127.0.0.1:4420/nqn.2024-01.test:iopoll

modprobe configfs && modprobe null_blk nr_devices=0 || fail "null_blk"
mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config || fail "configfs"
# null_device NAME KEY=VALUE...: a block device in memory.
null_device() {
	local dir=/sys/kernel/config/nullb/$1 each; shift
	mkdir "$dir" || fail "$dir"
	for each in memory_backed=1 size=64 submit_queues=1 "$@" power=1; do
		echo "${each#*=}" >"$dir/${each%%=*}" || fail "$dir: $each"
	done
}
# Who waits for the interrupts of the first waits a tenth of a second each time; the third cannot be polled.
null_device slow poll_queues=1 irqmode=2 completion_nsec=100000000
null_device quick poll_queues=1
null_device plain poll_queues=0
udevadm settle 2>/dev/null || sleep 1
# Older kernels number them.
dev() { if [ -b "/dev/$1" ]; then echo "/dev/$1"; else echo "/dev/nullb$(cat "/sys/kernel/config/nullb/$1/index")"; fi; }
slow=$(dev slow) quick=$(dev quick) plain=$(dev plain)
[ -b "$slow" ] && [ -b "$quick" ] && [ -b "$plain" ] || fail "$slow, $quick, $plain: no devices"

modprobe ext4
mkfs.ext4 -q "$quick" && mkdir /tmp/fs && mount "$quick" /tmp/fs || fail "ext4"
fallocate -l 32M /tmp/fs/disk
# Written once, so that reads find blocks that the device has.
dd if=/dev/zero of=/tmp/fs/disk bs=1M count=32 conv=notrunc,fsync status=none

cat >/tmp/weft.json <<-JSON
	{"version": 1,
	 "target": {"core": {"iblock_1": {"slow": {"control": {"udev_path": "$slow", "iopoll": "1"}, "enable": 1}},
	                     "fileio_1": {"file": {"control": {"fd_dev_name": "/tmp/fs/disk", "iopoll": "1"}, "enable": 1}}}},
	 "nvmet": {"subsystems": {"$nqn": {"attr_allow_any_host": "1",
	   "namespaces": {"1": {"device": "target/core/iblock_1/slow"}, "2": {"device": "target/core/fileio_1/file"}},
	   "ports": {"tcp:127.0.0.1:4420": {"enable": 1}}}}}}
JSON
start_daemon /tmp/weft.json

step "what they are"
for each in iblock_1/slow fileio_1/file; do
	weft get "target/core/$each/info" | grep -q 'direct, polled' || { weft get "target/core/$each/info"; fail "$each"; }
done
weft mkdir target/core/iblock_1/plain && weft set target/core/iblock_1/plain/control "udev_path=$plain,iopoll=1" ||
	fail "a third device"
weft set target/core/iblock_1/plain/enable 1 >/tmp/out 2>&1 && fail "a device without poll queues is polled"
grep -q "$plain cannot be polled: its device has no poll queues" /tmp/out || { cat /tmp/out; fail "the refusal"; }

step "verified load"
for ns in 1 2; do
	weft bench "$target?ns=$ns" --rw randrw --verify --time 3 --warm-up 0.5 --qd 8 --queues 2 --size 8M || fail "ns $ns"
	weft bench "$target?ns=$ns" --rw write --bs 64K --verify --time 2 --warm-up 0.5 --qd 4 --size 8M || fail "ns $ns"
done
seeded polled 4000000 >/tmp/data
weft write "$target?ns=1" /tmp/data && weft compare "$target?ns=1" /tmp/data || fail "written and compared"
weft flush "$target?ns=1" && weft flush "$target?ns=2" || fail "flush"
cmp -n 4000000 <(dd if="$slow" bs=1M iflag=direct status=none) /tmp/data || fail "what the device holds"

step "nobody waits for interrupts"
began=$(date +%s%N)
dd if="$slow" of=/dev/null bs=4k count=5 iflag=direct status=none || fail "dd"
[ $(($(date +%s%N) - began)) -ge 400000000 ] || fail "the device's interrupts come at once: nothing can be told from it"
rate=$(weft bench "$target?ns=1" --rw randread --time 3 --warm-up 0.5 --qd 1 --size 8M --json | jq '.read.iops // .iops')
awk -v rate="$rate" 'BEGIN { exit !(rate > 30) }' || fail "$rate reads a second; with interrupts it were 10"
echo "          $rate reads a second"

kill $daemon
wait $daemon || { cat /tmp/weftd.log; fail "weftd ended with $?"; }
umount /tmp/fs
step "PASS"
