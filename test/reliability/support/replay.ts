import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Random } from "../../../electron/simulator/random.ts";
import { stringsIn, type Call } from "./trace.ts";

interface Span {
  start: number;
  end: number;
}

type Change =
  | { kind: "write"; at: number; data: Buffer }
  | { kind: "size"; size: number }
  | { kind: "name"; name: string; node: Node }
  | { kind: "moved"; from: string; name: string; node: Node }
  | { kind: "no-name"; name: string };

/** A file or folder of the recorded disk, with everything that was done to it. */
interface Node {
  isFolder: boolean;
  changes: (Span & Change)[];
  syncs: Span[];
}

/** What was said aloud, or sent, and when that was over. */
export interface Said {
  end: number;
  text: string;
}

/** Everything that a recorded process did below one folder, and what it told the world. */
export interface Recording {
  /** Places where the power can be cut: the end of each call that matters. */
  readonly moments: readonly number[];
  /** Lines on standard output. */
  readonly lines: readonly Said[];
  /** Requests that left the machine. */
  readonly sent: readonly Said[];
  /**
   * Writes the disk as a cut after `moment` may leave it into an empty folder: everything that was fsynced, and of the
   * rest of each file a random half in any order; names only as far as their folder was fsynced, and a random half of the rest.
   */
  rebuild(moment: number, random: Random, into: string): void;
}

interface OpenFile {
  node: Node;
  position: number;
  appends: boolean;
}

const newNode = (isFolder: boolean): Node => ({ isFolder, changes: [], syncs: [] });

/** Plays a trace on a disk of its own that begins with the empty folder `base`; other places are not looked at. */
export function replay(calls: readonly Call[], base: string, ignored: readonly string[]): Recording {
  const root = newNode(true);
  const paths = new Map<string, Node>([[base, root]]);
  const open = new Map<number, OpenFile>();
  const moments: number[] = [];
  const lines: Said[] = [];
  const sent: Said[] = [];

  function isOurs(path: string): boolean {
    return (
      path.startsWith(`${base}/`) && !ignored.some((other) => path === other || path.startsWith(`${other}/`))
    );
  }

  function change(node: Node, { start, end }: Span, what: Change): void {
    node.changes.push({ start, end, ...what });
    moments.push(end);
  }

  function inFolder(path: string, span: Span, what: Change): void {
    const folder = paths.get(dirname(path));
    if (folder === undefined) throw new Error(`The trace names ${path} in a folder that it does not make`);
    change(folder, span, what);
  }

  function nameOf(path: string): string {
    return path.slice(path.lastIndexOf("/") + 1);
  }

  function make(path: string, span: Span, isFolder: boolean): Node {
    const node = newNode(isFolder);
    inFolder(path, span, { kind: "name", name: nameOf(path), node });
    paths.set(path, node);
    return node;
  }

  function openFile(call: Call): void {
    const path = pathIn(call);
    open.delete(call.returned);
    if (!isOurs(path) && path !== base) return;
    const known = paths.get(path);
    if (known === undefined && !call.args.includes("O_CREAT")) return;
    const node = known ?? make(path, call, false);
    if (known !== undefined && call.args.includes("O_TRUNC")) change(node, call, { kind: "size", size: 0 });
    open.set(call.returned, { node, position: 0, appends: call.args.includes("O_APPEND") });
  }

  function pathIn({ args }: Call, which = 0): string {
    return (stringsIn(args)[which] ?? Buffer.alloc(0)).toString();
  }

  const descriptorIn = ({ args }: Call): number => Number(/^\d+/.exec(args)?.[0] ?? -1);
  const lastNumber = ({ args }: Call): number => Number(/(\d+)$/.exec(args)?.[1]);

  function write(call: Call): void {
    const descriptor = descriptorIn(call);
    const data = Buffer.concat(stringsIn(call.args)).subarray(0, call.returned);
    const file = open.get(descriptor);
    if (file === undefined) {
      if (descriptor === 1) lines.push({ end: call.end, text: data.toString() });
      else if (data.subarray(0, 4).toString() === "PUT ")
        sent.push({ end: call.end, text: data.toString("latin1") });
      return;
    }
    const isPlaced = call.name === "pwrite64";
    const at = isPlaced ? lastNumber(call) : file.appends ? sizeOf(file.node) : file.position;
    if (!isPlaced) file.position = at + data.length;
    change(file.node, call, { kind: "write", at, data });
  }

  function rename(call: Call): void {
    const [from, to] = [pathIn(call, 0), pathIn(call, 1)];
    const node = paths.get(from);
    if (node === undefined) return;
    if (node.isFolder || dirname(from) !== dirname(to))
      throw new Error(`Cannot replay the move of ${from} to ${to}`);
    inFolder(to, call, { kind: "moved", from: nameOf(from), name: nameOf(to), node });
    paths.delete(from);
    paths.set(to, node);
  }

  function unlink(call: Call): void {
    const path = pathIn(call);
    if (!paths.delete(path)) return;
    inFolder(path, call, { kind: "no-name", name: nameOf(path) });
  }

  function apply(call: Call): void {
    const node = open.get(descriptorIn(call))?.node;
    switch (call.name) {
      case "openat":
      case "open": {
        openFile(call);
        return;
      }
      case "write":
      case "writev":
      case "pwrite64": {
        write(call);
        return;
      }
      case "ftruncate":
        if (node !== undefined) change(node, call, { kind: "size", size: lastNumber(call) });
        return;
      case "fsync":
      case "fdatasync":
        if (node === undefined) return;
        node.syncs.push(call);
        moments.push(call.end);
        return;
      case "rename": {
        rename(call);
        return;
      }
      case "unlink": {
        unlink(call);
        return;
      }
      case "mkdir":
        if (isOurs(pathIn(call))) make(pathIn(call), call, true);
        return;
      case "lseek":
        return;
      default: {
        const touches = node !== undefined || stringsIn(call.args).some((path) => paths.has(path.toString()));
        if (touches) throw new Error(`Cannot replay ${call.name}(${call.args.slice(0, 200)})`);
      }
    }
  }

  // A descriptor is free for the next file when its close begins, not when it is reported.
  const ordered = [...calls].sort((a, b) => timeOf(a) - timeOf(b));
  for (const call of ordered) {
    if (call.name === "close") open.delete(descriptorIn(call));
    else apply(call);
  }
  return {
    moments: [...new Set(moments)].sort((a, b) => a - b),
    lines: lines.flatMap(({ end, text }) => text.split("\n").map((line) => ({ end, text: line }))),
    sent,
    rebuild: (moment, random, into) => materialize(root, { moment, random }, into),
  };
}

const timeOf = (call: Call): number => (call.name === "close" ? call.start : call.end);

function sizeOf(node: Node): number {
  return node.changes.reduce((size, change) => {
    if (change.kind === "write") return Math.max(size, change.at + change.data.length);
    return change.kind === "size" ? change.size : size;
  }, 0);
}

interface Cut {
  moment: number;
  random: Random;
}

/** What is left of a node's changes: all from before its last fsync, and some of the others. */
function leftOf(
  { changes, syncs }: Node,
  { moment, random }: Cut,
): { sure: Node["changes"]; perhaps: Node["changes"] } {
  const synced = Math.max(-1, ...syncs.filter(({ end }) => end <= moment).map(({ start }) => start));
  const sure = changes.filter(({ end }) => end < synced);
  const perhaps = changes.filter(({ start, end }) => end >= synced && start <= moment && random.chance(0.5));
  return { sure, perhaps };
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const keyed = list.map((item) => ({ item, key: random.next() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

function contentOf(node: Node, cut: Cut): Buffer {
  const { sure, perhaps } = leftOf(node, cut);
  const changes = [...sure, ...shuffled(perhaps, cut.random)];
  const ends = changes.map((change) => (change.kind === "write" ? change.at + change.data.length : 0));
  const content = Buffer.alloc(ends.reduce((most, end) => Math.max(most, end), 0));
  let size = 0;
  for (const [i, change] of changes.entries()) {
    if (change.kind === "write") {
      change.data.copy(content, change.at);
      size = Math.max(size, ends[i] ?? 0);
    } else if (change.kind === "size") {
      content.fill(0, Math.min(change.size, content.length));
      size = change.size;
    }
  }
  return size <= content.length ? content.subarray(0, size) : Buffer.concat([content], size);
}

function namesOf(folder: Node, cut: Cut): Map<string, Node> {
  const { sure, perhaps } = leftOf(folder, cut);
  const names = new Map<string, Node>();
  // A folder's own changes keep their order: file systems log them in one.
  for (const change of [...sure, ...perhaps]) {
    if (change.kind === "moved") names.delete(change.from);
    if (change.kind === "no-name") names.delete(change.name);
    if (change.kind === "name" || change.kind === "moved") names.set(change.name, change.node);
  }
  return names;
}

function materialize(folder: Node, cut: Cut, into: string): void {
  mkdirSync(into, { recursive: true });
  for (const [name, node] of namesOf(folder, cut)) {
    const path = join(into, name);
    if (node.isFolder) materialize(node, cut, path);
    else if (!name.endsWith("-shm")) writeFileSync(path, contentOf(node, cut));
  }
}
