import { page } from "vitest/browser";
import { render } from "vitest-browser-svelte";
import { onTestFinished } from "vitest";
import "@fontsource-variable/inter/wght.css";
import "../../../src/theme/tokens.css";
import "../../../src/theme/base.css";
import "../../../src/theme/widgets.css";
import App from "../../../src/App.svelte";
import { FixtureEngine, type FixtureOptions } from "./fixture-engine.ts";

export interface Opened {
  engine: FixtureEngine;
  /** Everything the page logged as an error or threw. */
  faults: string[];
}

/** The whole window on a made-up night at an address, in a frame of the given size. */
export async function openWindow(
  hash: string,
  options: Partial<FixtureOptions> = {},
  size: { width: number; height: number } = { width: 1280, height: 800 },
): Promise<Opened> {
  await page.viewport(size.width, size.height);
  localStorage.clear();
  history.replaceState(null, "", hash);
  const engine = new FixtureEngine({ theme: "dark", ...options });
  const faults = collectFaults();
  const screen = await render(App, { transport: engine });
  // The window fills its element, as it fills #app in the built page.
  screen.container.style.height = "100vh";
  onTestFinished(() => {
    void screen.unmount();
    history.replaceState(null, "", "#/");
  });
  return { engine, faults };
}

function collectFaults(): string[] {
  const faults: string[] = [];
  const original = console.error;
  console.error = (...parts: unknown[]) => {
    faults.push(parts.map(String).join(" "));
    original(...parts);
  };
  const onError = (event: ErrorEvent): void => {
    faults.push(event.message);
  };
  addEventListener("error", onError);
  onTestFinished(() => {
    console.error = original;
    removeEventListener("error", onError);
  });
  return faults;
}
