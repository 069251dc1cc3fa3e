import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { openReader } from "../../../electron/engine/store/database.ts";

/** One look at a process and its files. Sizes in bytes, `atS` in seconds since the first look. */
export interface VitalSigns {
  atS: number;
  rss: number;
  descriptors: number;
  wal: number;
  logs: number;
  spool: number;
  seen: number;
  done: number;
  balanced: boolean;
}

function sizeOf(place: string): number {
  if (!existsSync(place)) return 0;
  const stats = statSync(place);
  if (!stats.isDirectory()) return stats.size;
  return readdirSync(place).reduce((sum, name) => sum + sizeOf(join(place, name)), 0);
}

/** One statement, so that all parts are of one moment. */
const LEDGER = `SELECT
  (SELECT count(*) FROM images WHERE current = 1) AS seen,
  (SELECT count(*) FROM images WHERE current = 1 AND stage = 'DONE') AS done,
  (SELECT coalesce(sum(n), 0) FROM counters WHERE name = 'seen') AS counted,
  (SELECT coalesce(sum(n), 0) FROM counters WHERE name NOT IN ('seen', 'runs')) AS parts`;

interface LedgerRow {
  seen: number;
  done: number;
  counted: number;
  parts: number;
}

function readLedger(dataFile: string): LedgerRow {
  const reader = openReader(dataFile);
  if (!reader.ok) throw new Error(`The data file cannot be read: ${reader.failure.reason}`);
  try {
    return reader.value.sql(LEDGER).get() as LedgerRow;
  } finally {
    reader.value.close();
  }
}

/** Looks at a running process and at the data file that it writes. Linux only: it reads /proc. */
export function takeVitalSigns(pid: number, dataFile: string, atS: number): VitalSigns {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const { seen, done, counted, parts } = readLedger(dataFile);
  return {
    atS,
    rss: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    wal: sizeOf(`${dataFile}-wal`),
    logs: sizeOf(`${dataFile}.logs`),
    spool: sizeOf(`${dataFile}.spool`),
    seen,
    done,
    balanced: seen === counted && counted === parts,
  };
}

/** Slope of a straight line through the points, in units of y per unit of x (least squares). */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: 0 | 1): number => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread;
}
