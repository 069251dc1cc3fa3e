const SHORTEST_SECRET = 6;
const PATTERNS = [
  /\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g,
  /\b(Bearer|Token)\s+[\w.~+/=-]{6,}/gi,
  /(\/\/)[^/\s:@]+:[^/\s@]+@/g,
];

/** The text with secrets taken out: those that are known, and whatever looks like a JWT, a token header or a login in a URL. */
export function redact(text: string, secrets: readonly string[]): string {
  let safe = text;
  for (const secret of secrets) if (secret.length >= SHORTEST_SECRET) safe = safe.replaceAll(secret, "…");
  for (const pattern of PATTERNS)
    safe = safe.replace(pattern, (_match, kept?: unknown) => (typeof kept === "string" ? `${kept}…` : "…"));
  return safe;
}
