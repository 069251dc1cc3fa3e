import { join } from "node:path";
import type { Console } from "../../../electron/cli/console.ts";
import { runCommand } from "../../../electron/cli/run.ts";
import { systemClock } from "../../../electron/engine/clock.ts";
import { openStore } from "../../../electron/engine/store/store.ts";
import { TASK } from "../rig/processes.ts";
import { cpuMsSince, peakRssMb, report, type RaceOrders } from "./contender.ts";

/** `nightrun run` itself: walk, settle, two hashes, data file with FULL durability, spool, result files. */
const orders = JSON.parse(process.argv[2] ?? "{}") as RaceOrders;
const dataFile = join(orders.place, "nightrun.db");
const said: string[] = [];
let mark = process.cpuUsage();

const console: Console = {
  data: () => undefined,
  say(line) {
    said.push(line);
    // The folder, the settings and the deployment have been looked at: from here on it works.
    if (line.startsWith("Running ")) mark = process.cpuUsage();
  },
  isTerminal: false,
  out: process.stdout,
  err: process.stderr,
};
const code = await runCommand(
  orders.folder,
  {
    deployment: orders.url,
    output: [TASK],
    data: dataFile,
    results: join(orders.place, "results"),
    concurrency: String(orders.concurrency),
    recursive: true,
    dedupe: true,
  },
  {
    console,
    env: { IKOMIA_URL: orders.url, IKOMIA_TOKEN: "bench" },
    interrupted: new AbortController().signal,
  },
);
const cpuMs = cpuMsSince(mark);
if (code !== 0) throw new Error(`nightrun run ended with code ${code}: ${said.join(" | ")}`);

const store = await openStore({ file: dataFile, mode: "read", clock: systemClock });
if (!store.ok) throw new Error(`The data file cannot be read: ${store.failure.reason}`);
const { updatedAt } = await store.value.call("changeMark", 1);
const { ledger } = await store.value.call("ledgerOf", 1);
await store.value.close();
report({ images: ledger.done, finishedAt: updatedAt, cpuMs, peakRssMb: peakRssMb() });
