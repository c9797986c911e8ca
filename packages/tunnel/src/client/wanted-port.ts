// Which port to ask the relay for: a pure rule. Visitors know the port that the tunnel had, so it is asked for
// again; who had asked for any port takes another one when that goes on for too long.
import type { HoldfastError, Instant } from "@holdfast/core";

/** How long a port that was given by chance is asked for again, in milliseconds. */
export const KEEP_PORT_MS = 300_000;

export interface WantedPort {
  /** What the user asked for; 0 is any. */
  readonly asked: number;
  /** The port that the last link had. */
  readonly held: number | undefined;
  /** When that link was lost; `undefined` while it is up. */
  readonly lostAt: Instant | undefined;
}

/** What to ask for now. */
export function nextPort({ asked, held, lostAt }: WantedPort, now: Instant): number {
  if (asked !== 0 || held === undefined) return asked;
  return lostAt !== undefined && now - lostAt >= KEEP_PORT_MS ? 0 : held;
}

export function gotPort(wanted: WantedPort, port: number): WantedPort {
  return { ...wanted, held: port, lostAt: undefined };
}

export function lostPort(wanted: WantedPort, now: Instant): WantedPort {
  return { ...wanted, lostAt: wanted.lostAt ?? now };
}

/** Whether the relay will never give this port again, and any other would do. */
export function mustForget({ asked, held }: WantedPort, failure: HoldfastError): boolean {
  const refused = failure.code === "port_not_allowed" || failure.code === "permission_denied";
  return refused && asked === 0 && held !== undefined;
}
