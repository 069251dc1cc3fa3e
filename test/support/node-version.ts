/** The native SQLite addon ends an older Node without a word: refuse it by name before any test imports it. */
export default function requireSupportedNode(): void {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 22 || (major === 22 && minor < 22)) {
    throw new Error(
      `Tests need Node 22.22 or later, found ${process.versions.node}. Run them with \`npm test\`.`,
    );
  }
}
