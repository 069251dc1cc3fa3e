/**
 * The random faults that `--faults` and the settings know, each with a chance per request.
 * `put-*` and `jwt-short` strike the answer to a request; `get-cut` and `get-lost` strike only a results request
 * that would have got its result; `run-*` and `endless-202` decide the fate of an accepted run.
 */
export const FAULT_NAMES = [
  "put-reset-before",
  "put-reset-after",
  "put-429",
  "put-503",
  "put-504",
  "put-html",
  "get-cut",
  "get-lost",
  "get-502",
  "run-500",
  "run-520",
  "endless-202",
  "jwt-short",
] as const;

export type FaultName = (typeof FAULT_NAMES)[number];
export type FaultRates = Partial<Record<FaultName, number>>;
