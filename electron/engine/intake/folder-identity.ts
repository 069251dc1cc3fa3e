import { stat } from "node:fs/promises";
import type { SetupFailure } from "../../contract/failure.ts";
import type { Store } from "../store/store.ts";
import { errorCode } from "./fs-error.ts";
import { fileIdOf } from "./observation.ts";
import type { ScopeOptions } from "./scope.ts";
import { observe } from "./walk.ts";

/** So many known files are looked for in a folder that may be another one. */
const KNOWN_FILES_TRIED = 1000;

/** Whether the folder at a path is the one that a batch is about: another disk may be mounted there, or none. */
export interface FolderIdentity {
  /** null = it is there and is the same; else what is wrong. */
  look(): Promise<SetupFailure | null>;
  /** A walk of the folder with this id has ended: false when that was another folder, whose files do not count. */
  wasWalked(id: string): Promise<boolean>;
}

export interface FolderIdentityOptions {
  batchId: number;
  root: string;
  /** "device:inode" of the folder when it was last walked, in an earlier session too; null = never. */
  rootId: string | null;
  store: Store;
  scope: () => ScopeOptions;
}

/** "device:inode" of a folder; null when there is none that can be read. */
async function folderId(folder: string): Promise<string | null> {
  try {
    const found = await stat(folder, { bigint: true });
    return found.isDirectory() ? fileIdOf(found) : null;
  } catch (error) {
    errorCode(error);
    return null;
  }
}

function deviceOf(fileId: string): string {
  return fileId.slice(0, fileId.indexOf(":"));
}

export function createFolderIdentity(options: FolderIdentityOptions): FolderIdentity {
  const { batchId, root, store, scope } = options;
  let { rootId } = options;
  /** The folder was found healthy in this session. */
  let wasHealthy = false;

  async function keep(id: string): Promise<void> {
    rootId = id;
    await store.call("setBatchFlags", { batchId, rootId });
  }

  /**
   * The same device and inode; or one of its known files lies there as it was, for a drive or share may come back under
   * another number; or, when a session begins, a folder that was made anew on the same disk.
   */
  async function isSame(id: string): Promise<boolean> {
    if (rootId === null || id === rootId) return true;
    const isMadeAnew = !wasHealthy && deviceOf(id) === deviceOf(rootId);
    if (!isMadeAnew && !(await holdsKnownFile())) return false;
    await keep(id);
    return true;
  }

  /** True also when nothing is known yet that could be missed. */
  async function holdsKnownFile(): Promise<boolean> {
    const known = await store.call("knownFiles", { batchId, limit: KNOWN_FILES_TRIED });
    for (const row of known) {
      const entry = await observe(root, row.path, scope());
      if (entry === null || entry.kind === "special") continue;
      const { bytes, mtimeUs } = entry.observation;
      if (bytes === row.bytes && mtimeUs === row.mtimeUs) return true;
    }
    return known.length === 0;
  }

  return {
    async look() {
      const id = await folderId(root);
      if (id === null) return { reason: "folder-missing", folder: root };
      if (!(await isSame(id))) return { reason: "folder-replaced", folder: root };
      wasHealthy = true;
      return null;
    },
    async wasWalked(id) {
      if (rootId === null) await keep(id);
      return rootId === id;
    },
  };
}
