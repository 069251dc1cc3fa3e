import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";

const electron = join(import.meta.dirname, "..", "..", "electron");

/** Files of the shell and the bridge whose text, without comments, holds this. */
async function filesWith(text: RegExp): Promise<string[]> {
  const found: string[] = [];
  for (const room of ["shell", "preload"]) {
    for (const name of await readdir(join(electron, room))) {
      const source = await readFile(join(electron, room, name), "utf8");
      if (text.test(source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ""))) found.push(`${room}/${name}`);
    }
  }
  return found.sort();
}

test.each([
  ["loads an address into a window", /loadURL\(|loadFile\(/, ["shell/window.ts"]],
  ["makes a window", /new BrowserWindow\(/, ["shell/desktop.ts"]],
  ["opens channels", /ipcMain/, ["shell/ipc.ts"]],
  ["speaks to the main process", /ipcRenderer/, ["preload/preload.ts"]],
  ["gives the page something", /contextBridge/, ["preload/preload.ts"]],
  ["keeps secrets", /encryptStringAsync\(/, ["shell/secrets.ts"]],
  ["opens the browser", /openExternal\(/, ["shell/dialogs.ts"]],
  ["shows files in the file manager", /showItemInFolder\(/, ["shell/dialogs.ts"]],
  ["opens folders", /openPath\(/, ["shell/outside.ts"]],
])("one file %s", async (_what, text, expected) => {
  expect(await filesWith(text)).toEqual(expected);
});

test.each([
  /webSecurity:\s*false/,
  /allowRunningInsecureContent:\s*true/,
  /nodeIntegration\w*:\s*true/,
  /contextIsolation:\s*false/,
  /sandbox:\s*false/,
  /webviewTag:\s*true/,
  /experimentalFeatures:\s*true/,
  /enableBlinkFeatures/,
  /rejectUnauthorized:\s*false/,
  /ignore-certificate-errors|setCertificateVerifyProc|certificate-error/,
  /setAsDefaultProtocolClient/,
  /executeJavaScript\(/,
  /encryptString\(|decryptString\(/,
  /ELECTRON_RUN_AS_NODE/,
])("nothing in the shell holds %s", async (text) => {
  expect(await filesWith(text)).toEqual([]);
});
