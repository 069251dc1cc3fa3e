import { spawn } from "node:child_process";

/** Gives the tests a display where there is none: a virtual one that goes with them. Playwright calls this once. */
export default async function startDisplay(): Promise<(() => void) | undefined> {
  const hasOne = (process.env.DISPLAY ?? "") !== "" || (process.env.WAYLAND_DISPLAY ?? "") !== "";
  if (process.platform !== "linux" || hasOne) return undefined;
  const args = ["-displayfd", "1", "-screen", "0", "1600x1000x24", "-nolisten", "tcp"];
  const server = spawn("Xvfb", args, { stdio: ["ignore", "pipe", "ignore"] });
  // It writes the number that it found free as soon as it can be used.
  const number = await new Promise<string>((resolve, reject) => {
    server.once("error", reject);
    server.once("exit", (code) => reject(new Error(`Xvfb ended with code ${String(code)}`)));
    server.stdout.setEncoding("utf8").once("data", (text: string) => resolve(text.trim()));
  });
  process.env.DISPLAY = `:${number}`;
  return () => void server.kill();
}
