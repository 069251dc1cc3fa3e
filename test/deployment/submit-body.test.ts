import { createHash } from "node:crypto";
import { appendFile, open, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { createSubmitBody, type SubmitBody } from "../../electron/engine/deployment/body.ts";
import { bodyOf, DECISION, RUN_ID, startDeployment, startFile, startFolder } from "./support/rig.ts";
import { startRawServer } from "./support/servers.ts";

const READ_BYTES = 3 * 64 * 1024;

function noise(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let i = 0; i < size; i += 1) bytes[i] = (i * 2_654_435_761) >>> 13;
  return bytes;
}

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

async function textOf(body: SubmitBody): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body.chunks()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

describe("the body of a submission", () => {
  it.each([0, 1, 2, 3, 4, 5, READ_BYTES - 1, READ_BYTES, READ_BYTES + 1, 2 * READ_BYTES, 3 * READ_BYTES + 2])(
    "of a file of %d bytes is as long as it says, and holds exactly the file",
    async (size) => {
      const content = noise(size);
      const body = await bodyOf(content);
      const text = await textOf(body);
      expect(Buffer.byteLength(text)).toBe(body.length);
      expect(JSON.parse(text)).toEqual({
        inputs: [{ image: content.toString("base64") }],
        outputs: [{ task_name: "infer_yolo_v8", task_index: 0, output_index: 1 }],
        parameters: [],
      });
      expect(body.sha256()).toEqual(sha256(content));
      expect([body.imageBytes, body.started(), body.complete(), body.failure()]).toEqual([
        size,
        true,
        true,
        null,
      ]);
    },
  );

  it("carries outputs, parameters by task, and further inputs", async () => {
    const { handle } = await startFile(Buffer.from("abc"));
    const body = createSubmitBody({
      handle,
      bytes: 3,
      decision: {
        outputs: [
          { taskName: "a", taskIndex: 0, outputIndex: null },
          { taskName: "a", taskIndex: 1, outputIndex: 0 },
        ],
        parameters: [
          { taskName: "a", taskIndex: 1, name: "x", value: "1" },
          { taskName: "b", taskIndex: 0, name: "cuda", value: "True" },
          { taskName: "a", taskIndex: 1, name: "y", value: 'é"\n' },
        ],
        inputs: [{ DATA_DICT: { k: [1, "ü"] } }],
      },
    });
    expect(JSON.parse(await textOf(body))).toEqual({
      inputs: [{ image: "YWJj" }, { DATA_DICT: { k: [1, "ü"] } }],
      outputs: [
        { task_name: "a", task_index: 0 },
        { task_name: "a", task_index: 1, output_index: 0 },
      ],
      parameters: [
        { task_name: "a", task_index: 1, parameters: { x: "1", y: 'é"\n' } },
        { task_name: "b", task_index: 0, parameters: { cuda: "True" } },
      ],
    });
  });

  it("is valid and of exact length whatever names, values and inputs it holds", async () => {
    const { handle } = await startFile(noise(1000));
    const name = fc.string({ unit: "grapheme", minLength: 1 });
    const decision = fc.record({
      outputs: fc.array(
        fc.record({ taskName: name, taskIndex: fc.nat(9), outputIndex: fc.option(fc.nat(9)) }),
      ),
      parameters: fc.array(fc.record({ taskName: name, taskIndex: fc.nat(9), name, value: fc.string() })),
      inputs: fc.array(fc.dictionary(name, fc.jsonValue())),
    });
    await fc.assert(
      fc.asyncProperty(decision, async (asked) => {
        const body = createSubmitBody({ handle, bytes: 1000, decision: asked });
        const text = await textOf(body);
        expect(Buffer.byteLength(text)).toBe(body.length);
        const parsed = JSON.parse(text) as { inputs: unknown[]; outputs: unknown[] };
        expect(parsed.inputs).toHaveLength(1 + asked.inputs.length);
        expect(parsed.outputs).toHaveLength(asked.outputs.length);
      }),
    );
  });

  it("is whole where the file system reads in small pieces", async () => {
    const content = noise(500_000);
    const { handle } = await startFile(content);
    const read = handle.read.bind(handle);
    const slow = Object.assign(handle, {
      read: (buffer: Buffer, offset: number, length: number, position: number) =>
        read(buffer, offset, Math.min(length, 4096), position),
    });
    const body = createSubmitBody({ handle: slow, bytes: content.length, decision: DECISION });
    expect(await textOf(body)).toContain(content.toString("base64"));
  });

  it("tells when the connection is ready, once", async () => {
    const { handle } = await startFile(Buffer.from("abc"));
    let calls = 0;
    const body = createSubmitBody({ handle, bytes: 3, decision: DECISION, onFirstByte: () => (calls += 1) });
    expect([calls, body.started(), body.sha256()]).toEqual([0, false, null]);
    await textOf(body);
    expect(calls).toBe(1);
    await expect(textOf(body)).rejects.toThrow("asked for twice");
  });

  it.each<[string, (path: string) => Promise<void>]>([
    ["grows", (path) => appendFile(path, "x")],
    ["shrinks", (path) => truncate(path, 700_000)],
    ["shrinks to nothing", (path) => truncate(path, 0)],
    ["is written again in place", (path) => writeFile(path, noise(1_000_000).fill(9))],
    ["is touched", (path) => utimes(path, new Date(0), new Date(0))],
  ])("is cut before its end when the file %s meanwhile", async (_what, change) => {
    const { path, handle } = await startFile(noise(1_000_000));
    const body = createSubmitBody({ handle, bytes: 1_000_000, decision: DECISION });
    let sent = 0;
    const reading = (async () => {
      for await (const chunk of body.chunks()) {
        if (sent === 0) await change(path);
        sent += chunk.byteLength;
      }
    })();
    await expect(reading).rejects.toThrow();
    expect(body.failure()).toEqual({ reason: "changed-while-sending" });
    expect(sent).toBeLessThan(body.length);
    expect([body.complete(), body.sha256()]).toEqual([false, null]);
  });

  it("is cut before its first byte when the file has changed since it was looked at", async () => {
    const { handle } = await startFile(noise(10));
    const body = createSubmitBody({ handle, bytes: 9, decision: DECISION });
    await expect(textOf(body)).rejects.toThrow();
    expect(body.failure()).toEqual({ reason: "changed-while-sending" });
  });
});

describe("the buffers of a body", () => {
  /** The memory that the pieces of the picture lie in; one body alternates between two. */
  async function memoryOf(body: SubmitBody): Promise<ArrayBufferLike[]> {
    const used = new Set<ArrayBufferLike>();
    for await (const chunk of body.chunks()) if (chunk.byteLength > 50_000) used.add(chunk.buffer);
    return [...used];
  }
  const content = noise(2 * READ_BYTES);

  it("serve the next body once the deployment has answered", async () => {
    const [first, second] = [await bodyOf(content), await bodyOf(noise(content.length).reverse())];
    const used = await memoryOf(first);
    expect(used).toHaveLength(2);
    first.release();
    first.release();
    const text = await textOf(second);
    expect(text).toContain(noise(content.length).reverse().toString("base64"));
    second.release();
    const [third, fourth] = [await bodyOf(content), await bodyOf(content)];
    expect((await memoryOf(third)).map((memory) => used.includes(memory))).toEqual([true, true]);
    // Given back twice, they must not be lent twice.
    const others = await memoryOf(fourth);
    expect(others.filter((memory) => used.includes(memory))).toEqual([]);
  });

  it("serve no other body as long as something may be on its way", async () => {
    const [unanswered, brokenOff, next] = [
      await bodyOf(content),
      await bodyOf(content),
      await bodyOf(content),
    ];
    const used = await memoryOf(unanswered);
    for await (const chunk of brokenOff.chunks()) {
      if (chunk.byteLength < 50_000) continue;
      used.push(chunk.buffer);
      break;
    }
    brokenOff.release();
    expect((await memoryOf(next)).filter((memory) => used.includes(memory))).toEqual([]);
  });
});

describe("submitting", () => {
  it("brings exactly the bytes of the file to a server that reads slowly", async () => {
    const content = noise(9_000_001);
    const wire: Buffer[] = [];
    const server = await startRawServer({
      onConnect: (socket) => socket.on("data", (chunk: Buffer) => wire.push(chunk)),
      onData: ({ socket }) => {
        socket.pause();
        setImmediate(() => socket.resume());
      },
      onEnd: ({ socket }) => socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 38\r\n\r\n"${RUN_ID}"`),
    });
    const deployment = await startDeployment(server.url);
    const body = await bodyOf(content);
    expect(await deployment.submit(body, {})).toMatchObject({ kind: "accepted" });
    expect(body.sha256()).toEqual(sha256(content));
    const [head = "", sent = ""] = Buffer.concat(wire).toString().split("\r\n\r\n");
    const { inputs } = JSON.parse(sent) as { inputs: { image: string }[] };
    expect(sha256(Buffer.from(inputs[0]!.image, "base64"))).toEqual(sha256(content));
    expect(head).toContain(`content-length: ${body.length}`);
    expect(head).not.toContain("transfer-encoding");
  });

  it.each<[string, (path: string) => Promise<void>]>([
    ["grows", (path) => appendFile(path, "more")],
    ["shrinks", (path) => truncate(path, 1_000_000)],
  ])("a file that %s while it is sent never becomes a whole request", async (_what, change) => {
    const { path, handle } = await startFile(noise(24_000_000));
    let whole = 0;
    let changed = false;
    const server = await startRawServer({
      onData: ({ socket }) => {
        if (changed) return;
        changed = true;
        socket.pause();
        void change(path).then(() => socket.resume());
      },
      onEnd: () => (whole += 1),
    });
    const deployment = await startDeployment(server.url);
    const body = createSubmitBody({ handle, bytes: 24_000_000, decision: DECISION });
    expect(await deployment.submit(body, {})).toEqual({
      kind: "file",
      failure: { reason: "changed-while-sending" },
    });
    expect([changed, whole, server.requests.length]).toEqual([true, 0, 1]);
  });

  it("a file that cannot be read says so", async () => {
    const server = await startRawServer({});
    const path = join(await startFolder(), "closed.jpg");
    await writeFile(path, "abc");
    const handle = await open(path);
    await handle.close();
    const deployment = await startDeployment(server.url);
    const body = createSubmitBody({ handle, bytes: 3, decision: DECISION });
    expect(await deployment.submit(body, {})).toEqual({
      kind: "file",
      failure: { reason: "unreadable", code: "EBADF" },
    });
    expect(server.requests).toHaveLength(0);
  });

  it("200 MB takes no more memory than 20 MB", async () => {
    const size = 200_000_000;
    const path = join(await startFolder(), "sparse.tif");
    await writeFile(path, "");
    await truncate(path, size);
    const handle = await open(path);
    onTestFinished(() => handle.close());
    let peak = 0;
    const server = await startRawServer({
      onData: () => (peak = Math.max(peak, process.memoryUsage.rss())),
      onEnd: ({ socket }) => socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 38\r\n\r\n"${RUN_ID}"`),
    });
    const deployment = await startDeployment(server.url);
    const before = process.memoryUsage.rss();
    const outcome = await deployment.submit(
      createSubmitBody({ handle, bytes: size, decision: DECISION }),
      {},
    );
    expect(outcome.kind).toBe("accepted");
    expect(peak - before).toBeLessThan(100_000_000);
  });
});
