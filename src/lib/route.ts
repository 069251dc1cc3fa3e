import type { ImageSort } from "../../electron/contract/api.ts";
import { FAILURE_REASONS_BY_NAME } from "./reasons.ts";
import type { FailureReason } from "../../electron/contract/failure.ts";
import { IMAGE_STATES, type ImageState } from "../../electron/contract/image.ts";

export const BATCH_VIEWS = ["night", "images", "failures", "setup"] as const;
export type BatchView = (typeof BATCH_VIEWS)[number];

/** What the table of images shows; everything of it survives a reload. */
export interface ImagesPlace {
  state: ImageState | null;
  reason: FailureReason | null;
  label: string | null;
  search: string;
  sort: ImageSort;
  descending: boolean;
  image: number | null;
}

export type Route =
  | { view: "home" }
  | { view: "new" }
  | { view: "settings" }
  | { view: Exclude<BatchView, "images">; batchId: number }
  | { view: "images"; batchId: number; place: ImagesPlace };

export const FIRST_PLACE: ImagesPlace = {
  state: null,
  reason: null,
  label: null,
  search: "",
  sort: "path",
  descending: false,
  image: null,
};

const SORTS: readonly ImageSort[] = ["path", "updated", "bytes", "duration"];

/** Any text gives a route: what is not understood becomes its default. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [first, id, view] = path.split("/");
  if (first === "new" || first === "settings") return { view: first };
  const batchId = Number(id);
  if (first !== "batch" || !Number.isSafeInteger(batchId) || batchId <= 0) return { view: "home" };
  if (view === "images") return { view, batchId, place: parsePlace(new URLSearchParams(query)) };
  if (view === "failures" || view === "setup") return { view, batchId };
  return { view: "night", batchId };
}

function parsePlace(query: URLSearchParams): ImagesPlace {
  const state = IMAGE_STATES.find((known) => known === query.get("state"));
  const sort = SORTS.find((known) => known === query.get("sort"));
  const image = Number(query.get("image"));
  return {
    state: state ?? null,
    reason: FAILURE_REASONS_BY_NAME.get(query.get("reason") ?? "") ?? null,
    label: query.get("label"),
    search: query.get("search") ?? "",
    sort: sort ?? "path",
    descending: query.has("down"),
    image: Number.isSafeInteger(image) && image > 0 ? image : null,
  };
}

/** The inverse of `parseRoute`. */
export function formatRoute(route: Route): string {
  switch (route.view) {
    case "home":
      return "#/";
    case "new":
    case "settings":
      return `#/${route.view}`;
    case "images":
      return `#/batch/${route.batchId}/images${formatPlace(route.place)}`;
    default:
      return `#/batch/${route.batchId}/${route.view}`;
  }
}

function formatPlace(place: ImagesPlace): string {
  const query = new URLSearchParams();
  if (place.state !== null) query.set("state", place.state);
  if (place.reason !== null) query.set("reason", place.reason);
  if (place.label !== null) query.set("label", place.label);
  if (place.search !== "") query.set("search", place.search);
  if (place.sort !== "path") query.set("sort", place.sort);
  if (place.descending) query.set("down", "1");
  if (place.image !== null) query.set("image", String(place.image));
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** A link to images of a batch under some filter. */
export function imagesLink(batchId: number, place: Partial<ImagesPlace> = {}): string {
  return formatRoute({ view: "images", batchId, place: { ...FIRST_PLACE, ...place } });
}
