import type { ParameterSpec, ParameterValues } from "./parameters.ts";
import type { Scene } from "./scene.ts";

/** One result object: exactly one key, the type (API facts, section 5.1). */
export type WireOutput = Record<string, unknown>;

/** One algorithm of the simulated deployment. */
export interface Task {
  name: string;
  /** 0 = C++ (booleans are `0`/`1`), 1 = Python (`True`/`False`). */
  language: 0 | 1;
  /** Type names without prefix. */
  inputs: readonly string[];
  outputs: readonly string[];
  parameters: readonly ParameterSpec[];
  /** Computes one output, and only that one. Throws `RunError` for what a person did wrong. */
  output(index: number, scene: Scene, values: ParameterValues): Promise<WireOutput>;
  /** What the tasks behind this one see; absent when they see the same picture. */
  transform?(scene: Scene, values: ParameterValues): Scene;
}
