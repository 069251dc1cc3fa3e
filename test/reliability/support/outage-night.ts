import { subscribe } from "node:diagnostics_channel";
import type { PutFault } from "../../../electron/simulator/script.ts";
import type { Simulator } from "../../../electron/simulator/server.ts";
import type { SimulatorOptions } from "../../../electron/simulator/settings.ts";
import { openRig } from "../../support/open-rig.ts";
import { writePictures } from "../../support/pictures.ts";
import type { Notebook } from "./runner.ts";
import { comesTrue, within } from "./within.ts";

/** What design.md promises: requests in any ten minutes, and from the return to the first submission. */
const MOST_REQUESTS = 40;
const REQUESTS_WINDOW_MS = 10 * 60_000;
const BACK_WITHIN_MS = 30_000;
const CONCURRENCY = 8;
const IMAGES = 60;
/** Submissions that are on their way when the outage begins: their outcome is unknown. */
export const ON_THEIR_WAY = 3;
const BEFORE = 20;
const PATIENCE_MS = 30_000;
const NOTICED_WITHIN_MS = 10_000;

/** One way for a server to be gone. Times are the engine's. */
export interface Outage {
  name: string;
  lengthMs: number;
  /** How many times as fast the engine's clock runs. */
  speed: number;
  /** What happens to the submissions that are on their way when it begins. */
  onTheirWay: PutFault;
  /** Submissions on their way that hang until their connections come to life again, which TCP decides. */
  hanging: number;
  begin(simulator: Simulator): Promise<void>;
  /** Gives the server that is there again, at its old address. */
  end(simulator: Simulator): Promise<Simulator>;
}

/** Answers at once, as a deployment without advice does: nothing hangs on a long poll when the way breaks. */
export const PLAIN: SimulatorOptions = { mode: "plain", latency: { minMs: 20, maxMs: 60 }, workers: 64 };

function mostInAnyWindow(times: readonly number[], windowMs: number): number {
  const inside = (end: number): number => times.filter((at) => at <= end && at > end - windowMs).length;
  return Math.max(0, ...times.map(inside));
}

/** Lives through one outage and checks what is promised of it. */
export async function liveThrough(book: Notebook, outage: Outage, options: SimulatorOptions): Promise<void> {
  const { name, speed } = outage;
  await using rig = await openRig({
    speed,
    simulator: { ...PLAIN, ...options },
    // The run of a held result takes as long as the proof looks, which on this clock is minutes.
    limits: { concurrency: CONCURRENCY, runTimeoutMs: 24 * 60 * 60_000 },
  });
  const { control } = rig.simulator;
  const requests: number[] = [];
  const count = (): void => void requests.push(rig.clock.mono());
  subscribe("undici:request:create", count);
  await writePictures(rig.folder, IMAGES);
  control.script({ on: "put", skip: BEFORE, times: ON_THEIR_WAY, fault: outage.onTheirWay });
  const runner = await rig.start({ watch: true });
  await control.until(
    (stats) => (stats.faults[`script:put/${outage.onTheirWay.kind}`] ?? 0) === ON_THEIR_WAY,
  );
  await outage.begin(rig.simulator);
  const beganAt = rig.clock.mono();
  const noticed = await within(NOTICED_WITHIN_MS, rig.untilGate("unreachable"));
  book.check(noticed, `${name}: nobody noticed that the server is gone`);
  if (!noticed) {
    // What hangs on the line would keep the engine from closing.
    const again = await outage.end(rig.simulator);
    if (again !== rig.simulator) await again.close();
    return;
  }
  await rig.clock.sleep(outage.lengthMs - (rig.clock.mono() - beganAt));
  // Back at the worst moment: just after a look that failed.
  const looks = requests.length;
  await comesTrue(PATIENCE_MS, () => requests.length > looks);
  const nextTryAt = (): number => runner.gates().find(({ kind }) => kind === "unreachable")?.nextTryAt ?? 0;
  await comesTrue(PATIENCE_MS, () => nextTryAt() > rig.clock.now() || runner.gates().length === 0);
  const during = requests.filter((at) => at > beganAt);
  const back = await outage.end(rig.simulator);
  back.control.hold();
  const backAt = rig.clock.now();
  const dueAt = Math.max(backAt, nextTryAt());
  await rig.clock.sleep(dueAt - backAt);
  const startedMs = performance.now();
  const first = await within(
    PATIENCE_MS,
    back.control.until((stats) => stats.requests.put > 0),
  );
  // The pause runs on the engine's clock, the way there on the real one.
  const waitedMs = dueAt - backAt + performance.now() - startedMs;
  book.check(
    first && waitedMs <= BACK_WITHIN_MS,
    `${name}: the first submission came after ${String(Math.round(waitedMs / 1000))} s`,
  );
  const wide = await within(
    PATIENCE_MS,
    back.control.until((stats) => stats.outstanding >= CONCURRENCY - outage.hanging),
  );
  book.check(
    wide,
    `${name}: the window came back as ${String(back.control.stats().maxOutstanding)} of ${String(CONCURRENCY)}`,
  );
  back.control.release();
  const { ledger } = await runner.ledger();
  book.check(ledger.failed === 0, `${name}: ${String(ledger.failed)} images failed in the outage`);
  const done = await within(
    PATIENCE_MS,
    rig.untilLedger((now) => now.done === IMAGES),
  );
  book.check(done, `${name}: ${JSON.stringify((await runner.ledger()).ledger)} in the end`);
  const images = await rig.images();
  // Only what was on its way when the server went may have an unknown outcome, or an answer that nobody received.
  const attempts = images.reduce((sum, image) => sum + image.uncertain + image.lost, 0);
  book.check(attempts <= CONCURRENCY, `${name}: ${String(attempts)} attempts were spent`);
  const most = mostInAnyWindow(during, REQUESTS_WINDOW_MS);
  book.figure(`${name}: requests`, during.length);
  book.figure(`${name}: most in 10 min`, most);
  book.figure(`${name}: first submission after, s`, waitedMs / 1_000);
  book.figure(`${name}: attempts of what was on its way`, attempts);
  book.check(most <= MOST_REQUESTS, `${name}: ${String(most)} requests in ten minutes`);
  book.check(during.length > 0, `${name}: nobody looked at the server`);
  await rig.close();
  if (back !== rig.simulator) await back.close();
}
