import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import "../../../src/theme/tokens.css";
import "../../../src/theme/base.css";
import "../../../src/theme/widgets.css";
import { mount } from "svelte";
import type { AppSettings } from "../../../electron/contract/api.ts";
import App from "../../../src/App.svelte";
import { FixtureEngine, type Scenario } from "../support/fixture-engine.ts";

/** The whole window on a made-up night: `?theme=dark&scenario=gates&images=100000&tick=1#/batch/1/night`. */
const query = new URLSearchParams(location.search);
const engine = new FixtureEngine({
  theme: (query.get("theme") ?? "system") as AppSettings["theme"],
  scenario: (query.get("scenario") ?? "night") as Scenario,
  images: Number(query.get("images") ?? 13_560),
});
if (query.has("tick")) setInterval(() => engine.tick(), 250);
if (query.has("away"))
  setTimeout(() => engine.emit("engine:changed", { running: false, failure: null }), 300);
Object.assign(window, { engine });

const target = document.getElementById("app");
if (target === null) throw new Error('Internal error: index.html has no element with the id "app"');
mount(App, { target, props: { transport: engine } });
