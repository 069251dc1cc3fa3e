/** Characters and members of one call's input: more than the longest workflow file, far less than what hurts. */
const MOST_SIZE = 4_000_000;
const DEEPEST = 64;

/**
 * Says what is wrong with a call's input before any schema looks at it, or null: only plain data of bounded size
 * and depth passes, and no key that could reach a prototype. Stops looking at the limit, so a huge input costs little.
 */
export function judgePlainData(value: unknown): string | null {
  let size = 0;
  function judge(part: unknown, depth: number): string | null {
    size += typeof part === "string" ? part.length : 8;
    if (size > MOST_SIZE) return "it is too large";
    if (depth > DEEPEST) return "it is nested too deeply";
    if (part === null || typeof part !== "object") {
      return typeof part === "function" || typeof part === "symbol" || typeof part === "bigint"
        ? `it holds a ${typeof part}`
        : null;
    }
    if (Array.isArray(part)) return judgeAll(part, depth);
    const prototype: unknown = Object.getPrototypeOf(part);
    if (prototype !== Object.prototype && prototype !== null) return "it holds more than plain data";
    for (const key of Object.keys(part)) {
      if (key === "__proto__") return "it has a key __proto__";
      size += key.length;
    }
    return judgeAll(Object.values(part), depth);
  }
  function judgeAll(parts: readonly unknown[], depth: number): string | null {
    if (size + parts.length > MOST_SIZE) return "it is too large";
    for (const part of parts) {
      const unfit = judge(part, depth + 1);
      if (unfit !== null) return unfit;
    }
    return null;
  }
  return judge(value, 0);
}
