import { renameSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Swaps a file and a folder with links that lead outside, as fast as it can, until it is ended. */
const [root = "", outside = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit());
process.send?.("ready");

function swapOnce(): void {
  symlinkSync(join(outside, "a.jpg"), join(root, "next"));
  renameSync(join(root, "next"), join(root, "a.jpg"));
  renameSync(join(root, "folder"), join(root, "aside"));
  symlinkSync(outside, join(root, "folder"));
  unlinkSync(join(root, "folder"));
  renameSync(join(root, "aside"), join(root, "folder"));
  writeFileSync(join(root, "next"), "picture");
  renameSync(join(root, "next"), join(root, "a.jpg"));
}

function swapSome(): void {
  for (let i = 0; i < 200; i += 1) swapOnce();
  setImmediate(swapSome);
}
swapSome();
