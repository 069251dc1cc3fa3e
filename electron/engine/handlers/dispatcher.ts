import { CALL_NAMES, type CallName, type Envelope, type Handlers } from "../../contract/api.ts";
import type { Failure } from "../../contract/failure.ts";
import { fail, succeed } from "../../contract/result.ts";
import { CALL_SCHEMAS } from "../../contract/schema/api.ts";
import { CallRefused, ONLY_LOOKING } from "./context.ts";

/** Calls that change nothing but what is shown: all that a process that only looks answers. */
export const LOOKING: ReadonlySet<CallName> = new Set<CallName>([
  "app:state",
  "settings:get",
  "token:state",
  "workflow:read",
  "folder:list",
  "folder:choose",
  "batch:check",
  "batch:get",
  "batch:export",
  "batch:import",
  "batch:night",
  "batch:events",
  "batch:in-flight",
  "batch:failures",
  "images:page",
  "images:counts",
  "images:retry-preview",
  "image:get",
  "image:reveal",
]);

export function isCallName(name: string): name is CallName {
  return (CALL_NAMES as readonly string[]).includes(name);
}

/** Answers one call. Never rejects: what is malformed, refused or broken is a failure like any other. */
export type Dispatcher = (name: CallName, input: unknown) => Promise<Envelope<unknown>>;

export function createDispatcher(options: {
  handlers: Handlers;
  readOnly: boolean;
  onProblem: (failure: Failure) => void;
}): Dispatcher {
  const { handlers, readOnly } = options;
  return async (name, input) => {
    const parsed = CALL_SCHEMAS[name].input.safeParse(input);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      return fail(malformed(name, issue?.path ?? [], issue?.message ?? "not as agreed"));
    }
    if (readOnly && !LOOKING.has(name)) return fail(ONLY_LOOKING);
    try {
      const handler = handlers[name] as (input: unknown) => unknown;
      return succeed(await handler(parsed.data));
    } catch (error) {
      if (error instanceof CallRefused) return fail(error.failure);
      const message = error instanceof Error ? error.message : String(error);
      options.onProblem({
        reason: "internal",
        message: error instanceof Error ? (error.stack ?? message) : message,
      });
      return fail({ reason: "internal", message: `${name}: ${message.slice(0, 500)}` });
    }
  };
}

/** Starts with the call's name, so that a transport can tell it from a refusal. */
function malformed(name: CallName, path: readonly PropertyKey[], message: string): Failure {
  const where = path.length === 0 ? "" : ` (${path.map(String).join(".").slice(0, 200)})`;
  return {
    reason: "usage",
    message: `${name}${where}: ${message.slice(0, 200)}.`,
    next: "Reload the window; report it if it comes again.",
  };
}
