import { mkdtemp, open, rm, writeFile, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { ResultDecision } from "../../../electron/contract/batch.ts";
import { createSubmitBody, type SubmitBody } from "../../../electron/engine/deployment/body.ts";
import {
  createDeployment,
  type CollectOutcome,
  type Deployment,
  type DeploymentTimeouts,
  type ResultSink,
} from "../../../electron/engine/deployment/client.ts";
import { createHttp, type Http } from "../../../electron/engine/deployment/http.ts";
import { systemClock, type Clock } from "../../../electron/engine/clock.ts";
import { startWebServer, type WebServer } from "./servers.ts";

export const API_TOKEN = "CANARY_API_TOKEN";
export const JWT = "CANARY.JWT.SIGNATURE";
export const RUN_ID = "0b3f2c9e-0000-4000-8000-000000000001";

/** One output of one task, without parameters. */
export const DECISION: Pick<ResultDecision, "outputs" | "parameters" | "inputs"> = {
  outputs: [{ taskName: "infer_yolo_v8", taskIndex: 0, outputIndex: 1 }],
  parameters: [],
  inputs: [],
};

/** The product's own HTTP, closed when the test ends. */
export function startHttp(env: NodeJS.ProcessEnv = {}, connections = 8): Http {
  const http = createHttp({ env, connections, userAgent: "nightrun-test" });
  onTestFinished(() => http.close());
  return http;
}

/** A token service that always gives the same JWT. */
export function startTokenService(jwt = JWT): Promise<WebServer> {
  return startWebServer((_seen, response) => {
    response.setHeader("content-type", "application/json");
    response.end(
      JSON.stringify({ id_token: jwt, access_token: "x", expires_in: 36_000, token_type: "Bearer" }),
    );
  });
}

/** A client of the deployment at `url`, with a token service of its own. */
export async function startDeployment(
  url: string,
  options: {
    env?: NodeJS.ProcessEnv;
    timeouts?: Partial<DeploymentTimeouts>;
    clock?: Clock;
    http?: Http;
  } = {},
): Promise<Deployment> {
  const service = await startTokenService();
  return createDeployment({
    url,
    tokenService: service.url,
    apiToken: () => API_TOKEN,
    http: options.http ?? startHttp(options.env),
    clock: options.clock ?? systemClock,
    timeouts: options.timeouts ?? {},
  });
}

/** A temporary folder, gone when the test ends. */
export async function startFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "nightrun-deployment-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** An open file with this content. */
export async function startFile(content: Uint8Array): Promise<{ path: string; handle: FileHandle }> {
  const path = join(await startFolder(), "photo.jpg");
  await writeFile(path, content);
  const handle = await open(path);
  onTestFinished(() => handle.close());
  return { path, handle };
}

/** The body of a submission of these bytes. */
export async function bodyOf(content: Uint8Array = Buffer.from("picture")): Promise<SubmitBody> {
  const { handle } = await startFile(content);
  return createSubmitBody({ handle, bytes: content.length, decision: DECISION });
}

/** Collects into memory, noting the order of things. */
export async function collectInto(
  deployment: Deployment,
  options: { uuid?: string; long?: boolean; sink?: Partial<ResultSink> } = {},
): Promise<{ outcome: CollectOutcome; heads: (number | null)[]; bytes: Buffer }> {
  const heads: (number | null)[] = [];
  const chunks: Buffer[] = [];
  const outcome = await deployment.collect(options.uuid ?? RUN_ID, {
    long: options.long ?? false,
    onHead: async ({ contentLength }) => {
      heads.push(contentLength);
      return {
        write: async (chunk) => {
          chunks.push(Buffer.from(chunk));
        },
        ...options.sink,
      };
    },
  });
  return { outcome, heads, bytes: Buffer.concat(chunks) };
}

/** Milliseconds that are short for a test and long for loopback. */
export const QUICK: Partial<DeploymentTimeouts> = {
  connectMs: 400,
  idleMs: 400,
  submitHeadMs: 400,
  collectHeadMs: 400,
  workflowHeadMs: 400,
};
