// The relay that a command uses: the one that was named, else this user's running one.
import type { RelayEntry } from "@holdfast/control";
import type { Context } from "../command.ts";
import { parseRelayUrl, relayUrl, type RelayUrl } from "../options/values.ts";
import { withEntries } from "../select.ts";
import { usageError } from "../usage.ts";

/** What a wildcard address is reached by from the same machine. */
const REACHED_BY: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/**
 * This user's running relay, if there is one. A relay that another command made for itself ends with that command,
 * so it does not count.
 * @throws HoldfastError `usage` if there are several.
 */
export async function findRunningRelay(context: Context): Promise<RelayUrl | undefined> {
  if (process.platform === "win32") return undefined;
  const running = await withEntries(context, async (listed) =>
    listed
      .filter(({ client }) => client.hello.command === "relay")
      .map(({ entry }) => entry)
      .filter((entry): entry is RelayEntry => entry.type === "relay" && entry.state === "listening"),
  );
  if (running.length > 1) {
    const urls = running.map((entry) => entry.address).join(", ");
    throw usageError(`several relays are running: ${urls}`, "say which one with --relay");
  }
  return running[0] === undefined ? undefined : reachable(parseRelayUrl(running[0].address));
}

function reachable(url: RelayUrl): RelayUrl {
  const host = REACHED_BY[url.host];
  if (host === undefined) return url;
  return relayUrl(url.scheme, host, url.port);
}
