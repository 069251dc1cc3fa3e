import { around, circlePath, createDice, draw, group, layOut, number, pebble, polygonPath, scatterOn, type Dice, type Drawing, type Sheet, type Spot, type Thing } from "./sketch.ts";

const CANDY = ["#d8322c", "#f08a1d", "#f3c623", "#3f9e4d", "#2f6fd0", "#7b4bb3"] as const;
const GLASS = ["#1f7fb8", "#c23b4e", "#2f9d6b", "#d9a11f", "#7a4fb0", "#e07b39"] as const;
const CUTOUTS = ["#d6412f", "#2b74c9", "#3c9b53", "#e8b21e", "#8a4fb5", "#e57fae", "#20a3a8"] as const;

function star(points: number, radius: number): string {
  return polygonPath(around(points * 2, (_angle, index) => (index % 2 === 0 ? radius : radius * 0.45)));
}

function regular(corners: number, radius: number): string {
  return polygonPath(around(corners, () => radius));
}

function cutout(dice: Dice, r: number): string {
  const shapes = [
    regular(3, r),
    regular(4, r),
    regular(6, r),
    star(5, r * 1.1),
    pebble(dice, r * 0.95, 0.14),
    regular(40, r * 0.95),
  ] as const;
  return dice.pick([...shapes]);
}

/** Colored paper cut-outs on cream paper. */
export function paperShapes(sheet: Sheet, seed: number): Drawing {
  const dice = createDice(seed);
  const unit = Math.max(sheet.width, sheet.height) / 100;
  const spots = scatterOn(dice, sheet, 14, [unit * 4.5, unit * 8], unit * 2.5);
  const things = spots.map(({ x, y, r }, index): Thing => {
    const path = cutout(dice, r);
    const color = CUTOUTS[index % CUTOUTS.length] ?? CUTOUTS[0];
    const fold = `<path d="${path}" fill="none" stroke="#fff" stroke-opacity="0.25" stroke-width="${number(unit * 0.25)}" transform="scale(0.93)"/>`;
    return { x, y, degrees: dice.from(0, 360), outline: path, marks: [`<path d="${path}" fill="${color}"/>`, fold] };
  });
  return draw({ ground: "#f4eee0", ...sheet }, layOut(things, { offset: unit * 0.6, opacity: 0.3 }));
}

function candy({ x, y, r }: Spot, color: string): Thing {
  const circle = (fill: string): string => `<circle r="${number(r)}" fill="${fill}"/>`;
  const glint = `<ellipse cx="${number(-r * 0.32)}" cy="${number(-r * 0.4)}" rx="${number(r * 0.22)}" ry="${number(r * 0.13)}" fill="#fff" fill-opacity="0.7" transform="rotate(-35)"/>`;
  return { x, y, degrees: 0, outline: circlePath(r), marks: [circle(color), circle("url(#shine)"), glint] };
}

/** Chocolate beans on a pale table. */
export function candies(sheet: Sheet, seed: number, count: number): Drawing {
  const dice = createDice(seed);
  const unit = Math.max(sheet.width, sheet.height) / 100;
  const spots = scatterOn(dice, sheet, count, [unit * 2.3, unit * 2.7], unit * 0.9);
  const things = spots.map((spot) => candy(spot, dice.pick([...CANDY])));
  return draw({ ground: "#eceae4", ...sheet }, layOut(things, { offset: unit * 0.5, opacity: 0.3 }));
}

function marble(dice: Dice, { x, y, r }: Spot): Thing {
  const color = dice.pick([...GLASS]);
  const swirl = `<path d="M${number(-r * 0.8)} 0C${number(-r * 0.3)} ${number(-r * 0.7)} ${number(r * 0.3)} ${number(r * 0.7)} ${number(r * 0.8)} 0" fill="none" stroke="#fff" stroke-opacity="0.55" stroke-width="${number(r * 0.16)}" transform="rotate(${number(dice.from(0, 180))})"/>`;
  const circle = (fill: string): string => `<circle r="${number(r)}" fill="${fill}"/>`;
  return { x, y, degrees: 0, outline: circlePath(r), marks: [circle(color), swirl, circle("url(#shine)")] };
}

/** Glass marbles on wood. */
export function marbles(sheet: Sheet, seed: number): Drawing {
  const dice = createDice(seed);
  const unit = Math.max(sheet.width, sheet.height) / 100;
  const boards = Array.from({ length: 5 }, (_none, index) => {
    const top = (sheet.height / 5) * index;
    return `<rect x="0" y="${number(top)}" width="${sheet.width}" height="${number(sheet.height / 5 - unit * 0.18)}" fill="#e3c79c" opacity="${number(dice.from(0.4, 0.9))}"/>`;
  });
  const spots = scatterOn(dice, sheet, 13, [unit * 4, unit * 6.5], unit * 2.2);
  const things = spots.map((spot) => marble(dice, spot));
  return draw({ ground: "#dcbe90", ...sheet }, [...boards, ...layOut(things, { offset: unit * 1.3, opacity: 0.35 })]);
}

function sail(dice: Dice, { x, y, r }: Spot): string {
  const color = dice.pick(["#ffffff", "#fdf6e8", "#e8473a", "#f4b72c", "#ffffff"]);
  const hull = `M${number(-r * 0.7)} ${number(r * 0.55)}L${number(r * 0.75)} ${number(r * 0.55)}L${number(r * 0.5)} ${number(r * 0.85)}L${number(-r * 0.5)} ${number(r * 0.85)}Z`;
  const main = `M0 ${number(-r)}L${number(r * 0.62)} ${number(r * 0.45)}L0 ${number(r * 0.45)}Z`;
  const jib = `M${number(-r * 0.06)} ${number(-r * 0.8)}L${number(-r * 0.06)} ${number(r * 0.45)}L${number(-r * 0.55)} ${number(r * 0.45)}Z`;
  const wake = `<path d="M${number(-r * 1.3)} ${number(r * 0.95)}L${number(r * 0.5)} ${number(r * 0.9)}" stroke="#fff" stroke-opacity="0.3" stroke-width="${number(r * 0.06)}"/>`;
  return group(x, y, dice.from(-4, 4), [
    wake,
    `<path d="${hull}" fill="#5b3a24"/>`,
    `<path d="${main}" fill="${color}"/>`,
    `<path d="${jib}" fill="${color}" opacity="0.92"/>`,
  ]);
}

/** Sailing boats on calm water. */
export function regatta(sheet: Sheet, seed: number): Drawing {
  const dice = createDice(seed);
  const unit = Math.max(sheet.width, sheet.height) / 100;
  const ripples = Array.from({ length: 60 }, () => {
    const [x, y, length] = [dice.from(0, sheet.width), dice.from(0, sheet.height), dice.from(2, 7) * unit];
    return `<path d="M${number(x)} ${number(y)}h${number(length)}" stroke="#3d87ab" stroke-width="${number(unit * 0.25)}" stroke-linecap="round"/>`;
  });
  const spots = scatterOn(dice, sheet, 9, [unit * 5, unit * 8], unit * 2);
  return draw({ ground: "#2f7aa0", ...sheet }, [...ripples, ...spots.map((spot) => sail(dice, spot))]);
}

function sticker(dice: Dice, { x, y, r }: Spot, color: string): string {
  const face = [
    `<circle cx="${number(-r * 0.3)}" cy="${number(-r * 0.1)}" r="${number(r * 0.09)}" fill="#23201c"/>`,
    `<circle cx="${number(r * 0.3)}" cy="${number(-r * 0.1)}" r="${number(r * 0.09)}" fill="#23201c"/>`,
    `<path d="M${number(-r * 0.25)} ${number(r * 0.22)}Q0 ${number(r * 0.48)} ${number(r * 0.25)} ${number(r * 0.22)}" fill="none" stroke="#23201c" stroke-width="${number(r * 0.08)}" stroke-linecap="round"/>`,
  ];
  const path = pebble(dice, r * 0.85, 0.08);
  return group(x, y, dice.from(-20, 20), [`<path d="${path}" fill="${color}" stroke="#fff" stroke-width="${number(r * 0.12)}"/>`, ...face]);
}

/** Round faces on a transparent sheet. */
export function stickers(sheet: Sheet, seed: number): Drawing {
  const dice = createDice(seed);
  const unit = Math.max(sheet.width, sheet.height) / 100;
  const spots = scatterOn(dice, sheet, 9, [unit * 8, unit * 11], unit * 1.5);
  return draw(sheet, spots.map((spot, index) => sticker(dice, spot, CANDY[index % CANDY.length] ?? CANDY[0])));
}
