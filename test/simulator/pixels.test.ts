import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeBmp } from "../../resources/samples/drawing/bmp-file.ts";
import { decodeBmp } from "../../electron/simulator/tasks/bmp.ts";
import { colorName } from "../../electron/simulator/tasks/colors.ts";
import { outlineOf } from "../../electron/simulator/tasks/contour.ts";
import { findRegions } from "../../electron/simulator/tasks/regions.ts";

test("BMP bytes are decoded to the pixels they were written from", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.infiniteStream(fc.nat(255)),
      (width, height, values) => {
        const rgb = Buffer.from(Uint8Array.from([...values.take(width * height * 3)]));
        expect(decodeBmp(encodeBmp(rgb, width, height))).toEqual({ width, height, rgb });
      },
    ),
  );
});

test("a BMP that is cut or not understood is refused, never misread", () => {
  const whole = encodeBmp(Buffer.alloc(4 * 4 * 3), 4, 4);
  for (let length = 2; length < whole.length; length += 1)
    expect(() => decodeBmp(whole.subarray(0, length))).toThrow(/BMP/);
  const packed = Buffer.from(whole);
  packed.writeUInt32LE(1, 30);
  expect(() => decodeBmp(packed)).toThrow(/compression 1/);
});

test("outlines stay on their region, whatever its shape", () => {
  const size = 12;
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: size * size, maxLength: size * size }), (cells) => {
      const rgb = Buffer.from(cells.flatMap((dark) => (dark ? [0, 0, 0] : [255, 255, 255])));
      const map = findRegions({ width: size, height: size, rgb, scaleX: 1, scaleY: 1 }, 0);
      for (const region of map.regions) {
        const { outer } = outlineOf(map, region);
        expect(outer.length).toBeGreaterThan(0);
        for (const { x, y } of outer) expect(map.labels[y * size + x]).toBe(region.label);
        // Simplifying may take a corner of less than a pixel.
        expect(Math.min(...outer.map((p) => p.y)) - region.top).toBeLessThanOrEqual(1);
        expect(region.right - Math.max(...outer.map((p) => p.x))).toBeLessThanOrEqual(1);
      }
    }),
  );
});

test.each([
  [{ r: 208, g: 48, b: 32 }, "red"],
  [{ r: 240, g: 140, b: 20 }, "orange"],
  [{ r: 243, g: 198, b: 35 }, "yellow"],
  [{ r: 63, g: 158, b: 77 }, "green"],
  [{ r: 32, g: 163, b: 168 }, "cyan"],
  [{ r: 32, g: 96, b: 192 }, "blue"],
  [{ r: 138, g: 79, b: 181 }, "purple"],
  [{ r: 229, g: 80, b: 160 }, "pink"],
  [{ r: 91, g: 58, b: 36 }, "brown"],
  [{ r: 130, g: 130, b: 130 }, "gray"],
  [{ r: 250, g: 250, b: 248 }, "white"],
  [{ r: 20, g: 20, b: 20 }, "black"],
])("%j is called %s", (color, name) => {
  expect(colorName(color)).toBe(name);
});
