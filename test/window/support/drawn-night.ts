/** A made-up herbarium: the same id always gives the same sheet, as a picture and as results. */
export const SHEET = { width: 1600, height: 1200 };

export interface Thing {
  kind: "leaf" | "flower" | "stem";
  x: number;
  y: number;
  rx: number;
  ry: number;
  confidence: number;
}

/** A number in 0..1 from any two integers. */
export function chance(id: number, salt: number): number {
  let h = Math.imul(id ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(salt + 1, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return ((h ^ (h >>> 15)) >>> 0) / 2 ** 32;
}

export function thingsOf(id: number): Thing[] {
  const count = 4 + Math.floor(chance(id, 0) * 6);
  return Array.from({ length: count }, (_, i) => {
    const kind = (["leaf", "leaf", "flower", "stem"] as const)[Math.floor(chance(id, 10 + i) * 4)]!;
    const size = 60 + chance(id, 20 + i) * 110;
    return {
      kind,
      x: Math.round(220 + chance(id, 30 + i) * (SHEET.width - 440)),
      y: Math.round(220 + chance(id, 40 + i) * (SHEET.height - 440)),
      rx: Math.round(kind === "stem" ? size * 0.3 : size),
      ry: Math.round(kind === "flower" ? size : size * (kind === "stem" ? 1.6 : 0.6)),
      confidence: Math.round((0.35 + chance(id, 50 + i) * 0.64) * 100) / 100,
    };
  });
}

const INK = { leaf: "#5d7a4a", flower: "#b5606f", stem: "#7a6a45" };

function ellipses(id: number, fill: (thing: Thing) => string): string {
  return thingsOf(id)
    .map((t) => `<ellipse cx="${t.x}" cy="${t.y}" rx="${t.rx}" ry="${t.ry}" fill="${fill(t)}"/>`)
    .join("");
}

function svg(edge: number, inner: string): string {
  const { width, height } = SHEET;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${edge}" height="${Math.round((edge * height) / width)}">${inner}</svg>`;
}

export function sheetSvg(id: number, edge: number): string {
  const tint = 232 + Math.floor(chance(id, 1) * 14);
  const paper = `<rect width="100%" height="100%" fill="rgb(${tint},${tint - 6},${tint - 22})"/>`;
  const label = `<rect x="1180" y="960" width="340" height="170" fill="#f7f3e6" stroke="#8b8064"/><text x="1200" y="1020" font-size="36" font-family="serif" fill="#333">Sheet ${id}</text><text x="1200" y="1075" font-size="28" font-family="serif" fill="#555">Herb. Nocturnum</text>`;
  return svg(edge, paper + ellipses(id, (t) => INK[t.kind]) + label);
}

/** White where the things are. `index` null = all of them. */
export function maskSvg(id: number, index: number | null): string {
  const things = thingsOf(id);
  const shown = index === null ? things : things.slice(index, index + 1);
  const inner = shown
    .map(
      (t) =>
        `<ellipse cx="${t.x}" cy="${t.y}" rx="${t.rx}" ry="${t.ry}" fill="#fff" shape-rendering="crispEdges"/>`,
    )
    .join("");
  return svg(SHEET.width, `<rect width="100%" height="100%" fill="#000"/>${inner}`);
}

/** Pixel value = class index: 0 paper, 1 leaf, 2 flower, 3 stem. */
export function classMapSvg(id: number): string {
  const value = { leaf: 1, flower: 2, stem: 3 };
  const inner = thingsOf(id)
    .map((t) => {
      const v = value[t.kind];
      return `<ellipse cx="${t.x}" cy="${t.y}" rx="${t.rx}" ry="${t.ry}" fill="rgb(${v},${v},${v})" shape-rendering="crispEdges"/>`;
    })
    .join("");
  return svg(SHEET.width, `<rect width="100%" height="100%" fill="#000"/>${inner}`);
}

/** What a page's host answers for a picture's address; null when it is none. */
export function drawnPicture(address: string): string | null {
  const path = decodeURIComponent(address.split("?")[0] ?? "");
  const preview = /\/preview\/(\d+)\/(\d+)$/.exec(path);
  if (preview)
    return Number(preview[1]) % 97 === 13 ? null : sheetSvg(Number(preview[1]), Number(preview[2]));
  const trial = /\/trial\/(?:t-)?(\d+)\/(.*)$/.exec(path);
  if (trial && trial[2] === "") return sheetSvg(Number(trial[1]), 1600);
  const file = /\/(?:file|trial)\/(?:t-)?(\d+)\/(.+)$/.exec(path);
  if (!file) return null;
  const mask = /mask-(\d+)/.exec(file[2]!);
  if (mask) return maskSvg(Number(file[1]), Number(mask[1]));
  return file[2]!.includes("classes") ? classMapSvg(Number(file[1])) : maskSvg(Number(file[1]), null);
}
