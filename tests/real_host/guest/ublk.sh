#!/bin/bash
# ublk.sh NQN
. "$LH_GUEST/lib.sh"
. "$LH_GUEST/weft.sh"
nqn=$1 disk=/tmp/disk
# attach NSID [TARGET]: prints the block device.
attach() { weft attach "${2:-$nqn}" --namespace "$1" --as ublk --json | jq -re .path; }
of() { weft attached --json | jq -re '.attachments[] | select(.path == "'"$1"'")'".$2"; }
detach() { weft detach "$(of "$1" name)"; }
gone() { ! [ -e "/sys/class/block/${1##*/}" ]; }
quiet() { ! grep -qs weft-ublk /proc/$daemon/task/*/comm; }

start_daemon
if ! modprobe -n ublk_drv 2>/dev/null; then
	weft attach "$nqn" --namespace 1 --as ublk >/tmp/out 2>&1 && fail "attached without ublk"
	grep -q 'this kernel has no ublk' /tmp/out || { cat /tmp/out; fail "the refusal"; }
	step "PASS: this kernel has no ublk, and weft says so"
	exit 0
fi
modprobe ublk_drv || fail "ublk_drv"

step "three devices"
file=$(attach 1) && ram=$(attach 2) && seal=$(attach 3) || { cat /tmp/weftd.log; fail "attach"; }
[ "$(blockdev --getsize64 "$file") $(blockdev --getss "$file") $(blockdev --getro "$file")" = "419430400 512 0" ] || fail "$file"
[ "$(blockdev --getsize64 "$ram") $(blockdev --getss "$ram") $(blockdev --getro "$ram")" = "134217728 4096 0" ] || fail "$ram"
[ "$(blockdev --getsize64 "$seal") $(blockdev --getro "$seal")" = "8388608 1" ] || fail "$seal"
[ "$(cat /sys/class/block/"${file##*/}"/queue/write_cache)" = "write back" ] || fail "a buffered file has a cache"
dd if=/dev/zero of="$seal" bs=4k count=1 oflag=direct status=none 2>/dev/null && fail "$seal was written to"
weft attached

step "file systems"
fs_check "$file" || fail "ext4 on the file"
FS=xfs fs_check "$file" || fail "xfs on the file"
fs_check "$ram" || fail "ext4 in memory"

step "verified load, forced writes and trims in it"
for device in "$file" "$ram"; do
	fio --name=verify --filename="$device" --direct=1 --ioengine=io_uring --iodepth=16 --rw=randrw --bsrange=4k-256k \
		--blockalign=4k --size=64m --io_size=96m --fsync=64 --verify=crc32c --verify_fatal=1 --minimal >/tmp/fio 2>&1 ||
		{ cat /tmp/fio; fail "fio on $device"; }
	fio --name=forced --filename="$device" --direct=1 --sync=dsync --ioengine=io_uring --iodepth=4 --rw=randtrimwrite --bs=4k \
		--size=16m --io_size=4m --minimal >/tmp/fio 2>&1 || { cat /tmp/fio; fail "fio with forced writes on $device"; }
done

step "discard and zeroes"
dd if=/dev/urandom of="$file" bs=1M count=64 oflag=direct status=none || fail "dd"
full=$(stat -c %b $disk)
blkdiscard --offset 0 --length 32M "$file" || fail "blkdiscard"
[ $((full - $(stat -c %b $disk))) -ge 65536 ] || fail "the discarded part of the file is still there"
blkdiscard --zeroout --offset 32M --length 16M "$file" || fail "blkdiscard --zeroout"
cmp -n $((48 << 20)) "$file" /dev/zero || fail "what was erased is no zeroes"
cmp -n 4096 -i $((48 << 20)):0 "$file" /dev/zero >/dev/null && fail "too much was erased"

step "another size"
truncate -s 512M $disk
weft set "nvmet/subsystems/$nqn/namespaces/1/revalidate_size" 1 || fail "revalidate_size"
new_size() { [ "$(blockdev --getsize64 "$file")" = 536870912 ]; }
if [ "$(printf '%s\n' 6.16 "$(uname -r)" | sort -V | head -n1)" = 6.16 ]; then
	until_true 30 new_size || fail "$file has still $(blockdev --getsize64 "$file") bytes"
else
	step "  this kernel's ublk cannot change it: skipped"
fi

step "detached while it is mounted"
mkdir /tmp/m
mkfs.ext4 -q -F "$ram" && mount "$ram" /tmp/m || fail "a file system on $ram"
seeded_files /tmp/m left 2 4 || fail "files"
[ "$(of "$ram" clients)" = 1 ] || fail "the mount is not told of"
detach "$ram" || fail "detach"
until_true 30 gone "$ram" || fail "$ram is still there"
umount /tmp/m
ram=$(attach 2) || fail "attach again"
mount "$ram" /tmp/m && check_files /tmp/m left 2 4 || fail "what was written before"
umount /tmp/m
detach "$file" && detach "$seal" && detach "$ram" || fail "detach"
[ -z "$(ls /dev/ublk[bc]* 2>/dev/null)" ] || { ls /dev/ublk*; fail "devices are left"; }
until_true 10 quiet || fail "threads are left"

step "a target that hangs under a mounted file system"
truncate -s 64M /tmp/stuck
modprobe -a loop dm-mod && dmsetup create stuck --table "0 131072 linear $(losetup --find --show /tmp/stuck) 0" || fail "dmsetup"
RUNTIME_DIRECTORY=/tmp/far-run serve far
far=$pid
until_true 60 eval 'far_disk=$(attach 1 tcp://127.0.0.1/$nqn-far 2>/tmp/out)' || { cat /tmp/out; fail "attach by TCP"; }
mkfs.ext4 -q -F "$far_disk" && mount "$far_disk" /tmp/m && seeded_files /tmp/m hangs 1 4 || fail "a file system on $far_disk"
kill -STOP $far
detach "$far_disk" || fail "detach"
until_true 30 gone "$far_disk" || fail "$far_disk is still there"
umount /tmp/m
kill -9 $far

step "a daemon that is killed under load"
file=$(attach 1) || fail "attach"
fio --name=cut --filename="$file" --direct=1 --ioengine=io_uring --iodepth=16 --rw=randwrite --bs=4k --size=64m --time_based \
	--runtime=30 >/dev/null 2>&1 &
load=$!
sleep 2
kill -9 $daemon; wait $daemon 2>/dev/null
until_true 30 gone "$file" || fail "$file outlives its daemon"
wait $load && fail "the load saw no error"
start_daemon
file=$(attach 1) || fail "attach after a kill"
[ "$(ls /dev/ublkc* | wc -l)" = 1 ] || { ls /dev/ublk*; fail "the dead daemon's device is left"; }
fs_check "$file" || fail "a file system after that"

step "a daemon that ends while the kernel reads a new device, of a target that does not answer"
RUNTIME_DIRECTORY=/tmp/far-run serve far
far=$pid
until_true 60 eval 'weft identify "tcp://127.0.0.1/$nqn-far" --namespace 2 >/tmp/out 2>&1' || { cat /tmp/out /tmp/weftd.log; fail "the target is not there"; }
dmsetup suspend --nolockfs --noflush stuck || fail "dmsetup suspend"
attach 2 "tcp://127.0.0.1/$nqn-far" >/tmp/out 2>&1 &
attach=$!
reads_it() { ls /dev/ublkc1 >/dev/null 2>&1; }
until_true 60 reads_it && sleep 2 || { cat /tmp/out; fail "nothing is being attached"; }
kill -0 $attach || { cat /tmp/out; fail "it was attached all the same"; }
kill $daemon
wait $daemon || { cat /tmp/weftd.log; fail "weftd ended with $?"; }
dmsetup resume stuck
kill -9 $far
[ -z "$(ls /dev/ublk[bc]* 2>/dev/null)" ] || { ls /dev/ublk*; fail "devices are left"; }
step "PASS"
