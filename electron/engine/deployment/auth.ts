import type { DeploymentFailure } from "../../contract/failure.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import { tokenAnswerSchema } from "../../contract/schema/wire.ts";
import type { Clock } from "../clock.ts";
import type { Http, HttpReply } from "./http.ts";
import { readText } from "./read-text.ts";
import { parseDeploymentUrl } from "./url.ts";
import { announcesHtml, looksLikeHtml, readErrorDetail } from "./wire.ts";

/** The variable that holds the API token, as with the official tools. */
export const TOKEN_VARIABLE = "IKOMIA_TOKEN";

/** The JWT of one deployment. It stays in memory. */
export interface Auth {
  /**
   * A JWT that is valid for a while: the service is asked when there is none or it has lived 80 % of its life.
   * Calls at the same time share one question.
   */
  jwt(): Promise<Result<string, DeploymentFailure>>;
  /** The deployment refused this JWT: a new one, unless it was replaced already. Shares one question, too. */
  renew(refused: string): Promise<Result<string, DeploymentFailure>>;
  /** Forgets the JWT, for example because there is another API token now. */
  forget(): void;
}

interface Grant {
  jwt: string;
  /** Monotonic milliseconds at which it was asked for. */
  asOf: number;
  lifeMs: number;
}

const USABLE_SHARE = 0.8;
const SHORTEST_LIFE_MS = 1000;
const LONGEST_LIFE_MS = 24 * 60 * 60 * 1000;
const HEAD_TIMEOUT_MS = 120_000;

/**
 * Signs in with the token service (API facts, section 2.1). The API token goes to exactly the origin of
 * `tokenService` and nowhere else.
 */
export function createAuth(options: {
  http: Http;
  clock: Clock;
  tokenService: string;
  deploymentUrl: string;
  apiToken: () => string | null;
}): Auth {
  const { clock } = options;
  let grant: Grant | null = null;
  let asking: Promise<Result<string, DeploymentFailure>> | null = null;
  let generation = 0;

  function ask(): Promise<Result<string, DeploymentFailure>> {
    asking ??= askOnce(generation).finally(() => (asking = null));
    return asking;
  }

  async function askOnce(askedIn: number): Promise<Result<string, DeploymentFailure>> {
    const asOf = clock.mono();
    const answer = await signIn(options);
    if (!answer.ok) return answer;
    // Forgotten meanwhile: the answer belongs to another API token.
    if (askedIn === generation) grant = { ...answer.value, asOf };
    return succeed(answer.value.jwt);
  }

  return {
    async jwt() {
      const held = grant;
      const age = held === null ? 0 : clock.mono() - held.asOf;
      if (held !== null && age < USABLE_SHARE * held.lifeMs) return succeed(held.jwt);
      const answer = await ask();
      const stillGood = held !== null && held === grant && clock.mono() - held.asOf < held.lifeMs;
      // The token service has a bad hour; the JWT at hand does not know that.
      return !answer.ok && stillGood && answer.failure.reason !== "token-rejected"
        ? succeed(held.jwt)
        : answer;
    },
    async renew(refused) {
      if (grant !== null && grant.jwt !== refused) return succeed(grant.jwt);
      grant = null;
      return ask();
    },
    forget() {
      generation += 1;
      grant = null;
      asking = null;
    },
  };
}

type SignInOptions = Parameters<typeof createAuth>[0];

async function signIn(options: SignInOptions): Promise<Result<Omit<Grant, "asOf">, DeploymentFailure>> {
  const apiToken = options.apiToken()?.trim() ?? "";
  if (!/^[\x21-\x7e]+$/.test(apiToken)) return fail({ reason: "no-token", variable: TOKEN_VARIABLE });
  const service = parseDeploymentUrl(options.tokenService);
  if (!service.ok) {
    const detail = "its address is not an https URL.";
    return fail({ reason: "token-service-error", service: options.tokenService, status: null, detail });
  }
  // Nobody knows whether the service minds the slash at the end (API facts, section 2.1).
  const first = await askFor(options.deploymentUrl, { ...options, service: service.value, apiToken });
  if (first.ok || first.failure.reason !== "deployment-not-found") return first;
  const other = options.deploymentUrl.endsWith("/")
    ? options.deploymentUrl.replace(/\/+$/, "")
    : `${options.deploymentUrl}/`;
  const second = await askFor(other, { ...options, service: service.value, apiToken });
  return second.ok || second.failure.reason !== "deployment-not-found" ? second : first;
}

async function askFor(
  endpoint: string,
  asked: { http: Http; service: string; apiToken: string },
): Promise<Result<Omit<Grant, "asOf">, DeploymentFailure>> {
  const url = new URL(`${asked.service}/v1/projects/jwt/`);
  url.searchParams.set("endpoint", endpoint);
  url.searchParams.set("storage", "true");
  const reply = await asked.http.request({
    method: "GET",
    url: url.href,
    headers: { authorization: `Token ${asked.apiToken}`, accept: "application/json" },
    headTimeoutMs: HEAD_TIMEOUT_MS,
  });
  if (reply.kind === "failure") return fail(reply.failure);
  return readAnswer(reply, { service: new URL(asked.service).host, endpoint, apiToken: asked.apiToken });
}

async function readAnswer(
  reply: HttpReply & { kind: "response" },
  about: { service: string; endpoint: string; apiToken: string },
): Promise<Result<Omit<Grant, "asOf">, DeploymentFailure>> {
  const { service, endpoint, apiToken } = about;
  const { status } = reply;
  const { text, broken } = await readText(reply);
  if (status === 401 || status === 403) return fail({ reason: "token-rejected", status, service });
  if (status === 404) return fail({ reason: "deployment-not-found", deployment: endpoint });
  const trouble = (detail: string): { ok: false; failure: DeploymentFailure } =>
    fail({ reason: "token-service-error", service, status, detail });
  if (status !== 200) return trouble(readErrorDetail(text.replaceAll(apiToken, "…")));
  if (broken !== null) return fail(broken);
  if (announcesHtml(reply.headers) || looksLikeHtml(text)) return trouble("it answers with a web page.");
  const answer = tokenAnswerSchema.safeParse(parseJson(text));
  if (!answer.success) return trouble("its answer holds no id_token.");
  const lifeMs = Math.min(LONGEST_LIFE_MS, Math.max(SHORTEST_LIFE_MS, answer.data.expires_in * 1000));
  return succeed({ jwt: answer.data.id_token, lifeMs });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON: no schema accepts it
  }
}
