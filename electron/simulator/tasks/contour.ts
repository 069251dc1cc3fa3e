import type { Region, RegionMap } from "./regions.ts";

export interface XY {
  x: number;
  y: number;
}

/** The outer edge of a shape, and the edges of its holes; rings are not closed. Positions in pixels of the raster. */
export interface Outline {
  outer: XY[];
  holes: XY[][];
}

/** Whether a pixel belongs to the shape; anything may be asked, also outside the raster. */
type Inside = (x: number, y: number) => boolean;

/** The eight neighbours, clockwise from east. */
const STEPS: readonly (readonly [number, number])[] = [
  [1, 0],
  [1, 1],
  [0, 1],
  [-1, 1],
  [-1, 0],
  [-1, -1],
  [0, -1],
  [1, -1],
];
const WEST = 4;
/** Corners that leave the edge by no more than this many raster pixels are dropped. */
const TOLERANCE = 0.8;
const SMALLEST_HOLE = 9;

/** Walks around the shape with the edge at its left hand, from its first pixel in reading order (Moore's neighbour tracing). */
function trace(inside: Inside, start: XY, longest: number): XY[] {
  const ring: XY[] = [];
  let at = start;
  let from = WEST;
  let firstDirection: number | null = null;
  while (ring.length < longest) {
    const turn = [1, 2, 3, 4, 5, 6, 7, 8].find((step) => {
      const [dx, dy] = STEPS[(from + step) % 8] ?? [0, 0];
      return inside(at.x + dx, at.y + dy);
    });
    if (turn === undefined) return [start];
    const direction = (from + turn) % 8;
    if (at.x === start.x && at.y === start.y && direction === firstDirection) return ring;
    firstDirection ??= direction;
    ring.push(at);
    const [dx, dy] = STEPS[direction] ?? [0, 0];
    at = { x: at.x + dx, y: at.y + dy };
    // Seen from the new pixel, the last empty neighbour lies behind: the opposite direction, one step back for diagonals.
    from = (direction + (direction % 2 === 0 ? 6 : 5)) % 8;
  }
  return ring;
}

function distanceToLine(point: XY, a: XY, b: XY): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = Math.hypot(dx, dy);
  if (length === 0) return Math.hypot(point.x - a.x, point.y - a.y);
  return Math.abs(dx * (a.y - point.y) - dy * (a.x - point.x)) / length;
}

/** Douglas and Peucker's simplification of an open line. */
function simplifyLine(points: readonly XY[]): XY[] {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || points.length < 3) return [...points];
  let farthest = 0;
  let distance = 0;
  points.forEach((point, index) => {
    const here = distanceToLine(point, first, last);
    if (here > distance) [farthest, distance] = [index, here];
  });
  if (distance <= TOLERANCE) return [first, last];
  return [
    ...simplifyLine(points.slice(0, farthest + 1)).slice(0, -1),
    ...simplifyLine(points.slice(farthest)),
  ];
}

/** A ring is split at its start and the point farthest from it, so that no end is a corner by accident. */
function simplifyRing(ring: readonly XY[]): XY[] {
  const start = ring[0];
  if (!start || ring.length < 4) return [...ring];
  const distances = ring.map(({ x, y }) => Math.hypot(x - start.x, y - start.y));
  const farthest = distances.indexOf(Math.max(...distances));
  const there = simplifyLine(ring.slice(0, farthest + 1));
  const back = simplifyLine([...ring.slice(farthest), start]);
  return [...there.slice(0, -1), ...back.slice(0, -1)];
}

/** Numbers the gaps inside a region's box: 0 = shape, 1 = outside, 2 and up = holes. The box is one pixel larger all round. */
function numberGaps(
  map: RegionMap,
  region: Region,
): { gaps: Int32Array; width: number; height: number; count: number } {
  const width = region.right - region.left + 3;
  const height = region.bottom - region.top + 3;
  const gaps = new Int32Array(width * height).fill(-1);
  for (let y = region.top; y <= region.bottom; y += 1) {
    for (let x = region.left; x <= region.right; x += 1) {
      if (map.labels[y * map.width + x] === region.label)
        gaps[(y - region.top + 1) * width + x - region.left + 1] = 0;
    }
  }
  let count = 0;
  for (let start = 0; start < gaps.length; start += 1) {
    if (gaps[start] !== -1) continue;
    count += 1;
    fillGap(gaps, width, start, count);
  }
  return { gaps, width, height, count };
}

function fillGap(gaps: Int32Array, width: number, start: number, value: number): void {
  const queue = [start];
  gaps[start] = value;
  for (let done = 0; done < queue.length; done += 1) {
    const pixel = queue[done] ?? 0;
    const x = pixel % width;
    const neighbours = [x > 0 ? pixel - 1 : -1, x < width - 1 ? pixel + 1 : -1, pixel - width, pixel + width];
    for (const next of neighbours) {
      if (next < 0 || gaps[next] !== -1) continue;
      gaps[next] = value;
      queue.push(next);
    }
  }
}

/** The simplified outline of a region. */
export function outlineOf(map: RegionMap, region: Region): Outline {
  const { gaps, width, height, count } = numberGaps(map, region);
  const ringOf = (value: number): XY[] => {
    const inside: Inside = (x, y) =>
      x >= 0 && y >= 0 && x < width && y < height && gaps[y * width + x] === value;
    const first = gaps.indexOf(value);
    const start = { x: first % width, y: Math.floor(first / width) };
    return simplifyRing(trace(inside, start, gaps.length)).map(({ x, y }) => ({
      x: x + region.left - 1,
      y: y + region.top - 1,
    }));
  };
  const areas = new Uint32Array(count + 1);
  for (const gap of gaps) areas[gap] = (areas[gap] ?? 0) + 1;
  // Gap 1 holds the corner of the widened box, so it is the outside.
  const holes = [...areas.keys()].filter((gap) => gap >= 2 && (areas[gap] ?? 0) >= SMALLEST_HOLE);
  return { outer: ringOf(0), holes: holes.map(ringOf) };
}
