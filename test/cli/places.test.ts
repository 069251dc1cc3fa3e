import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { jsonLines, openRig, start, type Rig } from "./rig.ts";

const CLI = join(import.meta.dirname, "../../electron/cli/cli.ts");

const canMount = await promisify(execFile)("unshare", [
  "-m",
  "mount",
  "-t",
  "tmpfs",
  "-o",
  "size=5m",
  "none",
  "/mnt",
]).then(
  () => true,
  () => false,
);
if (!canMount) console.warn("SKIPPED: a full disk (needs the right to mount a small one)");

async function pathsOf(rig: Rig): Promise<unknown[]> {
  return jsonLines((await rig.run(["images", "--json"])).stdout).map(({ path }) => path);
}

describe.concurrent("results and data inside the image folder", () => {
  test("are never taken in as images, at the first run and at the next ones", async () => {
    await using rig = await openRig();
    await rig.draw("a.jpg", "b.png");
    const inside = ["--results", join(rig.pictures, "out"), "--data", join(rig.pictures, "night.db")];
    const args = ["run", ...inside, "--output", "infer_color_segmentation"];
    for (const ended of [await rig.run(args), await rig.run(args)]) {
      expect(ended.stderr).toContain("2 done = 2 seen");
      expect(ended.code).toBe(0);
    }
    expect((await readdir(join(rig.pictures, "out"))).some((name) => name.endsWith(".png"))).toBe(true);
    expect(rig.simulator.control.stats().requests.put).toBe(2);
    const listed = await rig.run(["images", "--json", "--data", join(rig.pictures, "night.db")]);
    expect(jsonLines(listed.stdout).map(({ path }) => path)).toEqual(["a.jpg", "b.png"]);
  });

  test("a results folder that is a link to elsewhere is refused", async () => {
    await using rig = await openRig();
    await rig.draw("a.jpg");
    await promisify(execFile)("ln", ["-s", rig.pictures, join(rig.place, "link")]);
    const ended = await rig.run(["run", "--results", join(rig.place, "link")]);
    expect(ended.stderr).toMatch(/^nightrun: The results folder .*symbolic link.*--results <dir>\.\n$/);
    expect(ended.code).toBe(2);
  });
});

describe.concurrent("what belongs to a run", () => {
  test("include, exclude and no-recursive choose among the files", async () => {
    await using rig = await openRig();
    await rig.draw("a.jpg", "b.png", "old/c.jpg", "sub/d.jpg");
    const ended = await rig.run(["run", "--include", "**/*.jpg", "--exclude", "old/**"]);
    expect(ended.code).toBe(0);
    expect(await pathsOf(rig)).toEqual(["a.jpg", "sub/d.jpg"]);
    const flat = await rig.run(["run", "--no-recursive", "--data", join(rig.place, "flat.db"), "--json"]);
    expect(jsonLines(flat.stdout).at(-1)).toMatchObject({ ledger: { seen: 2 } });
  });

  test("changed parameters run every image once more and keep the earlier results; the old ones cost nothing", async () => {
    await using rig = await openRig();
    await rig.draw("a.jpg", "b.jpg");
    const one = ["run", "--param", "image_facts.decode=True"];
    const two = ["run", "--param", "image_facts.decode=False"];
    for (const [args, puts] of [
      [one, 2],
      [two, 4],
      [two, 4],
    ] as const) {
      expect((await rig.run(args)).code).toBe(0);
      expect(rig.simulator.control.stats().requests.put).toBe(puts);
    }
    expect(await readdir(join(rig.results, ".earlier"))).toHaveLength(1);
  });

  test("a batch file says everything, and flags override it", async () => {
    await using rig = await openRig();
    await rig.draw("a.jpg", "b.png");
    await writeFile(
      join(rig.place, "batch.json"),
      JSON.stringify({
        nightrunBatch: 1,
        name: "Night shift",
        decision: {
          deployment: rig.simulator.url,
          outputs: [{ taskName: "image_facts" }],
          parameters: [],
          inputs: [],
        },
        intake: { folder: rig.pictures, include: ["*.png"], exclude: [], recursive: true, dedupe: true },
      }),
    );
    const env = { ...rig.env, NIGHTRUN_DEPLOYMENT: undefined };
    const args = ["run", "--batch", "batch.json", "--data", rig.data];
    expect((await start(args, { env, cwd: rig.place }).ended).code).toBe(0);
    expect(await pathsOf(rig)).toEqual(["b.png"]);
    expect((await start([...args, "--include", "*.jpg"], { env, cwd: rig.place }).ended).code).toBe(0);
    expect((await rig.run(["status"])).stdout).toContain("Night shift");
    expect(rig.simulator.control.stats().requests.put).toBe(2);
  });
});

describe.runIf(canMount)("a full disk for the results", () => {
  test("stops before anything is sent, says so in one line, and ends with exit code 3", async () => {
    await using rig = await openRig();
    await rig.draw("a.jpg");
    const small = join(rig.place, "small");
    await mkdir(small);
    const script = `mount -t tmpfs -o size=5m none "${small}" && dd if=/dev/zero of="${small}/full" bs=1M count=4 2>/dev/null
      exec "${process.execPath}" "${CLI}" run "${rig.pictures}" --results "${small}/out" --data "${rig.data}"`;
    const ended = await start([], {
      env: rig.env,
      cwd: rig.place,
      through: ["unshare", "-m", "sh", "-c", script],
    }).ended;
    expect(ended.stderr).toMatch(
      /^nightrun: The disk of .*small.* is almost full: .* MB are needed\..*Free some space.*\n$/,
    );
    expect(ended.code).toBe(3);
    expect(rig.simulator.control.stats().requests.put).toBe(0);
  });

  test("that fills up in the middle leaves the results at the server, and room lets the same command go on", async () => {
    await using rig = await openRig();
    await rig.draw("a.jpg", "b.jpg", "c.jpg");
    const small = join(rig.place, "small");
    await mkdir(small);
    const { control } = rig.simulator;
    control.hold();
    const nightrun = `"${process.execPath}" "${CLI}" run "${rig.pictures}" --results "${small}/out" --data "${rig.data}" --output image_facts:0 --concurrency 3`;
    // The disk fills when a word comes; the first run gives up, the second one finds room again.
    const script = `mount -t tmpfs -o size=9m none "${small}"
      ${nightrun} --give-up-after 3s & first=$!
      while [ ! -e "${rig.place}/fill" ]; do sleep 0.05; done
      dd if=/dev/zero of="${small}/full" bs=1M count=8 2>/dev/null
      touch "${rig.place}/filled"
      wait $first; echo "first ended with $?" >&2
      rm "${small}/full"
      ${nightrun}; echo "second ended with $?" >&2
      ls "${small}/out" >&2`;
    const running = start([], {
      env: rig.env,
      cwd: rig.place,
      through: ["unshare", "-m", "sh", "-c", script],
    });
    await control.until((stats) => stats.accepted === 3);
    await writeFile(join(rig.place, "fill"), "");
    await untilThere(join(rig.place, "filled"));
    // What was looked up about the disk is trusted for a second: as long as three runs are asked for three times.
    const asked = control.stats().requests.results;
    await control.until((stats) => stats.requests.results >= asked + 9);
    control.release();
    const ended = await running.ended;
    expect(ended.stderr).toContain("almost full");
    expect(ended.stderr).toContain("first ended with 3");
    expect(ended.stderr).toContain("3 done = 3 seen");
    expect(ended.stderr).toContain("second ended with 0");
    for (const name of ["a.jpg.json", "b.jpg.json", "c.jpg.json"]) expect(ended.stderr).toContain(name);
    expect(control.stats().requests.put).toBe(3);
  });
});

async function untilThere(file: string): Promise<void> {
  for (;;) {
    const found = await readFile(file).then(
      () => true,
      () => false,
    );
    if (found) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
