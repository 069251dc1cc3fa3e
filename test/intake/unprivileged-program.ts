import { join } from "node:path";
import { openImage } from "../../electron/engine/intake/open.ts";
import { walk } from "../../electron/engine/intake/walk.ts";

/** Walks the folder in its argument without root's rights and prints what it met. */
const root = process.argv[2] ?? "";
if (process.getuid?.() === 0) process.setuid?.(65_534);
const options = { recursive: true, include: [], exclude: [], excludedFolders: [] };
const files: string[] = [];
const walked = await walk({ ...options, root }, async (entries) => {
  for (const entry of entries) if (entry.kind === "file") files.push(entry.observation.path);
});
if (!walked.ok) throw new Error(walked.failure.reason);
const { complete, unreadable } = walked.value;
process.stdout.write(
  JSON.stringify({
    complete,
    unreadable: unreadable.sort((a, b) => a.path.localeCompare(b.path)),
    files: files.sort(),
    opened: await openImage(root, "no-read.jpg"),
    root: await walk({ ...options, root: join(root, "no-list") }, async () => undefined),
  }),
);
