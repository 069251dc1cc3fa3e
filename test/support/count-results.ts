/**
 * Adds up what the test runners wrote and prints the closing line. Exits non-zero on any failure, on a runner that
 * wrote nothing. Skipped browser tests fail before they come here.
 */
import { readFileSync } from "node:fs";

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numFailedTestSuites: number;
  numPendingTests: number;
}

interface PlaywrightReport {
  stats: { expected: number; unexpected: number; flaky: number; skipped: number };
}

const status = Number(process.argv[2] ?? 1);

function readReport(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    // A step before these tests failed: the status tells.
    return null;
  }
}

const units = ["node", "window"].flatMap((project) => {
  const report = readReport(`test-results/${project}.json`) as VitestReport | null;
  return report === null ? [] : [report];
});
const pages = (readReport("test-results/playwright.json") as PlaywrightReport | null)?.stats;
const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);
const passed = sum([...units.map((u) => u.numPassedTests), pages?.expected ?? 0, pages?.flaky ?? 0]);
const failedUnits = sum(units.map((u) => Math.max(u.numFailedTests, u.numFailedTestSuites > 0 ? 1 : 0)));
const failedTests = failedUnits + (pages?.unexpected ?? 0);
const failed = failedTests === 0 && (status !== 0 || passed === 0) ? 1 : failedTests;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && status === 0 ? 0 : 1;
