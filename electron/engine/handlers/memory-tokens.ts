import type { TokenState } from "../../contract/api.ts";
import { SIMULATOR } from "../../contract/batch.ts";
import { TOKEN_VARIABLE } from "../deployment/auth.ts";
import type { Tokens } from "./context.ts";

/** Below this length, four characters would give too much away. */
const LEAST_TO_SHOW = 12;

function endingOf(token: string): string | null {
  return token.length < LEAST_TO_SHOW ? null : token.slice(-4);
}

/** Tokens of the environment, and those that a person gave for this start: kept in memory, gone with the process. */
export interface MemoryTokens extends Tokens {
  /** For signing in; null = none. */
  apiToken(deployment: string): string | null;
}

export function createMemoryTokens(env: NodeJS.ProcessEnv): MemoryTokens {
  const given = new Map<string, string>();
  const fromEnvironment = (): string | null => {
    const token = env[TOKEN_VARIABLE]?.trim() ?? "";
    return token === "" ? null : token;
  };
  const state = (deployment: string): TokenState => {
    if (deployment === SIMULATOR) return { source: "not-needed", ending: null, note: null };
    const own = given.get(deployment);
    if (own !== undefined) {
      const note = `It is kept until Nightrun stops; for longer, set ${TOKEN_VARIABLE}.`;
      return { source: "memory", ending: endingOf(own), note };
    }
    const token = fromEnvironment();
    return token === null
      ? { source: "none", ending: null, note: null }
      : { source: "environment", ending: endingOf(token), note: null };
  };
  return {
    state,
    set(deployment, token) {
      if (deployment !== SIMULATOR) given.set(deployment, token);
      return state(deployment);
    },
    clear(deployment) {
      given.delete(deployment);
      return state(deployment);
    },
    apiToken: (deployment) => given.get(deployment) ?? fromEnvironment(),
  };
}
