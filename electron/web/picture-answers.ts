import type { IncomingMessage, ServerResponse } from "node:http";
import type { WindowService } from "../engine/handlers/service.ts";
import type { PictureAnswer } from "../engine/previews/previews.ts";

/** Answers the addresses of pictures: previews, result pictures, trials. */
export interface PictureAnswers {
  /** False: the address is none of a picture. */
  answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<boolean>;
}

const PREVIEW = /^\/preview\/([1-9]\d{0,14})\/(96|480|2048)$/;
const FILE = /^\/file\/([1-9]\d{0,14})\/([^/]{1,400})$/;
const TRIAL = /^\/trial\/([0-9a-f-]{36})\/([^/]{0,400})$/;
const PICTURE = /^\/(?:preview|file|trial)(?:\/|$)/;

/** The suffix as it was; null when it is not written as an address has it. */
function decoded(text: string | undefined): string | null {
  try {
    return decodeURIComponent(text ?? "");
  } catch {
    return null;
  }
}

export function createPictureAnswers(service: WindowService): PictureAnswers {
  async function find(path: string, gone: AbortSignal): Promise<PictureAnswer> {
    const [, previewId, edge] = PREVIEW.exec(path) ?? [];
    if (previewId !== undefined) return service.preview(Number(previewId), Number(edge), gone);
    const [, fileId, fileSuffix] = FILE.exec(path) ?? [];
    const suffix = decoded(fileSuffix);
    if (fileId !== undefined && suffix !== null) return service.file(Number(fileId), suffix);
    const [, trialId, trialSuffix] = TRIAL.exec(path) ?? [];
    const trialEnd = decoded(trialSuffix);
    if (trialId !== undefined && trialEnd !== null) return service.trial(trialId, trialEnd);
    return { kind: "none" };
  }

  return {
    async answer(path, request, response) {
      if (!PICTURE.test(path)) return false;
      const gone = new AbortController();
      response.on("close", () => gone.abort());
      send(await find(path, gone.signal), request, response);
      return true;
    },
  };
}

function send(answer: PictureAnswer, request: IncomingMessage, response: ServerResponse): void {
  if (answer.kind !== "picture") {
    response.writeHead(answer.kind === "none" ? 404 : 415);
    response.end();
    return;
  }
  const { type, bytes, keepMs } = answer;
  response.writeHead(200, {
    "content-type": type,
    "content-length": bytes.byteLength,
    "cache-control": keepMs === 0 ? "no-store" : `private, max-age=${Math.floor(keepMs / 1000)}`,
    // A picture is only ever a picture, whatever it holds.
    "content-security-policy": "default-src 'none'; sandbox",
  });
  response.end(request.method === "HEAD" ? undefined : bytes);
}
