import uPlot from "uplot";
import type { Night } from "../../electron/contract/api.ts";

const MINUTE = 60_000;

/** The chart's columns: seconds since 1970, images a minute, run time in seconds, runs in flight. */
export function chartData(night: Night): uPlot.AlignedData {
  const perMinute = MINUTE / night.bucketMs;
  return [
    night.done.map((_, i) => (night.fromAt + i * night.bucketMs) / 1000),
    night.done.map((count) => count * perMinute),
    night.runTimeMs.map((ms) => (ms === null ? null : ms / 1000)),
    night.inFlight,
  ];
}

/** The end of the last bucket, in milliseconds since 1970. */
export function chartEnd(night: Night): number {
  return night.fromAt + night.done.length * night.bucketMs;
}

export interface ChartColors {
  rate: string;
  rateFill: string;
  time: string;
  flight: string;
  grid: string;
  gate: string;
  text: string;
}

/** Colours as the browser resolves them now: a canvas knows no custom properties. */
export function readChartColors(element: HTMLElement): ChartColors {
  const probe = document.createElement("span");
  element.append(probe);
  const read = (name: string): string => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const colors = {
    rate: read("--chart-rate"),
    rateFill: read("--chart-rate-fill"),
    time: read("--chart-time"),
    flight: read("--chart-flight"),
    grid: read("--chart-grid"),
    gate: read("--chart-gate"),
    text: read("--text-muted"),
  };
  probe.remove();
  return colors;
}

const FONT = '12px "Inter Variable", system-ui, sans-serif';

interface ChartInput {
  colors: ChartColors;
  width: number;
  height: number;
  names: { rate: string; time: string; flight: string };
  /** Read at every drawing, so that new gates need no new chart. */
  gates: () => Night["gates"];
}

/** One chart: throughput as an area, run time as a line on the right, runs in flight as a thin stepped line, gates as bands. */
export function chartOptions({ colors, width, height, names, gates }: ChartInput): uPlot.Options {
  const axis = { stroke: colors.text, font: FONT, ticks: { show: false } };
  const grid = { stroke: colors.grid, width: 1 };
  return {
    width,
    height,
    padding: [8, 0, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    scales: {
      x: { time: true },
      rate: { range: fromZero },
      time: { range: fromZero },
      flight: { range: fromZero },
    },
    axes: [
      { ...axis, grid: { show: false }, values: timeLabels, space: 80, size: 28 },
      { ...axis, scale: "rate", grid, size: 46 },
      {
        ...axis,
        scale: "time",
        // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the library's enum exists in its types only
        side: 1,
        grid: { show: false },
        size: 46,
        values: (_chart, ticks) => ticks.map((tick) => `${tick} s`),
      },
    ],
    series: [
      {},
      {
        label: names.rate,
        scale: "rate",
        stroke: colors.rate,
        fill: colors.rateFill,
        width: 2,
        points: { show: false },
      },
      {
        label: names.time,
        scale: "time",
        stroke: colors.time,
        width: 1.5,
        points: { show: false },
        spanGaps: false,
      },
      {
        label: names.flight,
        scale: "flight",
        stroke: colors.flight,
        width: 1,
        dash: [3, 3],
        points: { show: false },
      },
    ],
    hooks: { drawClear: [(chart) => drawGates(chart, gates(), colors.gate)] },
  };
}

/** Local wall clock of each tick; with seconds where ticks are closer than a minute, so that no two read the same. */
export function timeLabels(
  _chart: unknown,
  ticks: readonly number[],
  _axis: unknown,
  _space: unknown,
  stepSeconds: number,
): string[] {
  const format = stepSeconds < 60 ? WITH_SECONDS : TO_THE_MINUTE;
  return ticks.map((tick) => format.format(tick * 1000));
}

const TO_THE_MINUTE = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const WITH_SECONDS = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

function fromZero(_chart: uPlot, _low: number, high: number): [number, number] {
  return [0, Math.max(1, high * 1.15)];
}

function drawGates(chart: uPlot, gates: Night["gates"], color: string): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.fillStyle = color;
  for (const gate of gates) {
    const from = Math.max(bbox.left, chart.valToPos(gate.fromAt / 1000, "x", true));
    const end = gate.untilAt === null ? Infinity : chart.valToPos(gate.untilAt / 1000, "x", true);
    const until = Math.min(bbox.left + bbox.width, end);
    if (until > from) ctx.fillRect(from, bbox.top, Math.max(2, until - from), bbox.height);
  }
  ctx.restore();
}
