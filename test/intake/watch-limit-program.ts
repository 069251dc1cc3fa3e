import { watchFolder } from "../../electron/engine/intake/watch.ts";

/** Watches the folder in its argument under a lowered limit and prints what it was told until a walk is asked for. */
const troubles: string[] = [];
let walks = 0;
const asked = Promise.withResolvers<undefined>();
const watch = await watchFolder({
  root: process.argv[2] ?? "",
  recursive: true,
  ignored: () => false,
  onHint: (path) => {
    if (path !== null) return;
    walks += 1;
    asked.resolve(undefined);
  },
  onTrouble: ({ code }) => troubles.push(code),
});
// The watch itself does not keep the process: its timers are not worth staying for.
const stay = setInterval(() => undefined, 1000);
await asked.promise;
clearInterval(stay);
await watch.close();
process.stdout.write(JSON.stringify({ troubles, walks }));
