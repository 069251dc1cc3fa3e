import type { ImageOutput } from "../../../electron/contract/api.ts";
import type { Color, Output } from "../../../electron/contract/outputs.ts";
import { SHEET, thingsOf, type Thing } from "./drawn-night.ts";

const COLORS: Record<Thing["kind"], Color> = {
  leaf: { r: 90, g: 214, b: 120, a: 255 },
  flower: { r: 255, g: 110, b: 190, a: 255 },
  stem: { r: 255, g: 190, b: 60, a: 255 },
};

function boxOf(t: Thing) {
  return { x: t.x - t.rx, y: t.y - t.ry, width: t.rx * 2, height: t.ry * 2 };
}

function ring(t: Thing, scale = 1) {
  return Array.from({ length: 25 }, (_, i) => {
    const a = (i / 24) * Math.PI * 2;
    return {
      x: Math.round(t.x + Math.cos(a) * t.rx * scale),
      y: Math.round(t.y + Math.sin(a) * t.ry * scale),
    };
  });
}

function detections(id: number) {
  return thingsOf(id).map((t, i) => ({
    id: i,
    label: t.kind,
    confidence: t.confidence,
    box: boxOf(t),
    color: COLORS[t.kind],
  }));
}

const KINDS = [
  "OBJECT_DETECTION",
  "INSTANCE_SEGMENTATION",
  "SEMANTIC_SEGMENTATION",
  "KEYPOINTS",
  "TEXT",
  "GRAPHICS",
  "MASKS",
  "TABLES",
] as const;

/** One made-up result; images take turns in the types of Ikomia. */
export function outputsOf(id: number): ImageOutput[] {
  const kind = KINDS[id % KINDS.length]!;
  return dataOf(id, kind).map(({ output, text }, i) => ({
    taskName: `infer_${kind.toLowerCase()}`,
    taskIndex: 0,
    outputIndex: i + 1,
    output,
    raw: output.type === "unknown" ? { [output.key]: output.data } : { [output.type]: output.data },
    summary: { type: output.type, text },
  }));
}

export function summaryOf(id: number): string {
  const things = thingsOf(id);
  const count = (kind: Thing["kind"]) => things.filter((t) => t.kind === kind).length;
  return (["leaf", "flower", "stem"] as const)
    .filter((kind) => count(kind) > 0)
    .map((kind) => `${count(kind)} ${kind}`)
    .join(", ");
}

function dataOf(id: number, kind: (typeof KINDS)[number]): { output: Output; text: string }[] {
  const things = thingsOf(id);
  switch (kind) {
    case "OBJECT_DETECTION": {
      const found = detections(id);
      const edge = { x: 1500, y: 600, width: 180, height: 90 };
      const doubtful = {
        id: 99,
        label: "label",
        confidence: 0.71,
        box: edge,
        color: { r: 120, g: 190, b: 255 },
      };
      return [
        {
          output: { type: kind, data: { detections: [...found, doubtful] } },
          text: `${found.length + 1} objects`,
        },
      ];
    }
    case "INSTANCE_SEGMENTATION":
      return [
        {
          output: {
            type: kind,
            data: {
              detections: detections(id).map((d, i) => ({
                ...d,
                classIndex: 0,
                type: 0,
                mask: { file: `.infer-0.1.mask-${i}.png` },
                polygons: [
                  {
                    id: i,
                    type: 5,
                    outer: ring(things[i]!),
                    inners: [ring(things[i]!, 0.35)],
                    properties: { pen: d.color, brush: d.color, category: d.label },
                  },
                ],
              })),
            },
          },
          text: `${things.length} objects with outlines`,
        },
      ];
    case "MASKS":
      return [
        {
          output: {
            type: "INSTANCE_SEGMENTATION",
            data: {
              detections: detections(id).map((d, i) => ({
                ...d,
                mask: { file: `.infer-0.1.mask-${i}.png` },
              })),
            },
          },
          text: `${things.length} masks`,
        },
      ];
    case "SEMANTIC_SEGMENTATION":
      return [
        {
          output: {
            type: kind,
            data: {
              classes: ["paper", "leaf", "flower", "stem"],
              colors: [{ r: 40, g: 60, b: 90 }, COLORS.leaf, COLORS.flower, COLORS.stem],
              mask: { file: ".infer-0.1.classes.png" },
            },
          },
          text: "4 classes",
        },
      ];
    case "KEYPOINTS":
      return [
        {
          output: {
            type: kind,
            data: {
              links: [
                { index1: 1, index2: 2 },
                { index1: 2, index2: 3 },
                { index1: 2, index2: 4 },
                { index1: 4, index2: 9 },
              ],
              names: [],
              objects: detections(id).map((d, i) => {
                const t = things[i]!;
                return {
                  ...d,
                  points: [
                    { index: 1, x: t.x - t.rx, y: t.y },
                    { index: 2, x: t.x, y: t.y },
                    { index: 3, x: t.x + t.rx, y: t.y },
                    { index: 4, x: t.x, y: t.y - t.ry },
                  ],
                };
              }),
            },
          },
          text: `${things.length} poses`,
        },
      ];
    case "TEXT":
      return [
        {
          output: {
            type: kind,
            data: {
              fields: [
                {
                  id: 0,
                  label: "",
                  text: `Sheet ${id}`,
                  confidence: 0.97,
                  color: { r: 255, g: 90, b: 90 },
                  polygon: [
                    { x: 1195, y: 985 },
                    { x: 1380, y: 985 },
                    { x: 1380, y: 1030 },
                    { x: 1195, y: 1030 },
                  ],
                },
                {
                  id: 1,
                  label: "",
                  text: "Herb. Nocturnum",
                  confidence: 0.88,
                  color: { r: 255, g: 90, b: 90 },
                  polygon: [
                    { x: 1195, y: 1045 },
                    { x: 1420, y: 1045 },
                    { x: 1420, y: 1085 },
                    { x: 1195, y: 1085 },
                  ],
                },
              ],
            },
          },
          text: "2 texts",
        },
      ];
    case "GRAPHICS":
      return [
        { output: { type: kind, data: { items: graphics(things), layer: "Shapes" } }, text: "graphics" },
      ];
    case "TABLES":
      return tables(id);
  }
}

function graphics(things: Thing[]) {
  return things.map((t, i) => {
    const properties = {
      pen: COLORS[t.kind],
      brush: { ...COLORS[t.kind], a: i % 2 === 0 ? 120 : 0 },
      category: t.kind,
    };
    const box = boxOf(t);
    if (i % 5 === 0) return { id: i, type: 2, ...box, properties };
    if (i % 5 === 1) return { id: i, type: 3, ...box, properties };
    if (i % 5 === 2) return { id: i, type: 6, polyline: ring(t), properties };
    if (i % 5 === 3) return { id: i, type: 1, x: t.x, y: t.y, properties };
    return { id: i, type: 7, x: t.x, y: t.y, text: `${t.kind} ${i}`, properties };
  });
}

function tables(id: number): { output: Output; text: string }[] {
  const things = thingsOf(id);
  const bins = Array.from({ length: 64 }, (_, i) =>
    Math.round(900 * Math.exp(-((i - 40) ** 2) / 180) + (i % 7) * 20),
  );
  return [
    {
      output: {
        type: "NUMERIC_VALUES",
        data: { headers: ["Pixels"], values: [bins.map((v) => v.toFixed(6))], outputType: 4, plotType: 3 },
      },
      text: "histogram of 64 bins",
    },
    {
      output: {
        type: "NUMERIC_VALUES",
        data: {
          headers: ["Confidence"],
          values: [["0.910000", "0.052000", "0.011000"]],
          valueLabels: [["Quercus", "Fagus", "Betula"]],
          outputType: 2,
          plotType: 0,
        },
      },
      text: "Quercus 91 %",
    },
    {
      output: {
        type: "BLOB_VALUES",
        data: {
          objects: things.map((t, i) => [
            {
              graphicsId: i,
              label: t.kind,
              measure: { id: 0, name: "Surface" },
              values: [Math.round(Math.PI * t.rx * t.ry)],
            },
            {
              graphicsId: i,
              label: t.kind,
              measure: { id: 3, name: "Box" },
              values: Object.values(boxOf(t)),
            },
          ]),
        },
      },
      text: `${things.length} measured`,
    },
    {
      output: {
        type: "DATA_DICT",
        data: {
          sheet: id,
          found: true,
          scale: { unit: "mm", pixels: 11.8 },
          tags: ["dry", "mounted"],
          paper: SHEET,
        },
      },
      text: "5 entries",
    },
    { output: { type: "unknown", key: "SCENE_3D", data: { scene3d: { layers: [] } } }, text: "SCENE_3D" },
  ];
}
