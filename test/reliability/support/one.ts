/**
 * Runs one proof in this process: `one.ts <runner> <short|full> <seed>`. The last line of stdout is the verdict as
 * JSON. Exit code 0 = kept, 1 = broken, 2 = the proof itself failed.
 */
import type { Runner } from "./runner.ts";

const [name = "", size = "short", seed = "1"] = process.argv.slice(2);
const { runner } = (await import(`../runners/${name}.ts`)) as { runner: Runner };
try {
  const verdict = await runner.run({ short: size === "short", seed: Number(seed) });
  process.stdout.write(`\n${JSON.stringify(verdict)}\n`, () => {
    process.exit(verdict.broken.length === 0 ? 0 : 1);
  });
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(2);
}
