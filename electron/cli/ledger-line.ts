import { isBalanced, type Ledger } from "../contract/image.ts";
import { grouped } from "./console.ts";

/** The ledger as one sentence; the last part only while the conservation check holds. */
export function ledgerLine(ledger: Ledger): string {
  const parts: string[] = [`${grouped(ledger.done)} done`];
  const add = (n: number, word: string): void => void (n > 0 && parts.push(`${grouped(n)} ${word}`));
  add(ledger.failed, "failed");
  add(ledger.skipped, "skipped");
  add(ledger.missing, "missing");
  add(ledger.inFlight, "in flight");
  add(ledger.uncertain, "uncertain");
  add(ledger.waiting, "waiting");
  const check = isBalanced(ledger)
    ? `= ${grouped(ledger.seen)} seen. Nothing is unaccounted for.`
    : "(the counts do not add up; please report this)";
  return `${parts.join(" · ")} ${check}`;
}
