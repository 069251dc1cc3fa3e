import type {
  CallName,
  CallOutput,
  EventName,
  Events,
  Input,
  Transport,
} from "../../electron/contract/api.ts";
import type { Failure } from "../../electron/contract/failure.ts";
import { fail, type Result } from "../../electron/contract/result.ts";

/** What a call gives when it succeeds: the envelope and the call's own `Result` become one. */
export type Answer<N extends CallName> = CallOutput<N> extends Result<infer T> ? T : CallOutput<N>;

/** A transport whose two layers of success and failure are folded into one `Result`. */
export interface Client {
  ask<N extends CallName>(name: N, input: Input<N>): Promise<Result<Answer<N>>>;
  on<E extends EventName>(name: E, listener: (event: Events[E]) => void): () => void;
}

/** Never rejects: a transport that throws becomes an `internal` failure. */
export function createClient(transport: Transport): Client {
  return {
    async ask<N extends CallName>(name: N, input: Input<N>) {
      try {
        // Rune state is a proxy, which neither IPC nor structured cloning takes.
        const envelope = await transport.call(name, plain(input));
        if (!envelope.ok) return envelope;
        const value: unknown = envelope.value;
        return (isResult(value) ? value : envelope) as Result<Answer<N>>;
      } catch (error) {
        return fail<Failure>({
          reason: "internal",
          message: error instanceof Error ? error.message : String(error),
        });
      }
    },
    on: (name, listener) => transport.on(name, listener),
  };
}

function plain<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function isResult(value: unknown): value is Result<unknown> {
  return typeof value === "object" && value !== null && "ok" in value && typeof value.ok === "boolean";
}
