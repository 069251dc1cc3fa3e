import { expect, expectTypeOf, test } from "vitest";
import type { z } from "zod";
import {
  CALL_NAMES,
  EVENT_NAMES,
  type CallName,
  type CallOutput,
  type EventName,
  type Events,
  type Input,
} from "../../electron/contract/api.ts";
import { describeFailure } from "../../electron/contract/describe-failure.ts";
import { FAILURE_REASONS, type FailureReason } from "../../electron/contract/failure.ts";
import { CALL_SCHEMAS, EVENT_SCHEMAS } from "../../electron/contract/schema/api.ts";

/** Types as a schema builds them: nothing is read-only there. */
type Plain<T> = T extends (...args: never[]) => unknown
  ? T
  : T extends object
    ? { -readonly [K in keyof T]: Plain<T[K]> }
    : T;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;

type InputsFit = {
  [N in CallName]: Same<Plain<z.output<(typeof CALL_SCHEMAS)[N]["input"]>>, Plain<Input<N>>>;
};
type OutputsFit = {
  [N in CallName]: Same<Plain<z.output<(typeof CALL_SCHEMAS)[N]["output"]>>, Plain<CallOutput<N>>>;
};
type EventsFit = { [N in EventName]: Same<Plain<z.output<(typeof EVENT_SCHEMAS)[N]>>, Plain<Events[N]>> };

test("every schema gives exactly the type that the contract has", () => {
  expectTypeOf<InputsFit>().toEqualTypeOf<{ [N in CallName]: true }>();
  expectTypeOf<OutputsFit>().toEqualTypeOf<{ [N in CallName]: true }>();
  expectTypeOf<EventsFit>().toEqualTypeOf<{ [N in EventName]: true }>();
  expectTypeOf<(typeof FAILURE_REASONS)[number]>().toEqualTypeOf<FailureReason>();
});

test("every call and event of the contract has a schema, and no other one has", () => {
  expect(Object.keys(CALL_SCHEMAS).sort()).toEqual([...CALL_NAMES].sort());
  expect(Object.keys(EVENT_SCHEMAS).sort()).toEqual([...EVENT_NAMES].sort());
});

test("every reason of a failure is known to the schemas", () => {
  expect(new Set(FAILURE_REASONS).size).toBe(FAILURE_REASONS.length);
  expect(() => describeFailure({ reason: "no-such-reason" } as never)).toThrow();
});
