#!/bin/bash
# kernel_target.sh NQN: the kernel's target on port 4420; does what /mnt/share/do says until there is an end.
. "$LH_GUEST/lib.sh"
nqn=$1 tree=/sys/kernel/config/nvmet
modprobe -a configfs nvmet nvmet-tcp || fail "modules"
modprobe brd rd_nr=1 rd_size=65536 || fail "brd"
mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config || fail "configfs"
truncate -s 32M /tmp/grows

step "the target"
mkdir "$tree/subsystems/$nqn" && cd "$tree/subsystems/$nqn" || fail "the subsystem"
echo 1 >attr_allow_any_host
mkdir namespaces/1 namespaces/2 || fail "namespaces"
echo /dev/ram0 >namespaces/1/device_path
echo /tmp/grows >namespaces/2/device_path
echo 1 >namespaces/2/buffered_io  # memory takes no direct I/O before 6.6
for i in 1 2; do echo 1 >namespaces/$i/enable || fail "namespace $i"; done
mkdir $tree/ports/1 && cd $tree/ports/1 || fail "the port"
echo tcp >addr_trtype
echo ipv4 >addr_adrfam
echo 0.0.0.0 >addr_traddr
echo 4420 >addr_trsvcid
ln -s "$tree/subsystems/$nqn" "subsystems/$nqn" || fail "listening"
touch /mnt/share/ready
step "it listens"
while [ ! -e /mnt/share/end ]; do
	if [ -e /mnt/share/do ]; then
		step "$(cat /mnt/share/do)"
		truncate -s 48M /tmp/grows
		echo 1 >"$tree/subsystems/$nqn/namespaces/2/revalidate_size" || fail "revalidate_size"
		rm /mnt/share/do
	fi
	sleep 0.1
done
step "PASS"
