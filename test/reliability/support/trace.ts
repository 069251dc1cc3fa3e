/** One system call that succeeded. `start`, `end`: its place among all that happened; a call is over at its end. */
export interface Call {
  start: number;
  end: number;
  name: string;
  /** As strace writes them, strings still escaped. */
  args: string;
  returned: number;
}

/** The calls whose effect on files can be played again, and those that would go unnoticed if they were left out. */
const CALLS = [
  ...["openat", "open", "close", "write", "writev", "pwrite64", "pwritev", "pwritev2", "ftruncate", "lseek"],
  ...[
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
  ],
  ...["copy_file_range", "sendfile", "link", "linkat", "symlink", "symlinkat", "fallocate"],
];

/** The words before a command that write down, in `log`, each byte it writes and each name it makes. */
export function recording(log: string): string[] {
  const calls = `trace=${CALLS.join(",")}`;
  return [
    "strace",
    "-f",
    "--seccomp-bpf",
    "-qq",
    "-xx",
    "-s",
    "4000000",
    "-o",
    log,
    "-e",
    calls,
    "-e",
    "signal=none",
  ];
}

const WHOLE = /^(\d+) +(\w+)\((.*)\) += (-?\d+)/;
const BEGUN = /^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$/;
const ENDED = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+)/;

/** Reads what `recording` wrote: the calls that succeeded, in the order of their ends. */
export function readTrace(text: string): Call[] {
  const begun = new Map<string, { start: number; args: string }>();
  const calls: Call[] = [];
  for (const [at, line] of text.split("\n").entries()) {
    const unfinished = BEGUN.exec(line);
    if (unfinished !== null) {
      const [, thread = "", name = "", args = ""] = unfinished;
      begun.set(`${thread} ${name}`, { start: at, args });
      continue;
    }
    const resumed = ENDED.exec(line);
    const [, thread = "", name = "", args = "", returned = ""] = resumed ?? WHOLE.exec(line) ?? [];
    if (name === "" || Number(returned) < 0) continue;
    const first = resumed === null ? { start: at, args: "" } : begun.get(`${thread} ${name}`);
    if (first === undefined)
      throw new Error(`The trace ends a call that it does not begin: ${line.slice(0, 200)}`);
    calls.push({ start: first.start, end: at, name, args: first.args + args, returned: Number(returned) });
  }
  return calls;
}

const STRING = /"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g;

/** The strings among the arguments of a call, as bytes. */
export function stringsIn(args: string): Buffer[] {
  return [...args.matchAll(STRING)].map(([, hex = "", cut]) => {
    if (cut !== undefined) throw new Error("The trace has cut a string short");
    return Buffer.from(hex.replaceAll("\\x", ""), "hex");
  });
}
