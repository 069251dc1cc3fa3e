import type { DeploymentFailure, Failure, ImageFailure } from "../../contract/failure.ts";
import type { GateKind } from "../../contract/gate.ts";
import { assertNever, type Result } from "../../contract/result.ts";
import type { Clock } from "../clock.ts";
import { probeDelayMs } from "../deployment/retry.ts";
import type { Gates } from "./gates.ts";
import type { OutstandingWindow } from "./window.ts";

/** How much one failure weighs; at `UNREACHABLE_AT` the gate closes. Any answer sets the sum to zero. */
const WEIGHT = { connection: 3, broken: 1 } as const;
const UNREACHABLE_AT = 5;
const UNKNOWN_IN_A_ROW = 5;
const REFUSED_IN_A_ROW = 20;
const LOST_IN_A_ROW = 5;
/** Different JWTs refused with no good answer in between: a short-lived one may expire on the way, three do not. */
const JWTS_REFUSED_IN_A_ROW = 3;

/**
 * What goes wrong with the deployment as a whole, as opposed to one image: it closes gates, looks at the deployment
 * while one is closed, and opens it again. The only owner of the decision when to try again.
 */
export interface Trouble {
  /** A call failed for a reason that lies with the deployment or the way there. */
  failed(failure: DeploymentFailure): void;
  /** The deployment answered as it should. */
  answered(): void;
  /** A JWT was refused. False: so were those before it, and only a person can sign in. */
  unauthorized(deployment: string, refused: { jwt: string; status: number }): boolean;
  /** 429 or 503 on a submission that began at `askedMono`. */
  busy(failure: DeploymentFailure, retryAfterMs: number | null, askedMono: number): void;
  /** A submission was accepted: the counts of what happens in a row start anew. */
  accepted(): void;
  unknownOutcome(failure: Failure | null): void;
  /** The deployment does not want this image. */
  refused(failure: ImageFailure): void;
  /** The workflow failed on this image; a run that is merely accepted proves nothing against it. */
  runFailed(failure: ImageFailure): void;
  /** A run ended well. */
  finished(): void;
  /** A result is lost whose run was submitted at `submittedMono`. */
  lost(submittedMono: number): void;
  /** A person does not want to wait for the next try. */
  tryNow(): void;
  /** How long the present outage has lasted, in milliseconds; 0 = none. A person's gates are no outage. */
  outageMs(): number;
}

export interface TroubleOptions {
  gates: Gates;
  window: OutstandingWindow;
  clock: Clock;
  random: () => number;
  /** A cheap look at the deployment. */
  probe: () => Promise<Result<void, DeploymentFailure>>;
  /** Asks for a new sign-in. */
  signIn: () => Promise<Result<unknown, DeploymentFailure>>;
  /** Nothing is looked at any more. */
  stopped: AbortSignal;
}

type Remedy = "sign-in" | "connection" | "broken";

/** Who has to do something about a failure: a person (sign-in), or time. */
function remedyOf(failure: DeploymentFailure): Remedy {
  switch (failure.reason) {
    case "no-token":
    case "token-rejected":
    case "sign-in-refused":
    case "deployment-not-found":
      return "sign-in";
    case "unreachable":
      return failure.code === "ECONNRESET" || failure.code === "EPIPE" || failure.code === "UND_ERR_SOCKET"
        ? "broken"
        : "connection";
    case "tls":
    case "proxy":
    case "token-service-error":
    case "not-a-deployment":
      return "connection";
    case "timed-out":
      return failure.phase === "connect" ? "connection" : "broken";
    case "busy":
    case "server-error":
    case "unexpected-response":
      return "broken";
    default:
      return assertNever(failure);
  }
}

/** What is waited out, but not for ever. */
const OUTAGES: readonly GateKind[] = [
  "unreachable",
  "busy",
  "unknown-outcomes",
  "results-lost",
  "disk-low",
  "folder-away",
];

/** These open because somebody looked, the others because time has passed. */
const SURELY_OVER: readonly GateKind[] = ["unreachable", "disk-low", "folder-away"];

export function createTrouble(options: TroubleOptions): Trouble {
  const { gates, window, clock, random, stopped } = options;
  let weight = 0;
  let unknown = 0;
  let refusedInARow = 0;
  let lostInARow = 0;
  let lastStormMono = Number.NEGATIVE_INFINITY;
  let busyInARow = 0;
  let cautious = 0;
  let wake = new AbortController();
  let failedRunsInARow = 0;
  let busyUntilMono = 0;
  let outageSinceMono: number | null = null;
  let looking = false;
  let glancing = false;
  const refusedJwts = new Set<string>();

  const isOut = (): boolean => gates.list().some((gate) => OUTAGES.includes(gate.kind));

  gates.onChange(({ gate, closed }) => {
    if (closed && OUTAGES.includes(gate.kind)) outageSinceMono ??= clock.mono();
    if (!closed && SURELY_OVER.includes(gate.kind)) endOutage();
  });

  /** A gate that only time has opened proves nothing: an outage ends with an answer. */
  function endOutage(): void {
    if (!isOut()) outageSinceMono = null;
  }

  const pause = (ms: number): Promise<void> => clock.sleep(ms, AbortSignal.any([stopped, wake.signal]));

  const isStopped = (): boolean => stopped.aborted;

  /** Looks at the deployment until it answers: 5 to 25 s apart. */
  async function lookUntilBack(first: DeploymentFailure): Promise<void> {
    if (looking) return;
    looking = true;
    let failure = first;
    for (let n = 0; !isStopped(); n++) {
      const delay = probeDelayMs(n, random);
      gates.close("unreachable", failure, clock.now() + delay);
      await pause(delay);
      if (isStopped()) break;
      const looked = await options.probe();
      if (looked.ok) {
        weight = 0;
        window.restore();
        gates.open("unreachable");
        break;
      }
      failure = looked.failure;
      if (remedyOf(failure) === "sign-in") {
        gates.close("sign-in", failure);
        gates.open("unreachable");
        break;
      }
    }
    looking = false;
  }

  /**
   * Closes a gate for a while, then lets one submission through to see; none while the deployment does not answer
   * at all, because each one may spend an attempt of its image.
   */
  function waitThenOne(kind: GateKind, failure: Failure | null): void {
    if (gates.isClosed(kind)) return;
    const delay = probeDelayMs(cautious++, random);
    gates.close(kind, failure, clock.now() + delay);
    void (async () => {
      await pause(delay);
      await glance();
      window.restart();
      gates.open(kind);
    })();
  }

  /** One look at the deployment now; if it does not answer, it is waited for. */
  async function glance(): Promise<void> {
    if (glancing || looking || isStopped()) return;
    glancing = true;
    const looked = await options.probe();
    glancing = false;
    if (looked.ok || isStopped()) return;
    if (remedyOf(looked.failure) === "sign-in") gates.close("sign-in", looked.failure);
    else await lookUntilBack(looked.failure);
  }

  async function openWhenNoLongerBusy(): Promise<void> {
    while (!isStopped() && clock.mono() < busyUntilMono) await pause(busyUntilMono - clock.mono());
    gates.open("busy");
  }

  return {
    failed(failure) {
      const remedy = remedyOf(failure);
      if (remedy === "sign-in") {
        gates.close("sign-in", failure);
        return;
      }
      weight += WEIGHT[remedy];
      if (weight >= UNREACHABLE_AT) void lookUntilBack(failure);
    },
    answered() {
      weight = 0;
      refusedJwts.clear();
      endOutage();
    },
    unauthorized(deployment, { jwt, status }) {
      refusedJwts.add(jwt);
      if (refusedJwts.size < JWTS_REFUSED_IN_A_ROW) return true;
      refusedJwts.clear();
      gates.close("sign-in", { reason: "sign-in-refused", deployment, status });
      return false;
    },
    busy(failure, retryAfterMs, askedMono) {
      window.congested(askedMono, clock.mono());
      const isFirst = !gates.isClosed("busy");
      // Of several at once only what they ask for counts, not their number.
      if (!isFirst && retryAfterMs === null) return;
      const delay = retryAfterMs ?? probeDelayMs(busyInARow, random);
      busyInARow++;
      busyUntilMono = Math.max(busyUntilMono, clock.mono() + delay);
      gates.close("busy", failure, clock.now() + Math.round(busyUntilMono - clock.mono()));
      if (isFirst) void openWhenNoLongerBusy();
    },
    accepted() {
      weight = 0;
      refusedJwts.clear();
      unknown = 0;
      refusedInARow = 0;
      busyInARow = 0;
      endOutage();
    },
    unknownOutcome(failure) {
      if (++unknown >= UNKNOWN_IN_A_ROW) {
        unknown = UNKNOWN_IN_A_ROW - 1;
        waitThenOne("unknown-outcomes", failure);
      } else void glance();
    },
    refused(failure) {
      if (++refusedInARow < REFUSED_IN_A_ROW) return;
      refusedInARow = 0;
      gates.close("all-refused", failure);
    },
    runFailed(failure) {
      if (++failedRunsInARow < REFUSED_IN_A_ROW) return;
      failedRunsInARow = 0;
      gates.close("all-refused", failure);
    },
    finished() {
      window.succeeded();
      lostInARow = 0;
      cautious = 0;
      failedRunsInARow = 0;
    },
    lost(submittedMono) {
      // The server that forgot these has been looked at since: one warning for all that it forgot.
      if (submittedMono < lastStormMono || ++lostInARow < LOST_IN_A_ROW) return;
      lostInARow = 0;
      lastStormMono = clock.mono();
      waitThenOne("results-lost", null);
    },
    tryNow() {
      busyUntilMono = 0;
      const before = wake;
      wake = new AbortController();
      before.abort();
      if (!gates.isClosed("sign-in")) return;
      void options.signIn().then((signedIn) => {
        if (signedIn.ok) gates.open("sign-in");
        else if (remedyOf(signedIn.failure) === "sign-in") gates.close("sign-in", signedIn.failure);
      });
    },
    outageMs: () => (outageSinceMono === null ? 0 : clock.mono() - outageSinceMono),
  };
}
