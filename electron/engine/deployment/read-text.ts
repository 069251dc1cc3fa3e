import type { DeploymentFailure } from "../../contract/failure.ts";
import type { HttpReply } from "./http.ts";
import { BodyBroken } from "./net-failure.ts";
import { SMALL_ANSWER_BYTES } from "./wire.ts";

/** What came of a small body. */
export interface ReceivedText {
  /** At most `limit` bytes, as UTF-8. */
  text: string;
  /** There was more than `limit`. */
  truncated: boolean;
  /** Why the body broke off; null when it ended as it should. */
  broken: DeploymentFailure | null;
}

/** Reads an answer that should be small, up to `limit` bytes, and lets go of the connection. Never throws. */
export async function readText(
  reply: HttpReply & { kind: "response" },
  limit = SMALL_ANSWER_BYTES,
): Promise<ReceivedText> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let broken: DeploymentFailure | null = null;
  try {
    for await (const chunk of reply.body) {
      chunks.push(chunk);
      bytes += chunk.byteLength;
      if (bytes > limit) break;
    }
  } catch (error) {
    if (!(error instanceof BodyBroken)) throw error;
    broken = error.failure;
  }
  const text = Buffer.concat(chunks).subarray(0, limit).toString("utf8");
  return { text: text.replace(/^\ufeff/, ""), truncated: bytes > limit, broken };
}
