import { around, createDice, draw, group, layOut, number, pebble, scatter, scatterOn, smoothPath, type Dice, type Drawing, type Sheet, type Spot, type Thing, type XY } from "./sketch.ts";

const AUTUMN = ["#b5541c", "#c9891f", "#8f9a2b", "#5d7f2e", "#a33a22"] as const;

/** The outline of a leaf that points up from the origin, mirrored at its midrib. `width(t)` is half its width at height t. */
function leafOutline(length: number, width: (t: number) => number): XY[] {
  const heights = Array.from({ length: 19 }, (_none, index) => index / 18);
  const right = heights.map((t) => ({ x: width(t) * length, y: -t * length }));
  const left = right.slice(1, -1).reverse();
  return [...right, ...left.map(({ x, y }) => ({ x: -x, y }))];
}

function birch(t: number): number {
  return 0.42 * Math.sin(Math.PI * Math.min(1, t ** 0.62)) * (1 - 0.25 * t);
}

function oak(t: number): number {
  return 0.34 * Math.sin(Math.PI * t) ** 0.75 * (1 + 0.32 * Math.cos(2 * Math.PI * 3.5 * t));
}

function veins(length: number, width: (t: number) => number): string {
  const side = [0.2, 0.34, 0.48, 0.62, 0.76].flatMap((t) => {
    const reach = width(Math.min(1, t + 0.12)) * length * 0.82;
    const end = -(t + 0.13) * length;
    return [reach, -reach].map((x) => `M0 ${number(-t * length)}L${number(x)} ${number(end)}`);
  });
  const stroke = `fill="none" stroke="#fff3d0" stroke-opacity="0.45" stroke-linecap="round"`;
  return `<path d="M0 ${number(length * 0.16)}V${number(-length * 0.94)}" ${stroke} stroke-width="${number(length * 0.022)}"/><path d="${side.join("")}" ${stroke} stroke-width="${number(length * 0.011)}"/>`;
}

function leaf(spot: Spot, color: string, degrees: number, width: (t: number) => number): Thing {
  const length = spot.r * 1.9;
  const outline = smoothPath(leafOutline(length, width));
  const stem = `<path d="M0 0v${number(length * 0.18)}" stroke="${color}" stroke-width="${number(length * 0.035)}" stroke-linecap="round"/>`;
  const radians = (degrees * Math.PI) / 180;
  return {
    // A leaf grows from its base; moving it back by half its length puts its middle on the spot.
    x: spot.x - Math.sin(radians) * length * 0.45,
    y: spot.y + Math.cos(radians) * length * 0.45,
    degrees,
    outline,
    marks: [stem, `<path d="${outline}" fill="${color}"/>`, veins(length, width)],
  };
}

/** Pressed birch leaves on herbarium paper. */
export function birchLeaves(sheet: Sheet, seed: number): Drawing {
  const dice = createDice(seed);
  const unit = Math.max(sheet.width, sheet.height) / 100;
  const spots = scatterOn(dice, sheet, 8, [unit * 8, unit * 11], unit * 2.5);
  const leaves = spots.map((spot) => leaf(spot, dice.pick([...AUTUMN]), dice.from(-70, 70), birch));
  return draw({ ground: "#f2ecdd", ...sheet }, layOut(leaves, { offset: unit * 0.6, opacity: 0.3 }));
}

/** Oak leaves on a transparent sheet. */
export function oakLeaves(sheet: Sheet, seed: number): Drawing {
  const dice = createDice(seed);
  const unit = Math.max(sheet.width, sheet.height) / 100;
  const spots = scatterOn(dice, sheet, 5, [unit * 13, unit * 16], unit);
  const leaves = spots.map((spot) => leaf(spot, dice.pick([...AUTUMN]), dice.from(-40, 40), oak));
  return draw(
    sheet,
    leaves.map(({ x, y, degrees, marks }) => group(x, y, degrees, marks)),
  );
}

function frond(x: number, y: number, length: number, degrees: number): string {
  const leaflets = Array.from({ length: 17 }, (_none, index) => {
    const t = 0.1 + (index / 17) * 0.88;
    const reach = length * 0.26 * Math.sin(Math.PI * Math.min(1, t * 0.8 + 0.22)) + length * 0.02;
    return [1, -1].map((side) => {
      const tilt = side * 62;
      return group(0, -t * length, tilt, [`<ellipse cx="0" cy="${number(-reach / 2)}" rx="${number(length * 0.019)}" ry="${number(reach / 2)}" fill="#3f7d3a"/>`]);
    });
  });
  const stem = `<path d="M0 ${number(length * 0.06)}V${number(-length)}" stroke="#2f5f2c" stroke-width="${number(length * 0.014)}" stroke-linecap="round"/>`;
  return group(x, y, degrees, [...leaflets.flat(), stem]);
}

/** Three fern fronds on pale paper. */
export function fern(sheet: Sheet): Drawing {
  const { width, height } = sheet;
  return draw({ ground: "#f3f1e4", ...sheet }, [
    frond(width * 0.22, height * 0.93, height * 0.78, -8),
    frond(width * 0.52, height * 0.95, height * 0.85, 3),
    frond(width * 0.8, height * 0.93, height * 0.74, 11),
  ]);
}

const COLONIES = ["#fbf4dd", "#f7efe0", "#d97a5a", "#c94f4f", "#8aa05a"] as const;

function colony(dice: Dice, { x, y, r }: Spot): string {
  const path = pebble(dice, r, 0.07);
  return group(x, y, 0, [
    `<path d="${path}" fill="#7d5a22" fill-opacity="0.35" transform="translate(${number(r * 0.1)} ${number(r * 0.16)})"/>`,
    `<path d="${path}" fill="${dice.pick([...COLONIES])}"/>`,
    `<circle r="${number(r * 0.5)}" fill="#fff" fill-opacity="0.28" cx="${number(-r * 0.12)}" cy="${number(-r * 0.15)}"/>`,
  ]);
}

/** A dish of agar with colonies. */
export function petriDish(sheet: Sheet, seed: number, count: number): Drawing {
  const dice = createDice(seed);
  const centre = { x: sheet.width / 2, y: sheet.height / 2, r: Math.min(sheet.width, sheet.height) * 0.46 };
  const circle = (r: number, look: string): string => `<circle cx="${centre.x}" cy="${centre.y}" r="${number(r)}" ${look}/>`;
  const inside = ({ x, y, r }: Spot): boolean => Math.hypot(x - centre.x, y - centre.y) + r < centre.r * 0.88;
  const propose = (): Spot => ({
    x: dice.from(centre.x - centre.r, centre.x + centre.r),
    y: dice.from(centre.y - centre.r, centre.y + centre.r),
    r: dice.from(centre.r * 0.025, centre.r * 0.07),
  });
  const spots = scatter(dice, count, propose, { gap: centre.r * 0.02, fits: inside });
  return draw({ ground: "#3e4a52", ...sheet }, [
    circle(centre.r * 1.02, `fill="#11171b" opacity="0.5" filter="url(#softer)"`),
    circle(centre.r, `fill="#e2e4da"`),
    circle(centre.r * 0.95, `fill="#d8a95c"`),
    circle(centre.r * 0.95, `fill="none" stroke="#b98c45" stroke-width="${number(centre.r * 0.012)}"`),
    ...spots.map((spot) => colony(dice, spot)),
  ]);
}

function cell(dice: Dice, { x, y, r }: Spot): string {
  const turn = dice.from(0, 360);
  const nucleus = pebble(dice, r * 0.4, 0.1);
  return group(x, y, turn, [
    `<path d="${smoothPath(around(12, () => r * dice.from(0.88, 1.08)))}" fill="#d9a3c7" stroke="#a9659a" stroke-width="${number(r * 0.06)}"/>`,
    `<path d="${nucleus}" fill="#5a2f86" transform="translate(${number(dice.from(-0.2, 0.2) * r)} ${number(dice.from(-0.2, 0.2) * r)})"/>`,
  ]);
}

/** Stained cells under a microscope. */
export function stainedCells(sheet: Sheet, seed: number): Drawing {
  const dice = createDice(seed);
  const unit = Math.max(sheet.width, sheet.height) / 100;
  const spots = scatterOn(dice, sheet, 22, [unit * 4, unit * 6.5], unit * 1.4);
  return draw({ ground: "#f6f0f4", ...sheet }, spots.map((spot) => cell(dice, spot)));
}
