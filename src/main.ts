import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/jetbrains-mono/wght.css";
import "./theme/tokens.css";
import "./theme/base.css";
import "./theme/widgets.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { chooseTransport } from "./lib/transport.ts";

const target = document.getElementById("app");
if (target === null) throw new Error('Internal error: index.html has no element with the id "app"');
mount(App, { target, props: { transport: chooseTransport() } });
