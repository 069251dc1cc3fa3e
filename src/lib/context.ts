import { createContext } from "svelte";
import type { AppModel } from "./app.svelte.ts";

/** The one `AppModel` of the tree; `App.svelte` sets it. */
export const [getApp, setApp] = createContext<AppModel>();
