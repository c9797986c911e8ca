// Holdfast's own tunnels, by the command as it is built.
import { freePort } from "../processes/free-port.ts";
import type { Program } from "../processes/program.ts";
import type { Stage } from "./stage.ts";
import { LOOPBACK } from "./address.ts";

/** What client and relay speak. */
export type Dialect = "native" | "native over TLS" | "bore";

/** Where a relay listens. It keeps them when it is started again. */
export interface RelayPlace {
  readonly port: number;
  readonly borePort: number;
  /** Where it keeps its key and its leases. */
  readonly home: string;
}

export interface HoldfastRelay {
  readonly place: RelayPlace;
  readonly program: Program;
}

export async function relayPlace(stage: Stage): Promise<RelayPlace> {
  return { port: await freePort(), borePort: await freePort(), home: stage.newHome() };
}

export async function startHoldfastRelay(stage: Stage, place?: RelayPlace): Promise<HoldfastRelay> {
  const at = place ?? (await relayPlace(stage));
  const ports = ["--port", String(at.port), "--bore-port", String(at.borePort), "--ports", "20000-29999"];
  const program = stage.holdfast(["relay", "--json", ...ports], at.home);
  await program.says(/"type":"ready"/);
  return { place: at, program };
}

/** One that has its key from an earlier start: what making it left behind is not what a relay takes. */
export async function startRelayAgain(stage: Stage): Promise<HoldfastRelay> {
  const { place, program } = await startHoldfastRelay(stage);
  await program.kill();
  return startHoldfastRelay(stage, place);
}

/** A client with an owner key of its own, and where its visitors go; several targets share it. */
export async function startHoldfastClient(
  stage: Stage,
  relay: HoldfastRelay,
  dialect: Dialect,
  targets: readonly number[],
  more: readonly string[] = [],
  nearPort?: number,
): Promise<{ client: Program; ports: readonly number[] }> {
  const client = stage.holdfast([
    "expose",
    ...targets.map((port) => `${LOOPBACK}:${port}`),
    "--json",
    ...(await relayArguments(relay, dialect, nearPort)),
    ...more,
  ]);
  const [, addresses = ""] = await client.says(/"type":"ready","addresses":\[([^\]]+)\]/);
  return { client, ports: [...addresses.matchAll(/:(\d+)"/g)].map(([, port]) => Number(port)) };
}

/** `nearPort`: of a path to the relay, instead of the relay's own. */
async function relayArguments(
  { place, program }: HoldfastRelay,
  dialect: Dialect,
  nearPort: number | undefined,
): Promise<string[]> {
  if (dialect === "bore") return ["--relay", `bore://${LOOPBACK}:${nearPort ?? place.borePort}`];
  const native = ["--relay", `holdfast://${LOOPBACK}:${nearPort ?? place.port}`];
  if (dialect === "native") return native;
  const [fingerprint] = await program.says(/SHA256:[\w+/=]+/);
  return [...native, "--tls", "--fingerprint", fingerprint];
}
