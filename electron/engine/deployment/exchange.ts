import { createByteQueue, type ByteQueue } from "./byte-queue.ts";
import type { HttpBody, HttpReply, HttpRequest } from "./http.ts";
import { Aborted, BodyBroken, TimedOut, toNetFailure } from "./net-failure.ts";
import { createWatchdog } from "./watchdog.ts";

/** Default for getting a connection, milliseconds. */
export const CONNECT_TIMEOUT_MS = 15_000;
const IDLE_TIMEOUT_MS = 60_000;
const LONGEST_DUMP_BYTES = 256 * 1024;

/** What an exchange asks of its connection. */
interface Controller {
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

/** One request on its way, and what became of it. The HTTP library calls its `on…` methods. */
export class Exchange {
  readonly reply: Promise<HttpReply>;
  readonly #request: HttpRequest;
  readonly #url: URL;
  readonly #leave: () => void;
  readonly #watchdog = createWatchdog();
  #resolve: (reply: HttpReply) => void = () => undefined;
  #controller: Controller | null = null;
  #queue: ByteQueue | null = null;
  #bodySent = false;
  #over = false;
  #received = 0;

  /** `leave` is called as soon as another request may go. */
  constructor(request: HttpRequest, url: URL, leave: () => void) {
    this.#request = request;
    this.#url = url;
    this.#leave = leave;
    this.reply = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** False = nothing is to be sent. From here on the time to connect runs. */
  start(): boolean {
    const { signal, connectTimeoutMs } = this.#request;
    if (signal?.aborted === true) this.#onSignal();
    else {
      signal?.addEventListener("abort", this.#onSignal, { once: true });
      this.#watch("connect", connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
    }
    return !this.#over;
  }

  /** The request's body as it goes out. To be iterated once. */
  async *send(body: HttpBody): AsyncGenerator<Uint8Array> {
    let sent = 0;
    this.#watch("body", this.#idleMs);
    for await (const chunk of body.chunks()) {
      sent += chunk.byteLength;
      if (sent >= body.length) {
        // Said before the chunk is handed over: from here on nobody knows how far it came.
        this.#bodySent = true;
        if (this.#queue === null) this.#watch("head", this.#request.headTimeoutMs);
      } else this.#watchdog.progress();
      yield chunk;
    }
  }

  onRequestStart(controller: Controller): void {
    const again = this.#controller !== null;
    this.#controller = controller;
    // Given up while connecting, or about to be sent a second time: not a byte of it may leave.
    if (this.#over || again) {
      controller.abort(new Aborted("not to be sent"));
    } else if (this.#request.body === undefined) {
      this.#bodySent = true;
      this.#watch("head", this.#request.headTimeoutMs);
    }
  }

  onResponseStart(
    _controller: Controller,
    status: number,
    rawHeaders: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200 || this.#over) return;
    this.#request.signal?.removeEventListener("abort", this.#onSignal);
    this.#watchdog.stop();
    this.#queue = createByteQueue({
      onRoom: () => this.#controller?.resume(),
      onLeave: () => this.#giveUp(new Aborted("the reader left")),
      onWait: (waiting) => {
        if (waiting) this.#watch("body", this.#idleMs);
        else this.#watchdog.stop();
      },
    });
    const headers = joined(rawHeaders);
    const body = this.#queue.read();
    const framing = framingOf(status, headers);
    const contentLength = framing === "length" ? Number(headers["content-length"] ?? 0) : null;
    this.#resolve({
      kind: "response",
      status,
      headers,
      framing,
      contentLength,
      body,
      dump: () => dump(body),
    });
  }

  onResponseData(controller: Controller, chunk: Uint8Array): void {
    this.#received += chunk.byteLength;
    this.#watchdog.progress();
    if (this.#queue?.push(chunk) === false) controller.pause();
  }

  onResponseEnd(): void {
    this.#finish(null);
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#finish(error);
  }

  get #idleMs(): number {
    return this.#request.idleTimeoutMs ?? IDLE_TIMEOUT_MS;
  }

  #onSignal = (): void => this.#giveUp(new Aborted("aborted by the caller"));

  #watch(phase: TimedOut["phase"], ms: number): void {
    if (this.#over) return;
    this.#watchdog.watch(ms, () => this.#giveUp(new TimedOut(phase)));
  }

  #giveUp(error: Error): void {
    this.#finish(error);
    this.#controller?.abort(error);
  }

  #finish(error: Error | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#watchdog.stop();
    this.#request.signal?.removeEventListener("abort", this.#onSignal);
    this.#leave();
    if (error === null) {
      this.#queue?.end();
      return;
    }
    const failure = toNetFailure(error, this.#url);
    if (this.#queue === null) {
      this.#resolve({ kind: "failure", failure, bodySent: this.#bodySent, cause: withoutData(error) });
    } else this.#queue.fail(new BodyBroken(failure, this.#received, error));
  }
}

/** A parser's error carries the bytes that it could not read: what a server said does not belong into a log. */
function withoutData(error: Error): Error {
  if ("data" in error) error.data = undefined;
  return error;
}

/** How the end of a body is known (RFC 9112, 6.3). */
function framingOf(status: number, headers: Record<string, string>): "length" | "chunked" | "close" {
  if (status === 204 || status === 304) return "length";
  if (/\bchunked\s*$/i.test(headers["transfer-encoding"] ?? "")) return "chunked";
  return /^\d+$/.test(headers["content-length"] ?? "") ? "length" : "close";
}

function joined(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]): [string, string] => [
    name.toLowerCase(),
    Array.isArray(value) ? value.join(", ") : (value ?? ""),
  ]);
  return Object.fromEntries(entries);
}

async function dump(body: AsyncGenerator<Uint8Array>): Promise<void> {
  try {
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.byteLength;
      if (bytes > LONGEST_DUMP_BYTES) break;
    }
  } catch {
    // What is thrown away may as well break off.
  }
}
