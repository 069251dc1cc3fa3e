import { dialog, Notification, shell, type BrowserWindow, type MessageBoxOptions } from "electron";
import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import process from "node:process";
import { version } from "../cli/version.ts";
import type { WindowHost } from "../engine/handlers/service.ts";
import type { QuitQuestion } from "./quit.ts";
import type { Secrets } from "./secrets.ts";

/** What only a desktop can do for a window: its tokens, the native dialog, the file manager. */
export function windowHost(secrets: Secrets, window: () => BrowserWindow | null): WindowHost {
  return {
    kind: "desktop",
    version,
    home: homedir(),
    native: true,
    tokens: secrets,
    chooseFolder: (title) => chooseFolder(title, window()),
    // The path comes from the data file, looked up by an image's id.
    reveal: async (file) => {
      const isThere = await stat(file).then(
        () => true,
        () => false,
      );
      if (isThere) shell.showItemInFolder(file);
      return isThere;
    },
  };
}

/** Asks for a folder; null when the person cancels. */
export async function chooseFolder(title: string, owner: BrowserWindow | null): Promise<string | null> {
  const options = { title, properties: ["openDirectory" as const, "createDirectory" as const] };
  const chosen = await (owner === null
    ? dialog.showOpenDialog(options)
    : dialog.showOpenDialog(owner, options));
  return chosen.canceled ? null : (chosen.filePaths[0] ?? null);
}

/** Two buttons; the first is the one that changes nothing. True = the second. */
async function ask(options: MessageBoxOptions & { buttons: [string, string] }): Promise<boolean> {
  const { response } = await dialog.showMessageBox({
    title: "Nightrun",
    defaultId: 0,
    cancelId: 0,
    noLink: true,
    ...options,
  });
  return response === 1;
}

/** Whether a token may be stored where other programs of the same person can read it. */
export function askForPlainStorage(): Promise<boolean> {
  return ask({
    type: "warning",
    message: "This system has no key ring.",
    detail:
      "The API token can be kept until Nightrun stops, or stored in a file that other programs of yours can read.",
    buttons: ["Keep until Nightrun stops", "Store it readable"],
  });
}

export function askBeforeQuitting(question: QuitQuestion): Promise<boolean> {
  return ask({
    type: "question",
    message: question.message,
    detail: question.detail,
    buttons: [...question.buttons],
  });
}

/** Opens a page of the fixed list in the browser, after a word. */
export function askThenOpenOutside(link: string): void {
  void ask({
    type: "question",
    message: "Open this page in your browser?",
    detail: link,
    buttons: ["Cancel", "Open"],
    defaultId: 1,
  }).then((isWanted) => (isWanted ? shell.openExternal(link) : undefined));
}

export function showAbout(): void {
  const { electron, chrome, node } = process.versions;
  void dialog.showMessageBox({
    type: "info",
    title: "About Nightrun",
    message: `Nightrun ${version}`,
    detail: `Runs folders of images through an Ikomia SCALE deployment, overnight, and loses nothing.\n\nElectron ${electron}, Chromium ${chrome}, Node ${node}\nMIT licence`,
    buttons: ["Close"],
    noLink: true,
  });
}

const shown = new Set<Notification>();

export function notify(notice: { title: string; body: string }, onClick: () => void): void {
  if (!Notification.isSupported()) return;
  const notification = new Notification({ title: notice.title, body: notice.body });
  // Without a reference it would be collected, and a click would do nothing.
  shown.add(notification);
  notification.on("close", () => shown.delete(notification));
  notification.on("click", () => {
    shown.delete(notification);
    onClick();
  });
  notification.show();
}

let hasTold = false;

/** After the first closing of the window while something runs. A Mac's dock says it anyway. */
export function tellOnceThatItGoesOn(onClick: () => void): void {
  if (hasTold || process.platform === "darwin") return;
  hasTold = true;
  notify(
    {
      title: "Nightrun goes on",
      body: "The window is closed, the work is not. Start Nightrun again to see it.",
    },
    onClick,
  );
}
