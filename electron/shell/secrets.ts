import type { SafeStorage } from "electron";
import { chmod, readFile } from "node:fs/promises";
import type { TokenState } from "../contract/api.ts";
import { SIMULATOR } from "../contract/batch.ts";
import type { Tokens } from "../engine/handlers/context.ts";
import { createMemoryTokens } from "../engine/handlers/memory-tokens.ts";
import { writeDurably } from "../engine/results/durable-file.ts";

/** Where a token may be kept on this machine. */
export type Keeping = "key-ring" | "plain" | "ask" | "memory";

export interface KeepingState {
  platform: NodeJS.Platform;
  /** Linux only; null elsewhere. */
  backend: ReturnType<SafeStorage["getSelectedStorageBackend"]> | null;
  isAvailable: boolean;
  /** The person said yes to a file that other programs of theirs can read. */
  isPlainAllowed: boolean;
}

/** Decides by what Electron says about this system. Without a key ring nothing is stored unless a person said yes. */
export function keepingOf(state: KeepingState): Keeping {
  if (state.platform === "linux") {
    if (state.backend === null || state.backend === "unknown") return "memory";
    if (state.backend === "basic_text") return state.isPlainAllowed ? "plain" : "ask";
  }
  return state.isAvailable ? "key-ring" : "memory";
}

export interface SecretsOptions {
  storage: Pick<
    SafeStorage,
    | "isAsyncEncryptionAvailable"
    | "encryptStringAsync"
    | "decryptStringAsync"
    | "getSelectedStorageBackend"
    | "setUsePlainTextEncryption"
  >;
  platform: NodeJS.Platform;
  /** Encrypted tokens; readable by the person only. */
  file: string;
  env: NodeJS.ProcessEnv;
  /** Asks the person whether a token may be stored where other programs of theirs can read it. */
  askPlain: () => Promise<boolean>;
  /** A stored token that was waited for in vain at the start is there now. */
  onArrived: (deployment: string) => void;
  /** How long a start waits for the key ring: a locked one asks a person first, who may be asleep. */
  patienceMs?: number;
}

const PATIENCE_MS = 20_000;

/** The tokens of the desktop. They go in, they are used for signing in, and they never come out to a window. */
export interface Secrets extends Tokens {
  apiToken(deployment: string): string | null;
  /** All that is known, to keep it out of logs and diagnostics. */
  all(): string[];
}

interface TokenFile {
  isPlainAllowed: boolean;
  /** Base64 of what the system's key ring encrypted, by deployment. */
  tokens: Record<string, string>;
}

/** Opens the kept tokens; one that cannot be read any more is asked for again, and stays in the file. */
export async function openSecrets(options: SecretsOptions): Promise<Secrets> {
  const { storage, platform } = options;
  const memory = createMemoryTokens(options.env);
  const file = readTokenFile(await readFile(options.file, "utf8").catch(() => ""));
  const encrypted = new Map(Object.entries(file.tokens));
  const unreadable = new Set<string>();
  const awaited = new Set(encrypted.keys());
  let isStarting = true;
  const stored = new Set<string>();
  const known = new Set<string>();
  let isPlainAllowed = file.isPlainAllowed;
  let saving: Promise<unknown> = Promise.resolve();

  async function keeping(): Promise<Keeping> {
    const backend = platform === "linux" ? storage.getSelectedStorageBackend() : null;
    const isAvailable = await storage.isAsyncEncryptionAvailable().catch(() => false);
    return keepingOf({ platform, backend, isAvailable, isPlainAllowed });
  }

  async function save(): Promise<void> {
    const text = JSON.stringify({ isPlainAllowed, tokens: Object.fromEntries(encrypted) });
    saving = saving.catch(() => undefined).then(() => writeDurably(options.file, Buffer.from(text)));
    await saving;
    await chmod(options.file, 0o600);
  }

  async function encrypt(deployment: string, token: string): Promise<void> {
    encrypted.set(deployment, (await storage.encryptStringAsync(token)).toString("base64"));
  }

  async function readOne(deployment: string, text: string): Promise<void> {
    try {
      const { result, shouldReEncrypt } = await storage.decryptStringAsync(Buffer.from(text, "base64"));
      // In the meantime the person may have given another one.
      if (encrypted.get(deployment) !== text) return;
      await memory.set(deployment, result);
      known.add(deployment);
      stored.add(deployment);
      awaited.delete(deployment);
      if (!isStarting) options.onArrived(deployment);
      if (!shouldReEncrypt) return;
      await encrypt(deployment, result);
      await save();
    } catch {
      // Another key ring, another person, another machine: the token is asked for again.
      if (encrypted.get(deployment) === text) unreadable.add(deployment);
    } finally {
      awaited.delete(deployment);
    }
  }

  async function readAll(): Promise<void> {
    if (isPlainAllowed && (await keeping()) === "plain") storage.setUsePlainTextEncryption(true);
    for (const [deployment, text] of [...encrypted]) await readOne(deployment, text);
  }

  function state(deployment: string): TokenState {
    const held = memory.state(deployment);
    if (held.source === "memory" && stored.has(deployment)) {
      const note = isPlainAllowed ? "There is no key ring; other programs of yours can read it." : null;
      return { source: "stored", ending: held.ending, note };
    }
    if (held.source === "none" && awaited.has(deployment)) {
      return {
        ...held,
        note: "The key ring has not opened the stored token yet; unlock it, or enter it again.",
      };
    }
    if (held.source === "none" && unreadable.has(deployment)) {
      return { ...held, note: "The stored token cannot be read on this system any more; enter it again." };
    }
    return held;
  }

  async function mayStore(): Promise<boolean> {
    let how = await keeping();
    if (how === "ask" && (await options.askPlain())) {
      isPlainAllowed = true;
      how = "plain";
    }
    if (how === "plain") storage.setUsePlainTextEncryption(true);
    return how === "key-ring" || how === "plain";
  }

  await atMost(readAll(), options.patienceMs ?? PATIENCE_MS);
  isStarting = false;

  return {
    state,
    async set(deployment, token) {
      await memory.set(deployment, token);
      known.add(deployment);
      if (deployment === SIMULATOR) return state(deployment);
      stored.delete(deployment);
      unreadable.delete(deployment);
      awaited.delete(deployment);
      // An older token must not come back at the next start when the new one cannot be stored.
      const hadOne = encrypted.delete(deployment);
      try {
        if (await mayStore()) {
          await encrypt(deployment, token);
          await save();
          stored.add(deployment);
        } else if (hadOne) await save();
      } catch {
        const held = state(deployment);
        return { ...held, note: "It could not be stored; it is kept until Nightrun stops." };
      }
      return state(deployment);
    },
    async clear(deployment) {
      await memory.clear(deployment);
      stored.delete(deployment);
      unreadable.delete(deployment);
      awaited.delete(deployment);
      if (!encrypted.delete(deployment)) return state(deployment);
      return save().then(
        () => state(deployment),
        () => ({ ...state(deployment), note: "The stored token could not be removed from the disk." }),
      );
    },
    apiToken: (deployment) => memory.apiToken(deployment),
    all: () => [...known].flatMap((deployment) => memory.apiToken(deployment) ?? []),
  };
}

/** Comes back when the work is done or the time is over; the work goes on. */
async function atMost(work: Promise<void>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work, late]);
  clearTimeout(timer);
}

function readTokenFile(text: string): TokenFile {
  const empty: TokenFile = { isPlainAllowed: false, tokens: {} };
  try {
    const { isPlainAllowed, tokens } = JSON.parse(text) as { isPlainAllowed: unknown; tokens: unknown };
    if (typeof tokens !== "object" || tokens === null) return empty;
    const known = Object.entries(tokens).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    );
    return { isPlainAllowed: isPlainAllowed === true, tokens: Object.fromEntries(known) };
  } catch {
    return empty; // No file yet, or one that says nothing.
  }
}
