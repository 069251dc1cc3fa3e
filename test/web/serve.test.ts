import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { createConsole } from "../../electron/cli/console.ts";
import { browserCommand } from "../../electron/cli/open-browser.ts";
import { serveCommand, type ServeFlags } from "../../electron/cli/serve.ts";
import { startSimulator } from "../../electron/simulator/server.ts";
import { writePictures } from "../support/pictures.ts";
import { ask, until } from "./window-stand.ts";

interface Served {
  link: string;
  port: number;
  stdout: () => string;
  stderr: () => string;
  /** Ctrl-C; gives the exit code. */
  stop(): Promise<number>;
  call(name: string, input: unknown): Promise<{ ok: boolean; value: never; failure: never }>;
}

async function place(): Promise<string> {
  const base = await mkdtemp(join(tmpdir(), "nightrun-serve-"));
  onTestFinished(() => rm(base, { recursive: true, force: true }));
  await mkdir(join(base, "page"));
  await mkdir(join(base, "pictures"));
  await writeFile(join(base, "page", "index.html"), "<!doctype html>");
  return base;
}

/** Runs the command in this process; `link` is "" when it ended before there was one. */
async function serve(
  base: string,
  flags: ServeFlags = {},
  env: NodeJS.ProcessEnv = {},
): Promise<Served & { code: Promise<number> }> {
  const streams = [new PassThrough(), new PassThrough()] as const;
  const texts = ["", ""];
  streams.forEach((stream, i) =>
    stream.setEncoding("utf8").on("data", (chunk: string) => (texts[i] = `${texts[i] ?? ""}${chunk}`)),
  );
  const [out, err] = streams;
  const console = createConsole(out as never, err as never);
  const interrupted = new AbortController();
  const all = { data: join(base, "night.db"), ...flags };
  const code = serveCommand(all, { console, env, interrupted: interrupted.signal }, join(base, "page"));
  const isOver = code.then(() => true);
  onTestFinished(async () => {
    interrupted.abort();
    await code;
  });
  await Promise.race([
    isOver,
    until(
      async () => texts[0] ?? "",
      (text) => text.includes("\n"),
    ),
  ]);
  const link = (texts[0] ?? "").trim();
  const port = link === "" ? 0 : Number(new URL(link).port);
  const cookie = link === "" ? "" : await cookieOf(port, link);
  return {
    link,
    port,
    code,
    stdout: () => texts[0] ?? "",
    stderr: () => texts[1] ?? "",
    stop: () => {
      interrupted.abort();
      return code;
    },
    async call(name, input) {
      const headers = { "x-nightrun": "1", "content-type": "application/json", cookie };
      const answer = await ask(port, `/api/call/${name}`, {
        method: "POST",
        headers,
        body: JSON.stringify(input),
      });
      return JSON.parse(answer.body.toString("utf8")) as never;
    },
  };
}

async function cookieOf(port: number, link: string): Promise<string> {
  const answer = await ask(port, link.slice(link.indexOf("/?")));
  return answer.headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
}

test("it prints one line, the link, on stdout, answers until Ctrl-C and ends with 0", async () => {
  const served = await serve(await place());
  expect(served.stdout()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}\n$/);
  expect(await served.call("app:state", {})).toMatchObject({
    ok: true,
    value: { host: "web", readOnly: false },
  });
  expect(await served.stop()).toBe(0);
  await expect(ask(served.port, "/")).rejects.toThrow();
});

test("it is refused beside a process that writes, but may look", async () => {
  const base = await place();
  const writer = await serve(base);
  const second = await serve(base);
  expect(second.link).toBe("");
  expect(await second.code).toBe(4);
  expect(second.stderr()).toContain("Another Nightrun works with the data file");
  const looker = await serve(base, { readOnly: true });
  expect(await looker.call("app:state", {})).toMatchObject({ ok: true, value: { readOnly: true } });
  expect(await looker.call("batch:remove", { batchId: 1 })).toMatchObject({
    ok: false,
    failure: { reason: "usage" },
  });
  expect(await looker.stop()).toBe(0);
  expect(await writer.stop()).toBe(0);
});

test("a wrong port, a port in use, a missing data file and a missing page are said, with what to do", async () => {
  const base = await place();
  const first = await serve(base);
  const taken = await serve(base, { port: String(first.port), readOnly: true });
  expect(await taken.code).toBe(2);
  expect(taken.stderr()).toContain("another program uses it. Give another with --port <n>");
  for (const port of ["0", "70000", "x", ""])
    expect(await (await serve(base, { port, readOnly: true })).code).toBe(2);
  const nothing = await serve(base, { data: join(base, "none.db"), readOnly: true });
  expect([await nothing.code, nothing.stderr()]).toEqual([
    2,
    expect.stringContaining("There is no data file"),
  ]);
  const unbuilt = await place();
  await rm(join(unbuilt, "page", "index.html"));
  const ended = await serve(unbuilt);
  expect([await ended.code, ended.stderr()]).toEqual([2, expect.stringContaining("npm run build")]);
});

test("after a restart, started batches go on by themselves, and paused ones do not", async () => {
  const base = await place();
  const simulator = await startSimulator({ latency: { minMs: 0, maxMs: 1 } });
  onTestFinished(() => simulator.close());
  const env = { IKOMIA_URL: simulator.tokenService, IKOMIA_TOKEN: simulator.token };
  const settings = (name: string) => ({
    name,
    decision: {
      deployment: simulator.url,
      outputs: [{ taskName: "image_facts", taskIndex: 0, outputIndex: 0 }],
      parameters: [],
      inputs: [],
    },
    intake: { folder: join(base, "pictures"), recursive: true, include: [], exclude: [], dedupe: true },
    results: { resultsFolder: join(base, name), keepRaw: false },
    limits: {
      concurrency: 5,
      rate: null,
      maxRuns: null,
      runTimeoutMs: null,
      giveUpAfterMs: 60_000,
      onUncertain: "resubmit",
    },
  });
  const first = await serve(base, {}, env);
  for (const name of ["going", "paused", "idle"])
    await first.call("batch:create", { settings: settings(name) });
  for (const batchId of [1, 2]) await first.call("batch:start", { batchId });
  await first.call("batch:pause", { batchId: 2 });
  await first.stop();
  await writePictures(join(base, "pictures"), 3);
  const second = await serve(base, {}, env);
  const cards = async (): Promise<{ activity: string; ledger: { done: number; seen: number } }[]> =>
    ((await second.call("app:state", {})).value as { batches: never[] }).batches;
  const [going, paused, idle] = await until(
    cards,
    ([card]) => card?.activity === "finished" && card.ledger.done === 3,
  );
  expect([going?.activity, paused?.activity, idle?.activity]).toEqual(["finished", "paused", "idle"]);
  expect([paused?.ledger.seen, idle?.ledger.seen]).toEqual([0, 0]);
  expect(simulator.control.stats().requests.put).toBe(3);
});

test("a token that a person gives counts at once, is never given back, and is gone after the end", async () => {
  const base = await place();
  const simulator = await startSimulator();
  onTestFinished(() => simulator.close());
  const env = { IKOMIA_URL: simulator.tokenService };
  const deployment = simulator.url;
  const served = await serve(base, {}, env);
  expect(await served.call("deployment:test", { deployment })).toMatchObject({
    value: { ok: false, failure: { reason: "no-token" } },
  });
  const set = await served.call("token:set", { deployment, token: ` ${simulator.token} ` });
  expect(set).toMatchObject({ ok: true, value: { source: "memory" } });
  expect(JSON.stringify(set)).not.toContain(simulator.token);
  expect(await served.call("deployment:test", { deployment })).toMatchObject({ value: { ok: true } });
  await served.call("token:clear", { deployment });
  expect(await served.call("deployment:test", { deployment })).toMatchObject({
    value: { ok: false, failure: { reason: "no-token" } },
  });
  expect(await served.call("token:state", { deployment: "simulator" })).toMatchObject({
    value: { source: "not-needed" },
  });
  await served.stop();
  expect(served.stdout() + served.stderr()).not.toContain(simulator.token);
});

test("the default browser is opened by each platform's own program, without a shell", () => {
  const address = "http://127.0.0.1:1/?token=a&b";
  expect(browserCommand("linux", address)).toEqual(["xdg-open", [address]]);
  expect(browserCommand("darwin", address)).toEqual(["open", [address]]);
  expect(browserCommand("win32", address)).toEqual(["rundll32", ["url.dll,FileProtocolHandler", address]]);
});
