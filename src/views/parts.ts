/** Parts that the first picture of the window does without: each is loaded when it is first shown. */
export const parts = {
  failures: () => import("./FailuresView.svelte"),
  newBatch: () => import("./NewBatchView.svelte"),
  night: () => import("./NightView.svelte"),
  result: () => import("../components/ResultPanel.svelte"),
  settings: () => import("./SettingsView.svelte"),
  setup: () => import("./SetupView.svelte"),
  trialResult: () => import("../components/TrialResult.svelte"),
};

const REST_MS = 2000;

/** Loads all of them once the first picture stands: later places open at once, also when the engine is gone by then. */
export function loadPartsAtRest(): () => void {
  const wait = setTimeout(() => {
    // A part that cannot be loaded is told about where it is shown.
    for (const load of Object.values(parts)) load().catch(() => undefined);
  }, REST_MS);
  return () => {
    clearTimeout(wait);
  };
}
