import { describe, expect, test } from "vitest";
import { durationText, failureLine, grouped, oneLine, shown } from "../../electron/cli/console.ts";
import { EXIT, exitCodeFor } from "../../electron/cli/exit-code.ts";
import { ledgerLine } from "../../electron/cli/ledger-line.ts";
import type { Failure } from "../../electron/contract/failure.ts";
import type { Ledger } from "../../electron/contract/image.ts";

const EMPTY: Ledger = {
  seen: 0,
  waiting: 0,
  inFlight: 0,
  uncertain: 0,
  done: 0,
  failed: 0,
  skipped: 0,
  missing: 0,
};

describe("the ledger line", () => {
  test.each<[Partial<Ledger>, string]>([
    [{}, "0 done = 0 seen. Nothing is unaccounted for."],
    [{ seen: 3, done: 3 }, "3 done = 3 seen. Nothing is unaccounted for."],
    [
      {
        seen: 12_331,
        done: 12_322,
        failed: 2,
        skipped: 3,
        missing: 1,
        inFlight: 1,
        uncertain: 1,
        waiting: 1,
      },
      "12,322 done · 2 failed · 3 skipped · 1 missing · 1 in flight · 1 uncertain · 1 waiting = 12,331 seen. Nothing is unaccounted for.",
    ],
  ])("%j", (ledger, line) => {
    expect(ledgerLine({ ...EMPTY, ...ledger })).toBe(line);
  });
  test("never says that all is well when the counts do not add up", () => {
    expect(ledgerLine({ ...EMPTY, seen: 2, done: 1 })).not.toContain("Nothing is unaccounted for");
  });
});

test.each<[Failure, number]>([
  [{ reason: "data-file-in-use", file: "f" }, EXIT.dataFile],
  [{ reason: "data-file-newer", file: "f", version: 9, known: 1 }, EXIT.dataFile],
  [{ reason: "data-file-damaged", file: "f", detail: "d" }, EXIT.dataFile],
  [{ reason: "data-file-unwritable", file: "f", code: "EACCES" }, EXIT.dataFile],
  [{ reason: "no-token", variable: "IKOMIA_TOKEN" }, EXIT.stoppedEarly],
  [{ reason: "token-rejected", status: 401, service: "s" }, EXIT.stoppedEarly],
  [{ reason: "deployment-not-found", deployment: "d" }, EXIT.stoppedEarly],
  [{ reason: "unreachable", host: "h", code: "ENOTFOUND" }, EXIT.stoppedEarly],
  [{ reason: "disk-low", folder: "f", freeBytes: 1, neededBytes: 2 }, EXIT.stoppedEarly],
  [{ reason: "usage", message: "m", next: "n" }, EXIT.usage],
  [{ reason: "folder-missing", folder: "f" }, EXIT.usage],
  [{ reason: "unknown-task", name: "t", nearest: null, known: [] }, EXIT.usage],
  [{ reason: "workflow-unavailable", detail: "d" }, EXIT.usage],
  [{ reason: "no-data-file", file: "f" }, EXIT.usage],
])("$0.reason ends with exit code $1", (failure, code) => {
  expect(exitCodeFor(failure)).toBe(code);
});

test("a failure is one line, whatever a server put into it, and without a stack", () => {
  const message = "Boom\n    at work (file:///x.ts:1:2)\n    at more (file:///y.ts:3:4)";
  expect(failureLine({ reason: "internal", message })).toBe(
    "nightrun: Nightrun met a defect of its own: Boom Please report it. Nothing recorded is lost.",
  );
  const detail = "<html>\r\n  <title>Bad\u001b[2Jgateway</title>\n</html>";
  const line = failureLine({ reason: "server-error", status: 502, detail });
  expect(line).not.toMatch(/[\n\r\u001b]/);
  expect(line).toContain("\\u001b[2J");
});

test.each([
  ["plain.jpg", "plain.jpg"],
  ["Übersicht – 夜.jpg", "Übersicht – 夜.jpg"],
  ["a\nb\tc\u0007.jpg", "a\\u000ab\\u0009c\\u0007.jpg"],
  ["gpj.\u202eexe", "gpj.\\u202eexe"],
])("the name %j is shown, not obeyed", (name, text) => {
  expect(shown(name)).toBe(text);
});

test.each([
  ["a\n\n  b\r\nc", "a b c"],
  ["a", "a"],
])("%j becomes one line", (text, line) => {
  expect(oneLine(text)).toBe(line);
});

test.each([
  [0, "0 s"],
  [59_400, "59 s"],
  [60_000, "1 min"],
  [59 * 60_000, "59 min"],
  [3 * 3_600_000 + 12 * 60_000, "3 h 12 min"],
  [-5, "0 s"],
])("%d ms reads %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test("large counts are grouped", () => {
  expect(grouped(12_331)).toBe("12,331");
});
