import { mkdtemp, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { keepingOf, openSecrets, type Secrets, type SecretsOptions } from "../../electron/shell/secrets.ts";

const SCALE = "https://my.deployment.example";
const TOKEN = "CANARY_0123456789abcdef";

/** A key ring that turns texts around; it can be another person's, away, or in need of a new key. */
function keyRing(
  given: { key?: string; isAvailable?: boolean; backend?: string; shouldReEncrypt?: boolean } = {},
): {
  storage: SecretsOptions["storage"];
  plain: boolean[];
  encrypted: string[];
} {
  const { key = "mine", isAvailable = true, backend = "gnome_libsecret", shouldReEncrypt = false } = given;
  const plain: boolean[] = [];
  const encrypted: string[] = [];
  const turned = (text: string): string => Array.from(text).reverse().join("");
  return {
    plain,
    encrypted,
    storage: {
      isAsyncEncryptionAvailable: async () => isAvailable,
      encryptStringAsync: async (text) => {
        encrypted.push(text);
        return Buffer.from(`${key}:${turned(text)}`);
      },
      decryptStringAsync: async (bytes) => {
        const [owner, text = ""] = bytes.toString().split(":");
        if (owner !== key) throw new Error("Error while decrypting the ciphertext");
        return { result: turned(text), shouldReEncrypt };
      },
      getSelectedStorageBackend: () => backend as "kwallet",
      setUsePlainTextEncryption: (isPlain) => void plain.push(isPlain),
    },
  };
}

async function rig(
  storage: SecretsOptions["storage"],
  given: Partial<SecretsOptions> = {},
): Promise<{ secrets: Secrets; file: string; again: (given?: Partial<SecretsOptions>) => Promise<Secrets> }> {
  const file = join(await mkdtemp(join(tmpdir(), "nightrun-tokens-")), "tokens.json");
  const again = (more: Partial<SecretsOptions> = {}): Promise<Secrets> =>
    openSecrets({
      storage,
      platform: "linux",
      file,
      env: {},
      askPlain: () => Promise.reject(new Error("Nobody is to be asked")),
      onArrived: () => {
        throw new Error("Nothing came late");
      },
      ...given,
      ...more,
    });
  return { secrets: await again(), file, again };
}

describe("where a token may be kept", () => {
  test.each([
    ["linux", "gnome_libsecret", true, false, "key-ring"],
    ["linux", "kwallet6", true, false, "key-ring"],
    ["linux", "gnome_libsecret", false, false, "memory"],
    ["linux", "basic_text", true, false, "ask"],
    ["linux", "basic_text", false, false, "ask"],
    ["linux", "basic_text", true, true, "plain"],
    ["linux", "unknown", true, false, "memory"],
    ["linux", "unknown", true, true, "memory"],
    ["linux", null, true, true, "memory"],
    ["darwin", null, true, false, "key-ring"],
    ["darwin", null, false, false, "memory"],
    ["win32", null, true, false, "key-ring"],
    ["win32", null, false, true, "memory"],
  ] as const)(
    "on %s with %s (available %s, allowed %s): %s",
    (platform, backend, isAvailable, isPlainAllowed, expected) => {
      expect(keepingOf({ platform, backend, isAvailable, isPlainAllowed })).toBe(expected);
    },
  );
});

describe("a token", () => {
  test("is stored encrypted, readable by its owner only, and is there after a restart", async () => {
    const ring = keyRing();
    const { secrets, file, again } = await rig(ring.storage);
    expect(await secrets.set(SCALE, TOKEN)).toEqual({ source: "stored", ending: "cdef", note: null });
    expect(await readFile(file, "utf8")).not.toContain("CANARY");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const next = await again();
    expect(next.state(SCALE)).toEqual({ source: "stored", ending: "cdef", note: null });
    expect(next.apiToken(SCALE)).toBe(TOKEN);
    expect(next.all()).toEqual([TOKEN]);
  });

  test("is not stored without a key ring unless the person says yes", async () => {
    const ring = keyRing({ backend: "basic_text" });
    const { secrets, file, again } = await rig(ring.storage, { askPlain: async () => false });
    expect(await secrets.set(SCALE, TOKEN)).toMatchObject({ source: "memory" });
    expect(secrets.apiToken(SCALE)).toBe(TOKEN);
    expect(secrets.all()).toEqual([TOKEN]);
    expect(ring.encrypted).toEqual([]);
    expect(ring.plain).toEqual([]);
    await expect(stat(file)).rejects.toThrow();
    expect((await again()).apiToken(SCALE)).toBeNull();
  });

  test("is stored readable after an explicit yes, which is asked for once", async () => {
    const ring = keyRing({ backend: "basic_text" });
    let asked = 0;
    const { secrets, again } = await rig(ring.storage, {
      askPlain: async () => {
        asked += 1;
        return true;
      },
    });
    expect(await secrets.set(SCALE, TOKEN)).toMatchObject({
      source: "stored",
      note: "There is no key ring; other programs of yours can read it.",
    });
    await secrets.set("https://other.example", TOKEN);
    expect(asked).toBe(1);
    const next = await again();
    expect(next.apiToken(SCALE)).toBe(TOKEN);
    expect(ring.plain.every(Boolean)).toBe(true);
  });

  test("that another key ring encrypted is asked for again, and stays in the file", async () => {
    const first = await rig(keyRing({ key: "old" }).storage);
    await first.secrets.set(SCALE, TOKEN);
    const before = await readFile(first.file, "utf8");
    const next = await first.again({ storage: keyRing({ key: "new" }).storage });
    expect(next.apiToken(SCALE)).toBeNull();
    expect(next.state(SCALE)).toEqual({
      source: "none",
      ending: null,
      note: "The stored token cannot be read on this system any more; enter it again.",
    });
    expect(await readFile(first.file, "utf8")).toBe(before);
    expect(await next.set(SCALE, "CANARY_another_token")).toMatchObject({ source: "stored", note: null });
  });

  test("is encrypted again when the system asks for it", async () => {
    const first = await rig(keyRing().storage);
    await first.secrets.set(SCALE, TOKEN);
    const ring = keyRing({ shouldReEncrypt: true });
    expect((await first.again({ storage: ring.storage })).apiToken(SCALE)).toBe(TOKEN);
    expect(ring.encrypted).toEqual([TOKEN]);
  });

  test("behind a locked key ring holds up no start, and counts as soon as it is there", async () => {
    const first = await rig(keyRing().storage);
    await first.secrets.set(SCALE, TOKEN);
    let unlock: () => void = () => undefined;
    const isUnlocked = new Promise<void>((resolve) => (unlock = resolve));
    const ring = keyRing().storage;
    const storage: typeof ring = {
      ...ring,
      decryptStringAsync: (bytes) => isUnlocked.then(() => ring.decryptStringAsync(bytes)),
    };
    const arrived: string[] = [];
    const wait = {
      storage,
      patienceMs: 20,
      onArrived: (deployment: string) => void arrived.push(deployment),
    };
    const next = await first.again(wait);
    expect(next.state(SCALE)).toMatchObject({
      source: "none",
      note: "The key ring has not opened the stored token yet; unlock it, or enter it again.",
    });
    const replaced = await first.again(wait);
    await replaced.set(SCALE, "CANARY_given_by_hand");
    unlock();
    await vi.waitFor(() => expect(next.apiToken(SCALE)).toBe(TOKEN));
    expect(arrived).toEqual([SCALE]);
    expect(replaced.apiToken(SCALE)).toBe("CANARY_given_by_hand");
    expect(replaced.state(SCALE)).toMatchObject({ source: "stored", note: null });
  });

  test("can be cleared, also from the disk", async () => {
    const { secrets, again } = await rig(keyRing().storage);
    await secrets.set(SCALE, TOKEN);
    expect(await secrets.clear(SCALE)).toEqual({ source: "none", ending: null, note: null });
    expect((await again()).apiToken(SCALE)).toBeNull();
  });

  test("that replaces a stored one, and cannot be stored, leaves no older one behind", async () => {
    const first = await rig(keyRing().storage);
    await first.secrets.set(SCALE, "CANARY_the_older_token");
    const away = await first.again({
      storage: { ...keyRing().storage, isAsyncEncryptionAvailable: async () => false },
    });
    expect(await away.set(SCALE, TOKEN)).toMatchObject({ source: "memory" });
    expect((await first.again()).apiToken(SCALE)).toBeNull();
  });

  test("is kept in memory when storing falls over, and says so", async () => {
    const storage = { ...keyRing().storage, encryptStringAsync: () => Promise.reject(new Error("locked")) };
    const { secrets } = await rig(storage);
    expect(await secrets.set(SCALE, TOKEN)).toEqual({
      source: "memory",
      ending: "cdef",
      note: "It could not be stored; it is kept until Nightrun stops.",
    });
    expect(secrets.apiToken(SCALE)).toBe(TOKEN);
  });

  test("of the environment is used and never stored; the simulator needs none", async () => {
    const { secrets, file } = await rig(keyRing().storage, { env: { IKOMIA_TOKEN: TOKEN } });
    expect(secrets.state(SCALE)).toEqual({ source: "environment", ending: "cdef", note: null });
    expect(secrets.state("simulator").source).toBe("not-needed");
    await secrets.set("simulator", TOKEN);
    await expect(stat(file)).rejects.toThrow();
  });

  test.each(["", "{", "null", "[]", '{"tokens":5}', '{"tokens":{"https://a.example":5}}'])(
    "file that holds %j is an empty one",
    async (text) => {
      const { file, again } = await rig(keyRing().storage);
      await writeFile(file, text);
      expect((await again()).all()).toEqual([]);
    },
  );
});
