/** Names that systems, sync clients, downloads and editors leave behind; lower case. */
const NAMES = new Set([
  "thumbs.db",
  "ehthumbs.db",
  "ehthumbs_vista.db",
  "desktop.ini",
  "icon\r",
  "__macosx",
  "@eadir",
  "@recycle",
  "@recently-snapshot",
  "#recycle",
  "#snapshot",
  "~snapshot",
  "$recycle.bin",
  "recycler",
  "system volume information",
  "lost+found",
  "network trash folder",
  "temporary items",
]);

const ENDINGS = [
  "~",
  ".part",
  ".partial",
  ".crdownload",
  ".opdownload",
  ".download",
  ".filepart",
  ".aria2",
  ".!ut",
  ".!qb",
  ".tmp",
  ".temp",
  ".swp",
  ".swx",
] as const;

const BEGINNINGS = [".", "~$", "~syncthing~"] as const;

/**
 * True for a file or folder that is nobody's picture: hidden, a system's own, or half of a download or save.
 * Plain comparisons only, so a hostile name costs no more than its length.
 */
export function isJunk(name: string): boolean {
  const lower = name.toLowerCase();
  return (
    NAMES.has(lower) ||
    BEGINNINGS.some((beginning) => lower.startsWith(beginning)) ||
    ENDINGS.some((ending) => lower.endsWith(ending))
  );
}
