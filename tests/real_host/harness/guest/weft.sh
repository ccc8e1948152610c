# weft and weftd in the guest, which the scenario shared with share_programs: . "$LH_GUEST/weft.sh"
# shellcheck shell=bash

all=/tmp/weft daemon=
cp -r /mnt/share/weft $all || fail "the programs"
export RUNTIME_DIRECTORY=/tmp/run
weft() { LD_LIBRARY_PATH=$all/lib $all/weft "$@"; }

# serve NAME [CONFIG]: weftd with that configuration, by itself NAME.json of what is shared; sets pid.
serve() {
	LD_LIBRARY_PATH=$all/lib $all/weftd --config "${2:-/mnt/share/$1.json}" --tree none --store none --state-dir "/tmp/$1" \
		>>/tmp/weftd.log 2>&1 &
	pid=$!
}

# start_daemon [CONFIG]: the one that weft talks to; sets daemon.
start_daemon() {
	serve weft "$@"
	daemon=$pid
	answers() { weft status >/dev/null 2>&1; }
	until_true 60 answers || { cat /tmp/weftd.log; fail "weftd does not answer"; }
}
