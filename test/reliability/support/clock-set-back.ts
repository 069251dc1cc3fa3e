import { openRig } from "../../support/open-rig.ts";
import { writePictures } from "../../support/pictures.ts";
import type { Notebook } from "./runner.ts";
import { within } from "./within.ts";

const DAY_MS = 24 * 3_600_000;
const PATIENCE_MS = 15_000;

/** The wall clock is set back by a day while an image waits to be sent again: it must not wait for that day. */
export async function waitThroughClockSetBack(book: Notebook, when: "running" | "stopped"): Promise<void> {
  const name = `The clock was set back by a day while ${when}`;
  await using rig = await openRig({ speed: 20 });
  await writePictures(rig.folder, 1);
  rig.simulator.control.script({ on: "put", fault: { kind: "reset-after" } });
  await rig.start({ watch: true });
  await rig.untilLedger((ledger) => ledger.uncertain === 1);
  if (when === "stopped") await rig.close();
  const wallNow = Date.now;
  Date.now = () => wallNow() - DAY_MS;
  try {
    if (when === "stopped") await rig.start({ watch: true });
    const sent = await within(
      PATIENCE_MS,
      rig.untilLedger((ledger) => ledger.done === 1),
    );
    book.check(sent, `${name}: an image that was to wait 5 s waited on`);
    await rig.close();
  } finally {
    Date.now = wallNow;
  }
}
