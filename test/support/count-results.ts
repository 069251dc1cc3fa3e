/**
 * Adds up what the test runners wrote and prints the closing line. Exits non-zero on any failure, on a runner that
 * wrote nothing, and on a skipped browser test.
 */
import { readFileSync } from "node:fs";

interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numFailedTestSuites: number;
  numPendingTests: number;
}

const status = Number(process.argv[2] ?? 1);

function readReport(): VitestReport | null {
  try {
    return JSON.parse(readFileSync("test-results/vitest.json", "utf8")) as VitestReport;
  } catch {
    // The step before the tests failed: the status tells.
    return null;
  }
}

const report = readReport();
const passed = report?.numPassedTests ?? 0;
const failedTests =
  report === null ? 0 : Math.max(report.numFailedTests, report.numFailedTestSuites > 0 ? 1 : 0);
const failed = failedTests === 0 && (status !== 0 || passed === 0) ? 1 : failedTests;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && status === 0 ? 0 : 1;
