"""The file of a disk loses its name under load.  Who has it open goes on; a weftd that is started meanwhile says what is missing,
and serves it once it is back and the configuration is loaded again."""

import signal
import time

from bed import Bed

NAME = "file vanishes"


def run(soak):
    # A file that may be made anew would be an empty one.
    with Bed(soak, NAME) as bed:
        bed.document["target"]["core"]["fileio_1"]["disk"]["control"] = {"fd_dev_name": str(bed.disk)}
        bed.write_document()
        away = bed.folder / "away"
        for number in soak.turns():
            if number % 2 == 0:
                with bed.fault("gone for a while"):
                    bed.disk.rename(away)
                    time.sleep(soak.dice.uniform(0.2, 1))
                    assert bed.load.flows_from(bed.load.done()) or bed.load.wait_until_it_flows(5), "it does not go on"
                    away.rename(bed.disk)
            else:
                with bed.fault("gone while weftd is killed and started again, then back"):
                    bed.kill()
                    bed.disk.rename(away)
                    bed.start()
                    bed.weftd.wait_for_error("No such file or directory")
                    time.sleep(soak.dice.uniform(0, 1))
                    away.rename(bed.disk)
                    bed.weftd.send(signal.SIGHUP)
