import type { Box, Color, GraphicsItem, Point } from "../../../electron/contract/outputs.ts";
import type { Geometry } from "./scene.ts";

const PLAIN: Color = { r: 255, g: 255, b: 255 };

/** A graphics item as a geometry with its colour; null when its fields do not fit its type (API facts, section 5.5). */
export function readGraphicsItem(
  item: GraphicsItem,
): { geometry: Geometry; color: Color; isFilled: boolean } | null {
  const geometry = geometryOf(item);
  if (geometry === null) return null;
  const { pen, brush, color } = item.properties ?? {};
  return { geometry, color: pen ?? color ?? brush ?? PLAIN, isFilled: (brush?.a ?? 0) > 0 };
}

function geometryOf(item: GraphicsItem): Geometry | null {
  const at = pointOf(item);
  const box = boxOf(item);
  switch (item.type) {
    case 1:
      return at === null ? null : { kind: "points", points: [at] };
    case 2:
      return box === null ? null : { kind: "ellipse", box };
    case 3:
      return box === null ? null : { kind: "box", box, isDoubtful: false };
    case 4:
      return ringsOf([item.polygon]);
    case 5:
      return ringsOf([item.outer, ...(item.inners ?? [])]);
    case 6:
      return item.polyline === undefined ? null : { kind: "line", points: item.polyline };
    case 7:
      return at === null ? null : { kind: "text", at, text: item.text ?? "" };
    default:
      return null;
  }
}

function pointOf({ x, y }: GraphicsItem): Point | null {
  return x === undefined || y === undefined ? null : { x, y };
}

function boxOf({ x, y, width, height }: GraphicsItem): Box | null {
  if (x === undefined || y === undefined || width === undefined || height === undefined) return null;
  return { x, y, width, height };
}

function ringsOf(rings: (Point[] | undefined)[]): Geometry | null {
  const given = rings.filter((ring) => ring !== undefined && ring.length > 1) as Point[][];
  return given.length === 0 ? null : { kind: "rings", rings: given };
}
