import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSimulator } from "../../../electron/simulator/server.ts";
import { writePictures } from "../../support/pictures.ts";
import { personsEnv, startCommand } from "../support/command.ts";
import { createNotebook, type Notebook, type Runner, type Verdict } from "../support/runner.ts";

const CANARY = "canary-5e81c09ab3f74d26";
const JWT = /eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}/;

/** A secret as it is, and in the forms that a careless program turns it into. */
const FORMS = [
  CANARY,
  Buffer.from(CANARY).toString("base64").replace(/=+$/, ""),
  Buffer.from(CANARY).toString("hex"),
];

function leak(text: string): string | null {
  const form = FORMS.find((each) => text.includes(each));
  return form ?? JWT.exec(text)?.[0].slice(0, 12) ?? null;
}

async function searchFiles(book: Notebook, folder: string): Promise<number> {
  let files = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    files++;
    const found = leak(await readFile(join(entry.parentPath, entry.name), "latin1"));
    book.check(found === null, `${entry.name} holds ${String(found)}`);
  }
  return files;
}

/** Ids of the processes that a process started, and of those that they started. */
async function descendants(pid: number): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => ""))
    .trim()
    .split(" ")
    .filter((id) => id !== "")
    .map(Number);
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}

interface Place {
  folder: string;
  data: string;
  env: NodeJS.ProcessEnv;
}

/** Whatever Nightrun starts must not inherit what is not its business. */
async function searchChildren(book: Notebook, { folder, data, env }: Place): Promise<number> {
  const args = ["run", "pictures", "--deployment", "simulator", "--watch", "--json", "--data", `${data}-2`];
  const running = startCommand(args, { env, cwd: folder });
  const pid = running.child.pid ?? 0;
  while (!running.text().includes('"state":"done"') && running.child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const children = await descendants(pid);
  for (const child of children)
    for (const what of ["cmdline", "environ"]) {
      const text = await readFile(`/proc/${child}/${what}`, "latin1");
      book.check(leak(text) === null, `The ${what} of a process that Nightrun started holds the token`);
    }
  book.check(leak(await readFile(`/proc/${pid}/cmdline`, "latin1")) === null, "An argument holds the token");
  running.child.kill("SIGTERM");
  await running.ended;
  book.check(leak(running.text()) === null, "What the run with the simulator printed holds the token");
  return children.length;
}

/** A defect that ends the process while a JWT is in its memory. */
const CRASH = `data:text/javascript,setTimeout(()=>{throw new Error("a defect")},1500)`;

async function run(): Promise<Verdict> {
  const book = createNotebook();
  const folder = await mkdtemp(join(tmpdir(), "nightrun-canary-"));
  const simulator = await startSimulator({ token: CANARY, latency: { minMs: 0, maxMs: 0 } });
  try {
    await mkdir(join(folder, "pictures"));
    await writePictures(join(folder, "pictures"), 6);
    const data = join(folder, "night.db");
    const env = {
      ...personsEnv(folder),
      IKOMIA_TOKEN: CANARY,
      IKOMIA_URL: simulator.tokenService,
      NIGHTRUN_DEPLOYMENT: simulator.url,
    };
    // Servers tend to tell their callers what they were sent.
    const body = JSON.stringify({ detail: `Authorization: Bearer ${CANARY}; Token ${CANARY}` });
    const { control } = simulator;
    control.script(
      { on: "put", fault: { kind: "status", status: 422, body } },
      { on: "put", skip: 1, fault: { kind: "status", status: 500, body } },
      { on: "results", when: "ready", fault: { kind: "status", status: 520, body, consumed: true } },
    );
    const commands = [
      ["run", "pictures", "--json", "--keep-raw", "--output", "image_facts:0"],
      ["run", "pictures", "--deployment", `https://someone:${CANARY}@my.deployment.example`],
      ["status", "--json"],
      ["images", "--json"],
      ["runs", "--json"],
      ["retry"],
      ["export", "--format", "jsonl"],
      ["export", "--format", "csv"],
      ["doctor"],
    ];
    for (const args of commands) {
      const ran = startCommand([...args, "--data", data], { env, cwd: folder });
      await ran.ended;
      book.check(leak(ran.text()) === null, `What \`nightrun ${args[0] ?? ""}\` printed holds the token`);
    }
    const echoes = Object.values(control.stats().faults).reduce((a, b) => a + b, 0);
    book.figure("answers that echo the token", echoes);
    book.check(echoes >= 3, "Not every echo was injected");
    control.script({ on: "put", times: "always", fault: { kind: "stall" } });
    const crash = startCommand(["run", "pictures", "--data", data], {
      env,
      cwd: folder,
      nodeArgs: ["--import", CRASH],
    });
    await crash.ended;
    book.check(crash.text().includes("a defect"), "The defect was not injected");
    book.check(leak(crash.text()) === null, "The output of a crash holds the token");
    book.figure("commands", commands.length + 2);
    book.figure("child processes looked into", await searchChildren(book, { folder, data, env }));
    book.figure("files searched", await searchFiles(book, folder));
    return book.verdict();
  } finally {
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  }
}

export const runner: Runner = {
  promise:
    "P29: neither the API token nor a JWT is in any log, database, export, output, crash, process argument or environment of a child.",
  inShortForm: false,
  limitS: { short: 60, full: 60 },
  cannotRun: () => (process.platform === "linux" ? null : "it looks into /proc"),
  run,
  controls: [
    {
      name: "echo",
      without: "taking secrets out of what servers answer",
      patches: [
        {
          file: "electron/engine/deployment/classify.ts",
          find: `return asked.secrets.reduce((rest, secret) => rest.replaceAll(secret, "…"), text);`,
          replace: "return asked.secrets.length < 0 ? '' : text;",
        },
      ],
    },
    {
      name: "child",
      without: "taking the token out of the simulator's environment",
      patches: [
        {
          file: "electron/cli/simulator-process.ts",
          find: "delete env.IKOMIA_TOKEN;",
          replace: "",
        },
      ],
    },
  ],
};
