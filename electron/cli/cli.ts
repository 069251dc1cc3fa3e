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

/** Errors of stdout that are no error of ours, and those that are a person's to mend. */
function onOutputError(error: NodeJS.ErrnoException, goOn: () => boolean): void {
  const isReaderGone = error.code === "EPIPE";
  if (!isReaderGone && process.exitCode === undefined) {
    process.stderr.write(
      `nightrun: The output cannot be written (${error.code ?? error.message}). Free some space, or send it elsewhere.\n`,
    );
    process.exitCode = 3;
  }
  if (!goOn()) process.exit(isReaderGone ? 0 : 3);
}

async function main(): Promise<void> {
  const { createInterruption } = await import("./interruption.ts");
  const { runProgram } = await import("./program.ts");
  const interruption = createInterruption();
  // `nightrun export | head` ends there; a run stops submitting first and collects what is paid for.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => onOutputError(error, interruption.ask));
  // Whoever read the progress went away: the night goes on without.
  process.stderr.on("error", () => undefined);
  try {
    const code = await runProgram(process.argv.slice(2), process.env, interruption);
    process.exitCode ??= code;
  } catch (error) {
    const { failureLine } = await import("./console.ts");
    process.stderr.write(
      `${failureLine({ reason: "internal", message: error instanceof Error ? error.message : String(error) })}\n`,
    );
    process.exitCode = 2;
  }
  interruption.dispose();
}
