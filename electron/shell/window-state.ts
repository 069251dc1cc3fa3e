import type { Rectangle } from "electron";

export interface WindowState {
  bounds: Rectangle;
  isMaximized: boolean;
}

export const SMALLEST = { width: 720, height: 480 } as const;
const USUAL = { width: 1280, height: 800 } as const;
/** So much of a window must lie on some screen that a person can take hold of it. */
const GRIP = { width: 120, height: 60 } as const;

/** Reads a kept state; anything that is not one gives null. */
export function readWindowState(text: string): WindowState | null {
  try {
    const { bounds, isMaximized } = JSON.parse(text) as { bounds: Partial<Rectangle>; isMaximized: unknown };
    const { x, y, width, height } = bounds;
    if (!isWhole(x) || !isWhole(y) || !isWhole(width) || !isWhole(height)) return null;
    return { bounds: { x, y, width, height }, isMaximized: isMaximized === true };
  } catch {
    return null; // A window in the usual place is the answer to every broken file.
  }
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && Math.abs(Number(value)) < 100_000;
}

/**
 * Where the window opens: as it was if enough of it lies on a screen that is there now, else in the middle of the
 * first screen; never larger than its screen. `screens` = work areas, the primary first.
 */
export function placeWindow(kept: WindowState | null, screens: readonly Rectangle[]): WindowState {
  const [primary = { x: 0, y: 0, ...USUAL }] = screens;
  const isMaximized = kept?.isMaximized ?? false;
  const screen = kept === null ? undefined : screens.find((area) => isWithinReach(kept.bounds, area));
  if (kept === null || screen === undefined)
    return { bounds: centred(kept?.bounds ?? USUAL, primary), isMaximized };
  const { width, height } = sizeWithin(kept.bounds, screen);
  const x = clamp(kept.bounds.x, screen.x, screen.x + screen.width - width);
  const y = clamp(kept.bounds.y, screen.y, screen.y + screen.height - height);
  return { bounds: { x, y, width, height }, isMaximized };
}

function isWithinReach(bounds: Rectangle, area: Rectangle): boolean {
  const across = Math.min(bounds.x + bounds.width, area.x + area.width) - Math.max(bounds.x, area.x);
  const down = Math.min(bounds.y + bounds.height, area.y + area.height) - Math.max(bounds.y, area.y);
  return across >= GRIP.width && down >= GRIP.height;
}

function sizeWithin(
  size: { width: number; height: number },
  area: Rectangle,
): { width: number; height: number } {
  return {
    width: Math.min(Math.max(size.width, SMALLEST.width), area.width),
    height: Math.min(Math.max(size.height, SMALLEST.height), area.height),
  };
}

function centred(size: { width: number; height: number }, area: Rectangle): Rectangle {
  const { width, height } = sizeWithin(size, area);
  return {
    x: area.x + Math.round((area.width - width) / 2),
    y: area.y + Math.round((area.height - height) / 2),
    width,
    height,
  };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), Math.max(least, most));
}
