// The file of leases: what a relay that was restarted still has promised.
import type { Instant } from "@holdfast/core";
import { z } from "zod";
import type { KeptLease, Lease } from "./lease.ts";

interface StoredLease {
  readonly port: number;
  readonly owner: string;
  readonly instance: string;
  readonly target: string;
  readonly generation: number;
  /** Milliseconds since 1970 UTC; `null` for one that a session had when the file was written. */
  readonly until: number | null;
  readonly expected: boolean;
  /** The address that it counts for, if it counts for any. */
  readonly from?: string | undefined;
}

interface StoredLeases {
  readonly version: 1;
  readonly leases: readonly StoredLease[];
}

const hex16 = z.string().regex(/^[0-9a-f]{32}$/);

const schema: z.ZodType<StoredLeases> = z.object({
  version: z.literal(1),
  leases: z
    .array(
      z.object({
        port: z.int().min(1).max(65_535),
        owner: hex16,
        instance: hex16,
        target: z.string().max(255),
        generation: z.int().min(0),
        until: z.number().nullable(),
        expected: z.boolean(),
        from: z.string().max(64).optional(),
      }),
    )
    .max(65_535),
});

/** The leases of owners; those without one end with the relay. */
export function encodeLeases(leases: Iterable<Lease>, clock: { mono(): Instant; wall(): number }): string {
  const ahead = clock.wall() - clock.mono();
  const stored: StoredLease[] = [];
  for (const lease of leases) {
    const { port, owner, instance, label: target, generation, from } = lease;
    if (owner === undefined) continue;
    const until = lease.state === "kept" ? Math.round(lease.until + ahead) : null;
    const expected = lease.state === "held" || lease.expected;
    stored.push({ port, owner, instance, target, generation, until, expected, from });
  }
  return `${JSON.stringify({ version: 1, leases: stored } satisfies StoredLeases)}\n`;
}

/**
 * What a relay that starts now goes on with: leases that were held are kept for a whole term from now, others until
 * their end, which is never later.
 * @throws Error for anything but a file of ours.
 */
export function decodeLeases(
  text: string,
  clock: { mono(): Instant; wall(): number },
  leaseMs: number,
): readonly KeptLease[] {
  const now = clock.mono();
  const ahead = clock.wall() - now;
  return schema.parse(JSON.parse(text)).leases.map(({ target: label, until, from, ...lease }) => {
    const end = until === null ? now + leaseMs : Math.min(until - ahead, now + leaseMs);
    return { ...lease, state: "kept", label, from, until: end };
  });
}
