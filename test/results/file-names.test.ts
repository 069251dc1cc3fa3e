import { isAbsolute, join, normalize, resolve, win32 } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeName } from "../../electron/engine/intake/path.ts";
import { resultFileNames } from "../../electron/engine/results/files.ts";

const RUNS = 10_000;
const json = (path: string): string => resultFileNames(path, [])[0]!;

describe("the names of result files", () => {
  test("come from the image's own: the JSON first, then one for each picture", () => {
    expect(resultFileNames("sub/photo.jpg", [".infer_yolo_v8-0.1.png", ".infer-0.0.mask-3.png"])).toEqual([
      "sub/photo.jpg.json",
      "sub/photo.jpg.infer_yolo_v8-0.1.png",
      "sub/photo.jpg.infer-0.0.mask-3.png",
    ]);
  });

  test.each([
    ["Ferien 2026/Straße (3).jpg", "Ferien 2026/Straße (3).jpg.json"],
    ["写真/画像.png", "写真/画像.png.json"],
    ["photo%20one.jpg", "photo%20one.jpg.json"],
    ["100%.jpg", "100%.jpg.json"],
    ["bad%FFname.jpg", "bad%FFname.jpg.json"],
    ["-rf.jpg", "-rf.jpg.json"],
    ["photo.jpg~", "photo.jpg~.json"],
    [".hidden.jpg", ".hidden.jpg.json"],
    ["a'b&c;d$e.jpg", "a'b&c;d$e.jpg.json"],
  ])("keep %j as it is", (path, expected) => {
    expect(json(path)).toBe(expected);
  });

  test.each([
    ["CON.jpg", "%43ON.jpg.json"],
    ["con", "%63on.json"],
    ["nul.tar.gz/x", "%6Eul.tar.gz/x.json"],
    ["aux /x", "aux%20/x.json"],
    ["aux .jpg", "%61ux .jpg.json"],
    ["COM¹.jpg", "%43OM¹.jpg.json"],
    ["lpt9.jpg", "%6Cpt9.jpg.json"],
    ["console.jpg", "console.jpg.json"],
    ["com10.jpg", "com10.jpg.json"],
    ["dots.../x. .", "dots%2E%2E%2E/x%2E%20%2E.json"],
    ["space /a", "space%20/a.json"],
    ['a:b"c<d>e|f?g*h\\i.jpg', "a%3Ab%22c%3Cd%3Ee%7Cf%3Fg%2Ah%5Ci.jpg.json"],
    ["new\nline\t.jpg", "new%0Aline%09.jpg.json"],
    ["a%3Ab.jpg", "a%253Ab.jpg.json"],
    ["%43ON.jpg", "%2543ON.jpg.json"],
    ["x%20/a", "x%2520/a.json"],
    ["%20", "%2520.json"],
    [".earlier/a.jpg", "%2Eearlier/a.jpg.json"],
    [".EARLIER/a.jpg", "%2EEARLIER/a.jpg.json"],
    ["sub/.earlier/a.jpg", "sub/.earlier/a.jpg.json"],
    ["a.jpg.json/b.jpg", "a.jpg%2Ejson/b.jpg.json"],
    ["a.jpg.t-0.1.png/b.jpg", "a.jpg.t-0.1%2Epng/b.jpg.json"],
    ["photos.jpg/b.jpg", "photos.jpg/b.jpg.json"],
    ["../../etc/passwd", "%2E%2E/%2E%2E/etc/passwd.json"],
    ["/etc/passwd", "%00/etc/passwd.json"],
    ["a//b", "a/%00/b.json"],
    ["", "%00.json"],
  ])("make %j safe on every system", (path, expected) => {
    expect(json(path)).toBe(expected);
  });

  test("are shortened with a hash where they would be too long, and stay apart", () => {
    const long = "ä".repeat(125);
    const [first, picture] = resultFileNames(`${long}1.jpg`, [".infer-0.1.png"]);
    expect(first).toMatch(/^ä+~[0-9a-f]{16}\.json$/);
    expect(picture).toMatch(/^ä+~[0-9a-f]{16}\.infer-0\.1\.png$/);
    for (const name of [first!, picture!]) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    expect(json(`${long}2.jpg`)).not.toBe(first);
    expect(Buffer.byteLength(json(`${"f".repeat(300)}/a.jpg`).split("/")[0]!)).toBe(255);
    expect(json(`${"n".repeat(240)}.jpg`)).toBe(`${"n".repeat(240)}.jpg.json`);
  });

  test.each(["/../../x", "..", "\\x", ".json/../x", "", ".", ".x.", ".a b", `.${"x".repeat(300)}`])(
    "never follow a suffix like %j",
    (suffix) => {
      const name = resultFileNames("a.jpg", [suffix])[1]!;
      expect(name).toMatch(/^a\.jpg\.[A-Za-z0-9_-][A-Za-z0-9._-]*$/);
      expect(name).not.toContain("..");
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
    },
  );

  test("take no time for a hostile name of 10 kB", () => {
    const started = performance.now();
    for (const piece of ["%20", ". ", "-1.1", "%", "COM", "..", "\\", "%2", ".png-0.1"]) {
      json(`${piece.repeat(10_000)}x/${piece.repeat(10_000)}`);
    }
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

/** Pieces that go wrong somewhere, mixed with anything. */
const nasty = fc.constantFrom(
  ...[
    "..",
    ".",
    "/",
    "\\",
    "~",
    "%",
    "%2",
    "%2F",
    "%3a",
    "%20",
    "%25",
    "%43ON",
    "CON",
    "nul",
    "com1",
    "LPT¹",
    " ",
    ":",
    "*",
  ],
  ...[
    "\0",
    "\n",
    "\u202e",
    "\u0301",
    "é",
    "K",
    "ß",
    "\ud800",
    "C:",
    ".json",
    ".earlier",
    "-0.1.png",
    "$",
    "aux.",
    "x".repeat(300),
  ],
);
const anyText = fc
  .array(fc.oneof(nasty, fc.string({ maxLength: 8, unit: "binary" }), fc.string({ maxLength: 8 })), {
    maxLength: 8,
  })
  .map((parts) => parts.join(""));

/** A component as a file system on Linux can have it: any bytes but NUL and "/". */
const anyBytes = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    anyText.map((text) => Buffer.from(text)),
  )
  .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x25 : byte))))
  .filter(
    (bytes) => bytes.length > 0 && bytes.length <= 255 && ![".", ".."].includes(bytes.toString("latin1")),
  );
const anyPath = fc.array(anyBytes, { minLength: 1, maxLength: 3 });

const RESERVED = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)\s*(\.|$)/i;

describe(`${RUNS} names from anywhere`, () => {
  test("stay inside the results folder, on Linux and on Windows", () => {
    fc.assert(
      fc.property(anyText, fc.array(anyText, { maxLength: 3 }), (path, suffixes) => {
        for (const name of resultFileNames(path, suffixes)) {
          expect(isAbsolute(name)).toBe(false);
          expect(win32.isAbsolute(name)).toBe(false);
          expect(normalize(name)).toBe(name);
          expect(resolve("/results", name)).toBe(join("/results", name));
          expect(win32.resolve("C:\\results", name).startsWith("C:\\results\\")).toBe(true);
        }
      }),
      { numRuns: RUNS },
    );
  });

  test("follow the rules of Windows in every component", () => {
    fc.assert(
      fc.property(anyText, fc.array(anyText, { maxLength: 3 }), (path, suffixes) => {
        for (const component of resultFileNames(path, suffixes).flatMap((name) => name.split("/"))) {
          expect(component).not.toMatch(/[\u0000-\u001f<>:"|?*\\]|[. ]$|^$/);
          expect(component).not.toMatch(RESERVED);
          expect(component.isWellFormed()).toBe(true);
          expect(Buffer.byteLength(component)).toBeLessThanOrEqual(255);
        }
      }),
      { numRuns: RUNS },
    );
  });

  test("are never where results go that were replaced", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          anyText.map((text) => `.earlier/${text}`),
        ),
        (path) => {
          for (const name of resultFileNames(path, []))
            expect(name.toLowerCase()).not.toMatch(/^\.earlier\//);
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("differ where the images' own names differ, also on a disk that ignores case", () => {
    const fold = (text: string): string => text.toLowerCase();
    fc.assert(
      fc.property(anyPath, anyPath, fc.boolean(), (one, two, isSimilar) => {
        const [a, b] = [one, isSimilar ? mangled(one) : two].map((path) =>
          path.map(encodeName).join("/"),
        ) as [string, string];
        fc.pre(fold(a) !== fold(b));
        expect(fold(json(a))).not.toBe(fold(json(b)));
      }),
      { numRuns: RUNS },
    );
  });
});

/** The same path, as if someone had written down the escaped form of it: the likeliest of collisions. */
function mangled(path: readonly Buffer[]): Buffer[] {
  const escaped = json(path.map(encodeName).join("/"))
    .replace(/\.json$/, "")
    .split("/");
  return escaped.map((component) => Buffer.from(component));
}
