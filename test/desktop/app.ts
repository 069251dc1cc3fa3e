import { _electron, type ElectronApplication, type Page } from "@playwright/test";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { electronBinary } from "./electron-binary.ts";
import { whyNoSandbox } from "./sandbox.ts";

const root = join(import.meta.dirname, "..", "..");

/** Variables that would change what is tested, or make Electron something else. */
const UNWANTED: ReadonlySet<string> = new Set([
  "IKOMIA_TOKEN",
  "ELECTRON_RENDERER_URL",
  "ELECTRON_RUN_AS_NODE",
  "ELECTRON_NO_ATTACH_CONSOLE",
]);

export interface DesktopApp {
  app: ElectronApplication;
  page: Page;
  folder: string;
  scans: string;
  /** What starts the same app again, in another process. */
  program: string;
  args: string[];
  env: Record<string, string>;
  /** One call of the contract, made by the page itself. The value inside, or an error. */
  call<T>(name: string, input: unknown): Promise<T>;
  close(): Promise<void>;
}

/** Starts the built app with data, settings and tokens of its own, and two pictures to run. */
export async function startApp(): Promise<DesktopApp> {
  const program = electronBinary();
  if (program === null) throw new Error("Electron's program is not here");
  const folder = await mkdtemp(join(tmpdir(), "nightrun-real-"));
  const scans = join(folder, "scans");
  await mkdir(scans);
  for (const name of ["IMG_2041.jpg", "IMG_2042.jpg"])
    await copyFile(join(root, "resources", "samples", name), join(scans, name));
  const own = [root, `--user-data-dir=${join(folder, "user")}`, `--data=${join(folder, "night.db")}`];
  const hasSandbox = whyNoSandbox() === null;
  const args = [...(hasSandbox ? [] : ["--no-sandbox"]), ...own, "--password-store=basic"];
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !UNWANTED.has(entry[0]),
    ),
  );
  // Without a path of its own the driver starts the same program with a file of its own loaded first, so that nothing of
  // the app runs before it watches.
  const app = await _electron.launch({
    args: [...own, "--password-store=basic"],
    chromiumSandbox: hasSandbox,
    env,
    timeout: 60_000,
  });
  const page = await app.firstWindow();
  await page.waitForLoadState("domcontentloaded");
  return {
    app,
    page,
    folder,
    scans,
    program,
    args,
    env,
    async call<T>(name: string, input: unknown): Promise<T> {
      const text = `window.nightrun.call(${JSON.stringify(name)}, ${JSON.stringify(input)})`;
      const answer = await page.evaluate<{ ok: boolean; value: unknown; failure?: unknown }>(text);
      const inner = answer.value as { ok?: boolean; value?: unknown } | null;
      if (!answer.ok || inner?.ok === false) throw new Error(`${name}: ${JSON.stringify(answer)}`);
      return (inner?.ok === true ? inner.value : answer.value) as T;
    },
    async close() {
      // Whatever is still under way: nobody is there who could be asked about it.
      await app
        .evaluate(({ dialog }) => {
          dialog.showMessageBox = () => Promise.resolve({ response: 1, checkboxChecked: false });
        })
        .catch(() => undefined); // It is gone already.
      await app.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
