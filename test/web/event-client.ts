import { request } from "node:http";
import { onTestFinished } from "vitest";
import type { EventName, Events } from "../../electron/contract/api.ts";
import type { WindowStand } from "./window-stand.ts";

export interface Received {
  name: EventName;
  data: Events[EventName];
  atMs: number;
}

/** An open event stream, as a page has it; `reads` false never takes a byte after the head. */
export interface EventClient {
  readonly events: readonly Received[];
  readonly status: number;
  readonly type: string;
  /** The stream has ended. */
  readonly ended: Promise<void>;
  /** Resolves with the first event, past or to come, for which it holds. */
  next<E extends EventName>(name: E, holds?: (data: Events[E]) => boolean): Promise<Received>;
  close(): void;
}

/** Opens `GET /api/events`; resolves when its head is there. */
export async function listen(stand: WindowStand, reads = true): Promise<EventClient> {
  const cookie = await stand.cookie();
  const events: Received[] = [];
  const waiters = new Set<() => void>();
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: "127.0.0.1", port: stand.server.port, path: "/api/events", headers: { cookie }, agent: false },
      (response) => {
        let text = "";
        const ended = new Promise<void>((end) => response.once("close", () => end()));
        if (reads) {
          response.setEncoding("utf8").on("data", (chunk: string) => {
            text += chunk;
            for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
              take(text.slice(0, end));
              text = text.slice(end + 2);
            }
          });
        }
        response.on("error", () => null);
        const client: EventClient = {
          events,
          status: response.statusCode ?? 0,
          type: response.headers["content-type"] ?? "",
          ended,
          next: (name, holds = () => true) =>
            new Promise((found) => {
              const look = (): void => {
                const event = events.find((e) => e.name === name && holds(e.data as never));
                if (event === undefined) return;
                waiters.delete(look);
                found(event);
              };
              waiters.add(look);
              look();
            }),
          close: () => asked.destroy(),
        };
        resolve(client);
      },
    );
    const take = (frame: string): void => {
      const [, name] = /^event: (.+)$/m.exec(frame) ?? [];
      const [, data] = /^data: (.+)$/m.exec(frame) ?? [];
      if (name === undefined || data === undefined) return;
      events.push({ name: name as EventName, data: JSON.parse(data) as never, atMs: performance.now() });
      for (const look of [...waiters]) look();
    };
    asked.on("error", reject);
    onTestFinished(() => void asked.destroy());
    asked.end();
  });
}
