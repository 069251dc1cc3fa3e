import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openRig } from "./rig.ts";

const CANARY = "canary-7f3a9c51e2d84b60";

test("the API token is in nothing that is printed, kept or exported, not even when it is refused", async () => {
  await using rig = await openRig({ token: CANARY });
  await rig.draw("a.jpg");
  const fault = {
    kind: "status",
    status: 422,
    body: JSON.stringify({ detail: `Bearer ${CANARY}` }),
  } as const;
  rig.simulator.control.script({ on: "put", fault });
  const printed = [
    await rig.run(["run", "--json", "--keep-raw"]),
    await rig.run(["run", "--deployment", `https://someone:${CANARY}@my.deployment.example`]),
    await rig.run(["retry"]),
    await rig.run(["run"]),
    await rig.run(["status", "--json"]),
    await rig.run(["runs"]),
    await rig.run(["export"]),
    await rig.run(["doctor"]),
  ];
  rig.simulator.control.change({ token: "another" });
  rig.simulator.control.revoke();
  await rig.draw("b.jpg");
  printed.push(await rig.run(["run"]));
  expect(printed.map(({ code }) => code)).toEqual([1, 2, 0, 0, 0, 0, 0, 0, 3]);
  expect(JSON.stringify(printed)).not.toContain(CANARY);
  for (const entry of await readdir(rig.place, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name));
    expect(bytes.includes(CANARY), entry.name).toBe(false);
  }
});
