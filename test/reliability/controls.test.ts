import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { loadRunner, runnerNames } from "./support/prove.ts";

/** A control whose text is no longer in the product proves nothing, and the controls themselves run seldom. */
const patches = (await Promise.all(runnerNames().map(loadRunner))).flatMap((runner, i) =>
  runner.controls.flatMap(({ name, patches }) =>
    patches.map((patch) => ({ control: `${runnerNames()[i] ?? ""}/${name}`, ...patch })),
  ),
);

test("There are controls, and each changes something", () => {
  expect(patches.length).toBeGreaterThan(50);
  expect(patches.filter(({ find, replace }) => find === replace)).toEqual([]);
});

test.each(patches)("What $control takes out of $file is there, once", ({ file, find }) => {
  expect(readFileSync(file, "utf8").split(find)).toHaveLength(2);
});
