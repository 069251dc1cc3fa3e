import uPlot from "uplot";
import type { NumericValues } from "../../electron/contract/outputs.ts";

const TABLE_ONLY = 2;

/** What can be drawn of NUMERIC_VALUES; null when it is a table, a pie, or not numeric (API facts, section 5.5). */
export function plotOf({ values, headers, outputType, plotType }: NumericValues): {
  isBars: boolean;
  names: string[];
  data: uPlot.AlignedData;
} | null {
  if (outputType === TABLE_ONLY || plotType === undefined || plotType > 3) return null;
  const columns = values.map((column) => column.map(Number));
  const length = Math.max(0, ...columns.map((column) => column.length));
  if (length < 2 || columns.flat().some((value) => !Number.isFinite(value))) return null;
  const x = Array.from({ length }, (_, i) => i);
  return {
    isBars: plotType !== 0,
    names: columns.map((_, i) => headers[i] ?? String(i)),
    data: [x, ...columns.map((column) => x.map((i) => column[i] ?? null))],
  };
}

interface PlotInput {
  isBars: boolean;
  names: string[];
  colors: string[];
  text: string;
  grid: string;
  width: number;
  height: number;
}

/** Curves as lines; bars and histograms as bars, several columns side by side. */
export function plotOptions({ isBars, names, colors, text, grid, width, height }: PlotInput): uPlot.Options {
  const axis = { stroke: text, ticks: { show: false }, grid: { stroke: grid, width: 1 } };
  const share = 0.8 / Math.max(1, names.length);
  return {
    width,
    height,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: (_u, low, high) => (isBars ? [low - 0.6, high + 0.6] : [low, high]) },
      y: { range: (_u, low, high) => [Math.min(0, low), high === low ? low + 1 : high] },
    },
    axes: [
      { ...axis, size: 28 },
      { ...axis, size: 52 },
    ],
    series: [
      {},
      ...names.map((label, i) => {
        const stroke = colors[i % colors.length] ?? text;
        if (!isBars) return { label, stroke, width: 1.5, points: { show: false } };
        const bars = uPlot.paths.bars?.({
          size: [share, 40],
          align: i === 0 && names.length > 1 ? -1 : i === 0 ? 0 : 1,
        });
        return { label, stroke, fill: stroke, points: { show: false }, ...(bars ? { paths: bars } : {}) };
      }),
    ],
  };
}
