/** How large a proof is: `short` is what `npm test` runs. `seed` makes its random choices repeatable. */
export interface Size {
  readonly short: boolean;
  readonly seed: number;
}

/** What a proof saw: figures by name (with their unit in the name) and each broken promise as a sentence. */
export interface Verdict {
  readonly figures: Readonly<Record<string, number | string>>;
  readonly broken: readonly string[];
}

/** Text of the product that is replaced before the module loads. `find` stands in the file exactly once. */
export interface Patch {
  /** Relative to the project, such as `electron/engine/store/database.ts`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** The proof with one protection taken out: it must find a promise broken, or it proves nothing. */
export interface Control {
  readonly name: string;
  /** The protection that is missing, in words. */
  readonly without: string;
  readonly patches: readonly Patch[];
  /** @default "short" */
  readonly size?: "short" | "full";
}

/** One promise and its proof. Each file in `runners/` exports one as `runner`. */
export interface Runner {
  /** The promise as one sentence, with its number in the reliability table where it has one. */
  readonly promise: string;
  /** Whether `npm test` runs its short form. */
  readonly inShortForm: boolean;
  /** Whether its figures need the machine to itself. */
  readonly alone?: boolean;
  readonly limitS: { readonly short: number; readonly full: number };
  /** Why it cannot run on this machine; null = it can. */
  cannotRun?(): string | null;
  run(size: Size): Promise<Verdict>;
  readonly controls: readonly Control[];
}

/** Collects what a proof sees on its way. */
export interface Notebook {
  figure(name: string, value: number | string): void;
  /** Notes the sentence as a broken promise unless the condition holds. */
  check(holds: boolean, sentence: string): void;
  verdict(): Verdict;
}

export function createNotebook(): Notebook {
  const figures: Record<string, number | string> = {};
  const broken: string[] = [];
  return {
    figure(name, value) {
      figures[name] = value;
    },
    check(holds, sentence) {
      if (!holds) broken.push(sentence);
    },
    verdict: () => ({ figures, broken }),
  };
}
