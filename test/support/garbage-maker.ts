import { join } from "node:path";
import { getHeapSpaceStatistics } from "node:v8";
import { fail } from "../../electron/contract/result.ts";
import { systemClock } from "../../electron/engine/clock.ts";
import { openEngine } from "../../electron/engine/engine.ts";

/**
 * A process that makes garbage as a walk of a large folder does: much of it is still in use when it is looked at. Says how
 * large the room for new objects is afterwards, in MiB. With a folder as its argument it opens an engine there before.
 */
const IN_USE = 100_000;
const MADE = 10_000_000;
const MIB = 2 ** 20;

function newSpaceBytes(): number {
  return getHeapSpaceStatistics().find((one) => one.space_name === "new_space")?.space_size ?? 0;
}

const [folder] = process.argv.slice(2);
if (folder !== undefined) {
  const opened = await openEngine({
    dataFile: join(folder, "nightrun.db"),
    clock: systemClock,
    random: Math.random,
    env: {},
    version: "test",
    resolve: async () => fail({ reason: "internal", message: "nothing is sent here" }),
  });
  if (!opened.ok) throw new Error(opened.failure.reason);
}
const inUse: unknown[] = Array.from({ length: IN_USE });
for (let made = 0; made < MADE; made += 1) inUse[made % IN_USE] = { made, text: [made] };
process.stdout.write(String(newSpaceBytes() / MIB), () => process.exit(inUse.length > 0 ? 0 : 1));
