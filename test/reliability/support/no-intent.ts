import type { Patch } from "./runner.ts";

/** Takes out the intent that is committed before anything is sent: its row comes after the answer. */
export const NO_INTENT: readonly Patch[] = [
  {
    file: "electron/engine/dispatch/submit.ts",
    find: 'const intent = await store.call("intendRun", {',
    replace: 'const intend = () => store.call("intendRun", {',
  },
  {
    file: "electron/engine/dispatch/submit.ts",
    find: `if (intent === null || intent.runId === null) {
    start.cancel();
    if (intent !== null) dispatch.gates.close("run-limit", null);
    return null;
  }
  dispatch.onImage(image.id);
  const run = { runId: intent.runId, imageId: image.id };`,
    replace: "",
  },
  {
    file: "electron/engine/dispatch/submit.ts",
    find: "return settle(dispatch, deployment, { run, image, outcome, sentSha256: body.sha256(), askedMono });",
    replace: `const intent = await intend();
  const run = { runId: intent.runId, imageId: image.id };
  return settle(dispatch, deployment, { run, image, outcome, sentSha256: body.sha256(), askedMono });`,
  },
];
