// A process that waits for its standard input to end and then does one thing to a file that others are at as well.
import { randomBytes } from "node:crypto";
import { loadOwnerKey, loadRelayIdentity, openKnownRelays } from "@holdfast/trust";
import { TestClock } from "./machine-clock.ts";

const [what = "", path = "", name = ""] = process.argv.slice(2);
const clock = new TestClock();

async function act(): Promise<string> {
  if (what === "owner") return Buffer.from(await loadOwnerKey(path)).toString("hex");
  if (what === "relay") return (await loadRelayIdentity(path, { clock })).current().fingerprint;
  const relays = openKnownRelays({ path, clock });
  let count = 0;
  for (; count < 25; count++) {
    const fingerprint = `SHA256:${randomBytes(32).toString("base64").slice(0, 43)}`;
    await relays.add(`process-${name}-${count}`, 7836, fingerprint);
  }
  return String(count);
}

process.stdin.on("end", () => {
  void act().then((text) => process.stdout.write(`${text}\n`));
});
process.stdin.resume();
process.stdout.write("ready\n");
