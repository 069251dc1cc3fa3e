import type {
  CallName,
  CallOutput,
  Envelope,
  EventName,
  Events,
  Input,
  Transport,
} from "../../electron/contract/api.ts";
import { EVENT_NAMES } from "../../electron/contract/api.ts";
import type { Failure } from "../../electron/contract/failure.ts";
import { fail } from "../../electron/contract/result.ts";
import { words } from "./messages.ts";

declare global {
  interface Window {
    /** The desktop's bridge; absent in an ordinary browser. */
    nightrun?: Transport;
  }
}

/** The desktop's bridge when there is one, else loopback HTTP to the host that served this page. */
export function chooseTransport(): Transport {
  return window.nightrun ?? createHttpTransport(document.baseURI);
}

type Listeners = { [E in EventName]: Set<(event: Events[E]) => void> };

/** Calls as `POST api/call/<name>`, events from `GET api/events`; its own failures come as `Failure` values. */
export function createHttpTransport(base: string): Transport {
  const host = new URL(base).host;
  const listeners: Listeners = {
    "batches:changed": new Set(),
    "images:changed": new Set(),
    "event:added": new Set(),
    "engine:changed": new Set(),
  };
  let source: EventSource | null = null;
  let isBroken = false;
  let telling: ReturnType<typeof setTimeout> | undefined;

  function emit<E extends EventName>(name: E, event: Events[E]): void {
    for (const listener of listeners[name]) listener(event);
  }

  function broke(): void {
    if (isBroken) return;
    isBroken = true;
    // A stream that comes back at once is no news for a person.
    telling = setTimeout(() => {
      emit("engine:changed", { running: false, failure: unreachable(host) });
    }, GRACE_MS);
  }

  function mended(): void {
    clearTimeout(telling);
    // Events of the meantime are lost, so whoever listens has to load anew.
    if (isBroken) emit("engine:changed", { running: true, failure: null });
    isBroken = false;
  }

  /** The browser does not tell why a stream was refused, so a call finds out. */
  async function tellRefusal(): Promise<void> {
    const answer = await post(base, "settings:get", {});
    if (answer.ok || !isBroken) return;
    clearTimeout(telling);
    emit("engine:changed", { running: false, failure: answer.failure });
  }

  function open(): void {
    source = new EventSource(new URL("api/events", base));
    source.onopen = mended;
    source.onerror = () => {
      broke();
      if (source?.readyState !== EventSource.CLOSED) return;
      // A refused stream (wrong status) is closed for good by the browser, so it is opened anew here.
      setTimeout(open, RECONNECT_MS);
      void tellRefusal();
    };
    for (const name of EVENT_NAMES) {
      source.addEventListener(name, (message: MessageEvent<string>) => {
        emit(name, JSON.parse(message.data) as never);
      });
    }
  }

  return {
    call: (name, input) => post(base, name, input),
    on(name, listener) {
      if (source === null) open();
      listeners[name].add(listener);
      return () => listeners[name].delete(listener);
    },
  };
}

const RECONNECT_MS = 2000;
const GRACE_MS = 1500;

async function post<N extends CallName>(
  base: string,
  name: N,
  input: Input<N>,
): Promise<Envelope<CallOutput<N>>> {
  const response = await fetch(new URL(`api/call/${name}`, base), {
    method: "POST",
    headers: { "content-type": "application/json", "x-nightrun": "1" },
    body: JSON.stringify(input),
  }).catch(() => null); // Whatever the browser calls it, it means that the host did not answer.
  if (response === null) return fail(unreachable(new URL(base).host));
  if (response.status === 401 || response.status === 403) return fail(words.engine.notSignedIn);
  const body: unknown = await response.json().catch(() => null); // No JSON: judged just below.
  if (isEnvelope(body)) return body as Envelope<CallOutput<N>>;
  return fail({ reason: "internal", message: words.engine.strangeAnswer(name, response.status) });
}

function isEnvelope(value: unknown): boolean {
  return typeof value === "object" && value !== null && "ok" in value && typeof value.ok === "boolean";
}

function unreachable(host: string): Failure {
  return { reason: "unreachable", host, code: "no answer" };
}
