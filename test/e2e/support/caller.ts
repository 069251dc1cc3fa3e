import type { CallName, CallOutput, Input } from "../../../electron/contract/api.ts";
import type { Result } from "../../../electron/contract/result.ts";
import type { Host } from "./host.ts";

/** What a call gives when both it and its transport succeed. */
type Answered<N extends CallName> = CallOutput<N> extends Result<infer T> ? T : CallOutput<N>;

/** Asks the host as a page does, for what a test needs before or beside the page. */
export type Caller = <N extends CallName>(name: N, input: Input<N>) => Promise<Answered<N>>;

export async function openCaller(host: Host): Promise<Caller> {
  const exchange = await fetch(host.link, { redirect: "manual" });
  const cookie = (exchange.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  const headers = { "content-type": "application/json", "x-nightrun": "1", cookie };
  return async (name, input) => {
    const url = new URL(`/api/call/${name}`, host.link);
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(input) });
    const envelope = (await response.json()) as Result<unknown>;
    return valueOf(name, envelope) as never;
  };
}

/** A call that can fail by itself gives a result inside the transport's own. */
function valueOf(name: CallName, envelope: Result<unknown>): unknown {
  if (!envelope.ok) throw new Error(`${name}: ${JSON.stringify(envelope.failure)}`);
  const { value } = envelope;
  return typeof value === "object" && value !== null && "ok" in value
    ? valueOf(name, value as Result<unknown>)
    : value;
}
