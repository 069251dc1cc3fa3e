import { join } from "node:path";
import buildRollingStream from "pino-roll";
import { describeFailure } from "../contract/describe-failure.ts";
import type { Failure } from "../contract/failure.ts";
import { isEventKind, sentenceOf, severityOf, type EventDetails, type EventKind } from "../contract/event.ts";
import type { Clock } from "./clock.ts";
import { redact } from "./redact.ts";
import type { StoredEvent } from "./store/events.ts";
import type { Store } from "./store/store.ts";
import { makeFolder } from "./make-folder.ts";

/** A log that a person can read: what happened, in the words of the events table. It never stops the work. */
export interface NightLog {
  /** Writes what was recorded since the last time. */
  follow(): Promise<void>;
  problem(failure: Failure): void;
  close(): Promise<void>;
}

export interface NightLogOptions {
  /** Made if it is not there, readable by its owner only. */
  folder: string;
  store: Store;
  clock: Clock;
  /** Texts that must never be written, read anew each time. */
  secrets: () => readonly string[];
}

/** Five files of 5 MB, besides the one that is written. */
const ROLL = { size: "5m", limit: { count: 5, removeOtherLogFiles: true } } as const;
const PAGE = 500;

function sentence(event: StoredEvent): string {
  if (!isEventKind(event.kind)) return event.kind;
  return sentenceOf(event.kind, JSON.parse(event.detailJson) as EventDetails[EventKind] as never);
}

/** Opens the log; a folder that cannot be written gives a log that writes nothing. */
export async function openLog(options: NightLogOptions): Promise<NightLog> {
  const { store, clock } = options;
  const stream = await openStream(options.folder);
  let lastId =
    (await store.call("listEvents", { batchId: null, before: null, after: null, limit: 1 }))[0]?.id ?? 0;

  function write(at: number, severity: string, text: string): void {
    const safe = redact(text, options.secrets()).replaceAll("\n", " | ");
    stream?.write(`${new Date(at).toISOString()}  ${severity.padEnd(7)}  ${safe}\n`);
  }

  return {
    async follow() {
      for (;;) {
        const newer = await store.call("eventsAfter", { afterId: lastId, limit: PAGE });
        for (const event of newer) {
          const about = [event.batchId === null ? "" : `batch ${event.batchId}`, event.path ?? ""].filter(
            (t) => t !== "",
          );
          write(event.at, severityOf(event.kind), [...about, sentence(event)].join(": "));
        }
        lastId = Math.max(lastId, newer.at(-1)?.id ?? 0);
        if (newer.length < PAGE) return;
      }
    },
    problem(failure) {
      const { what, next } = describeFailure(failure);
      write(clock.now(), "problem", `${what} ${next}`);
    },
    async close() {
      if (stream === null) return;
      await new Promise<void>((resolve) => {
        stream.once("close", () => resolve());
        stream.end();
      });
    },
  };
}

type RollingStream = Awaited<ReturnType<typeof buildRollingStream>>;

async function openStream(folder: string): Promise<RollingStream | null> {
  try {
    await makeFolder(folder, 0o700);
    const stream = await buildRollingStream({
      file: join(folder, "nightrun"),
      extension: ".log",
      mode: 0o600,
      sync: false,
      ...ROLL,
    });
    // A full disk must not end the night for want of a log line.
    stream.on("error", () => undefined);
    return stream;
  } catch {
    return null;
  }
}
