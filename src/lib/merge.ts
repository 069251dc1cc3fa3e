/** The newer entries over the older ones of the same id; new ones at the end. */
export function mergeById<T extends { id: number }>(older: readonly T[], newer: readonly T[]): T[] {
  const byId = new Map(newer.map((entry) => [entry.id, entry]));
  const known = new Set(older.map((entry) => entry.id));
  return [
    ...older.map((entry) => byId.get(entry.id) ?? entry),
    ...newer.filter((entry) => !known.has(entry.id)),
  ];
}
