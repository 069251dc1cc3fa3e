import { expect, test } from "vitest";
import { page, userEvent } from "vitest/browser";
import { openWindow } from "./support/page.ts";

const shows = (text: string) => expect.poll(() => document.body.innerText, { timeout: 5000 }).toContain(text);
const asked = (engine: { calls: { name: string }[] }, name: string) =>
  engine.calls.filter((call) => call.name === name);

test("the check mark stands only while every image is accounted for", async () => {
  const { engine } = await openWindow("#/batch/1/night");
  await shows("What happened");
  const mark = () => document.querySelector('[aria-label="every image is accounted for"]');
  await expect.poll(mark).not.toBeNull();
  const card = engine.batches[0]!.card;
  engine.emit("batches:changed", {
    batches: [{ ...card, ledger: { ...card.ledger, seen: card.ledger.seen + 1 } }],
  });
  await expect.poll(mark).toBeNull();
  await shows("being counted");
});

test("figures move with the events of the engine, without a reload", async () => {
  const { engine } = await openWindow("#/batch/1/night");
  await shows("8,377 done");
  engine.tick(3);
  await shows("8,380 done");
  engine.addEvent(1, "Something worth telling.");
  await shows("Something worth telling.");
});

test("a batch is paused and goes on", async () => {
  const { engine } = await openWindow("#/batch/1/night");
  await page.getByRole("button", { name: "Pause" }).click();
  await shows("Paused since");
  expect(asked(engine, "batch:pause")).toHaveLength(1);
  await page.getByRole("button", { name: "Go on" }).click();
  await expect.poll(() => document.body.innerText).not.toContain("Paused since");
});

test("removing says what stays, and asks first", async () => {
  const { engine } = await openWindow("#/batch/2/night");
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Remove…" }).click();
  await shows("Its 4,193 results stay in /data/scans/drone-11-22-results; the run log is deleted.");
  expect(asked(engine, "batch:remove")).toHaveLength(0);
  await page.getByRole("button", { name: "Remove", exact: true }).click();
  await shows("Drone 11-22 is removed.");
  expect(asked(engine, "batch:remove")).toHaveLength(1);
  await expect.poll(() => location.hash).toBe("#/batch/1/night");
});

test("renaming keeps the place", async () => {
  await openWindow("#/batch/3/night");
  await page.getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Rename…" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("Wells, second try");
  await page.getByRole("button", { name: "Save" }).click();
  await expect.poll(() => document.querySelector("h1")?.textContent).toBe("Wells, second try");
  expect(location.hash).toBe("#/batch/3/night");
});

test("a gate that is tried by itself can be tried now", async () => {
  const { engine } = await openWindow("#/batch/4/night", { scenario: "gates" });
  await shows("Next try in");
  await page.getByRole("button", { name: "Try now" }).click();
  await expect.poll(() => asked(engine, "batch:try-now").length).toBe(1);
});

test("when the engine goes away the page says so, and loads everything anew when it is back", async () => {
  const { engine } = await openWindow("#/batch/1/night");
  await shows("What happened");
  engine.emit("engine:changed", {
    running: false,
    failure: { reason: "unreachable", host: "127.0.0.1:4000", code: "no answer" },
  });
  await shows("Nightrun's engine does not answer.");
  engine.calls.length = 0;
  engine.emit("engine:changed", { running: true, failure: null });
  await expect.poll(() => document.body.innerText).not.toContain("does not answer");
  await expect.poll(() => asked(engine, "batch:night").length).toBe(1);
  expect(asked(engine, "app:state")).toHaveLength(1);
});

test("failures are told by cause, and a group is retried as one", async () => {
  const { engine } = await openWindow("#/batch/1/failures");
  await shows('The workflow failed on this image: "CUDA out of memory".');
  const [first] = [...document.querySelectorAll(".group h2")].map((head) => head.textContent.trim());
  expect(first).toMatch(/^Workflow failed/);
  await page.getByRole("button", { name: "Retry these 10" }).click();
  await page.getByRole("button", { name: "Retry with 10 runs" }).click();
  await expect.poll(() => asked(engine, "images:retry").length).toBe(1);
  expect(engine.calls.find(({ name }) => name === "images:retry")?.input).toMatchObject({
    scope: { states: ["failed"], reason: "workflow-error" },
  });
});

test("changing what decides a result asks before every image runs again", async () => {
  const { engine } = await openWindow("#/batch/1/setup");
  await shows("min_area");
  const field = page.getByRole("textbox", { name: "min_area" });
  await field.fill("many");
  await shows("A whole number, as the default is.");
  await field.fill("300");
  await page.getByRole("button", { name: "Save changes" }).click();
  await shows("all 13,560 images run once more");
  expect(asked(engine, "batch:update")).toHaveLength(0);
  await page.getByRole("button", { name: "Save and run again" }).click();
  await shows("Revision 2");
  expect(engine.calls.find(({ name }) => name === "batch:update")?.input).toMatchObject({
    settings: { decision: { parameters: [{ name: "min_area", value: "300" }] } },
  });
});

test("a new batch is set up section by section, kept over leaving, tried, and started", async () => {
  const { engine } = await openWindow("#/new", { scenario: "empty" });
  await shows("Choose the folder with the images.");
  await expect.element(page.getByRole("button", { name: "Start the night" })).toBeDisabled();
  await page.getByRole("textbox", { name: "Folder with the images" }).fill("/data/leaves");
  await userEvent.keyboard("{Tab}");
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await shows("Answers in 840 ms with 2 tasks.");
  await page.getByText(/5 parameters/).click();
  await page.getByRole("switch", { name: "cuda" }).click();
  location.hash = "#/settings";
  await shows("Appearance");
  location.hash = "#/new";
  await shows("1 parameter changed");
  await page.getByRole("button", { name: "Try one image" }).click();
  await page.getByRole("button", { name: "Try it" }).click();
  await shows("Run 0c9a53e2-7c1b-4f0e-9d0a-00000000aaaa.");
  await userEvent.keyboard("{Escape}");
  await page.getByRole("button", { name: "Start the night" }).click();
  await expect.poll(() => location.hash).toBe("#/batch/1/night");
  expect(engine.calls.find(({ name }) => name === "batch:create")?.input).toMatchObject({
    settings: {
      name: "leaves",
      decision: {
        deployment: "simulator",
        outputs: [{ taskName: "find_blobs", taskIndex: 0, outputIndex: 1 }],
        parameters: [{ taskName: "find_blobs", name: "cuda", value: "False" }],
      },
      intake: { folder: "/data/leaves" },
      results: { resultsFolder: "/data/leaves-results" },
    },
  });
});

test("an unknown parameter of an imported batch file is refused with a suggestion", async () => {
  const { engine } = await openWindow("#/batch/1/setup");
  await shows("min_area");
  engine.batches[0]!.settings = {
    ...engine.batches[0]!.settings,
    decision: {
      ...engine.batches[0]!.settings.decision,
      parameters: [{ taskName: "find_blobs", taskIndex: 0, name: "conf_tres", value: "0.5" }],
    },
  };
  location.hash = "#/batch/1/night";
  await shows("What happened");
  location.hash = "#/batch/1/setup";
  await shows('Did you mean "conf_thres"?');
});

test("the theme is kept by the engine and shown at once", async () => {
  const { engine } = await openWindow("#/settings");
  await page.getByRole("radio", { name: "Light" }).click();
  await expect.poll(() => document.documentElement.dataset.theme).toBe("light");
  expect(engine.calls.find(({ name }) => name === "settings:save")?.input).toMatchObject({ theme: "light" });
});

test("a token is handed over and never shown again", async () => {
  const { engine } = await openWindow("#/new", { scenario: "empty" });
  await page.getByRole("textbox", { name: "Folder with the images" }).fill("/data/leaves");
  await userEvent.keyboard("{Tab}");
  await page.getByRole("textbox", { name: "Endpoint URL" }).fill("https://herbarium.scale.ikomia.ai");
  await userEvent.keyboard("{Tab}");
  await shows("No API token yet.");
  await page.getByLabelText("API token").fill("secret-token-1234");
  await page.getByRole("button", { name: "Keep token" }).click();
  await shows("It ends in 1234.");
  expect(asked(engine, "token:set")).toHaveLength(1);
  expect(document.body.innerHTML).not.toContain("secret-token");
  expect(JSON.stringify(Object.entries(localStorage))).not.toContain("secret-token");
});

test("a page that is left leaves no listener behind", async () => {
  const { engine } = await openWindow("#/batch/1/night");
  await shows("What happened");
  const before = engine.listenerCount;
  for (const hash of ["#/batch/1/images", "#/batch/2/failures", "#/settings", "#/new", "#/batch/1/night"]) {
    location.hash = hash;
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
  await shows("What happened");
  expect(engine.listenerCount).toBe(before);
});

test("a batch that another window removed is no longer listed", async () => {
  const { engine } = await openWindow("#/batch/2/night");
  await shows("All done.");
  engine.batches.splice(1, 1);
  location.hash = "#/batch/2/failures";
  await shows("This batch is not in the data file any more.");
  expect(document.querySelector(".batches")?.textContent).not.toContain("Drone");
});

test("a batch that another window made is listed", async () => {
  const { engine } = await openWindow("#/batch/1/night");
  await shows("What happened");
  engine.emit("batches:changed", {
    batches: [{ ...engine.batches[1]!.card, id: 77, name: "From elsewhere" }],
  });
  await expect.poll(() => document.querySelector(".batches")?.textContent).toContain("From elsewhere");
});
