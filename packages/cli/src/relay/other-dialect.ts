// Each dialect has a port of its own, and neither end ever tries the other's: so a person who mixes them up is told.
import { BORE_PORT, HOLDFAST_PORT } from "@holdfast/tunnel";
import { relayUrl, type RelayUrl } from "../options/values.ts";

export interface OtherDialect {
  readonly message: string;
  readonly hint: string;
}

/** What to say when nobody answers in this URL's dialect, if its port is the other one's. */
export function otherDialect({ scheme, host, port }: RelayUrl): OtherDialect | undefined {
  if (scheme === "bore") return port === HOLDFAST_PORT ? mixedUp("holdfast", "bore", host, port) : undefined;
  return port === BORE_PORT ? mixedUp("bore", scheme, host, port) : undefined;
}

function mixedUp(
  usual: "holdfast" | "bore",
  given: RelayUrl["scheme"],
  host: string,
  port: number,
): OtherDialect {
  const own = given === "bore" ? BORE_PORT : HOLDFAST_PORT;
  return {
    message: `a relay speaks ${usual}:// on port ${port}, and ${given}:// on another one, usually ${own}`,
    hint: `did you mean ${relayUrl(usual, host, port).href}, or ${relayUrl(given, host, own).href}?`,
  };
}
