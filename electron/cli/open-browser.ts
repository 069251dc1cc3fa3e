import { spawn } from "node:child_process";

/** The program of this platform that opens an address in the default browser, and its arguments. */
export function browserCommand(platform: NodeJS.Platform, address: string): [string, string[]] {
  switch (platform) {
    case "darwin":
      return ["open", [address]];
    case "win32":
      return ["rundll32", ["url.dll,FileProtocolHandler", address]];
    default:
      return ["xdg-open", [address]];
  }
}

/** Opens the default browser, without a shell; `onFailure` when there is none. Waits for nothing. */
export function openBrowser(address: string, onFailure: () => void): void {
  const [program, args] = browserCommand(process.platform, address);
  const child = spawn(program, args, { stdio: "ignore", detached: true });
  child.once("error", onFailure);
  child.unref();
}
