import { parseArguments, USAGE } from "./arguments.ts";
import { startSimulator } from "./server.ts";

const CANNOT_START = 1;
const WRONG_USAGE = 2;

async function main(): Promise<void> {
  const parsed = parseArguments(process.argv.slice(2));
  if (!parsed.ok) {
    process.stderr.write(`nightrun: ${parsed.problem} See \`nightrun simulate --help\`.\n`);
    process.exitCode = WRONG_USAGE;
    return;
  }
  if (parsed.help) {
    process.stdout.write(USAGE);
    return;
  }
  const simulator = await startSimulator(parsed.options).catch((error: unknown) => {
    process.stderr.write(
      `The simulator cannot start: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exit(CANNOT_START);
  });
  const stop = (): void => void simulator.close().then(() => process.exit(0));
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  if (parsed.stayWithParent) {
    process.stdin.resume();
    process.stdin.once("close", stop);
  }
  const { url, tokenService, token } = simulator;
  process.stdout.write(`${JSON.stringify({ url, tokenService, token })}\n`);
}

await main();
