// Not a byte lost: downloads and uploads over a link that is cut again and again.
import assert from "node:assert/strict";
import { Cutter } from "../harness/cuts.ts";
import { exchange, exchangeService, upSeed, type ExchangeService, type Got } from "../harness/exchange.ts";
import { patternHash } from "../harness/pattern.ts";
import { until } from "../harness/condition.ts";
import { startRelay } from "../harness/relay.ts";
import type { Act } from "../harness/run.ts";
import type { Scene } from "../harness/scene.ts";
import { connected, latest } from "../harness/tunnel-state.ts";
import { assertNothingLost, layCable, outagesOf, startTunnel, throughProxy, type Setting } from "./stage.ts";

const MB = 1_000_000;
const BULK_BYTES = 200 * MB;
const BULK_BYTES_PER_SECOND = 8 * MB;
const LEAST_CUTS = 60;
const LINK_LIFE_MS = 300;
/** More than acknowledgements and heartbeats are. */
const LEAST_IN_FLIGHT_BYTES = 4_096;

const CUTS = { lifeMs: LINK_LIFE_MS, leastBytes: LEAST_IN_FLIGHT_BYTES };

const VISITORS = 100;
const VISITOR_BYTES = 512 * 1024;
const VISITOR_CUTS = 20;

/** The pattern of that seed, whole, and ended by the application that sent it. */
function assertWhole(got: Got | undefined, seed: number, bytes: number, what: string): void {
  assert.deepEqual(got, { bytes, hash: patternHash(seed, bytes), fate: "end" }, what);
}

/** The upload of that order, once the service has seen the end of it. */
async function uploaded(service: ExchangeService, seed: number): Promise<Got> {
  return until(`the upload of ${seed} is over`, () => service.uploads.get(seed), 240_000);
}

/** One epoch for each cut and the first, and no stream that the command gave up. Gives how many went on. */
async function assertEpochs({ command }: Setting, cuts: number): Promise<number> {
  await connected(command, cuts + 1);
  await until("the last outage is told of", () => outagesOf(command).length >= cuts);
  assert.equal(latest(command)?.epoch, cuts + 1, "links that nobody cut have ended");
  return assertNothingLost(command);
}

/** Cut while the orders are carried out, until there were enough cuts or one order is done. */
async function cutWhile<T>(cutter: Cutter, orders: readonly Promise<T>[]): Promise<T[]> {
  const carriedOut = orders.map((order) => order.finally(() => cutter.stop()));
  const [results] = await Promise.all([Promise.all(carriedOut), cutter.run()]);
  return results;
}

async function bothWays(scene: Scene): Promise<string> {
  const service = await exchangeService(scene);
  const setting = await throughProxy(scene, service.port);
  setting.proxy.apply({ kind: "throttle", bytesPerSecond: BULK_BYTES_PER_SECOND });
  const startedAt = performance.now();
  const cutter = new Cutter(setting.proxy, CUTS);
  const [download, upload] = await cutWhile(cutter, [
    exchange(setting.port, { seed: 1, downBytes: BULK_BYTES, upBytes: 0 }),
    (async () => {
      const answer = await exchange(setting.port, { seed: 2, downBytes: 0, upBytes: BULK_BYTES });
      assert.equal(answer.fate, "end", "the visitor that uploads");
      return uploaded(service, 2);
    })(),
  ]);
  assertWhole(download, 1, BULK_BYTES, "the download");
  assertWhole(upload, upSeed(2), BULK_BYTES, "the upload");
  const seconds = (performance.now() - startedAt) / 1_000;
  const { cuts } = cutter;
  assert.ok(cuts.length >= LEAST_CUTS, `${cuts.length} cuts`);
  for (const { upBytes, downBytes } of cuts)
    assert.ok(
      Math.min(upBytes, downBytes) >= LEAST_IN_FLIGHT_BYTES,
      `a cut of ${upBytes} and ${downBytes} bytes`,
    );
  const resumed = await assertEpochs(setting, cuts.length);
  assert.ok(resumed >= cuts.length, `${resumed} streams went on`);
  return (
    `200 MB each way, hashes equal, ${cuts.length} cuts in ${seconds.toFixed(0)} s, epoch ${cuts.length + 1}, ` +
    `${cutter.describe()}, 0 bytes lost`
  );
}

async function manyVisitors(scene: Scene): Promise<string> {
  const service = await exchangeService(scene);
  const setting = await throughProxy(scene, service.port);
  setting.proxy.apply({ kind: "throttle", bytesPerSecond: BULK_BYTES_PER_SECOND });
  const cutter = new Cutter(setting.proxy, { ...CUTS, most: VISITOR_CUTS });
  const seeds = Array.from({ length: VISITORS }, (_, index) => 1_000 + index);
  const order = { downBytes: VISITOR_BYTES, upBytes: VISITOR_BYTES };
  const visit = async (seed: number): Promise<void> => {
    const got = await exchange(setting.port, { ...order, seed });
    assertWhole(got, seed, VISITOR_BYTES, `download of visitor ${seed}`);
    assertWhole(await uploaded(service, seed), upSeed(seed), VISITOR_BYTES, `upload of visitor ${seed}`);
  };
  await cutWhile(cutter, [Promise.all(seeds.map(visit))]);
  assert.equal(cutter.cuts.length, VISITOR_CUTS, "the visitors were done before the cuts");
  const resumed = await assertEpochs(setting, VISITOR_CUTS);
  return (
    `${VISITORS} visitors, ${2 * VISITORS} hashes equal, ${VISITOR_CUTS} cuts, ${cutter.describe()}, ` +
    `${resumed} times a stream went on`
  );
}

const WEB_BYTES = 20 * MB;
const WEB_CUTS = 8;

async function overWebSocket(scene: Scene): Promise<string> {
  const service = await exchangeService(scene);
  const secretFile = scene.file("secret", "between the two of us");
  const relay = await startRelay(scene, { args: ["--secret-file", secretFile] });
  const { proxy, port } = await layCable(scene, relay.nativePort);
  const tunnel = await startTunnel(scene, {
    relay: `wss://127.0.0.1:${port}`,
    target: service.port,
    args: ["--secret-file", secretFile],
  });
  proxy.apply({ kind: "throttle", bytesPerSecond: BULK_BYTES_PER_SECOND });
  const cutter = new Cutter(proxy, { ...CUTS, most: WEB_CUTS });
  const order = { seed: 3, downBytes: WEB_BYTES, upBytes: WEB_BYTES };
  const [download] = await cutWhile(cutter, [exchange(tunnel.port, order)]);
  assertWhole(download, 3, WEB_BYTES, "the download");
  assertWhole(await uploaded(service, 3), upSeed(3), WEB_BYTES, "the upload");
  assert.equal(cutter.cuts.length, WEB_CUTS, "it was done before the cuts");
  await assertEpochs({ ...tunnel, relay, proxy }, WEB_CUTS);
  return `20 MB each way over one connection, hashes equal, ${WEB_CUTS} cuts, ${cutter.describe()}`;
}

export const bulk: readonly Act[] = [
  { name: "200 MB up and down at once over a link that is cut all the time", play: bothWays },
  { name: `${VISITORS} visitors at once, cut ${VISITOR_CUTS} times`, play: manyVisitors },
  { name: "over a WebSocket, cut as well", play: overWebSocket },
];
