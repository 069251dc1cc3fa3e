import { openRig, type Rig } from "../../support/open-rig.ts";
import { writePictures } from "../../support/pictures.ts";
import { createNotebook, type Notebook, type Runner, type Size, type Verdict } from "../support/runner.ts";
import { within } from "../support/within.ts";
import { checkAllDone } from "../support/witnesses.ts";

const NEW_TOKEN = "another-token";
/** The promise: a minute of the engine's time. */
const GATE_WITHIN_MS = 60_000;
const SPEED = 20;
const PATIENCE_MS = 15_000;
/** Submissions that meet a JWT which has just ended. */
const REFUSED_PUTS = 2;

async function checkNoAttemptSpent(book: Notebook, rig: Rig, when: string): Promise<void> {
  const spent = (await rig.images()).filter(
    (image) => image.uncertain + image.lost + image.workflowErrors > 0,
  );
  book.check(spent.length === 0, `${when}: an attempt of ${String(spent.length)} images was spent`);
}

/** How a token stops being good: its JWTs with it, or the JWT at hand stays good until it ends. */
interface Revocation {
  name: string;
  signInStatus: 307 | 401 | 403;
  jwtsToo: boolean;
}

const REVOCATIONS: readonly Revocation[] = [
  { name: "revoked, 307", signInStatus: 307, jwtsToo: true },
  { name: "revoked, 401", signInStatus: 401, jwtsToo: true },
  { name: "revoked, 403", signInStatus: 403, jwtsToo: true },
  { name: "revoked, its JWT runs out", signInStatus: 307, jwtsToo: false },
];

/** Revokes the API token in the middle of a watched night; gives how long the gate took, in the engine's time. */
async function revokeInTheNight(book: Notebook, how: Revocation, images: number): Promise<number> {
  let token = "simulator-token";
  await using rig = await openRig({
    speed: SPEED,
    simulator: { signInStatus: how.signInStatus, ...(how.jwtsToo ? {} : { jwtSeconds: 1.5 }) },
    limits: { concurrency: 4 },
    apiToken: () => token,
  });
  const { control } = rig.simulator;
  const written = await writePictures(rig.folder, images);
  control.hold();
  const runner = await rig.start({ watch: true });
  await control.until((stats) => stats.accepted === 4);
  control.change({ token: NEW_TOKEN });
  if (how.jwtsToo) control.revoke();
  const revokedAt = rig.clock.mono();
  // One result at a time, so that there is something to ask for until the JWT has run out.
  const releasing = setInterval(() => control.release(1), 100);
  const closed = await within(PATIENCE_MS, rig.untilGate("sign-in"));
  const tookMs = rig.clock.mono() - revokedAt;
  clearInterval(releasing);
  book.check(closed, `${how.name}: the sign-in gate stayed open`);
  if (!closed) return tookMs;
  const gate = runner.gates().find(({ kind }) => kind === "sign-in");
  book.check(
    gate?.failure?.reason === "token-rejected",
    `${how.name}: the gate says ${JSON.stringify(gate)}`,
  );
  book.check(gate?.nextTryAt === null, `${how.name}: the gate promises to open by itself`);
  await checkNoAttemptSpent(book, rig, how.name);
  const { requests } = control.stats();
  await rig.clock.sleep(GATE_WITHIN_MS);
  const asked = control.stats().requests.put + control.stats().requests.token - requests.put - requests.token;
  book.check(asked === 0, `${how.name}: ${String(asked)} requests went on behind the closed gate`);
  token = NEW_TOKEN;
  control.release();
  runner.tryNow();
  const done = await within(
    PATIENCE_MS,
    rig.untilLedger((ledger) => ledger.done === images),
  );
  book.check(done, `${how.name}: it did not go on with a new token`);
  if (done) await checkAllDone(book, rig, written);
  await checkNoAttemptSpent(book, rig, `${how.name}, after the new token`);
  book.check(
    control.stats().accepted === images,
    `${how.name}: ${String(control.stats().accepted)} submissions`,
  );
  return tookMs;
}

/** A JWT that lives 1.5 s of real time, asked for again and again while images run. */
async function shortLives(book: Notebook, images: number): Promise<void> {
  await using rig = await openRig({
    speed: 1,
    simulator: { jwtSeconds: 1.5, latency: { minMs: 100, maxMs: 150 } },
    limits: { concurrency: 8 },
  });
  const { control } = rig.simulator;
  const written = await writePictures(rig.folder, images);
  // Slow enough for all that want one to ask at the same time.
  control.script({ on: "token", fault: { kind: "delay", ms: 150 }, times: "always" });
  control.script({ on: "put", skip: 5, times: REFUSED_PUTS, fault: { kind: "status", status: 401 } });
  const { ledger } = await rig.runToEnd();
  await checkAllDone(book, rig, written);
  await checkNoAttemptSpent(book, rig, "JWTs of 1.5 s");
  const { requests, signInRefusals, maxOpenTokens } = control.stats();
  book.figure("images under JWTs of 1.5 s", images);
  book.figure("renewals", requests.token - 1);
  book.figure("renewals at once", maxOpenTokens);
  book.figure("refused JWTs", signInRefusals);
  book.check(ledger.failed === 0, `${String(ledger.failed)} images failed`);
  book.check(requests.token > 2, "No JWT ran out while images ran");
  book.check(maxOpenTokens === 1, `${String(maxOpenTokens)} renewals ran at once`);
  const explained = images + REFUSED_PUTS + signInRefusals;
  book.check(
    requests.put <= explained,
    `${String(requests.put)} submissions, ${String(explained)} explained`,
  );
}

async function run({ short }: Size): Promise<Verdict> {
  const book = createNotebook();
  const revocations = short ? REVOCATIONS.slice(0, 1) : REVOCATIONS;
  for (const how of revocations) {
    const tookMs = await revokeInTheNight(book, how, 30);
    book.figure(`${how.name}: gate after, s`, tookMs / 1_000);
    book.check(tookMs <= GATE_WITHIN_MS, `${how.name}: the gate took ${String(tookMs / 1_000)} s`);
  }
  await shortLives(book, short ? 100 : 400);
  return book.verdict();
}

export const runner: Runner = {
  promise:
    "P20, P21: JWTs that end every 1.5 s fail no image and are renewed one at a time; a revoked token closes the sign-in gate within a minute, spends no attempt, and a new one goes on.",
  inShortForm: true,
  limitS: { short: 60, full: 120 },
  run,
  controls: [
    {
      name: "shared-renewal",
      without: "the sharing of one renewal by all that need it",
      patches: [
        {
          file: "electron/engine/deployment/auth.ts",
          find: "asking ??= askOnce(generation).finally(() => (asking = null));",
          replace: "asking = askOnce(generation).finally(() => (asking = null));",
        },
      ],
    },
    {
      name: "gate",
      without: "the gate that only a sign-in opens",
      patches: [
        {
          file: "electron/engine/dispatch/trouble.ts",
          find: 'case "deployment-not-found":\n      return "sign-in";',
          replace: 'case "deployment-not-found":\n      return "connection";',
        },
      ],
    },
    {
      name: "attempt",
      without: "the rule that a refused sign-in is no attempt",
      patches: [
        {
          file: "electron/engine/dispatch/submit.ts",
          find: '{ kind: "not-accepted", note: `sign-in refused (${outcome.status})` }',
          replace: '{ kind: "unknown", last: "sign-in refused", retryAt: 0 }',
        },
      ],
    },
  ],
};
