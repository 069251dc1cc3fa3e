/** A reproducible source of chance: equal seeds give equal sequences. */
export interface Random {
  /** Evenly from 0 (included) to 1 (excluded). */
  next(): number;
  /** True with this probability, 0 to 1. */
  chance(probability: number): boolean;
  /** A whole number evenly from `low` to `high`, both included. */
  between(low: number, high: number): number;
}

/** Marsaglia's 32-bit xorshift; small and good enough to spread faults. */
export function createRandom(seed: number): Random {
  // Zero is the one state that xorshift cannot leave; the multiplication keeps neighbouring seeds apart.
  let state = Math.imul(seed | 0, 0x9e3779b1) ^ 0x2545f491 || 1;
  function next(): number {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  }
  for (let warmUp = 0; warmUp < 8; warmUp += 1) next();
  return {
    next,
    chance: (probability) => probability > 0 && next() < probability,
    between: (low, high) => low + Math.floor(next() * (Math.max(low, high) - low + 1)),
  };
}
