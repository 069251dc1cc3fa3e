import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { report, type RaceOrders } from "./contender.ts";

/** What an admin does: base64, jq and curl for each picture, eight at a time with xargs. */
const ONE = `
set -e
answer=$(base64 -w0 "$1" |
  jq -Rs '{inputs:[{image:.}],outputs:[{task_name:"image_facts",task_index:0,output_index:0}],parameters:[]}' |
  curl -sS -X PUT -H 'Authorization: Bearer bench' -H 'Content-Type: application/json' -H 'Expect:' \\
    --data-binary @- "$BENCH_URL/api/run?advice=true")
id=$(printf %s "$answer" | jq -r .uuid)
wait=$(printf %s "$answer" | jq -r .next_poll_in)
out="$BENCH_PLACE/$(basename "$1").json"
until [ "$code" = 200 ]; do
  [ "$wait" = 0 ] || sleep "$(printf '%d.%03d' $((wait / 1000)) $((wait % 1000)))"
  code=$(curl -sS -o "$out" -w '%{http_code}' -H 'Authorization: Bearer bench' \\
    "$BENCH_URL/api/results/$id?advice=true&long=false")
  wait=20
done
`;

const orders = JSON.parse(process.argv[2] ?? "{}") as RaceOrders;
const child = spawn("xargs", ["-0", "-n1", `-P${orders.concurrency}`, "sh", "-c", ONE, "sh"], {
  stdio: ["pipe", "inherit", "inherit"],
  env: { ...process.env, BENCH_URL: orders.url, BENCH_PLACE: orders.place },
});
child.stdin.end(orders.files.map((file) => `${file}\0`).join(""));
const [code] = (await once(child, "close")) as [number];
if (code !== 0) throw new Error(`xargs ended with code ${code}`);
const finishedAt = performance.timeOrigin + performance.now();
report({ images: readdirSync(orders.place).length, finishedAt, cpuMs: null, peakRssMb: null });
