import { readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuMsSince, inLanes, peakRssMb, report, type RaceOrders } from "./contender.ts";

/** What a script does: read the file, put its base64 into an object, stringify, fetch, write the answer. */
const orders = JSON.parse(process.argv[2] ?? "{}") as RaceOrders;
const headers = { authorization: "Bearer bench", "content-type": "application/json" };
let images = 0;

async function runOne(file: string): Promise<void> {
  const image = (await readFile(file)).toString("base64");
  const reply = await fetch(`${orders.url}/api/run?advice=true`, {
    method: "PUT",
    headers,
    body: JSON.stringify({
      inputs: [{ image }],
      outputs: [{ task_name: "image_facts", task_index: 0, output_index: 0 }],
      parameters: [],
    }),
  });
  const run = (await reply.json()) as { uuid: string; next_poll_in: number };
  for (let advised = run.next_poll_in; ;) {
    if (advised > 0) await sleep(advised);
    const answer = await fetch(`${orders.url}/api/results/${run.uuid}?advice=true&long=false`, { headers });
    const result = (await answer.json()) as { next_poll_in?: number };
    if (answer.status === 200) {
      await writeFile(join(orders.place, `${basename(file)}.json`), JSON.stringify(result));
      break;
    }
    advised = result.next_poll_in ?? 100;
  }
  images += 1;
}

const mark = process.cpuUsage();
await inLanes(orders.files, orders.concurrency, runOne);
const finishedAt = performance.timeOrigin + performance.now();
report({ images, finishedAt, cpuMs: cpuMsSince(mark), peakRssMb: peakRssMb() });
