#!/bin/bash
# reconnect.sh PORT NQN
. "$LH_GUEST/lib.sh"
port=$1 nqn=$2
modprobe -a nvme-tcp ext4
m=/tmp/m; mkdir $m
nvme connect -t tcp -a 10.0.2.2 -s "$port" -n "$nqn" --reconnect-delay 1 --ctrl-loss-tmo 300 || fail "connect"
dev=$(ns_dev "$nqn") || fail "no namespace"
uuid=$(cat "/sys/block/${dev#/dev/}/uuid")
mkfs.ext4 -q -F "$dev" && mount -t ext4 "$dev" $m || fail "mkfs, mount"
seeded_files $m before 4 8 || fail "write"
sync

step "kill under load"
(seeded_files $m during 4 8 && sync && touch /tmp/written || touch /tmp/failed) &
until_true 60 test -s $m/during.1 || fail "no load"
touch /mnt/share/kill
until_true 30 test -e /mnt/share/killed || fail "not killed"
state() { cat /sys/class/nvme/nvme*/state; }
until_true 60 eval '[ "$(state)" = connecting ]' || fail "the host did not notice: $(state)"
touch /mnt/share/start
until_true 120 eval '[ "$(state)" = live ]' || fail "the host did not come back: $(state)"
step "reconnected"
until_true 120 eval '[ -e /tmp/written ] || [ -e /tmp/failed ]' || fail "the writer never ended"
[ -e /tmp/written ] || fail "a write failed"
[ "$(cat "/sys/block/${dev#/dev/}/uuid")" = "$uuid" ] || fail "another UUID after the restart"
umount $m || fail "umount"
fsck.ext4 -f -n "$dev" || fail "fsck"
echo 3 >/proc/sys/vm/drop_caches
mount -t ext4 "$dev" $m || fail "mount"
check_files $m before 4 8 || fail "what was written before is not there"
check_files $m during 4 8 || fail "what was written meanwhile is not there"
umount $m || fail "umount"
nvme disconnect -n "$nqn" || fail "disconnect"
step "PASS"
