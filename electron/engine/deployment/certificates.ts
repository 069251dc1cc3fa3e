import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { getCACertificates } from "node:tls";
import { errorCode } from "./net-failure.ts";

const PEM = /-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs;
/** Files with certificate authorities of a company, beside the built-in ones. */
const VARIABLES = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"] as const;

export interface Trust {
  /** PEM of all authorities: Node's own and those of the environment's files; undefined = there are no files. */
  authorities: readonly string[] | undefined;
  /** Files that could not be used, in words: they explain a TLS failure. */
  problems: readonly string[];
}

/**
 * Reads the extra authorities in code, because Node's own handling is switched off in packaged Electron. They are
 * added to the usual ones and never replace a check.
 */
export function readTrust(env: NodeJS.ProcessEnv): Trust {
  const extra: string[] = [];
  const problems: string[] = [];
  for (const variable of VARIABLES) {
    const file = env[variable];
    if (file === undefined || file === "") continue;
    try {
      extra.push(...readCertificates(file));
    } catch (error) {
      problems.push(`${variable} ${file} cannot be used: ${whatIsWrong(error)}`);
    }
  }
  const authorities = extra.length === 0 ? undefined : [...getCACertificates("default"), ...extra];
  return { authorities, problems };
}

/** Each is parsed here, because TLS takes no notice of what it cannot read. */
function readCertificates(file: string): string[] {
  const blocks = readFileSync(file, "utf8").match(PEM) ?? [];
  if (blocks.length === 0) throw new Error("no certificate");
  for (const block of blocks) new X509Certificate(block);
  return blocks;
}

function whatIsWrong(error: unknown): string {
  const code = errorCode(error);
  return /^E[A-Z]+$/.test(code) ? code : "it holds no certificates in PEM form";
}
