import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificates {
  folder: string;
  /** The authority's certificate, PEM. */
  caFile: string;
  /** A certificate for 127.0.0.1, localhost and deployment.test, from that authority. */
  good: { key: string; cert: string };
  /** From the same authority, for another name. */
  wrongHost: { key: string; cert: string };
  /** From the same authority, but of last year. */
  expired: { key: string; cert: string };
  remove(): void;
}

/** A throw-away authority and certificates for servers; null, with a printed reason, where there is no openssl. */
export function createCertificates(): Certificates | null {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
  } catch {
    console.log("Skipping TLS tests: openssl is not installed.");
    return null;
  }
  const folder = mkdtempSync(join(tmpdir(), "nightrun-certificates-"));
  const at = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync("openssl", args, { stdio: "ignore" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const authority = ["-x509", ...newKey, "-days", "30", "-subj", "/CN=Throw-away authority"];
  openssl("req", ...authority, "-keyout", at("ca.key"), "-out", at("ca.pem"));

  function issue(name: string, names: string, validity: string[]): { key: string; cert: string } {
    writeFileSync(at(`${name}.ext`), `subjectAltName=${names}\nbasicConstraints=CA:FALSE\n`);
    openssl(
      "req",
      ...newKey,
      "-subj",
      `/CN=${name}`,
      "-keyout",
      at(`${name}.key`),
      "-out",
      at(`${name}.csr`),
    );
    const signing = [
      "-CA",
      at("ca.pem"),
      "-CAkey",
      at("ca.key"),
      "-CAcreateserial",
      "-extfile",
      at(`${name}.ext`),
    ];
    openssl("x509", "-req", "-in", at(`${name}.csr`), ...signing, ...validity, "-out", at(`${name}.pem`));
    return { key: readFileSync(at(`${name}.key`), "utf8"), cert: readFileSync(at(`${name}.pem`), "utf8") };
  }

  const own = "IP:127.0.0.1,DNS:localhost,DNS:deployment.test";
  return {
    folder,
    caFile: at("ca.pem"),
    good: issue("good", own, ["-days", "10"]),
    wrongHost: issue("wrong", "DNS:elsewhere.test", ["-days", "10"]),
    expired: issue("expired", own, ["-days", "-1"]),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
