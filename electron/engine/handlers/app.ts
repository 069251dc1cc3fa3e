import type { AppSettings, Handlers } from "../../contract/api.ts";
import type { Cards } from "./cards.ts";
import { writerOf, type HandlerContext } from "./context.ts";

/** Settings of the app before anyone saved any. */
export const DEFAULT_APP_SETTINGS: AppSettings = {
  theme: "system",
  minimumFreeBytes: 512_000_000,
  batteryFloorPercent: null,
  startAtLogin: false,
};

/** Calls about the app itself. */
export function appHandlers(
  context: HandlerContext,
  cards: Cards,
): Pick<Handlers, "app:state" | "settings:get" | "settings:save"> {
  const { host, reader } = context;
  return {
    "app:state": async () => ({
      version: host.version,
      host: host.kind,
      readOnly: context.engine === null,
      dataFile: context.dataFile,
      home: host.home,
      native: host.native,
      batches: await cards.all(),
    }),
    "settings:get": async () => (await reader.call("readAppSettings", null)) ?? DEFAULT_APP_SETTINGS,
    async "settings:save"(settings) {
      await writerOf(context).store.call("saveAppSettings", settings);
      context.settings.current = settings;
      return settings;
    },
  };
}
