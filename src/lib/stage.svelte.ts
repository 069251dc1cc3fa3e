import { SvelteSet } from "svelte/reactivity";
import { snapshot, type Visibility } from "./overlay/paths.ts";

/** How results lie on a picture; kept while the selection moves from image to image. */
export class StageControls {
  /** What is not an object would only darken the picture; it can be switched on. */
  readonly hidden = new SvelteSet<string>(["background"]);
  #confidence = $state(0);
  #opacity = $state(0.45);
  #isOn = $state(true);

  /** 0..1; objects below are hidden. */
  get confidence(): number {
    return this.#confidence;
  }

  set confidence(value: number) {
    this.#confidence = value;
  }

  /** 0..1, of areas; outlines stay. */
  get opacity(): number {
    return this.#opacity;
  }

  set opacity(value: number) {
    this.#opacity = value;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  set isOn(value: boolean) {
    this.#isOn = value;
  }

  get visibility(): Visibility {
    return snapshot(this.hidden, this.#confidence);
  }

  toggle(className: string): void {
    if (!this.hidden.delete(className)) this.hidden.add(className);
  }
}
