import { spawnSync } from "node:child_process";

/** Why no process can be traced on this machine; null = one can. */
export function cannotTrace(): string | null {
  if (process.platform !== "linux") return "strace is for Linux";
  const tried = spawnSync("strace", ["-f", "-qq", "-o", "/dev/null", "true"], { encoding: "utf8" });
  if (tried.error !== undefined) return "strace is not installed";
  return tried.status === 0 ? null : `strace is refused here: ${tried.stderr.trim()}`;
}

/** What is done to one system call of a process. */
export interface Injection {
  call: "fsync" | "pwrite64" | "write" | "writev" | "sendto";
  /** SIGKILL before the call is carried out, or an error in its place. */
  fault: "SIGKILL" | "EIO" | "ENOSPC";
  /** The n-th such call of a thread, from 1. */
  when: number;
  /** Then every so many-th again. @default once */
  every?: number;
  /** Only calls on these files and folders (absolute). @default any */
  paths?: readonly string[];
}

/** Counts from 1 are of each thread, so with one thread for files and one for the data file they can be told apart. */
export const ONE_FILE_THREAD = { UV_THREADPOOL_SIZE: "1" };

/** The words before a command that carry the injection out; what it met is written to `log`. */
export function injecting({ call, fault, when, every, paths }: Injection, log: string): string[] {
  const effect = fault === "SIGKILL" ? "signal=SIGKILL" : `error=${fault}`;
  const times = every === undefined ? String(when) : `${String(when)}+${String(every)}`;
  return [
    "strace",
    // Injected signals never arrive with --seccomp-bpf (strace 6.1); errors do, and cost far less so.
    ...(fault === "SIGKILL" ? ["-f"] : ["-f", "--seccomp-bpf"]),
    ...["-qq", "-y", "-o", log],
    ...(paths ?? []).flatMap((path) => ["-P", path]),
    ...["-e", `trace=${call}`, "-e", `inject=${call}:${effect}:when=${times}`, "-e", "signal=none"],
  ];
}

/** The words before a command that note these calls of it in `log`, with the paths behind descriptors. */
export function noting(calls: readonly string[], log: string): string[] {
  return [
    "strace",
    "-f",
    "--seccomp-bpf",
    "-qq",
    "-y",
    "-o",
    log,
    "-e",
    `trace=${calls.join(",")}`,
    "-e",
    "signal=none",
  ];
}
