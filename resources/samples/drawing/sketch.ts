import { createRandom } from "../../../electron/simulator/random.ts";

/** Chance for drawing; equal seeds draw equal pictures. */
export interface Dice {
  /** Evenly between the two. */
  from(low: number, high: number): number;
  pick<T>(items: readonly [T, ...T[]]): T;
}

export function createDice(seed: number): Dice {
  const random = createRandom(seed);
  return {
    from: (low, high) => low + random.next() * (high - low),
    pick: (items) => items[Math.floor(random.next() * items.length)] ?? items[0],
  };
}

export interface Spot {
  x: number;
  y: number;
  r: number;
}

/** A finished drawing: SVG text with its size in pixels. */
export interface Drawing {
  svg: string;
  width: number;
  height: number;
}

/** Definitions that every drawing may use: soft shadows in three sizes and a highlight for round things. */
function sharedDefinitions(unit: number): string {
  const shadow = (name: string, blur: number): string =>
    `<filter id="${name}" x="-30%" y="-30%" width="160%" height="160%"><feGaussianBlur stdDeviation="${blur * unit}"/></filter>`;
  return [
    shadow("soft", 0.004),
    shadow("softer", 0.009),
    `<radialGradient id="shine" cx="0.35" cy="0.3" r="0.75">`,
    `<stop offset="0" stop-color="#fff" stop-opacity="0.75"/><stop offset="0.3" stop-color="#fff" stop-opacity="0.15"/>`,
    `<stop offset="1" stop-color="#000" stop-opacity="0.28"/></radialGradient>`,
    `<radialGradient id="vignette" cx="0.5" cy="0.45" r="0.8"><stop offset="0.55" stop-color="#000" stop-opacity="0"/>`,
    `<stop offset="1" stop-color="#000" stop-opacity="0.1"/></radialGradient>`,
  ].join("");
}

export interface Sheet {
  width: number;
  height: number;
  /** CSS color of the ground; none = transparent. */
  ground?: string;
  /** Darker corners, as a lamp gives. @default true when there is a ground */
  vignette?: boolean;
}

/** Puts marks on a sheet. */
export function draw({ width, height, ground, vignette = ground !== undefined }: Sheet, marks: readonly string[]): Drawing {
  const whole = `x="0" y="0" width="${width}" height="${height}"`;
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<defs>${sharedDefinitions(Math.max(width, height))}</defs>`,
    ground === undefined ? "" : `<rect ${whole} fill="${ground}"/>`,
    ...marks,
    vignette ? `<rect ${whole} fill="url(#vignette)"/>` : "",
    `</svg>`,
  ].join("\n");
  return { svg, width, height };
}

export function number(value: number): string {
  return value.toFixed(2);
}

export function group(x: number, y: number, degrees: number, marks: readonly string[]): string {
  return `<g transform="translate(${number(x)} ${number(y)}) rotate(${number(degrees)})">${marks.join("")}</g>`;
}

export interface XY {
  x: number;
  y: number;
}

/** A smooth closed path through the points (Catmull-Rom, written as cubic curves). */
export function smoothPath(points: readonly XY[]): string {
  const at = (index: number): XY => points[(index + points.length) % points.length] ?? { x: 0, y: 0 };
  const start = at(0);
  const curves = points.map((point, index) => {
    const [before, next, after] = [at(index - 1), at(index + 1), at(index + 2)];
    const first = { x: point.x + (next.x - before.x) / 6, y: point.y + (next.y - before.y) / 6 };
    const second = { x: next.x - (after.x - point.x) / 6, y: next.y - (after.y - point.y) / 6 };
    return `C${[first, second, next].map(({ x, y }) => `${number(x)} ${number(y)}`).join(" ")}`;
  });
  return `M${number(start.x)} ${number(start.y)}${curves.join("")}Z`;
}

export function polygonPath(points: readonly XY[]): string {
  return `M${points.map(({ x, y }) => `${number(x)} ${number(y)}`).join("L")}Z`;
}

/** Points around a centre at the radius that the function gives for each angle (radians). */
export function around(count: number, radius: (angle: number, index: number) => number): XY[] {
  return Array.from({ length: count }, (_none, index) => {
    const angle = (index / count) * 2 * Math.PI - Math.PI / 2;
    const r = radius(angle, index);
    return { x: Math.cos(angle) * r, y: Math.sin(angle) * r };
  });
}

/** A roundish path with an uneven edge around the origin. */
export function pebble(dice: Dice, radius: number, unevenness: number): string {
  return smoothPath(around(11, () => radius * dice.from(1 - unevenness, 1 + unevenness)));
}

/** Up to `count` spots that do not touch, kept inside by `fits`; gives up on the rest after many tries. */
export function scatter(
  dice: Dice,
  count: number,
  propose: () => Spot,
  options: { gap: number; fits?: (spot: Spot) => boolean },
): Spot[] {
  const spots: Spot[] = [];
  for (let tries = 0; spots.length < count && tries < count * 60; tries += 1) {
    const spot = propose();
    if (options.fits && !options.fits(spot)) continue;
    const free = spots.every((other) => Math.hypot(other.x - spot.x, other.y - spot.y) > other.r + spot.r + options.gap);
    if (free) spots.push(spot);
  }
  return spots;
}

/** Spots anywhere on a sheet, clear of its edge. */
export function scatterOn(
  dice: Dice,
  sheet: { width: number; height: number },
  count: number,
  radius: readonly [number, number],
  gap: number,
): Spot[] {
  return scatter(
    dice,
    count,
    () => {
      const r = dice.from(radius[0], radius[1]);
      const edge = r + gap;
      return { r, x: dice.from(edge, sheet.width - edge), y: dice.from(edge, sheet.height - edge) };
    },
    { gap },
  );
}

/** One object of a picture: its outline and marks are drawn around its own origin. */
export interface Thing {
  x: number;
  y: number;
  degrees: number;
  outline: string;
  marks: readonly string[];
}

/** A circle as a path, so that round things are outlined like others. */
export function circlePath(r: number): string {
  const [from, to] = [`${number(r)} 0`, `${number(-r)} 0`];
  const arc = `A${number(r)} ${number(r)} 0 1 0`;
  return `M${from}${arc} ${to}${arc} ${from}Z`;
}

/** Lays things on the sheet. All shadows fall to the lower right, and are blurred together: a filter for each is slow. */
export function layOut(things: readonly Thing[], shadow: { offset: number; opacity: number }): string[] {
  const fallen = things.map(({ x, y, degrees, outline }) => {
    const place = `translate(${number(x + shadow.offset * 0.6)} ${number(y + shadow.offset)}) rotate(${number(degrees)})`;
    return `<path d="${outline}" transform="${place}"/>`;
  });
  return [
    `<g fill="#1a1208" opacity="${shadow.opacity}" filter="url(#soft)">${fallen.join("")}</g>`,
    ...things.map(({ x, y, degrees, marks }) => group(x, y, degrees, marks)),
  ];
}
