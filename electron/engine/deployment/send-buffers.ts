/** A multiple of 3, so that pieces of base64 can be joined; its base64 (256 KiB) fills any socket's buffer. */
export const PIECE_BYTES = 3 * 64 * 1024;
/** With more of them lent than this, the others are half the size: memory counts more then. */
const MOST_LARGE = 16;

/** What one body is sent from. */
export interface SendBuffers {
  /** A piece of the file: `PIECE_BYTES` or half of it. */
  raw: Buffer;
  /** Its base64: two that take turns. */
  texts: readonly [Buffer, Buffer];
}

let lent = 0;
/** Made anew for each image, 0.7 MB outside of its heap would have V8 walk all of that heap every thirty images. */
const spare: SendBuffers[] = [];

/** Buffers that nobody else has; `endLoan` when nothing more is written into them. */
export function lendBuffers(): SendBuffers {
  const pieceBytes = lent >= MOST_LARGE ? PIECE_BYTES / 2 : PIECE_BYTES;
  lent += 1;
  const at = spare.findIndex(({ raw }) => raw.length === pieceBytes);
  const [found] = at === -1 ? [] : spare.splice(at, 1);
  if (found !== undefined) return found;
  const text = (): Buffer => Buffer.allocUnsafeSlow((4 * pieceBytes) / 3);
  return { raw: Buffer.allocUnsafeSlow(pieceBytes), texts: [text(), text()] };
}

export function endLoan(): void {
  lent -= 1;
}

/** For buffers of which surely nothing is on its way any more: they serve the next body. */
export function giveBack(buffers: SendBuffers): void {
  if (spare.length < MOST_LARGE) spare.push(buffers);
}
