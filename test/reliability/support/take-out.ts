/**
 * Takes protections out of the product as its modules load, for the controls: preloaded with `--import` into every
 * process of a control, workers too. The product itself has no switch for this.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import type { Patch } from "./runner.ts";

/** Names the file with the orders: `{"patches": Patch[], "seen": <file that each applied patch is noted in>}`. */
export const ORDERS_VARIABLE = "NIGHTRUN_TEST_TAKE_OUT";

export interface TakeOutOrders {
  patches: readonly Patch[];
  seen: string;
}

const PROJECT = fileURLToPath(new URL("../../../", import.meta.url));
const ordersFile = process.env[ORDERS_VARIABLE];

function apply(source: string, patch: Patch): string {
  const parts = source.split(patch.find);
  if (parts.length !== 2)
    throw new Error(`${patch.file} has "${patch.find}" ${String(parts.length - 1)} times instead of once`);
  return parts.join(patch.replace);
}

if (ordersFile !== undefined) {
  const orders = JSON.parse(readFileSync(ordersFile, "utf8")) as TakeOutOrders;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const patches = orders.patches.filter(
        ({ file }) => url.startsWith("file:") && fileURLToPath(url) === `${PROJECT}${file}`,
      );
      if (patches.length === 0) return loaded;
      const source = patches.reduce(apply, readFileSync(fileURLToPath(url), "utf8"));
      appendFileSync(
        orders.seen,
        patches.map(({ file, find }) => `${JSON.stringify([file, find])}\n`).join(""),
      );
      return { ...loaded, source };
    },
  });
}
