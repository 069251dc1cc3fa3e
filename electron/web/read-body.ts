import type { IncomingMessage } from "node:http";

/** The largest call, in bytes. */
export const MOST_BODY_BYTES = 2_000_000;

/** The body of a call as JSON; a number is the status of its refusal. */
export async function readJsonBody(request: IncomingMessage): Promise<{ json: unknown } | 400 | 413> {
  const announced = Number(request.headers["content-length"] ?? 0);
  if (announced > MOST_BODY_BYTES) return 413;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MOST_BODY_BYTES) return 413;
      chunks.push(chunk);
    }
    return { json: JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown };
  } catch {
    return 400; // Cut off, or no JSON.
  }
}
