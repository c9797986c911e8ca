// What a relay must not be: open to everybody by accident, or without a port to give.
import { HoldfastError } from "@holdfast/core";

export interface Openness {
  /** The address that clients connect to. Default `127.0.0.1`. */
  readonly bind?: string | undefined;
  /** The address that visitors connect to. Default: as `bind`. */
  readonly tunnelBind?: string | undefined;
  readonly ports?: readonly [number, number] | undefined;
  readonly secret?: string | undefined;
  readonly anonymous?: boolean | undefined;
}

/** Names and addresses by which a machine reaches itself. */
export const LOOPBACK: RegExp = /^(127(\.\d{1,3}){3}|::1|localhost)$/i;

/** @throws HoldfastError `bad_config` or `anonymous_relay` (fatal) for what a relay must not be. */
export function checkOpenness(options: Openness): void {
  const [least, greatest] = options.ports ?? [1, 65_535];
  if (![least, greatest].every((port) => Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    throw bad("bad_config", `ports must be whole numbers from 1 to 65535, not ${least} to ${greatest}`);
  }
  if (least > greatest) throw bad("bad_config", `port range is empty: ${least} to ${greatest}`);
  if (options.secret !== undefined || options.anonymous === true) return;
  const addresses = [options.bind ?? "127.0.0.1", options.tunnelBind ?? "127.0.0.1"];
  const open = addresses.find((address) => !LOOPBACK.test(address));
  if (open === undefined) return;
  throw new HoldfastError({
    code: "anonymous_relay",
    message: `a relay without a secret would let everybody in who can reach ${open}`,
    hint: "set a secret, or allow it with `anonymous` (--anonymous)",
    kind: "fatal",
    fault: "local",
  });
}

function bad(code: string, message: string): HoldfastError {
  return new HoldfastError({ code, message, kind: "fatal", fault: "local" });
}
