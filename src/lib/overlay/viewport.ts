import type { Point } from "../../../electron/contract/outputs.ts";

/** Which part of a picture is seen: `scale` screen pixels per picture pixel, `x`,`y` = picture point at the top left. */
export interface Viewport {
  scale: number;
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

const MOST = 40;

/** The whole picture, centred. */
export function fit(picture: Size, screen: Size): Viewport {
  const scale = Math.min(screen.width / picture.width, screen.height / picture.height);
  return centred({ scale: scale > 0 && Number.isFinite(scale) ? scale : 1, x: 0, y: 0 }, picture, screen);
}

/** Zooms by a factor so that the given screen point stays where it is. */
export function zoomAt(
  view: Viewport,
  by: { factor: number; at: Point },
  picture: Size,
  screen: Size,
): Viewport {
  const least = fit(picture, screen).scale * 0.5;
  const scale = Math.max(Math.min(least, 1), Math.min(MOST, view.scale * by.factor));
  const moved = {
    scale,
    x: view.x + by.at.x / view.scale - by.at.x / scale,
    y: view.y + by.at.y / view.scale - by.at.y / scale,
  };
  return centred(moved, picture, screen);
}

/** Moves the picture by screen pixels; it never leaves the screen. */
export function pan(view: Viewport, by: Point, picture: Size, screen: Size): Viewport {
  return centred({ ...view, x: view.x - by.x / view.scale, y: view.y - by.y / view.scale }, picture, screen);
}

/** The picture point under a screen point. */
export function toPicture(view: Viewport, at: Point): Point {
  return { x: view.x + at.x / view.scale, y: view.y + at.y / view.scale };
}

function centred(view: Viewport, picture: Size, screen: Size): Viewport {
  return {
    scale: view.scale,
    x: held(view.x, picture.width, screen.width / view.scale),
    y: held(view.y, picture.height, screen.height / view.scale),
  };
}

function held(start: number, length: number, seen: number): number {
  if (seen >= length) return (length - seen) / 2;
  return Math.max(0, Math.min(length - seen, start));
}
