import { describe, expect, it } from "vitest";
import { isImageName, kindByName } from "../../electron/engine/intake/image-name.ts";
import { isJunk } from "../../electron/engine/intake/junk.ts";

describe("junk", () => {
  it.each([
    ".hidden.jpg",
    "._photo.jpg",
    ".DS_Store",
    ".syncthing.photo.jpg.tmp",
    ".~lock.photo.odt#",
    ".stfolder",
    ".photo.jpg.Ab12Cd",
    "Thumbs.db",
    "desktop.ini",
    "Icon\r",
    "__MACOSX",
    "@eaDir",
    "#recycle",
    "$RECYCLE.BIN",
    "System Volume Information",
    "lost+found",
    "photo.jpg.part",
    "photo.jpg.partial",
    "photo.jpg.crdownload",
    "photo.jpg.download",
    "photo.jpg.filepart",
    "photo.jpg.tmp",
    "PHOTO.JPG.TMP",
    "photo.jpg.swp",
    "~$photo.jpg",
    "~syncthing~photo.jpg",
    "photo.jpg~",
  ])("is what systems and half-done copies leave: %j", (name) => {
    expect(isJunk(name)).toBe(true);
  });

  it.each([
    "photo.jpg",
    "~photo.jpg",
    "IMG~1.JPG",
    "-rf.jpg",
    "part.jpg",
    "a.part.jpg",
    "tmp",
    "$100.jpg",
    "@home.jpg",
    "thumbs.db.jpg",
    " .jpg",
    "#1.jpg",
  ])("is not a name that only resembles it: %j", (name) => {
    expect(isJunk(name)).toBe(false);
  });
});

describe("an image name", () => {
  it.each([
    "a.jpg",
    "a.JPEG",
    "a.jpe",
    "a.jfif",
    "a.PnG",
    "a.tif",
    "a.tiff",
    "a.webp",
    "a.bmp",
    "a.dib",
    "a.b.jpg",
    "\n.jpg",
    "%FF.jpg",
  ])("is %j", (name) => {
    expect(isImageName(name)).toBe(true);
  });

  it.each(["jpg", "a.jpg.txt", "a.jpg ", "a.jpg.", "a.jpg\n", "a.gif", "a.heic", "ajpg", "a.jpgx"])(
    "is not %j",
    (name) => {
      expect(isImageName(name)).toBe(false);
    },
  );

  it("that is none is told in words", () => {
    expect(kindByName("a.GIF")).toBe("a GIF");
    expect(kindByName("a.cr2")).toBe("a camera raw file");
    expect(kindByName("a.xyz")).toBe("a .xyz file");
    expect(kindByName("README")).toBe("a file without a picture's extension");
  });
});

describe("names made to be slow", () => {
  it("cost no more than their length", () => {
    const started = performance.now();
    for (const piece of [".", "a.", "~", ".jpg", "%8", ".tmp.", "%25"]) {
      const name = piece.repeat(10_000);
      isJunk(name);
      isImageName(name);
      kindByName(name);
    }
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
