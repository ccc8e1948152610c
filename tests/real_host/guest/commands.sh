#!/bin/bash
# commands.sh PORT NQN
. "$LH_GUEST/lib.sh"
port=$1 nqn=$2
modprobe nvme-tcp
expect() { # WHAT JQ-EXPRESSION FILE
	jq -e "$2" "$3" >/dev/null || { cat "$3"; fail "$1"; }
}
nvme connect -t tcp -a 10.0.2.2 -s "$port" -n "$nqn" || fail "connect"
dev=$(ns_dev "$nqn" 1) || fail "no namespace 1"
ram=$(ns_dev "$nqn" 7) || fail "no namespace 7"
ctrl=/dev/$(basename /sys/class/nvme/nvme*)

step "identify"
nvme id-ctrl "$ctrl" -o json >/tmp/j || fail "id-ctrl"
expect "serial" '.sn | startswith("WEFT-TEST ")' /tmp/j
expect "model" '.mn | startswith("Weft test ")' /tmp/j
expect "kas, mdts, cntrltype" '.kas > 0 and .mdts == 8 and .cntrltype == 1' /tmp/j
nvme id-ns "$dev" -o json >/tmp/j || fail "id-ns"
expect "size of namespace 1" '.nsze == 524288 and .ncap == 524288' /tmp/j
nvme id-ns "$ram" -o json >/tmp/j || fail "id-ns"
expect "namespace 7 has blocks of 4096" '.nsze == 16384 and .lbafs[.flbas % 16].ds == 12' /tmp/j
nvme ns-descs "$dev" | grep -q '^uuid' || fail "no UUID"
nvme list-ns "$ctrl" -o json >/tmp/j || fail "list-ns"
expect "namespaces 1 and 7" '[.nsid_list[].nsid] == [1, 7]' /tmp/j

step "logs"
nvme smart-log "$ctrl" -o json >/tmp/j || fail "smart-log"
expect "no critical warning" '.critical_warning == 0 or .critical_warning.value == 0' /tmp/j
nvme error-log "$ctrl" >/dev/null || fail "error-log"
nvme fw-log "$ctrl" >/dev/null || fail "fw-log"
nvme effects-log "$ctrl" --csi=0 >/dev/null || fail "effects-log"

step "features"
for feature in 1 2 4 5 6 7 0xa 0xb 0xf "0x16 -l 512" "0x81 -l 16 --cdw11=1"; do
	# shellcheck disable=SC2086
	nvme get-feature "$ctrl" -f $feature >/tmp/f || { cat /tmp/f; fail "get-feature $feature"; }
done
nvme get-feature "$ctrl" -f 0x1d 2>/tmp/f && fail "a feature that is not there was shown"
grep -qi 'invalid field' /tmp/f || { cat /tmp/f; fail "the wrong status for an unknown feature"; }
nvme error-log "$ctrl" -o json >/tmp/j
expect "the failed command is in the error log" '.errors[0].error_count > 0' /tmp/j

step "discard and zeroes"
for d in "$dev" "$ram"; do
	seeded "x" 4194304 | dd of="$d" bs=1M oflag=direct iflag=fullblock status=none || fail "write $d"
	blkdiscard -o 1048576 -l 1048576 "$d" || fail "blkdiscard $d"
	blkdiscard -z -o 3145728 -l 65536 "$d" || fail "zeroes on $d"
	cmp -n 1048576 "$d" <(seeded "x" 4194304) || fail "$d: the first MiB has changed"
	cmp -i 1048576:0 -n 1048576 "$d" /dev/zero || fail "$d: discarded blocks do not read zero"
	cmp -i 2097152 -n 1048576 "$d" <(seeded "x" 4194304) || fail "$d: the third MiB has changed"
	cmp -i 3145728:0 -n 65536 "$d" /dev/zero || fail "$d: zeroed blocks do not read zero"
	nvme flush "$d" || fail "flush"
done
blkdiscard "$dev" || fail "blkdiscard of all"

step "compare"
head -c 512 /dev/zero >/tmp/zero; head -c 512 /dev/urandom >/tmp/other
nvme compare "$dev" -s 0 -c 0 -z 512 -d /tmp/zero || fail "compare of equal data"
nvme compare "$dev" -s 0 -c 0 -z 512 -d /tmp/other 2>/tmp/f && fail "compare of other data succeeded"
grep -qi 'compare' /tmp/f || { cat /tmp/f; fail "the wrong status for a miscompare"; }

step "resize"
size() { [ "$(blockdev --getsize64 "$dev")" = "$1" ]; }
size 268435456 || fail "not 256 MiB"
touch /mnt/share/grow
until_true 60 size 402653184 || fail "the host does not see the new size"
dd if=/dev/urandom of="$dev" bs=4096 count=1 seek=98303 oflag=direct status=none || fail "the new end cannot be written"
nvme disconnect -n "$nqn" || fail "disconnect"
step "PASS"
