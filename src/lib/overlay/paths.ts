import type { Point } from "../../../electron/contract/outputs.ts";
import type { Geometry, Scene, Shape } from "./scene.ts";

/** What is drawn for one class: few long paths, so that thousands of objects stay fluid. */
export interface ClassPaths {
  name: string;
  color: string;
  solid: string;
  dashed: string;
  /** One entry a shape: with the even-odd rule, shapes that overlap would cut each other. */
  filled: string[];
  points: Point[];
}

export interface Visibility {
  hidden: ReadonlySet<string>;
  /** Objects below are not shown; 0..1. */
  confidence: number;
}

/** A copy that stays as it is while something asynchronous works with it. */
export function snapshot(hidden: Iterable<string>, confidence: number): Visibility {
  return { hidden: new Set(hidden), confidence };
}

/** Whether the controls let it be seen. */
export function isVisible(shape: { className: string; confidence: number | null }, by: Visibility): boolean {
  return !by.hidden.has(shape.className) && (shape.confidence === null || shape.confidence >= by.confidence);
}

/** The visible shapes, one entry a class, in the order of the classes. */
export function pathsByClass(scene: Scene, by: Visibility): ClassPaths[] {
  const parts = new Map<string, { solid: string[]; dashed: string[]; filled: string[]; points: Point[] }>();
  for (const shape of scene.shapes) {
    if (!isVisible(shape, by)) continue;
    let entry = parts.get(shape.className);
    if (entry === undefined) {
      entry = { solid: [], dashed: [], filled: [], points: [] };
      parts.set(shape.className, entry);
    }
    if (shape.geometry.kind === "points") entry.points.push(...shape.geometry.points);
    const path = pathOf(shape.geometry);
    if (path === "") continue;
    const isDashed = shape.geometry.kind === "box" && shape.geometry.isDoubtful;
    (isDashed ? entry.dashed : entry.solid).push(path);
    if (shape.isFilled) entry.filled.push(path);
  }
  return scene.classes.flatMap(({ name, color }) => {
    const entry = parts.get(name);
    if (entry === undefined) return [];
    const { solid, dashed, filled, points } = entry;
    return [{ name, color, solid: solid.join(""), dashed: dashed.join(""), filled, points }];
  });
}

/** SVG path data; holes need the even-odd rule. */
export function pathOf(geometry: Geometry): string {
  switch (geometry.kind) {
    case "box": {
      const { x, y, width, height } = geometry.box;
      return `M${n(x)} ${n(y)}h${n(width)}v${n(height)}h${n(-width)}Z`;
    }
    case "rings":
      return geometry.rings.map((ring) => `${lineOf(ring)}Z`).join("");
    case "line":
      return lineOf(geometry.points);
    case "ellipse": {
      const { x, y, width, height } = geometry.box;
      const [rx, ry] = [width / 2, height / 2];
      return `M${n(x)} ${n(y + ry)}a${n(rx)} ${n(ry)} 0 1 0 ${n(width)} 0a${n(rx)} ${n(ry)} 0 1 0 ${n(-width)} 0Z`;
    }
    case "points":
    case "text":
      return "";
  }
}

function lineOf(points: readonly Point[]): string {
  return points.map((point, i) => `${i === 0 ? "M" : "L"}${n(point.x)} ${n(point.y)}`).join("");
}

function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** The smallest visible object under a point of the picture, within `slack` picture pixels of lines and points. */
export function objectAt(scene: Scene, by: Visibility, at: Point, slack: number): Shape | null {
  let best: Shape | null = null;
  let bestArea = Infinity;
  for (const shape of scene.shapes) {
    if (!shape.isObject || !isVisible(shape, by)) continue;
    const area = areaAround(shape.geometry, at, slack);
    if (area !== null && area < bestArea) [best, bestArea] = [shape, area];
  }
  return best;
}

function areaAround(geometry: Geometry, at: Point, slack: number): number | null {
  const bounds = boundsOf(geometry);
  const inside =
    at.x >= bounds.x - slack &&
    at.y >= bounds.y - slack &&
    at.x <= bounds.x + bounds.width + slack &&
    at.y <= bounds.y + bounds.height + slack;
  return inside ? bounds.width * bounds.height : null;
}

/** The smallest upright box around a geometry. */
export function boundsOf(geometry: Geometry): { x: number; y: number; width: number; height: number } {
  if (geometry.kind === "box" || geometry.kind === "ellipse") return geometry.box;
  const points =
    geometry.kind === "text"
      ? [geometry.at]
      : geometry.kind === "rings"
        ? geometry.rings.flat()
        : geometry.points;
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { x, y } of points) {
    left = Math.min(left, x);
    top = Math.min(top, y);
    right = Math.max(right, x);
    bottom = Math.max(bottom, y);
  }
  return { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
}
