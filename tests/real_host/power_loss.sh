#!/usr/bin/env bash
# weftd inside the guest, on a file system of the guest's own disk; the guest is reset by sysrq under load and
# booted again: all that was acknowledged as durable is there.
. "$(dirname "$0")/harness/host.sh"

# The guest's libraries are others: weftd comes with its own, and its own loader.
mkdir -p "$work/share/lib"
cp "$bin/weftd" "$work/share/weftd"
ldd "$bin/weftd" | grep -o '/[^ ]*' | xargs -I{} cp -L {} "$work/share/lib/"
truncate -s 1G "$work/disk"
disk=(--qemu-arg -drive --qemu-arg "file=$work/disk,if=none,id=d1,format=raw,cache=writeback"
	--qemu-arg -device --qemu-arg virtio-blk-pci,drive=d1)

# The reset leaves no exit status; the console is where acknowledgements left the guest before it.
boot() { guest --share "$work/share" --ro "${disk[@]}" "$@"; }
status=0
boot "$here/guest/power_loss.sh" load >"$work/acknowledged" || status=$?
[ $status = 125 ] || { cat "$work/acknowledged"; fail "the guest was not reset: it ended with $status"; }
grep '^ack ' "$work/acknowledged" | tr -d '\r' | sort -u >"$work/acks"
for disk_name in direct buffered; do
	for kind in flush fua; do
		count=$(grep -c "^ack $disk_name $kind " "$work/acks" || true)
		[ "$count" -ge 20 ] || { cat "$work/acknowledged"; fail "only $count writes of $disk_name $kind were acknowledged before the reset"; }
		echo "$count of $disk_name, $kind acknowledged"
	done
done
cp "$work/acks" "$work/share/acks"
boot "$here/guest/power_loss.sh" check || fail "after the reset something is missing"
no_complaints
