#!/bin/bash
# tree.sh PORT OTHER NQN HOST
. "$LH_GUEST/lib.sh"
port=$1 other=$2 nqn=$3 host=$4
modprobe -a nvme-tcp ext4

# outside COMMANDS: has them done on the machine of the target, with $ROOT, $S (the subsystem), $FILES and $HOST set.
outside() {
	rm -f /mnt/share/done
	echo "$1" >/mnt/share/do.tmp
	mv /mnt/share/do.tmp /mnt/share/do
	until_true 60 test -e /mnt/share/done || fail "nobody did: $1"
	[ "$(cat /mnt/share/done)" = 0 ] || fail "outside: $1"
}
controllers() { grep -l . /sys/class/nvme/nvme*/cntlid 2>/dev/null | wc -l; }
# state_of PORT: of the controller that goes there.
state_of() {
	local c
	for c in /sys/class/nvme/nvme*; do
		! grep -q "trsvcid=$1\b" "$c/address" 2>/dev/null || { cat "$c/state"; return; }
	done
	echo gone
}
# ana_of PORT: the host's view of namespace 1 by that path.
ana_of() {
	local c
	for c in /sys/class/nvme/nvme*; do
		! grep -q "trsvcid=$1\b" "$c/address" 2>/dev/null || { cat "$c"/nvme*c*n*/ana_state; return; }
	done
}
connect() {
	nvme connect -t tcp -a 10.0.2.2 -s "$1" -n "$nqn" -q "$host" --reconnect-delay 1 --ctrl-loss-tmo 300 || fail "connect $1"
}

step "a tenant is made"
outside 'mkdir -p $ROOT/target/core/rd_mcp_1/one
echo rd_pages=16384 >$ROOT/target/core/rd_mcp_1/one/control
echo 1 >$ROOT/target/core/rd_mcp_1/one/enable
mkdir $S; mkdir $S/hosts/$HOST $S/namespaces/1 $S/ports/tcp:127.0.0.1:$PORT $S/ports/tcp:127.0.0.1:$OTHER
ln -s $ROOT/target/core/rd_mcp_1/one $S/namespaces/1/one
echo inaccessible >$S/ports/tcp:127.0.0.1:$OTHER/ana_groups/1/ana_state
echo 1 >$S/ports/tcp:127.0.0.1:$PORT/enable
echo 1 >$S/ports/tcp:127.0.0.1:$OTHER/enable'
connect "$port"
dev=$(ns_dev "$nqn") || fail "no namespace"

step "a namespace appears, grows and vanishes"
outside 'truncate -s 64M $FILES/grows
mkdir -p $ROOT/target/core/fileio_1/grows
echo fd_dev_name=$FILES/grows >$ROOT/target/core/fileio_1/grows/control
echo 1 >$ROOT/target/core/fileio_1/grows/enable
mkdir $S/namespaces/2
ln -s $ROOT/target/core/fileio_1/grows $S/namespaces/2/grows'
second=$(ns_dev "$nqn" 2) || fail "the second namespace did not appear"
size() { cat "/sys/block/${second#/dev/}/size"; }
[ "$(size)" = 131072 ] || fail "its size is $(size)"
outside 'truncate -s 96M $FILES/grows; echo 1 >$S/namespaces/2/revalidate_size'
until_true 30 eval '[ "$(size)" = 196608 ]' || fail "it did not grow: $(size)"
outside 'rm $S/namespaces/2/grows; rmdir $S/namespaces/2 $ROOT/target/core/fileio_1/grows'
until_true 30 eval '[ ! -e "/sys/block/${second#/dev/}" ]' || fail "it did not vanish"

step "a second path"
connect "$other"
until_true 30 eval '[ "$(ana_of "$other")" = inaccessible ]' || fail "ANA of the second path: $(ana_of "$other")"
[ "$(ana_of "$port")" = optimized ] || fail "ANA of the first path: $(ana_of "$port")"

step "the paths change their states under load"
m=/tmp/m; mkdir $m
mkfs.ext4 -q -F "$dev" && mount -t ext4 "$dev" $m || fail "mkfs, mount"
(for i in 1 2 3 4 5 6; do seeded_files $m load$i 2 2 && sync -f $m || exit 1; done && touch /tmp/written || touch /tmp/failed) &
until_true 60 test -s $m/load1.1 || fail "no load"
outside 'echo change >$S/ports/tcp:127.0.0.1:$PORT/ana_groups/1/ana_state
echo inaccessible >$S/ports/tcp:127.0.0.1:$PORT/ana_groups/1/ana_state
echo optimized >$S/ports/tcp:127.0.0.1:$OTHER/ana_groups/1/ana_state'
until_true 30 eval '[ "$(ana_of "$port") $(ana_of "$other")" = "inaccessible optimized" ]' ||
	fail "the host sees $(ana_of "$port") and $(ana_of "$other")"
outside 'echo non-optimized >$S/ports/tcp:127.0.0.1:$PORT/ana_groups/1/ana_state
echo persistent-loss >$S/ports/tcp:127.0.0.1:$OTHER/ana_groups/1/ana_state'
until_true 30 eval '[ "$(ana_of "$port") $(ana_of "$other")" = "non-optimized persistent-loss" ]' ||
	fail "the host sees $(ana_of "$port") and $(ana_of "$other")"
until_true 120 eval '[ -e /tmp/written ] || [ -e /tmp/failed ]' || fail "the writer never ended"
[ -e /tmp/written ] || fail "a write failed"
echo 3 >/proc/sys/vm/drop_caches
for i in 1 2 3 4 5 6; do check_files $m load$i 2 2 || fail "what was written is not there"; done

step "a port is removed: its controller goes, the other path serves on"
outside 'echo optimized >$S/ports/tcp:127.0.0.1:$OTHER/ana_groups/1/ana_state; rmdir $S/ports/tcp:127.0.0.1:$PORT'
until_true 30 eval '[ "$(state_of "$port")" != live ]' || fail "the first path is still live"
seeded_files $m after 2 2 && sync -f $m || fail "write by the path that is left"
check_files $m after 2 2 || fail "what was written by the path that is left is not there"
umount $m || fail "umount"
[ "$(state_of "$other")" = live ] || fail "the second path is $(state_of "$other")"

step "the host is removed: its controller ends"
outside 'rmdir $S/hosts/$HOST'
until_true 30 eval '[ "$(state_of "$other")" != live ]' || fail "the controller is still live"
until_true 30 eval 'dmesg | grep -q "is not allowed, hostnqn"' || fail "it was not refused when it came again"
outside 'mkdir $S/hosts/$HOST'
nvme disconnect -n "$nqn"
until_true 30 eval '[ "$(controllers)" = 0 ]' || fail "$(controllers) controllers are left"
connect "$other"
ns_dev "$nqn" >/dev/null || fail "the host was allowed again and has no namespace"
nvme disconnect -n "$nqn" || fail "disconnect"
step "PASS"
