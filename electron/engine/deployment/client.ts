import { randomUUID } from "node:crypto";
import type { DeploymentFailure } from "../../contract/failure.ts";
import { fail, type Result } from "../../contract/result.ts";
import type { Workflow } from "../../contract/workflow.ts";
import type { Clock } from "../clock.ts";
import { createAuth, type Auth } from "./auth.ts";
import type { SubmitBody } from "./body.ts";
import { collectOutcome, submitOutcome, workflowAnswer, probeAnswer } from "./classify.ts";
import type { Http, HttpReply } from "./http.ts";
import type { Asked, CollectOutcome, ResultSink, SubmitOutcome } from "./outcome.ts";

export type { CollectOutcome, ResultSink, SubmitOutcome } from "./outcome.ts";

/** One deployment. Every call is one attempt; none retries, renews or waits for another try. */
export interface Deployment {
  readonly url: string;
  readonly auth: Auth;
  submit(
    body: SubmitBody,
    options: { signal?: AbortSignal; idempotencyKey?: string },
  ): Promise<SubmitOutcome>;
  /**
   * Never given up early once asked. `onHead` runs when the head of a result is there and before its body is read:
   * what it records is recorded in time.
   */
  collect(
    uuid: string,
    options: { long: boolean; onHead: (head: { contentLength: number | null }) => Promise<ResultSink> },
  ): Promise<CollectOutcome>;
  workflow(): Promise<Result<{ workflow: Workflow; hash: string }>>;
  /** A cheap look whether the deployment answers: the result of a run that cannot exist. A refused JWT counts as an answer. */
  probe(): Promise<Result<void, DeploymentFailure>>;
  close(): Promise<void>;
}

/** Milliseconds; the defaults hold everywhere but in tests. */
export interface DeploymentTimeouts {
  connectMs: number;
  idleMs: number;
  /** A sleeping deployment wakes up slowly. */
  submitHeadMs: number;
  collectHeadMs: number;
  workflowHeadMs: number;
}

export const DEPLOYMENT_TIMEOUTS: DeploymentTimeouts = {
  connectMs: 15_000,
  idleMs: 60_000,
  submitHeadMs: 120_000,
  collectHeadMs: 90_000,
  workflowHeadMs: 120_000,
};

/** `url` in the form of `parseDeploymentUrl`; `tokenService` is IKOMIA_URL. */
export function createDeployment(options: {
  url: string;
  tokenService: string;
  apiToken: () => string | null;
  http: Http;
  clock: Clock;
  timeouts?: Partial<DeploymentTimeouts>;
}): Deployment {
  const { url, http, clock, apiToken } = options;
  const timeouts = { ...DEPLOYMENT_TIMEOUTS, ...options.timeouts };
  const auth = createAuth({ ...options, deploymentUrl: url });

  async function exchange(
    request: Pick<Parameters<Http["request"]>[0], "method" | "headTimeoutMs"> & {
      path: string;
      headers?: Record<string, string>;
      body?: SubmitBody;
      signal?: AbortSignal;
    },
  ): Promise<{ signIn: DeploymentFailure } | { reply: HttpReply; about: Asked }> {
    const signedIn = await auth.jwt();
    if (!signedIn.ok) return { signIn: signedIn.failure };
    const jwt = signedIn.value;
    const { path, headers, ...rest } = request;
    const reply = await http.request({
      ...rest,
      url: url + path,
      headers: { authorization: `Bearer ${jwt}`, accept: "application/json", ...headers },
      connectTimeoutMs: timeouts.connectMs,
      idleTimeoutMs: timeouts.idleMs,
      fresh: true,
    });
    const secrets = [jwt, apiToken() ?? ""].filter((secret) => secret !== "");
    return { reply, about: { url, jwt, secrets, nowMs: clock.now() } };
  }

  return {
    url,
    auth,
    async submit(body, { signal, idempotencyKey }) {
      const answer = await exchange({
        method: "PUT",
        path: "/api/run?advice=true",
        headers: {
          "content-type": "application/json",
          ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
        },
        body,
        headTimeoutMs: timeouts.submitHeadMs,
        ...(signal === undefined ? {} : { signal }),
      });
      if ("signIn" in answer) return { kind: "not-sent", failure: answer.signIn };
      return submitOutcome(answer.reply, body, answer.about);
    },
    async collect(uuid, { long, onHead }) {
      const answer = await exchange({
        method: "GET",
        path: `/api/results/${encodeURIComponent(uuid)}?advice=true&long=${long}`,
        headTimeoutMs: timeouts.collectHeadMs,
      });
      if ("signIn" in answer) return { kind: "unreachable", failure: answer.signIn };
      return collectOutcome(answer.reply, onHead, answer.about);
    },
    async workflow() {
      const answer = await exchange({
        method: "GET",
        path: "/workflow",
        headTimeoutMs: timeouts.workflowHeadMs,
      });
      if ("signIn" in answer) return fail(answer.signIn);
      return workflowAnswer(answer.reply, answer.about);
    },
    async probe() {
      const answer = await exchange({
        method: "GET",
        path: `/api/results/${randomUUID()}?advice=true&long=false`,
        headTimeoutMs: timeouts.workflowHeadMs,
      });
      if ("signIn" in answer) return fail(answer.signIn);
      return probeAnswer(answer.reply, answer.about);
    },
    close: () => http.close(),
  };
}
