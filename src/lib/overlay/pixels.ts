import { isVisible, type Visibility } from "./paths.ts";
import type { ClassMapLayer, MaskLayer, Scene } from "./scene.ts";

/** Masks are drawn at most this many pixels long: enough for the eye, cheap enough for many objects. */
const LONGEST_EDGE = 1024;
const RIM = [10, 12, 16, 210] as const;

interface Rgb {
  r: number;
  g: number;
  b: number;
}

/** One recoloured picture of every visible mask and class map; null when there is nothing to draw. */
export interface PixelLayer {
  image: ImageData;
  /** Some picture could not be loaded or decoded. */
  isPartial: boolean;
}

/** Loads the pictures of a scene once and paints them anew whenever the controls move. */
export class PixelPainter {
  readonly #scene: Scene;
  readonly #width: number;
  readonly #height: number;
  readonly #values = new Map<string, Promise<Uint8ClampedArray | null>>();

  constructor(scene: Scene, width: number, height: number) {
    const scale = Math.min(1, LONGEST_EDGE / Math.max(width, height, 1));
    this.#scene = scene;
    this.#width = Math.max(1, Math.round(width * scale));
    this.#height = Math.max(1, Math.round(height * scale));
  }

  async paint(by: Visibility): Promise<PixelLayer | null> {
    const { masks, classMaps } = this.#scene;
    if (masks.length === 0 && classMaps.length === 0) return null;
    const image = new ImageData(this.#width, this.#height);
    let isPartial = false;
    for (const map of classMaps) isPartial = !(await this.#paintMap(image, map, by)) || isPartial;
    for (const mask of masks) {
      if (isVisible(mask, by)) isPartial = !(await this.#paintMask(image, mask)) || isPartial;
    }
    return { image, isPartial };
  }

  async #paintMask(image: ImageData, mask: MaskLayer): Promise<boolean> {
    const values = await this.#load(mask.source);
    if (values === null) return false;
    // Foreground is any non-zero pixel: 0/1 and 0/255 masks look the same (API facts, section 5.5).
    paintRegions(image, (i) => (values[i * 4] === 0 ? 0 : 1), [null, this.#colorOf(mask.className)]);
    return true;
  }

  async #paintMap(image: ImageData, map: ClassMapLayer, by: Visibility): Promise<boolean> {
    const values = await this.#load(map.source);
    if (values === null) return false;
    const colors = map.classNames.map((name) => (by.hidden.has(name) ? null : this.#colorOf(name)));
    paintRegions(image, (i) => values[i * 4] ?? 0, colors);
    return true;
  }

  #colorOf(className: string): Rgb {
    const found = this.#scene.classes.find((entry) => entry.name === className);
    const [r = 128, g = 128, b = 128] = (found?.color.match(/\d+/g) ?? []).map(Number);
    return { r, g, b };
  }

  #load(source: string): Promise<Uint8ClampedArray | null> {
    let values = this.#values.get(source);
    if (values === undefined) {
      values = readPixels(source, this.#width, this.#height);
      this.#values.set(source, values);
    }
    return values;
  }
}

/** RGBA bytes of a picture at the given size, without smoothing: values in between would be other classes. */
async function readPixels(source: string, width: number, height: number): Promise<Uint8ClampedArray | null> {
  const picture = new Image();
  picture.src = source;
  try {
    await picture.decode();
  } catch {
    return null; // A picture that cannot be decoded is told to the person; the rest is shown.
  }
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) return null;
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

/** Colours each pixel by its region; pixels at a region's border get a dark rim. null = not drawn. */
export function paintRegions(
  image: ImageData,
  regionAt: (pixel: number) => number,
  colors: readonly (Rgb | null)[],
): void {
  const { width, height, data } = image;
  for (let y = 0, i = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, i += 1) {
      const region = regionAt(i);
      const color = colors[region] ?? null;
      if (color === null) continue;
      const isBorder =
        (x > 0 && regionAt(i - 1) !== region) ||
        (x < width - 1 && regionAt(i + 1) !== region) ||
        (y > 0 && regionAt(i - width) !== region) ||
        (y < height - 1 && regionAt(i + width) !== region);
      data[i * 4] = isBorder ? RIM[0] : color.r;
      data[i * 4 + 1] = isBorder ? RIM[1] : color.g;
      data[i * 4 + 2] = isBorder ? RIM[2] : color.b;
      data[i * 4 + 3] = isBorder ? RIM[3] : 255;
    }
  }
}
