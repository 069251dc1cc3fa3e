/**
 * Where a worker thread's program lies: beside the built programs as `<name>.js`, or as its source when the source runs.
 * `source` is the path of the worker's source seen from `importMetaUrl`.
 */
export function workerUrl(name: string, source: string, importMetaUrl: string): URL {
  return importMetaUrl.endsWith(".ts")
    ? new URL(source, importMetaUrl)
    : new URL(`./${name}.js`, importMetaUrl);
}
