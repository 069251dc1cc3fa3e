import { readFileSync } from "node:fs";
import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";

/** Files with certificate authorities of a company, beside the built-in ones. */
const VARIABLES = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"] as const;

export interface Trust {
  /** Built-in roots plus the files of the environment; undefined = Node's own default is enough. */
  context: SecureContext | undefined;
  /** Files that could not be used, in words: they explain a TLS failure. */
  problems: readonly string[];
}

/**
 * Reads the extra authorities in code, because Node's own handling is switched off in packaged Electron. They are
 * added to the built-in roots and never replace a check. The context is made once: parsing the roots is slow.
 */
export function readTrust(env: NodeJS.ProcessEnv): Trust {
  const extra: string[] = [];
  const problems: string[] = [];
  for (const variable of VARIABLES) {
    const file = env[variable];
    if (file === undefined || file === "") continue;
    try {
      const pem = readFileSync(file, "utf8");
      createSecureContext({ ca: pem });
      extra.push(pem);
    } catch (error) {
      const code =
        error instanceof Error && "code" in error ? String(error.code) : "not certificates in PEM form";
      problems.push(`${variable} ${file} cannot be used: ${code}`);
    }
  }
  if (extra.length === 0) return { context: undefined, problems };
  return { context: createSecureContext({ ca: [...rootCertificates, ...extra] }), problems };
}
