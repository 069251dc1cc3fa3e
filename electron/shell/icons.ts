import { join } from "node:path";

/** A picture of `resources/icons`, beside the built program in the package and in the repository alike. */
export function iconFile(appFolder: string, name: string): string {
  return join(appFolder, "resources", "icons", name);
}
