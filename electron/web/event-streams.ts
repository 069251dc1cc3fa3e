import type { ServerResponse } from "node:http";
import type { FeedEvent } from "../engine/handlers/service.ts";

/** The open event streams of all windows. */
export interface EventStreams {
  /** False: there are too many already. */
  add(response: ServerResponse): boolean;
  send(event: FeedEvent): void;
  close(): void;
  readonly count: number;
}

const MOST_STREAMS = 24;
const BEAT_MS = 15_000;
/** A window that does not read this much is let go: it reconnects and loads everything anew. */
const MOST_UNREAD_BYTES = 4_000_000;
const RECONNECT_MS = 1000;

function frame({ name, data }: FeedEvent): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

export function createEventStreams(): EventStreams {
  const streams = new Set<ServerResponse>();
  const beat = setInterval(() => write(": beat\n\n"), BEAT_MS);
  beat.unref();

  function write(text: string): void {
    for (const stream of streams) {
      if (stream.writableLength > MOST_UNREAD_BYTES) stream.destroy();
      else stream.write(text);
    }
  }

  return {
    add(response) {
      if (streams.size >= MOST_STREAMS) return false;
      streams.add(response);
      response.on("close", () => streams.delete(response));
      response.socket?.setTimeout(0);
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      response.write(`retry: ${RECONNECT_MS}\n\n`);
      return true;
    },
    send: (event) => write(frame(event)),
    close() {
      clearInterval(beat);
      for (const stream of streams) stream.end();
      streams.clear();
    },
    get count() {
      return streams.size;
    },
  };
}
