import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";

/**
 * Draws every icon of the desktop from a few shapes: a waning moon over two lines of work.
 * Run `npm exec -- node resources/icons/make-icons.ts` after a change; the pictures are committed.
 */
const NIGHT = "#12161d";
const MOON = "#f0b64f";
const WORK = "#4cc9a4";
const ALARM = "#ec6a5e";

/** The sickle: a disc without the disc that covers it. */
const SICKLE = "M21.5 20.6A9 9 0 0 1 13.2 8a9 9 0 1 0 8.3 12.6Z";

function svg(content: string, viewBox = "0 0 32 32"): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${viewBox}">${content}</svg>`;
}

/** On a tile, for launchers and installers. */
const APP = svg(
  `<rect x="1" y="1" width="30" height="30" rx="7" fill="${NIGHT}"/>` +
    `<path d="${SICKLE}" fill="${MOON}"/>` +
    `<path d="M19 11h7m-5 4h5" stroke="${WORK}" stroke-width="2" stroke-linecap="round"/>`,
);

/** Without a tile, closer: it has to be told apart at 16 pixels. */
const tray = (colour: string): string =>
  svg(`<path d="${SICKLE}" fill="${colour}" stroke="${colour}" stroke-width="1"/>`, "2.5 5.5 20 20");

/** A dot on the icon in the task bar: something failed. */
const OVERLAY = svg(
  `<circle cx="16" cy="16" r="14" fill="${ALARM}"/><path d="M16 8v10m0 5v.5" stroke="#fff" stroke-width="4" stroke-linecap="round"/>`,
);

async function png(source: string, size: number): Promise<Buffer> {
  return sharp(Buffer.from(source), { density: (72 * size) / 32 })
    .resize(size, size)
    .png({ compressionLevel: 9 })
    .toBuffer();
}

/** Windows' container: a head, one entry a size, then the PNG files themselves. */
function ico(pictures: readonly { size: number; bytes: Buffer }[]): Buffer {
  const head = Buffer.alloc(6 + 16 * pictures.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(pictures.length, 4);
  let offset = head.length;
  pictures.forEach(({ size, bytes }, index) => {
    const at = 6 + 16 * index;
    head.writeUInt8(size % 256, at);
    head.writeUInt8(size % 256, at + 1);
    head.writeUInt16LE(1, at + 4);
    head.writeUInt16LE(32, at + 6);
    head.writeUInt32LE(bytes.length, at + 8);
    head.writeUInt32LE(offset, at + 12);
    offset += bytes.length;
  });
  return Buffer.concat([head, ...pictures.map(({ bytes }) => bytes)]);
}

/** The Mac's container: named blocks, each a PNG of one size. */
function icns(pictures: readonly { name: string; bytes: Buffer }[]): Buffer {
  const blocks = pictures.map(({ name, bytes }) => {
    const head = Buffer.alloc(8);
    head.write(name, 0, "latin1");
    head.writeUInt32BE(bytes.length + 8, 4);
    return Buffer.concat([head, bytes]);
  });
  const head = Buffer.alloc(8);
  head.write("icns", 0, "latin1");
  head.writeUInt32BE(8 + blocks.reduce((sum, block) => sum + block.length, 0), 4);
  return Buffer.concat([head, ...blocks]);
}

/** Draws all of them into a folder. */
export async function makeIcons(folder: string): Promise<void> {
  await mkdir(join(folder, "linux"), { recursive: true });
  const write = (name: string, bytes: Buffer): Promise<void> => writeFile(join(folder, name), bytes);
  await write("icon.png", await png(APP, 512));
  for (const size of [16, 32, 48, 64, 128, 256, 512]) {
    await write(join("linux", `${size}x${size}.png`), await png(APP, size));
  }
  const windows = [16, 24, 32, 48, 64, 128, 256];
  await write(
    "icon.ico",
    ico(await Promise.all(windows.map(async (size) => ({ size, bytes: await png(APP, size) })))),
  );
  const mac = { ic11: 32, ic12: 64, ic07: 128, ic13: 256, ic08: 256, ic14: 512, ic09: 512, ic10: 1024 };
  await write(
    "icon.icns",
    icns(
      await Promise.all(
        Object.entries(mac).map(async ([name, size]) => ({ name, bytes: await png(APP, size) })),
      ),
    ),
  );
  for (const [scale, size] of [
    ["", 16],
    ["@2x", 32],
    ["@3x", 48],
  ] as const) {
    await write(`tray${scale}.png`, await png(tray(MOON), size));
    // A Mac colours it itself: only its shape counts.
    await write(`trayTemplate${scale}.png`, await png(tray("#000000"), size));
  }
  await write("overlay.png", await png(OVERLAY, 32));
}

if (import.meta.main) await makeIcons(import.meta.dirname);
