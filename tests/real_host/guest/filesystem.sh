#!/bin/bash
# filesystem.sh PORT NQN
. "$LH_GUEST/lib.sh"
port=$1 nqn=$2 files=20 mib=10
modprobe -a nvme-tcp ext4
m=/tmp/m; mkdir $m

step "discover"
nvme discover -t tcp -a 10.0.2.2 -s "$port" -o json >/tmp/log || fail "discover"
jq -e --arg nqn "$nqn" --arg port "$port" \
	'.records[] | select(.subnqn == $nqn and .traddr == "10.0.2.2" and .trsvcid == $port)' /tmp/log >/dev/null ||
	{ cat /tmp/log; fail "the log has no such entry with the advertised address"; }

step "connect-all"
nvme connect-all -t tcp -a 10.0.2.2 -s "$port" --nr-io-queues 4 || fail "connect-all"
dev=$(ns_dev "$nqn") || fail "no namespace"
[ "$(cat /sys/class/nvme/nvme*/queue_count | head -n 1)" = 5 ] || fail "not one admin and four I/O queues"
mkfs.ext4 -q -F "$dev" || fail "mkfs"
mount -t ext4 "$dev" $m || fail "mount"
seeded_files $m plain $files $mib || fail "write"
sync; umount $m || fail "umount"
fsck.ext4 -f -n "$dev" || fail "fsck"
nvme disconnect -n "$nqn" || fail "disconnect"

step "again, with both digests"
nvme connect -t tcp -a 10.0.2.2 -s "$port" -n "$nqn" --nr-io-queues 4 --hdr-digest --data-digest || fail "connect"
dev=$(ns_dev "$nqn") || fail "no namespace"
mount -t ext4 "$dev" $m || fail "mount"
check_files $m plain $files $mib || fail "what was written is not there"
step "200 MiB compared"
seeded_files $m digests 4 8 || fail "write with digests"
umount $m || fail "umount"
fsck.ext4 -f -n "$dev" || fail "fsck"
echo 3 >/proc/sys/vm/drop_caches
mount -t ext4 "$dev" $m || fail "mount"
check_files $m digests 4 8 || fail "what was written with digests is not there"
umount $m || fail "umount"
nvme disconnect -n "$nqn" || fail "disconnect"
step "PASS"
