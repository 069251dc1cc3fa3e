import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { IMAGE_STATES } from "../../electron/contract/image.ts";
import { formatRoute, parseRoute, type Route } from "../../src/lib/route.ts";
import { Router } from "../../src/lib/router.svelte.ts";

const batchId = fc.integer({ min: 1, max: 1_000_000 });
const place = fc.record({
  state: fc.constantFrom(null, ...IMAGE_STATES),
  reason: fc.constantFrom(null, "workflow-error" as const, "truncated" as const),
  label: fc.option(fc.string()),
  search: fc.string(),
  sort: fc.constantFrom("path" as const, "updated" as const, "bytes" as const, "duration" as const),
  descending: fc.boolean(),
  image: fc.option(fc.integer({ min: 1, max: 1_000_000_000 })),
});
const route: fc.Arbitrary<Route> = fc.oneof(
  fc.constantFrom<Route>({ view: "home" }, { view: "new" }, { view: "settings" }),
  fc.record({ view: fc.constantFrom("night" as const, "failures" as const, "setup" as const), batchId }),
  fc.record({ view: fc.constant("images" as const), batchId, place }),
);

test("every place of the window survives the address, whatever is searched for", () => {
  fc.assert(
    fc.property(route, (given) => {
      expect(parseRoute(formatRoute(given))).toEqual(given);
    }),
  );
});

test("an address nobody wrote still leads somewhere", () => {
  fc.assert(
    fc.property(fc.string(), (hash) => {
      expect(parseRoute(hash).view).toBeTypeOf("string");
    }),
  );
  expect(parseRoute("#/batch/abc/night")).toEqual({ view: "home" });
  expect(parseRoute("#/batch/2/unheard-of")).toEqual({ view: "night", batchId: 2 });
});

test("an address that a person changed wins over one that the window chose before it heard of it", async () => {
  history.replaceState(null, "", "#/");
  const router = new Router();
  onTestFinished(router.start());
  onTestFinished(() => history.replaceState(null, "", "#/"));
  const heard = new Promise((resolve) => addEventListener("hashchange", resolve, { once: true }));
  location.hash = "#/batch/1/failures";
  router.replace({ view: "night", batchId: 1 });
  await heard;
  expect(location.hash).toBe("#/batch/1/failures");
  expect(router.route).toEqual({ view: "failures", batchId: 1 });
  router.replace({ view: "night", batchId: 2 });
  expect([location.hash, router.route]).toEqual(["#/batch/2/night", { view: "night", batchId: 2 }]);
});
