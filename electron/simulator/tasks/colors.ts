/** Red, green and blue, each 0 to 255. */
export interface Rgb {
  r: number;
  g: number;
  b: number;
}

/** Hue in degrees; saturation and value from 0 to 1. */
export interface Hsv {
  hue: number;
  saturation: number;
  value: number;
}

export function toHsv({ r, g, b }: Rgb): Hsv {
  const max = Math.max(r, g, b);
  const range = max - Math.min(r, g, b);
  const saturation = max === 0 ? 0 : range / max;
  const value = max / 255;
  if (range === 0) return { hue: 0, saturation, value };
  const sector =
    max === r ? ((g - b) / range + 6) % 6 : max === g ? (b - r) / range + 2 : (r - g) / range + 4;
  return { hue: sector * 60, saturation, value };
}

/** Upper ends of the hue ranges, in degrees. */
const HUES: readonly [number, string][] = [
  [18, "red"],
  [42, "orange"],
  [70, "yellow"],
  [165, "green"],
  [195, "cyan"],
  [260, "blue"],
  [300, "purple"],
  [340, "pink"],
  [360, "red"],
];

/** The everyday name of a color: what the simulated tasks use as a label. */
export function colorName(color: Rgb): string {
  const { hue, saturation, value } = toHsv(color);
  if (value < 0.22) return "black";
  if (saturation < 0.14) return value > 0.85 ? "white" : "gray";
  const name = HUES.find(([end]) => hue <= end)?.[1] ?? "red";
  if ((name === "orange" || name === "red") && value < 0.55 && saturation < 0.85) return "brown";
  return name;
}

/** The color a label is drawn with, as Ikomia gives one to each class. */
const LABEL_COLORS: Record<string, Rgb> = {
  red: { r: 220, g: 40, b: 40 },
  orange: { r: 240, g: 140, b: 20 },
  yellow: { r: 230, g: 200, b: 0 },
  green: { r: 40, g: 160, b: 60 },
  cyan: { r: 0, g: 170, b: 190 },
  blue: { r: 40, g: 90, b: 220 },
  purple: { r: 130, g: 60, b: 190 },
  pink: { r: 230, g: 80, b: 160 },
  brown: { r: 140, g: 90, b: 50 },
  gray: { r: 130, g: 130, b: 130 },
  white: { r: 245, g: 245, b: 245 },
  black: { r: 20, g: 20, b: 20 },
};

export function labelColor(label: string): Rgb {
  return LABEL_COLORS[label] ?? { r: 255, g: 0, b: 255 };
}
