// A host with a port, as it is asked for and answered.
import { HoldfastError } from "@holdfast/core";
import { encodeJson, Fields } from "./fields.ts";

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const MAX_HOST_BYTES = 255;
const HOST = /^[^\s/\p{Cc}]+$/u;

/** @param leastPort 0 where the machine may choose. @throws HoldfastError `bad_endpoint` (fatal). */
export function encodeEndpoint(endpoint: HostPort, leastPort: 0 | 1): Uint8Array {
  const { host, port } = checkEndpoint(endpoint, leastPort);
  return encodeJson({ host, port });
}

/** @param leastPort 0 where the machine may choose. @throws HoldfastError `bad_record`, `bad_endpoint`. */
export function decodeEndpoint(payload: Uint8Array, leastPort: 0 | 1): HostPort {
  const fields = Fields.parse(payload);
  const host = fields.text("host", MAX_HOST_BYTES);
  return checkEndpoint({ host, port: fields.whole("port", 0, 65_535) }, leastPort);
}

function checkEndpoint({ host, port }: HostPort, leastPort: 0 | 1): HostPort {
  if (!Number.isInteger(port) || port < leastPort || port > 65_535) {
    throw bad(`the port ${port} is none of ${leastPort} to 65535`);
  }
  if (!HOST.test(host) || Buffer.byteLength(host) > MAX_HOST_BYTES) {
    throw bad("the host is neither a name nor an address");
  }
  return { host, port };
}

function bad(message: string): HoldfastError {
  return new HoldfastError({ code: "bad_endpoint", message, kind: "fatal", fault: "local" });
}
