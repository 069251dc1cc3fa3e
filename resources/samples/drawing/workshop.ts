import { around, circlePath, createDice, draw, group, layOut, number, polygonPath, scatterOn, type Dice, type Drawing, type Sheet, type Spot, type Thing } from "./sketch.ts";

const FULL_SWING_DEGREES = 270;

function arc(r: number, from: number, to: number, color: string, width: number): string {
  const at = (share: number): string => {
    const angle = ((share * FULL_SWING_DEGREES - FULL_SWING_DEGREES / 2 - 90) * Math.PI) / 180;
    return `${number(Math.cos(angle) * r)} ${number(Math.sin(angle) * r)}`;
  };
  const large = (to - from) * FULL_SWING_DEGREES > 180 ? 1 : 0;
  return `<path d="M${at(from)}A${number(r)} ${number(r)} 0 ${large} 1 ${at(to)}" fill="none" stroke="${color}" stroke-width="${number(width)}"/>`;
}

function ticks(r: number): string[] {
  return Array.from({ length: 31 }, (_none, index) => {
    const degrees = (index / 30) * FULL_SWING_DEGREES - FULL_SWING_DEGREES / 2;
    const long = index % 5 === 0;
    return `<path d="M0 ${number(-r * 0.86)}V${number(-r * (long ? 0.72 : 0.79))}" stroke="#22262a" stroke-width="${number(r * (long ? 0.028 : 0.014))}" transform="rotate(${number(degrees)})"/>`;
  });
}

/** A pressure gauge on a painted wall. `reading` is the share of the full scale. */
export function gauge(sheet: Sheet, reading: number, wall: string): Drawing {
  const r = Math.min(sheet.width, sheet.height) * 0.4;
  const degrees = reading * FULL_SWING_DEGREES - FULL_SWING_DEGREES / 2;
  const needle = polygonPath([
    { x: -r * 0.035, y: r * 0.2 },
    { x: r * 0.035, y: r * 0.2 },
    { x: r * 0.012, y: -r * 0.74 },
    { x: -r * 0.012, y: -r * 0.74 },
  ]);
  const dial = [
    `<circle r="${number(r * 1.05)}" cx="${number(r * 0.03)}" cy="${number(r * 0.06)}" fill="#000" opacity="0.35" filter="url(#softer)"/>`,
    `<circle r="${number(r)}" fill="#2b3238"/><circle r="${number(r * 0.93)}" fill="#f7f7f2"/>`,
    arc(r * 0.62, 0, 0.6, "#4aa65a", r * 0.07),
    arc(r * 0.62, 0.6, 0.8, "#e3b222", r * 0.07),
    arc(r * 0.62, 0.8, 1, "#cc3a30", r * 0.07),
    ...ticks(r),
    `<path d="${needle}" fill="#c4261d" transform="rotate(${number(degrees)})"/>`,
    `<circle r="${number(r * 0.08)}" fill="#22262a"/>`,
  ];
  const screws = [-1, 1].flatMap((sx) =>
    [-1, 1].map((sy) => group(sheet.width / 2 + sx * sheet.width * 0.44, sheet.height / 2 + sy * sheet.height * 0.42, 30, [
      `<circle r="${number(r * 0.06)}" fill="#d5dade"/><path d="M${number(-r * 0.045)} 0H${number(r * 0.045)}" stroke="#60696f" stroke-width="${number(r * 0.015)}"/>`,
    ])),
  );
  return draw({ ground: wall, ...sheet }, [...screws, group(sheet.width / 2, sheet.height / 2, 0, dial)]);
}

function ring(outer: string, holeRadius: number, fill: string): string {
  return `<path d="${outer}${circlePath(holeRadius)}" fill="${fill}" fill-rule="evenodd" stroke="#6e7880" stroke-width="${number(holeRadius * 0.08)}"/>`;
}

function part(dice: Dice, { x, y, r }: Spot): Thing {
  const nut = dice.from(0, 1) < 0.5;
  const outline = polygonPath(around(nut ? 6 : 48, () => r));
  const metal = dice.pick(["#d9dee2", "#c9b06a", "#e6e9eb"]);
  return { x, y, degrees: dice.from(0, 60), outline, marks: [ring(outline, r * (nut ? 0.5 : 0.45), metal)] };
}

/** Nuts and washers on a work mat. */
export function nutsAndWashers(sheet: Sheet, seed: number): Drawing {
  const dice = createDice(seed);
  const unit = Math.max(sheet.width, sheet.height) / 100;
  const spots = scatterOn(dice, sheet, 15, [unit * 4.5, unit * 7.5], unit * 1.6);
  const parts = spots.map((spot) => part(dice, spot));
  const ground = { ground: "#2f5560", vignette: false, ...sheet };
  return draw(ground, layOut(parts, { offset: unit * 0.7, opacity: 0.4 }));
}

function stroke(dice: Dice, x: number, y: number, height: number): string {
  const lean = dice.from(-0.06, 0.06) * height;
  return `M${number(x)} ${number(y)}q${number(lean)} ${number(height / 2)} ${number(dice.from(-0.04, 0.04) * height)} ${number(height)}`;
}

/** Rows of strokes on lined paper: a count that somebody kept by hand. */
export function tallySheet(sheet: Sheet, seed: number, counts: readonly number[]): Drawing {
  const dice = createDice(seed);
  const step = sheet.height / (counts.length + 1);
  const lines = counts.map((_count, index) => `<path d="M0 ${number(step * (index + 1) + step * 0.32)}H${sheet.width}" stroke="#c7d6e2" stroke-width="${number(step * 0.02)}"/>`);
  const margin = `<path d="M${number(sheet.width * 0.08)} 0V${sheet.height}" stroke="#e7b9b4" stroke-width="${number(step * 0.02)}"/>`;
  const rows = counts.flatMap((count, row) => {
    const top = step * (row + 1) - step * 0.3;
    return Array.from({ length: count }, (_none, index) => stroke(dice, sheet.width * 0.13 + index * step * 0.3, top, step * 0.5));
  });
  const ink = `<path d="${rows.join("")}" fill="none" stroke="#22305c" stroke-width="${number(step * 0.075)}" stroke-linecap="round"/>`;
  return draw({ ground: "#fbfaf4", ...sheet }, [...lines, margin, ink]);
}

const PAINT = ["#c8352d", "#2a5fae", "#f0f1ef", "#1f2326", "#3c8f56", "#e0b12a", "#f0f1ef"] as const;

function car(dice: Dice, place: { x: number; y: number; degrees: number }, width: number, length: number): Thing {
  const rect = (x: number, y: number, w: number, h: number, look: string): string =>
    `<rect x="${number(x)}" y="${number(y)}" width="${number(w)}" height="${number(h)}" ${look}/>`;
  const body = rect(-width / 2, -length / 2, width, length, `rx="${number(width * 0.28)}" fill="${dice.pick([...PAINT])}"`);
  const pane = (y: number, h: number): string =>
    rect(-width * 0.38, y * length, width * 0.76, h * length, `rx="${number(width * 0.1)}" fill="#26333d" fill-opacity="0.85"`);
  const outline = `M${number(-width / 2)} ${number(-length / 2)}h${number(width)}v${number(length)}h${number(-width)}Z`;
  return { ...place, outline, marks: [body, pane(-0.24, 0.14), pane(0.26, 0.1)] };
}

/** A car park from above. */
export function carPark(sheet: Sheet, seed: number): Drawing {
  const dice = createDice(seed);
  const columns = 9;
  const bay = sheet.width / (columns + 1);
  const depth = sheet.height * 0.28;
  const rows = [sheet.height * 0.19, sheet.height * 0.81];
  const everyBay = (count: number): { index: number; y: number }[] =>
    rows.flatMap((y) => Array.from({ length: count }, (_none, index) => ({ index, y })));
  const lines = everyBay(columns + 1).map(
    ({ index, y }) =>
      `<path d="M${number(bay * (index + 0.5))} ${number(y - depth / 2)}v${number(depth)}" stroke="#84898c" stroke-width="${number(bay * 0.035)}"/>`,
  );
  const parked = everyBay(columns)
    .filter(() => dice.from(0, 1) < 0.68)
    .map(({ index, y }) => {
      const place = { x: bay * (index + 1), y: y + dice.from(-0.04, 0.04) * depth, degrees: dice.from(-2, 2) };
      return car(dice, place, bay * 0.62, depth * 0.82);
    });
  const driving = car(dice, { x: sheet.width * 0.36, y: sheet.height * 0.5, degrees: 88 }, bay * 0.62, depth * 0.82);
  return draw({ ground: "#6b7074", ...sheet }, [...lines, ...layOut([...parked, driving], { offset: bay * 0.09, opacity: 0.4 })]);
}
