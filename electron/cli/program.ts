import { Command, CommanderError, Option } from "commander";
import { createConsole, oneLine, type Console } from "./console.ts";
import type { DoctorFlags } from "./doctor.ts";
import { EXIT, type ExitCode } from "./exit-code.ts";
import type { Interruption } from "./interruption.ts";
import type { ListingFlags } from "./listing.ts";
import type { ServeFlags } from "./serve.ts";
import type { RunFlags } from "./settings.ts";
import { version } from "./version.ts";
import type { WorkflowFlags } from "./workflow.ts";

interface Context {
  console: Console;
  env: NodeJS.ProcessEnv;
  /** Aborts at the first Ctrl-C of a command that takes it in hand. */
  interrupted: AbortSignal;
  takeInHand: () => void;
}

/** Each command loads what it needs when it is called: a status must not wait for picture decoders. */
const commands = {
  changing: () => import("./changing.ts"),
  doctor: () => import("./doctor.ts"),
  export: () => import("./export.ts"),
  listing: () => import("./listing.ts"),
  run: () => import("./run.ts"),
  serve: () => import("./serve.ts"),
  simulate: () => import("./simulate.ts"),
  workflow: () => import("./workflow.ts"),
};

const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];
const DATA = new Option("--data <file>", "data file (default: in the per-user data folder)");
const JSON_LINES = new Option("--json", "one JSON object a line on stdout, nothing else there");

function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}\n`;
}

function addRun(program: Command, context: Context, end: (code: ExitCode) => void): void {
  program
    .command("run")
    .argument("[folder]", "folder of images (or in the batch file)")
    .summary("process a folder, then exit; --watch keeps going")
    .description(
      "Runs every image of the folder through the deployment and writes the results beside it. The same command resumes.",
    )
    .option(
      "--deployment <url>",
      "deployment, or NIGHTRUN_DEPLOYMENT; the word simulator starts the built-in one",
    )
    .option(
      "--output <task>",
      "task[#index][:output], repeatable (default: all outputs of the last tasks)",
      collect,
    )
    .option("--param <setting>", "task[#index].name=value, repeatable", collect)
    .option("--input <json>", "a fixed standard input beside the image, repeatable", collect)
    .option("--batch <file>", "batch file; flags override it")
    .option("--name <text>", "name of the batch (default: the folder's)")
    .addOption(DATA)
    .option("--results <dir>", "results folder (default: <folder>-results)")
    .option("--include <glob>", "only these files, repeatable", collect)
    .option("--exclude <glob>", "not these files, repeatable", collect)
    .option("--no-recursive", "leave sub-folders out")
    .option("--no-dedupe", "run files with equal bytes each on its own")
    .option("--keep-raw", "keep the raw answers beside the results")
    .option("--concurrency <n>", "runs outstanding at once (default 5)")
    .option("--rate <n/s|n/min|n/h>", "submissions in any sliding window")
    .option("--max-runs <n>", "stop submitting after n runs of this batch's lifetime")
    .option("--run-timeout <duration>", "give up waiting for a run (default: adaptive, at least 10m)")
    .option("--give-up-after <duration>", "longest outage to wait out (default 12h)")
    .option("--on-uncertain <resubmit|hold>", "what happens after an unknown outcome (default resubmit)")
    .option("--watch", "keep going: new files are taken up as they come")
    .addOption(JSON_LINES)
    .addHelpText(
      "after",
      examples(
        "nightrun run ./scans --deployment simulator",
        "nightrun run ./scans --deployment https://my.deployment.example --output infer_yolo_v8:1 --param infer_yolo_v8.conf_thres=0.4",
        "nightrun run ./scans --deployment simulator --rate 30/min --watch",
      ),
    )
    .action(async (folder: string | undefined, flags: RunFlags) => {
      context.takeInHand();
      end(await (await commands.run()).runCommand(folder, flags, context));
    });
}

function addReaders(program: Command, { console }: Context, end: (code: ExitCode) => void): void {
  const reader = (name: string, summary: string): Command =>
    program
      .command(name)
      .argument("[batch]", "folder, name or number of a batch (default: all)")
      .summary(summary)
      .description(summary)
      .addOption(DATA)
      .addOption(JSON_LINES);
  reader("status", "what is done, what waits, what happened")
    .addHelpText("after", examples("nightrun status", "nightrun status ./scans --json"))
    .action(async (batch: string | undefined, flags: ListingFlags) =>
      end(await (await commands.listing()).statusCommand(batch, flags, console)),
    );
  reader("images", "every image with its state and reason")
    .option("--state <states>", "for example failed,missing")
    .option("--reason <reason>", "for example truncated")
    .option("--path <text>", "part of the path")
    .addHelpText(
      "after",
      examples("nightrun images --state failed", "nightrun images ./scans --path 2026-11 --json"),
    )
    .action(async (batch: string | undefined, flags: ListingFlags) =>
      end(await (await commands.listing()).imagesCommand(batch, flags, console)),
    );
  reader("runs", "every submission with its run id, times and end")
    .addHelpText("after", examples("nightrun runs ./scans", "nightrun runs --json"))
    .action(async (batch: string | undefined, flags: ListingFlags) =>
      end(await (await commands.listing()).runsCommand(batch, flags, console)),
    );
  reader("export", "all images with their results on stdout")
    .option("--format <jsonl|csv>", "form", "jsonl")
    .option("--state <states>", "for example done,failed (default: all)")
    .addHelpText(
      "after",
      examples(
        "nightrun export ./scans > scans.jsonl",
        "nightrun export ./scans --format csv --state done > scans.csv",
      ),
    )
    .action(async (batch: string | undefined, flags: ListingFlags & { format: string }) =>
      end(await (await commands.export()).exportCommand(batch, flags, console)),
    );
}

function addChangers(program: Command, { console }: Context, end: (code: ExitCode) => void): void {
  const changer = (name: string, summary: string): Command =>
    program
      .command(name)
      .argument("[batch]", "folder, name or number of a batch (default: all)")
      .summary(summary)
      .description(summary)
      .addOption(DATA);
  changer("retry", "mark failed and uncertain images as waiting; the next run takes them")
    .option("--state <failed|uncertain>", "only these (default: both)")
    .option("--reason <reason>", "only those that failed for this reason, for example workflow-error")
    .option("--path <text>", "only paths that contain this text")
    .addOption(JSON_LINES)
    .addHelpText("after", examples("nightrun retry ./scans", "nightrun retry --reason workflow-error"))
    .action(async (batch: string | undefined, flags: ListingFlags) =>
      end(await (await commands.changing()).retryCommand(batch, flags, console)),
    );
  changer("pause", "stop submitting; results of runs already paid for are still collected")
    .addHelpText("after", examples("nightrun pause ./scans"))
    .action(async (batch: string | undefined, flags: ListingFlags) =>
      end(await (await commands.changing()).pauseCommand("pause", batch, flags, console)),
    );
  changer("resume", "go on submitting")
    .addHelpText("after", examples("nightrun resume ./scans"))
    .action(async (batch: string | undefined, flags: ListingFlags) =>
      end(await (await commands.changing()).pauseCommand("resume", batch, flags, console)),
    );
}

function addTools(
  program: Command,
  { console, env, interrupted, takeInHand }: Context,
  end: (code: ExitCode) => void,
): void {
  program
    .command("workflow")
    .argument("[file]", "exported workflow file (instead of a deployment)")
    .summary("tasks, parameters with defaults and outputs of a deployment or workflow file")
    .description("Prints what a workflow offers, in the words that `run` takes.")
    .option("--deployment <url>", "deployment, or NIGHTRUN_DEPLOYMENT")
    .addOption(DATA)
    .addOption(JSON_LINES)
    .addHelpText(
      "after",
      examples("nightrun workflow --deployment simulator", "nightrun workflow exported.json"),
    )
    .action(async (file: string | undefined, flags: WorkflowFlags) =>
      end(await (await commands.workflow()).workflowCommand(file, flags, console, env)),
    );
  program
    .command("simulate")
    .summary("a local deployment, for trying things without an account")
    .description(
      "Starts the built-in deployment on this machine and prints where it is. `nightrun simulate --help` tells its options.",
    )
    .addOption(DATA)
    // Its options are the simulator's own, --help too.
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .argument("[options...]")
    .addHelpText(
      "after",
      examples(
        "nightrun simulate --port 8080 --latency 200-800",
        "nightrun simulate --faults put-503=0.05,get-cut=0.02",
      ),
    )
    .action(async (_options: string[], _flags: object, command: Command) => {
      takeInHand();
      end(await (await commands.simulate()).simulateCommand(command.args, interrupted));
    });
  program
    .command("doctor")
    .summary("looks at everything a night needs, changes nothing")
    .description(
      "Checks Node, the data file, free disk, watch limits, the token and whether the deployment answers.",
    )
    .option("--deployment <url>", "deployment, or NIGHTRUN_DEPLOYMENT")
    .addOption(DATA)
    .addOption(JSON_LINES)
    .addHelpText("after", examples("nightrun doctor", "nightrun doctor --deployment simulator"))
    .action(async (flags: DoctorFlags) =>
      end(await (await commands.doctor()).doctorCommand(flags, console, env)),
    );
}

function addServe(program: Command, context: Context, end: (code: ExitCode) => void): void {
  program
    .command("serve")
    .summary("the window as a page of this machine")
    .description(
      "Serves the window to browsers of this machine and works on started batches until Ctrl-C. Prints the link on stdout.",
    )
    .option("--port <n>", "port (default: any free one)")
    .option("--open", "open the default browser")
    .option("--read-only", "only look, also beside a Nightrun that is working")
    .addOption(DATA)
    .addHelpText("after", examples("nightrun serve --open", "nightrun serve --port 8471 --read-only"))
    .action(async (flags: ServeFlags) => {
      context.takeInHand();
      end(await (await commands.serve()).serveCommand(flags, context));
    });
}

/** What the parser of the command line objects to, as one line like all other failures. */
function usageLine(text: string, command: string): string {
  const told = oneLine(text.replace(/^error: /, "").trim());
  const sentence = told.charAt(0).toUpperCase() + told.slice(1);
  return `nightrun: ${sentence}${/[.?)]$/.test(sentence) ? "" : "."} See \`${command} --help\`.\n`;
}

/** Runs one command line to its exit code. */
export async function runProgram(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  interruption: Interruption,
): Promise<ExitCode> {
  const context: Context = {
    console: createConsole(process.stdout, process.stderr),
    env,
    interrupted: interruption.signal,
    takeInHand: interruption.takeInHand,
  };
  let code: ExitCode = EXIT.usage;
  const end = (value: ExitCode): void => void (code = value);
  const program = new Command("nightrun")
    .description("Runs folders of images through an Ikomia SCALE deployment, overnight, and loses nothing.")
    .version(version)
    .showSuggestionAfterError()
    .configureOutput({ outputError: (text, write) => write(usageLine(text, "nightrun")) })
    .exitOverride()
    .addHelpText(
      "after",
      examples(
        "nightrun run ./scans --deployment simulator",
        "nightrun status",
        "nightrun export > results.jsonl",
      ),
    );
  addRun(program, context, end);
  addReaders(program, context, end);
  addChangers(program, context, end);
  addTools(program, context, end);
  addServe(program, context, end);
  for (const command of program.commands) {
    const name = `nightrun ${command.name()}`;
    command.exitOverride();
    command.configureOutput({ outputError: (text, write) => write(usageLine(text, name)) });
  }
  try {
    await program.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  return code;
}
