import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  absolutePath,
  absolutePlace,
  decodePath,
  encodeByteName,
  encodeName,
  joinBytes,
  placeIn,
} from "../../electron/engine/intake/path.ts";

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

/** Any bytes that a file system may hold, with those that matter to the codec made frequent. */
const anyName = fc
  .array(
    fc.oneof(
      fc
        .constantFrom(
          "%",
          "25",
          "%25",
          "%FF",
          "%8",
          "a",
          "é",
          "é".normalize("NFD"),
          "\u{1f319}",
          "\ufeff",
          "\ufffd",
        )
        .map((text) => Buffer.from(text)),
      fc.constantFrom("\xff", "\xc3", "\xe2\x82", "\xed\xa0\x80", "\xf0\x9f", "\xc0\xaf").map(latin1),
      fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((pieces) => Buffer.concat(pieces).filter((byte) => byte !== 0 && byte !== 0x2f))
  .map((bytes) => Buffer.from(bytes))
  .filter((bytes) => bytes.length > 0 && ![".", ".."].includes(bytes.toString("latin1")));

describe("a file name as text", () => {
  it("gives back exactly its bytes, so that no two names share a text", () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const text = encodeName(name);
        expect(decodePath(text)).toEqual(name);
        expect(encodeName(decodePath(text))).toBe(text);
        expect(text).not.toContain("/");
      }),
      { numRuns: 5000 },
    );
  });

  it("is the same when the name comes as one character for each byte, and leads to the same place", () => {
    fc.assert(
      fc.property(anyName, anyName, (folder, name) => {
        const asBytes = name.toString("latin1");
        expect(encodeByteName(asBytes)).toBe(encodeName(name));
        const parent = absolutePlace("/photos é", encodeName(folder));
        expect(Buffer.from(parent)).toEqual(absolutePath("/photos é", encodeName(folder)));
        expect(Buffer.from(placeIn(parent, asBytes))).toEqual(joinBytes(Buffer.from(parent), name));
        expect(placeIn("/", "a.jpg")).toBe("/a.jpg");
      }),
      { numRuns: 2000 },
    );
  });

  it("is a path when joined, byte for byte", () => {
    fc.assert(
      fc.property(anyName, anyName, (folder, name) => {
        const expected = Buffer.concat([folder, Buffer.from("/"), name]);
        expect(decodePath(`${encodeName(folder)}/${encodeName(name)}`)).toEqual(expected);
      }),
    );
  });

  it.each([
    ["photo.jpg", "photo.jpg"],
    ["100 % sure.jpg", "100 % sure.jpg"],
    ["50%.jpg", "50%.jpg"],
    ["a%20b.jpg", "a%20b.jpg"],
    ["caf\u00e9.jpg", "caf\u00e9.jpg"],
    ["cafe\u0301.jpg", "cafe\u0301.jpg"],
    ["line\nbreak\\.jpg", "line\nbreak\\.jpg"],
    ["\ufeffbom.jpg", "\ufeffbom.jpg"],
    ["%25.jpg", "%2525.jpg"],
    ["%FF.jpg", "%25FF.jpg"],
    ["%c3%a9.jpg", "%25c3%25a9.jpg"],
  ])("keeps the ordinary and escapes what reads like an escape: %j", (name, text) => {
    expect(encodeName(Buffer.from(name))).toBe(text);
  });

  it("shows bytes that are not UTF-8 as %XX and leaves the rest readable", () => {
    expect(encodeName(latin1("caf\xe9 %ff.jpg"))).toBe("caf%E9 %25ff.jpg");
    expect(encodeName(Buffer.concat([Buffer.from("é"), latin1("\xc3"), Buffer.from("é")]))).toBe("é%C3é");
    expect(encodeName(latin1("\xed\xa0\x80"))).toBe("%ED%A0%80");
  });
});

describe("an absolute path", () => {
  it("is the folder, a separator and the bytes of the relative path", () => {
    expect(absolutePath("/photos", "a/caf%E9.jpg")).toEqual(latin1("/photos/a/caf\xe9.jpg"));
    expect(absolutePath("/", "a.jpg").toString()).toBe("/a.jpg");
  });

  it.each([
    "",
    ".",
    "..",
    "../x.jpg",
    "a/../../x.jpg",
    "a/./x.jpg",
    "a//x.jpg",
    "/etc/x.jpg",
    "a/",
    "a\0.jpg",
  ])("is refused for %j, which no walk can have found", (path) => {
    expect(() => absolutePath("/photos", path)).toThrow("expected a relative path inside the folder");
  });
});
