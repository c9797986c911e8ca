// The certificate of a command that others connect to: the operator's, or one of its own that it keeps.
import { HoldfastError } from "@holdfast/core";
import { systemClock } from "@holdfast/net";
import { loadCertificateFiles, loadRelayIdentity, type CertificateSource } from "@holdfast/trust";
import { optional, type Values } from "./options/option.ts";
import { parseText } from "./options/values.ts";
import { escapeText } from "./terminal/escape.ts";
import type { Output } from "./terminal/output.ts";
import { usageError } from "./usage.ts";

const group = "Trust";

export const certificateOptions = {
  certificate: optional(
    {
      name: "certificate",
      value: "<file>",
      description: "certificates for TLS, PEM; else one of its own",
      group,
    },
    parseText,
  ),
  privateKey: optional(
    { name: "private-key", value: "<file>", description: "the key of --certificate, PEM", group },
    parseText,
  ),
} as const;

/**
 * The operator's, or the one that is kept in the folder, which is made at the first start.
 * @throws HoldfastError `usage` for one file without the other; what the files are refused for.
 */
export function openCertificates(
  { certificate, privateKey }: Values<typeof certificateOptions>,
  folder: string,
  output: Output,
): Promise<CertificateSource> {
  const settings = {
    clock: systemClock,
    onWarning: (warning: HoldfastError): void => output.warn(escapeText(warning.text), warning.hint),
  };
  if (certificate === undefined && privateKey === undefined) return loadRelayIdentity(folder, settings);
  if (certificate === undefined) throw usageError("--private-key needs --certificate");
  if (privateKey === undefined) throw usageError("--certificate needs --private-key");
  return loadCertificateFiles(certificate, privateKey, settings);
}

/** One thing that SIGHUP reads again. */
export interface Reloaded {
  /** In words: `certificate`, `secret`. */
  readonly what: string;
  readonly reload: () => Promise<void>;
}

/** SIGHUP: what can be read is used from now on; what cannot stays as it was. Those who are here stay. */
export async function reloadAll(parts: readonly Reloaded[], output: Output): Promise<void> {
  const read: string[] = [];
  for (const { what, reload } of parts) {
    try {
      await reload();
      read.push(what);
    } catch (thrown) {
      output.warn(`SIGHUP: the old ${what} stays in use: ${escapeText(HoldfastError.from(thrown).text)}`);
    }
  }
  output.status(`SIGHUP: read again: ${read.join(", ") || "nothing"}; nobody was dropped`);
}
