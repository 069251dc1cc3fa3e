import type { CallName, Input } from "../../electron/contract/api.ts";
import type { Result } from "../../electron/contract/result.ts";
import type { Answer, Client } from "./client.ts";

/** Older answers are out of date; the page was held up by something else then. */
const FRESH_MS = 2000;

/** A client that asks one thing at once and gives its answer to the first who asks the same, if it succeeded. */
export function askEarly<N extends CallName>(client: Client, name: N, input: Input<N>): Client {
  const key = keyOf(name, input);
  const askedAt = performance.now();
  let early: Promise<unknown> | null = client.ask(name, input);
  return {
    on: (event, listener) => client.on(event, listener),
    async ask(asked, about) {
      const isSame = keyOf(asked, about) === key && performance.now() - askedAt < FRESH_MS;
      const pending = isSame ? early : null;
      if (isSame) early = null;
      const answer = (await pending) as Result<Answer<typeof asked>> | null;
      return answer?.ok === true ? answer : client.ask(asked, about);
    },
  };
}

function keyOf(name: CallName, input: unknown): string {
  return `${name} ${JSON.stringify(input)}`;
}
