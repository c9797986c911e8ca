// What commands that dial somewhere have to know for TLS: whether it is needed, and whom to believe.
import { readFile } from "node:fs/promises";
import { describeSystemError } from "@holdfast/control";
import { usageError } from "./usage.ts";

/** Certificates of authorities, PEM. @throws HoldfastError `usage` if there are none in the file. */
export async function readAuthority(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    const text = await readFile(path, "utf8");
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  } catch (thrown) {
    throw usageError(`cannot read the certificates in ${path}: ${describeSystemError(thrown)}`);
  }
  throw usageError(`there is no certificate in ${path}`);
}

/** Nobody stands between two programs of one machine. */
export function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d+){3}$/.test(host);
}
