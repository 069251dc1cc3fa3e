import sharp from "sharp";
import { expect } from "vitest";
import { startSimulator, type Simulator } from "../../electron/simulator/server.ts";
import type { SimulatorOptions } from "../../electron/simulator/settings.ts";

/** Matchers without vitest's `any`. */
export const A_STRING: unknown = expect.any(String);
export const A_NUMBER: unknown = expect.any(Number);
export const ANYTHING: unknown = expect.anything();
export function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}

/** What a test asks for when the content of the result does not matter: nothing is decoded. */
export const CHEAP = {
  outputs: [{ task_name: "image_facts", task_index: 0, output_index: 0 }],
  parameters: [{ task_name: "image_facts", task_index: 0, parameters: { decode: "False" } }],
};

/** A plain caller of a deployment, with nothing of Nightrun's own client in it. */
export interface Caller {
  jwt: string;
  put(body: unknown, query?: string): Promise<Response>;
  /** Submits and returns the run id, whichever form it came in. */
  submit(image: Buffer, wanted?: Record<string, unknown>, query?: string): Promise<string>;
  get(uuid: string, query?: string): Promise<Response>;
  /** Long-polls until something other than 202 comes. */
  collect(uuid: string): Promise<Response>;
  /** Submits, collects and returns the results array. */
  run(image: Buffer, wanted: Record<string, unknown>): Promise<Record<string, unknown>[]>;
}

export function runBody(image: Buffer, wanted: Record<string, unknown> = CHEAP): Record<string, unknown> {
  return { inputs: [{ image: image.toString("base64") }], ...wanted };
}

export async function requestJwt(
  simulator: Simulator,
  token = simulator.token,
  endpoint = simulator.url,
): Promise<Response> {
  const url = `${simulator.tokenService}/v1/projects/jwt/?endpoint=${encodeURIComponent(endpoint)}&storage=true`;
  return fetch(url, { headers: { authorization: `Token ${token}` } });
}

export async function callerOf(simulator: Simulator): Promise<Caller> {
  const answer = (await (await requestJwt(simulator)).json()) as { id_token: string };
  const headers = { authorization: `Bearer ${answer.id_token}`, "content-type": "application/json" };
  const caller: Caller = {
    jwt: answer.id_token,
    put: (body, query = "?advice=true") =>
      fetch(`${simulator.url}/api/run${query}`, {
        method: "PUT",
        headers,
        redirect: "manual",
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    async submit(image, wanted = CHEAP, query = "?advice=true") {
      const told = (await (await caller.put(runBody(image, wanted), query)).json()) as
        string | { uuid: string };
      return typeof told === "string" ? told : told.uuid;
    },
    get: (uuid, query = "?advice=true") =>
      fetch(`${simulator.url}/api/results/${uuid}${query}`, { headers, redirect: "manual" }),
    async collect(uuid) {
      for (;;) {
        const answer = await caller.get(uuid, "?advice=true&long=true");
        if (answer.status !== 202) return answer;
        await answer.arrayBuffer();
      }
    },
    async run(image, wanted) {
      const answer = await caller.collect(await caller.submit(image, wanted));
      if (answer.status !== 200) throw new Error(`Run failed: ${answer.status} ${await answer.text()}`);
      return ((await answer.json()) as { results: Record<string, unknown>[] }).results;
    },
  };
  return caller;
}

export interface Rig extends AsyncDisposable {
  simulator: Simulator;
  caller: Caller;
}

/** A simulator that computes at once, with a signed-in caller; stops at the end of the test. */
export async function startRig(options: SimulatorOptions = {}): Promise<Rig> {
  const simulator = await startSimulator({ latency: { minMs: 0, maxMs: 0 }, ...options });
  return {
    simulator,
    caller: await callerOf(simulator),
    [Symbol.asyncDispose]: () => simulator.close(),
  };
}

/** A small PNG of one color: different colors are different bytes. */
export async function picture(color: string, size = 32): Promise<Buffer> {
  return sharp({ create: { width: size, height: size, channels: 3, background: color } })
    .png()
    .toBuffer();
}

export async function rendered(svg: string): Promise<Buffer> {
  return sharp(Buffer.from(svg)).png().toBuffer();
}
