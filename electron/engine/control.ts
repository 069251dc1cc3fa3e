import { randomBytes, timingSafeEqual } from "node:crypto";
import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { connect } from "node:net";
import { z } from "zod";

/** What another process of the same person asks of the one that writes the data file. */
export const controlRequest = z.discriminatedUnion("do", [
  z.object({ do: z.literal("pause"), batchIds: z.array(z.int()) }),
  z.object({ do: z.literal("resume"), batchIds: z.array(z.int()) }),
  z.object({
    do: z.literal("retry"),
    batchIds: z.array(z.int()),
    states: z.array(z.enum(["failed", "uncertain"])),
    reason: z.string().nullable(),
    path: z.string(),
  }),
]);
export type ControlRequest = z.infer<typeof controlRequest>;

export interface ControlAnswer {
  ok: boolean;
  /** Images and runs that a retry took. */
  images: number;
  runs: number;
  message: string | null;
}

const address = z.object({ port: z.int(), token: z.string() });
const LONGEST_LINE = 64 * 1024;
const ANSWER_TIMEOUT_MS = 10_000;

/**
 * The control socket of the process that writes a data file: loopback, found through a file beside the data file that
 * only its owner can read, guarded by a token that is made anew at each start.
 */
export interface ControlSocket {
  close(): Promise<void>;
}

function isEqual(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)];
  return x.length === y.length && timingSafeEqual(x, y);
}

async function answerLine(
  line: string,
  token: string,
  handle: (request: ControlRequest) => Promise<ControlAnswer>,
): Promise<ControlAnswer> {
  const refused = (message: string): ControlAnswer => ({ ok: false, images: 0, runs: 0, message });
  try {
    const message = z.object({ token: z.string(), request: controlRequest }).parse(JSON.parse(line));
    if (!isEqual(message.token, token)) return refused("The token does not fit.");
    return await handle(message.request);
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error));
  }
}

function serve(
  socket: Socket,
  token: string,
  handle: (request: ControlRequest) => Promise<ControlAnswer>,
): void {
  let text = "";
  socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    if (text.length > LONGEST_LINE) socket.destroy();
    const end = text.indexOf("\n");
    if (end < 0) return;
    void answerLine(text.slice(0, end), token, handle).then((answer) =>
      socket.end(`${JSON.stringify(answer)}\n`),
    );
    text = "";
  });
}

export async function openControl(
  file: string,
  handle: (request: ControlRequest) => Promise<ControlAnswer>,
): Promise<ControlSocket> {
  const token = randomBytes(32).toString("hex");
  const server: Server = createServer((socket) => serve(socket, token, handle));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const bound = server.address();
  const port = bound !== null && typeof bound === "object" ? bound.port : 0;
  await rm(file, { force: true });
  await writeFile(file, JSON.stringify({ port, token }), { mode: 0o600, flag: "wx" });
  if (process.platform !== "win32") await chmod(file, 0o600);
  return {
    async close() {
      await rm(file, { force: true });
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Asks the process that writes the data file; null when there is none that answers. */
export async function askControl(file: string, request: ControlRequest): Promise<ControlAnswer | null> {
  try {
    const { port, token } = address.parse(JSON.parse(await readFile(file, "utf8")));
    const line = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () =>
        socket.write(`${JSON.stringify({ token, request })}\n`),
      );
      let text = "";
      socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error("no answer in time")));
      socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      socket.once("error", reject);
      socket.once("close", () => resolve(text));
    });
    return JSON.parse(line) as ControlAnswer;
  } catch {
    // No file, an old file, or nobody behind it: the caller says that the data file is in use.
    return null;
  }
}
