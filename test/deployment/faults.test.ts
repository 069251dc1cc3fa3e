import { setTimeout as sleep } from "node:timers/promises";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import type { DeploymentTimeouts } from "../../electron/engine/deployment/client.ts";
import { ResultTooLarge } from "../../electron/engine/deployment/outcome.ts";
import { bodyOf, collectInto, QUICK, RUN_ID, startDeployment, startHttp } from "./support/rig.ts";
import { freePort, startRawServer, startWebServer } from "./support/servers.ts";

const RESULT = '[{"OBJECT_DETECTION":{"detections":[],"label":"a \\"]} b"}}]';
const JSON_TYPE = "content-type: application/json\r\n";
const WITH_LENGTH = `HTTP/1.1 200 OK\r\n${JSON_TYPE}content-length: ${RESULT.length}\r\n\r\n`;
const CHUNKED = `HTTP/1.1 200 OK\r\n${JSON_TYPE}transfer-encoding: chunked\r\n\r\n`;
const UNTIL_CLOSE = `HTTP/1.0 200 OK\r\n${JSON_TYPE}\r\n`;

/** One chunk per byte, and the closing one. */
const CHUNKS = Array.from(RESULT, (letter) => `1\r\n${letter}\r\n`).join("") + "0\r\n\r\n";

async function collectFrom(onEnd: (socket: Socket) => void, timeouts: Partial<DeploymentTimeouts> = {}) {
  const server = await startRawServer({ onEnd: ({ socket }) => onEnd(socket) });
  const deployment = await startDeployment(server.url, { timeouts });
  return { server, ...(await collectInto(deployment)) };
}

async function submitTo(
  script: Parameters<typeof startRawServer>[0],
  content: Uint8Array = Buffer.from("picture"),
  timeouts: Partial<DeploymentTimeouts> = {},
) {
  const server = await startRawServer(script);
  const deployment = await startDeployment(server.url, { timeouts });
  const body = await bodyOf(content);
  return { server, body, outcome: await deployment.submit(body, {}) };
}

const BIG = Buffer.alloc(12_000_000, 7);

describe("a result that is cut", () => {
  it.each([
    ["with a length", WITH_LENGTH, RESULT],
    ["in chunks", CHUNKED, CHUNKS],
    ["until the connection closes", UNTIL_CLOSE, RESULT],
  ])("%s, is noticed at every byte, and received only when it is whole", async (_framing, head, body) => {
    const uuids = Array.from({ length: body.length + 1 }, (_, cut) => String(cut));
    const server = await startRawServer({
      onEnd: ({ socket, head: request }) => {
        const cut = Number(/results\/(\d+)/.exec(request)?.[1]);
        socket.end(head + body.slice(0, cut));
      },
    });
    const deployment = await startDeployment(server.url);
    const outcomes: string[] = [];
    for (const uuid of uuids) {
      const { outcome, heads, bytes } = await collectInto(deployment, { uuid });
      outcomes.push(outcome.kind);
      expect(heads).toHaveLength(1);
      if (outcome.kind === "received") expect(bytes.toString()).toBe(RESULT);
    }
    expect(outcomes).toEqual([...Array.from({ length: body.length }, () => "cut"), "received"]);
    expect(server.requests).toHaveLength(uuids.length);
  });

  it("says how far it came", async () => {
    const { outcome, heads } = await collectFrom((socket) => socket.end(WITH_LENGTH + RESULT.slice(0, 20)));
    expect(outcome).toEqual({ kind: "cut", what: "the connection broke (UND_ERR_SOCKET) after 20 bytes" });
    expect(heads).toEqual([RESULT.length]);
  });

  it("by a reset, is cut as well", async () => {
    const { outcome } = await collectFrom((socket) => {
      socket.write(WITH_LENGTH + RESULT.slice(0, 20), () => socket.resetAndDestroy());
    });
    expect(outcome.kind).toBe("cut");
  });

  it("by silence, is cut after the idle time", async () => {
    const { outcome } = await collectFrom((socket) => socket.write(WITH_LENGTH + RESULT.slice(0, 20)), QUICK);
    expect(outcome).toEqual({ kind: "cut", what: "the connection fell silent after 20 bytes" });
  });

  it.each(["null", '"text"', "12", "[]]", "[] x", "<html>", "]["])(
    "is not complete when the connection closes after %j",
    async (body) => {
      const { outcome } = await collectFrom((socket) => socket.end(UNTIL_CLOSE + body));
      expect(outcome.kind).toBe("cut");
    },
  );

  it("that drips is waited for as long as it moves", async () => {
    const { outcome, bytes } = await collectFrom(
      (socket) => {
        socket.write(WITH_LENGTH);
        let at = 0;
        const timer = setInterval(() => {
          socket.write(RESULT.slice(at, at + 4));
          at += 4;
          if (at >= RESULT.length) clearInterval(timer);
        }, 60);
      },
      { ...QUICK, idleMs: 300 },
    );
    expect(outcome).toEqual({ kind: "received" });
    expect(bytes.toString()).toBe(RESULT);
  });
});

describe("a result that cannot be kept", () => {
  const serving = () => startWebServer((_seen, response) => response.end(RESULT));

  it("is said to be so when its head cannot be recorded", async () => {
    const server = await serving();
    const deployment = await startDeployment(server.url);
    const error = new Error("disk full");
    const onHead = () => Promise.reject(error);
    expect(await deployment.collect(RUN_ID, { long: false, onHead })).toEqual({ kind: "sink", error });
    expect(server.seen).toHaveLength(1);
  });

  it("is said to be so when its bytes cannot be written", async () => {
    const error = new Error("ENOSPC");
    const { outcome } = await collectInto(await startDeployment((await serving()).url), {
      sink: { write: () => Promise.reject(error) },
    });
    expect(outcome).toEqual({ kind: "sink", error });
  });

  it("counts as cut when it is larger than the sink takes", async () => {
    const { outcome } = await collectInto(await startDeployment((await serving()).url), {
      sink: { write: () => Promise.reject(new ResultTooLarge(10)) },
    });
    expect(outcome).toEqual({ kind: "cut", what: "the result is larger than 10 bytes" });
  });

  it("runs onHead before the first byte of the body is there", async () => {
    const order: string[] = [];
    const held: { release: () => void } = { release: () => undefined };
    const server = await startWebServer((_seen, response) => {
      response.writeHead(200, { "content-length": RESULT.length }).flushHeaders();
      held.release = () => {
        order.push("body sent");
        response.end(RESULT);
      };
    });
    const deployment = await startDeployment(server.url);
    const outcome = await deployment.collect(RUN_ID, {
      long: false,
      onHead: async () => {
        order.push("head recorded");
        held.release();
        return { write: async () => void order.push("written") };
      },
    });
    expect(outcome.kind).toBe("received");
    expect(order).toEqual(["head recorded", "body sent", "written"]);
  });

  it("holds the server back while the sink is slow, instead of filling the memory", async () => {
    const size = 64 * 1024 * 1024;
    let written = 0;
    const server = await startRawServer({
      onEnd: ({ socket }) => {
        socket.write(`HTTP/1.1 200 OK\r\n${JSON_TYPE}content-length: ${size}\r\n\r\n`);
        const chunk = Buffer.alloc(256 * 1024, 0x20);
        const pump = (): void => {
          while (written < size && socket.write(chunk)) written += chunk.length;
          if (written < size) written += chunk.length;
        };
        socket.on("drain", pump);
        pump();
      },
    });
    const deployment = await startDeployment(server.url);
    let received = 0;
    let farthest = 0;
    const outcome = await deployment.collect(RUN_ID, {
      long: false,
      onHead: async () => ({
        write: async (chunk) => {
          received += chunk.byteLength;
          // The first writes take their time: what is under way then must stay small.
          if (received < 4 * 1024 * 1024) await sleep(5);
          if (received < 4 * 1024 * 1024) farthest = Math.max(farthest, written - received);
        },
      }),
    });
    expect(outcome).toEqual({ kind: "received" });
    expect(received).toBe(size);
    expect(farthest).toBeGreaterThan(0);
    expect(farthest).toBeLessThan(24 * 1024 * 1024);
  });
});

describe("asking for a result", () => {
  it("is doubtful when the connection is reset before a head comes", async () => {
    const { outcome, server } = await collectFrom((socket) => socket.resetAndDestroy());
    expect(outcome).toMatchObject({ kind: "doubtful", failure: { reason: "unreachable" } });
    expect(server.requests).toHaveLength(1);
  });

  it("is doubtful when the connection is closed in the middle of the head", async () => {
    const { outcome, server } = await collectFrom((socket) => socket.end("HTTP/1.1 200 O"));
    expect(outcome.kind).toBe("doubtful");
    expect(server.requests).toHaveLength(1);
  });

  it("is doubtful when no head comes in time", async () => {
    const { outcome, server } = await collectFrom(() => undefined, QUICK);
    expect(outcome).toMatchObject({ kind: "doubtful", failure: { reason: "timed-out", phase: "head" } });
    expect(server.requests).toHaveLength(1);
  });

  it("is doubtful when the answer is no HTTP", async () => {
    const { outcome } = await collectFrom((socket) => socket.end("SSH-2.0-OpenSSH_9.6\r\n\r\n"));
    expect(outcome).toMatchObject({ kind: "doubtful", failure: { reason: "not-a-deployment" } });
  });

  it("is without effect when nothing listens", async () => {
    const port = await freePort();
    const deployment = await startDeployment(`http://127.0.0.1:${port}`);
    const { outcome } = await collectInto(deployment);
    expect(outcome).toEqual({
      kind: "unreachable",
      failure: { reason: "unreachable", host: `127.0.0.1:${port}`, code: "ECONNREFUSED" },
    });
  });

  it("is without effect when the name is unknown", async () => {
    const http = startHttp();
    const reply = await http.request({
      method: "GET",
      url: "https://no-such-host.invalid/",
      headers: {},
      headTimeoutMs: 5000,
    });
    expect(reply).toMatchObject({
      kind: "failure",
      bodySent: false,
      failure: { host: "no-such-host.invalid" },
    });
  });

  it("waits for what a busy process has not read yet, before it gives up", async () => {
    const { outcome } = await collectFrom((socket) => {
      socket.write(WITH_LENGTH + RESULT);
      // The whole process stands still for longer than the time-out, as after a sleep of the machine.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 900);
    }, QUICK);
    expect(outcome).toEqual({ kind: "received" });
  });
});

describe("a submission", () => {
  it("was surely not accepted when the connection is reset at the first byte", async () => {
    const { outcome, server, body } = await submitTo(
      { onData: ({ socket }) => socket.resetAndDestroy() },
      BIG,
    );
    expect(outcome).toMatchObject({ kind: "not-sent", failure: { reason: "unreachable" } });
    expect(server.requests).toHaveLength(1);
    expect([body.started(), body.complete(), body.sha256()]).toEqual([true, false, null]);
  });

  it("was surely not accepted when the server stops reading", async () => {
    const { outcome } = await submitTo({ onHead: ({ socket }) => socket.pause() }, BIG, QUICK);
    expect(outcome).toMatchObject({ kind: "not-sent", failure: { reason: "timed-out", phase: "body" } });
  });

  it("has an unknown outcome when the connection is reset after the last byte", async () => {
    const { outcome, server, body } = await submitTo({ onEnd: ({ socket }) => socket.resetAndDestroy() });
    expect(outcome).toMatchObject({ kind: "unknown", failure: { reason: "unreachable" } });
    expect(server.requests).toHaveLength(1);
    expect(body.complete()).toBe(true);
  });

  it("has an unknown outcome when no answer comes", async () => {
    const { outcome, server } = await submitTo({}, Buffer.from("picture"), QUICK);
    expect(outcome).toMatchObject({ kind: "unknown", last: "no answer in time", failure: { phase: "head" } });
    expect(server.requests).toHaveLength(1);
  });

  it("has an unknown outcome when the answer breaks off", async () => {
    const { outcome } = await submitTo({
      onEnd: ({ socket }) =>
        socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 38\r\n\r\n"${RUN_ID.slice(0, 9)}`),
    });
    expect(outcome).toMatchObject({ kind: "unknown", last: "the answer broke off" });
  });

  it("takes an answer that comes before all of it is sent", async () => {
    const { outcome, server } = await submitTo(
      { onHead: ({ socket }) => socket.write("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n") },
      BIG,
    );
    expect(outcome).toEqual({ kind: "refused", failure: { reason: "too-large", bytes: BIG.length } });
    expect(server.requests).toHaveLength(1);
  });

  it("does not believe in a run whose picture was not all sent", async () => {
    const { outcome } = await submitTo(
      {
        onHead: ({ socket }) => {
          socket.pause();
          socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 38\r\n\r\n"${RUN_ID}"`);
        },
      },
      BIG,
    );
    expect(outcome).toMatchObject({ kind: "unknown" });
  });

  it("takes longer than the idle time when it moves on slowly", async () => {
    const { outcome } = await submitTo(
      {
        onData: ({ socket }) => {
          socket.pause();
          setTimeout(() => socket.resume(), 5);
        },
        onEnd: ({ socket }) => socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 38\r\n\r\n"${RUN_ID}"`),
      },
      BIG,
      { ...QUICK, idleMs: 300, submitHeadMs: 10_000 },
    );
    expect(outcome.kind).toBe("accepted");
  });

  it("ignores what comes before the answer itself", async () => {
    const { outcome } = await submitTo({
      onEnd: ({ socket }) =>
        socket.end(
          `HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 38\r\n\r\n"${RUN_ID}"`,
        ),
    });
    expect(outcome).toMatchObject({ kind: "accepted", uuid: RUN_ID });
  });

  it("can be called off while it is being sent, and then surely was not accepted", async () => {
    const controller = new AbortController();
    const server = await startRawServer({
      onData: ({ socket }) => {
        socket.pause();
        controller.abort();
      },
    });
    const deployment = await startDeployment(server.url);
    const outcome = await deployment.submit(await bodyOf(BIG), { signal: controller.signal });
    expect(outcome).toMatchObject({ kind: "not-sent", failure: { code: "ABORTED" } });
  });

  it("that is called off before it starts leaves no trace", async () => {
    const server = await startRawServer({});
    const deployment = await startDeployment(server.url);
    const body = await bodyOf();
    const outcome = await deployment.submit(body, { signal: AbortSignal.abort() });
    expect(outcome).toMatchObject({ kind: "not-sent", failure: { code: "ABORTED" } });
    expect([server.connections, body.started()]).toEqual([0, false]);
  });
});

describe("connections", () => {
  it("that a server closes while they idle never make a request arrive twice", async () => {
    let answered = 0;
    const server = await startRawServer({
      onEnd: ({ socket }) => {
        answered += 1;
        socket.write("HTTP/1.1 202 Accepted\r\ncontent-length: 4\r\n\r\nnull");
        // Resets the kept connection at about the time when it is used again.
        setTimeout(() => socket.resetAndDestroy(), answered % 4);
      },
    });
    const deployment = await startDeployment(server.url);
    let asked = 0;
    for (; asked < 60; asked += 1) {
      const { outcome } = await collectInto(deployment);
      expect(["pending", "doubtful", "unreachable"]).toContain(outcome.kind);
    }
    expect(server.requests.length).toBeLessThanOrEqual(asked);
  });

  it("are used again while they are young", async () => {
    const server = await startRawServer({
      onEnd: ({ socket }) => socket.write("HTTP/1.1 202 Accepted\r\ncontent-length: 4\r\n\r\nnull"),
    });
    const deployment = await startDeployment(server.url);
    for (let i = 0; i < 12; i += 1) await collectInto(deployment);
    expect(server.requests).toHaveLength(12);
    // Two take turns: the one that just answered is only ready in the next round of the event loop.
    expect(server.connections).toBeLessThanOrEqual(2);
  });

  it("that idle are closed from here within seconds, before a server might", async () => {
    const closed: { at: (ms: number) => void } = { at: () => undefined };
    const idleMs = new Promise<number>((resolve) => (closed.at = resolve));
    const server = await startRawServer({
      onEnd: ({ socket }) => {
        const answered = performance.now();
        socket.once("end", () => closed.at(performance.now() - answered));
        socket.write("HTTP/1.1 202 Accepted\r\nkeep-alive: timeout=75\r\ncontent-length: 4\r\n\r\nnull");
      },
    });
    await collectInto(await startDeployment(server.url));
    expect(await idleMs).toBeLessThan(2500);
  });

  it("are never more than allowed, and whoever waits for one is not told that the server is away", async () => {
    let open = 0;
    let most = 0;
    const server = await startRawServer({
      onEnd: ({ socket }) => {
        open += 1;
        most = Math.max(most, open);
        setTimeout(() => {
          open -= 1;
          socket.write("HTTP/1.1 202 Accepted\r\ncontent-length: 4\r\n\r\nnull");
        }, 150);
      },
    });
    const deployment = await startDeployment(server.url, {
      http: startHttp({}, 2),
      timeouts: { connectMs: 200, collectHeadMs: 5000 },
    });
    const asked = await Promise.all(Array.from({ length: 10 }, () => collectInto(deployment)));
    expect(asked.map(({ outcome }) => outcome.kind)).toEqual(asked.map(() => "pending"));
    expect(most).toBe(2);
  });
});
