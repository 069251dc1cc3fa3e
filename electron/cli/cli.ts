#!/usr/bin/env node
import process from "node:process";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

/** An older Node would end without a word as soon as SQLite is loaded: so nothing is imported before this check. */
if (major < 22 || (major === 22 && minor < 22)) {
  process.stderr.write(
    `nightrun: Node ${process.versions.node} is too old. Use Node 22.22 or later, or start it with \`npm exec nightrun\` in its folder.\n`,
  );
  process.exitCode = 2;
} else {
  await main();
}

async function main(): Promise<void> {
  const { runProgram } = await import("./program.ts");
  const interrupted = new AbortController();
  const onSignal = (): void => {
    // The second time there is nothing to wait for: all that is known is in the data file.
    if (interrupted.signal.aborted) process.exit(3);
    interrupted.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  // `nightrun export | head`: the reader went away, which is no error of ours.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  try {
    process.exitCode = await runProgram(process.argv.slice(2), process.env, interrupted.signal);
  } catch (error) {
    const { failureLine } = await import("./console.ts");
    process.stderr.write(
      `${failureLine({ reason: "internal", message: error instanceof Error ? error.message : String(error) })}\n`,
    );
    process.exitCode = 2;
  }
  process.off("SIGINT", onSignal);
  process.off("SIGTERM", onSignal);
}
