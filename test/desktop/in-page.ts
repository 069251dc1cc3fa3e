/**
 * Questions that are put to the page in its own words: these programs know nothing of a browser's types. Each is the body
 * of an asynchronous function; the same text is asked of a browser under the desktop's policy, where there is no Electron.
 */

/**
 * Leaves the driver's own evaluation first: while that lasts, V8 lets code be made from text whatever the policy says,
 * and nothing asked about it would be true.
 */
const IN_A_TASK_OF_ITS_OWN = "await new Promise((go) => setTimeout(go));";

/** A question that never comes back is an answer too. */
const ANSWERS = `
  const name = (error) => error.name ?? "code " + error.code;
  const within = (asked) => Promise.race([asked, new Promise((go) => setTimeout(go, 5000, "no answer"))]);
  const refused = (ask) => within(Promise.resolve().then(ask).then(() => "granted", name));
`;

/** The page, wrapped so that a driver's `evaluate` can take it. */
export function asExpression(body: string): string {
  return `(async () => { ${IN_A_TASK_OF_ITS_OWN} ${body} })()`;
}

/** S2: types of what Node has and a page must not have; all "undefined". */
export const TYPES_OF_NODE = `
  return [typeof require, typeof process, typeof module, typeof Buffer, typeof global];
`;

/** S5: what a page is told when it asks for what it does not need. Nothing may be "granted". */
export const PERMISSIONS = `
  ${ANSWERS}
  return {
    notifications: await within(Notification.requestPermission()),
    position: await within(new Promise((go) => navigator.geolocation.getCurrentPosition(() => go("granted"), (error) => go("code " + error.code)))),
    clipboard: await refused(() => navigator.clipboard.readText()),
    midi: await refused(() => navigator.requestMIDIAccess({ sysex: true })),
    camera: await refused(() => navigator.mediaDevices.getUserMedia({ video: true })),
    screen: await refused(() => navigator.mediaDevices.getDisplayMedia({ video: true })),
  };
`;

export interface Blocked {
  /** Whether any of it ran. */
  ran: boolean;
  blocked: Record<string, boolean>;
  violations: number;
}

/** S7: tries to run code that was not shipped, and to reach other hosts: a `Blocked`. */
export const FOREIGN_CODE = `
  let violations = 0;
  document.addEventListener("securitypolicyviolation", () => (violations += 1));
  const throws = (act) => { try { act(); return false; } catch { return true; } };
  const script = document.createElement("script");
  const blocked = {
    html: throws(() => document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.evil=1'>")),
    evaluation: throws(() => (0, eval)("window.evil=1")),
    compiled: throws(() => new Function("window.evil=1")()),
    timer: throws(() => setTimeout("window.evil=1")),
    script: throws(() => { script.text = "window.evil=1"; document.head.append(script); }),
    network: await fetch("https://example.com/").then(() => false, () => true),
    picture: await new Promise((go) => {
      const image = new Image();
      image.onload = () => go(false);
      image.onerror = () => go(true);
      image.src = "https://example.com/x.png";
    }),
  };
  await new Promise((go) => setTimeout(go, 200));
  return { ran: window.evil !== undefined, blocked, violations };
`;

/** S13: names in the page's world that would be a way around the bridge; none. */
export const LEAKS = `
  return Object.getOwnPropertyNames(window).filter((name) => /electron|ipc|^require$|^process$|^Buffer$/i.test(name));
`;
