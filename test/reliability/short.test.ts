import { describe, expect, test } from "vitest";
import { loadRunner, prove, runnerNames } from "./support/prove.ts";

for (const name of runnerNames()) {
  const runner = await loadRunner(name);
  if (!runner.inShortForm) continue;
  const why = runner.cannotRun?.() ?? null;
  if (why !== null) process.stderr.write(`\n*** ${name} IS SKIPPED: ${why}. ***\n\n`);
  describe(name, () => {
    test.skipIf(why !== null)(runner.promise, { timeout: (runner.limitS.short + 10) * 1_000 }, async () => {
      const outcome = await prove(name, { short: true, seed: 1 });
      expect(outcome).toMatchObject({ kind: "verdict", broken: [] });
    });
  });
}
