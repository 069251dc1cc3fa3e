import type { DeploymentReport, Handlers } from "../../contract/api.ts";
import { SIMULATOR } from "../../contract/batch.ts";
import { fail, succeed, type Result } from "../../contract/result.ts";
import type { Deployment } from "../deployment/client.ts";
import { parseDeploymentUrl } from "../deployment/url.ts";
import { parseWorkflow } from "../deployment/workflow.ts";
import { CallRefused, writerOf, type HandlerContext } from "./context.ts";

type DeploymentHandlers = Pick<
  Handlers,
  "deployment:test" | "workflow:read" | "token:set" | "token:clear" | "token:state"
>;

/** The word `simulator`, or a URL in canonical form. */
export function canonicalAddress(address: string): Result<string> {
  return address === SIMULATOR ? succeed(SIMULATOR) : parseDeploymentUrl(address);
}

/** Asks for the workflow; a JWT that is refused is renewed once. */
export async function askWorkflow(
  deployment: Deployment,
): Promise<Awaited<ReturnType<Deployment["workflow"]>>> {
  const signedIn = await deployment.auth.jwt();
  if (!signedIn.ok) return signedIn;
  const told = await deployment.workflow();
  if (told.ok || told.failure.reason !== "sign-in-refused") return told;
  const renewed = await deployment.auth.renew(signedIn.value);
  return renewed.ok ? deployment.workflow() : renewed;
}

/** Calls about deployments and the way to sign in there. */
export function deploymentHandlers(context: HandlerContext): DeploymentHandlers {
  const { host, clock } = context;

  async function test(address: string): Promise<Result<DeploymentReport>> {
    const startedMono = clock.mono();
    const connected = await writerOf(context).deployments.connect(address);
    if (!connected.ok) return connected;
    const told = await askWorkflow(connected.value);
    const tookMs = Math.round(clock.mono() - startedMono);
    if (told.ok) context.workflows.set(address, told.value);
    else if (told.failure.reason !== "workflow-unavailable") return fail(told.failure);
    return succeed({
      deployment: address,
      workflow: told.ok ? told.value.workflow : null,
      workflowHash: told.ok ? told.value.hash : null,
      note: told.ok ? null : told.failure,
      tookMs,
    });
  }

  function addressOf(deployment: string): string {
    const address = canonicalAddress(deployment);
    if (!address.ok) throw new CallRefused(address.failure);
    return address.value;
  }

  /** Another token counts at once: the old JWT goes, and who waits to sign in tries again. */
  async function tokenChanged(address: string): Promise<void> {
    const engine = writerOf(context);
    engine.deployments.get(address)?.auth.forget();
    for (const batch of await context.reader.call("listBatches", null))
      if (batch.settings.decision.deployment === address) engine.runner(batch.id)?.tryNow();
  }

  return {
    async "deployment:test"({ deployment }) {
      const address = canonicalAddress(deployment);
      return address.ok ? test(address.value) : address;
    },
    "workflow:read": ({ text }) => {
      const read = parseWorkflow(text);
      if (read.ok) return read;
      const problem = "detail" in read.failure ? `${read.failure.detail}.` : "it is no workflow file.";
      return fail({ reason: "bad-file", file: "The workflow file", problem });
    },
    async "token:set"({ deployment, token }) {
      const address = addressOf(deployment);
      const state = host.tokens.set(address, token.trim());
      await tokenChanged(address);
      return state;
    },
    async "token:clear"({ deployment }) {
      const address = addressOf(deployment);
      const state = host.tokens.clear(address);
      await tokenChanged(address);
      return state;
    },
    "token:state": ({ deployment }) => host.tokens.state(addressOf(deployment)),
  };
}
