// What to say of bytes that no peer of ours would send.
import { HoldfastError } from "../../failure.ts";

/**
 * `not_our_peer`: whoever is there does not speak this protocol, or speaks it wrongly. A line takes it as the end only
 * before it ever met its peer; afterwards something in between may have answered, and it waits.
 */
export function malformed(text: string): HoldfastError {
  return new HoldfastError({
    code: "not_our_peer",
    message: text,
    kind: "fatal",
    fault: "peer",
    hint: "check that the address belongs to a Holdfast relay, and that both ends are up to date",
  });
}
