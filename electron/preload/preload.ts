import { contextBridge, ipcRenderer, webUtils, type IpcRendererEvent } from "electron";
import { CALL_NAMES, EVENT_NAMES } from "../contract/api.ts";
import { FOLDER_DROPPED } from "../contract/desktop.ts";

/** The few things of a page's own world that this file touches: it is compiled without the DOM's types. */
interface DropEvent {
  preventDefault(): void;
  dataTransfer: { files: ArrayLike<unknown>; dropEffect: string } | null;
}
interface Page {
  addEventListener(type: "dragover" | "drop", listener: (event: DropEvent) => void): void;
}

const calls: ReadonlySet<string> = new Set(CALL_NAMES);
const events: ReadonlySet<string> = new Set(EVENT_NAMES);

/** All that a page gets: two functions, names from the contract only, plain data only. */
contextBridge.exposeInMainWorld("nightrun", {
  call(name: string, input: unknown): Promise<unknown> {
    if (!calls.has(name)) throw new Error(`The contract has no call "${name}"`);
    return ipcRenderer.invoke(name, input);
  },
  on(name: string, listener: (event: unknown) => void): () => void {
    if (!events.has(name)) throw new Error(`The contract has no event "${name}"`);
    // The first argument would hand the page the channel itself.
    const pass = (_event: IpcRendererEvent, event: unknown): void => listener(event);
    ipcRenderer.on(name, pass);
    return () => void ipcRenderer.removeListener(name, pass);
  },
});

const page = globalThis as unknown as Page;

page.addEventListener("dragover", (event) => {
  event.preventDefault();
  if (event.dataTransfer !== null) event.dataTransfer.dropEffect = "copy";
});

page.addEventListener("drop", (event) => {
  event.preventDefault();
  const [file] = Array.from(event.dataTransfer?.files ?? []);
  if (file === undefined) return;
  const path = webUtils.getPathForFile(file as File);
  // A file that a page made itself has no path.
  if (path !== "") void ipcRenderer.invoke(FOLDER_DROPPED, { path });
});
