/**
 * Preloaded into an engine's process: requests give up as soon as NIGHTRUN_TEST_HEAD_MS says, and the wall clock is set
 * forth and back by the milliseconds that NIGHTRUN_TEST_JUMPS lists, one every half second; the last one stays.
 */
import { isMainThread } from "node:worker_threads";
import { DEPLOYMENT_TIMEOUTS } from "../../../electron/engine/deployment/client.ts";

const { NIGHTRUN_TEST_HEAD_MS: head, NIGHTRUN_TEST_JUMPS: jumps } = process.env;
if (head !== undefined)
  Object.assign(DEPLOYMENT_TIMEOUTS, {
    collectHeadMs: Number(head),
    submitHeadMs: Number(head),
    idleMs: Number(head),
  });
if (jumps !== undefined && isMainThread) {
  const offsets = jumps.split(",").map(Number);
  const real = Date.now.bind(Date);
  let turn = 0;
  let offset = 0;
  Date.now = () => real() + offset;
  setInterval(() => {
    offset = offsets[Math.min(turn, offsets.length - 1)] ?? 0;
    turn += 1;
  }, 500).unref();
}
