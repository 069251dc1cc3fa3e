/** The ends of the file names that stand in an output where pictures were (`{"file": ".task-0.1.png"}`), in its order. */
export function suffixesIn(value: unknown): string[] {
  if (value === null || typeof value !== "object") return [];
  if (!Array.isArray(value)) {
    const { file } = value as { file?: unknown };
    if (Object.keys(value).length === 1 && typeof file === "string" && file.startsWith(".")) return [file];
  }
  return Object.values(value).flatMap(suffixesIn);
}
