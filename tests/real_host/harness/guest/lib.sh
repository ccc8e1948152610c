# Helpers for scripts that run inside the guest: . "$LH_GUEST/lib.sh"
# shellcheck shell=bash

step() { printf '%8.2f  %s\n' "$(cut -d' ' -f1 /proc/uptime)" "$*"; }
fail() { echo "FAIL: $*"; exit 1; }

# ns_dev NQN [NSID]: the block device of a namespace, once it is there.
ns_dev() {
	local s d i
	for i in $(seq 100); do
		for s in /sys/class/nvme-subsystem/nvme-subsys*; do
			[ "$(cat "$s/subsysnqn" 2>/dev/null)" = "$1" ] || continue
			for d in "$s"/nvme*n*; do
				d=${d##*/}
				[[ $d =~ ^nvme[0-9]+n[0-9]+$ ]] || continue
				[ "$(cat "/sys/block/$d/nsid" 2>/dev/null || echo "${2:-1}")" = "${2:-1}" ] || continue
				[ -b "/dev/$d" ] && { echo "/dev/$d"; return 0; }
			done
		done
		sleep 0.1
	done
	return 1
}

# fs_check DEV: a file system made, filled, checked, read back, discarded.
fs_check() {
	local m sum i fs
	for fs in ${FS:-ext4}; do
		modprobe "$fs"
		case $fs in ext4) mkfs.ext4 -q -F "$1" ;; xfs) mkfs.xfs -q -f "$1" ;; esac || return 1
		m=$(mktemp -d); mount -t "$fs" "$1" "$m" || return 1
		for i in $(seq 8); do
			dd if=/dev/urandom of="$m/f$i" bs=64k count=$((i * 16)) conv=fsync status=none || return 1
		done
		sum=$(cd "$m" && sha256sum f*) || return 1
		rm "$m/f3"; fstrim "$m" 2>/dev/null
		umount "$m" || return 1
		case $fs in ext4) fsck.ext4 -f -n "$1" >/tmp/fsck.log 2>&1 ;; xfs) xfs_repair -n "$1" >/tmp/fsck.log 2>&1 ;; esac ||
			{ cat /tmp/fsck.log; return 1; }
		echo 3 > /proc/sys/vm/drop_caches
		mount -t "$fs" "$1" "$m" || return 1
		(cd "$m" && grep -v ' f3$' <<<"$sum" | sha256sum -c --quiet) || return 1
		umount "$m"; rmdir "$m"
		echo "          $fs: made, 4.5 MiB written, checked, read back: ok"
	done
}

# seeded SEED BYTES: that many bytes, the same for the same seed.
seeded() {
	local key
	key=$(printf '%s' "$1" | sha256sum | head -c 32)
	openssl enc -aes-128-ctr -nosalt -K "$key" -iv 00000000000000000000000000000000 -in /dev/zero 2>/dev/null | head -c "$2"
}

# seeded_files DIR SEED COUNT MIB: writes COUNT files of MIB each; check_files compares every byte.
seeded_files() { local i; for i in $(seq "$3"); do seeded "$2.$i" $(($4 * 1048576)) >"$1/$2.$i" || return 1; done; }
check_files() {
	local i
	for i in $(seq "$3"); do
		cmp "$1/$2.$i" <(seeded "$2.$i" $(($4 * 1048576))) || return 1
	done
}

# until_true SECONDS COMMAND...: false when it did not come true.
until_true() {
	local end=$((SECONDS + $1)); shift
	until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.1; done
}
