#!/usr/bin/env bash
# weftd in the guest, with block devices that have poll queues: what iopoll=1 reads and writes, as a device and as
# a file, is right, and comes when it is asked for, not by the device's interrupts.
. "$(dirname "$0")/harness/host.sh"

share_programs "$work/share/weft"
guest --mem 4096 --timeout 300 --share "$work/share" --ro "$here/guest/iopoll.sh" || fail "the guest's part failed"
no_complaints
