// The delays of other libraries, as their sources have them: before attempt n, where n = 1 is the first after the
// loss. `undefined`: it gives up.
import type { Dice } from "@holdfast/core/testing";
import type { Client } from "./model.ts";

type Delays = (dice: Dice) => (attempt: number) => number | undefined;

export interface Library {
  readonly name: string;
  readonly delays: Delays;
}

const PHOENIX = [10, 50, 100, 150, 200, 250, 500, 1_000, 2_000];
const SIGNALR = [0, 2_000, 10_000, 30_000];

export const libraries: readonly Library[] = [
  { name: "MQTT.js 5", delays: () => () => 1_000 },
  { name: "amqp-connection-manager 5", delays: () => () => 5_000 },
  { name: "phoenix.js 1.8", delays: () => (n) => PHOENIX[n - 1] ?? 5_000 },
  { name: "partysocket 1.3", delays: () => (n) => Math.min(3_000 * 1.3 ** (n - 1), 10_000) },
  { name: "reconnecting-websocket 4.4", delays: reconnectingWebSocket },
  { name: "socket.io-client 4.8", delays: socketIo },
  { name: "nats.js 3", delays: (dice) => (n) => (n === 1 ? 0 : 2_000 + dice.between(0, 100)) },
  { name: "ioredis 6", delays: (dice) => (n) => Math.min(50 * 2 ** (n - 1), 5_000) + dice.between(0, 200) },
  {
    name: "graphql-ws 6 (no limit)",
    delays: (dice) => (n) => 1_000 * 2 ** (n - 1) + dice.between(300, 3_000),
  },
  { name: "grpc-js 1.14", delays: grpc },
  { name: "cockatiel 4", delays: cockatiel },
  { name: "p-retry 9", delays: () => (n) => (n > 10 ? undefined : 1_000 * 2 ** (n - 1)) },
  { name: "SignalR 10", delays: () => (n) => SIGNALR[n - 1] },
  {
    name: "centrifuge-js 5",
    delays: (dice) => (n) => Math.min(20_000, 500 + dice.between(0, Math.min(20_000, 500 * 2 ** (n - 1)))),
  },
  {
    name: "full jitter (500 ms, 30 s)",
    delays: (dice) => (n) => dice.between(0, Math.min(30_000, 500 * 2 ** (n - 1))),
  },
];

/** Clients that wait as a library does; none of them knows a hint. */
export function libraryClients({ delays }: Library): (dice: Dice) => Client {
  return (dice) => {
    const delayOf = delays(dice);
    let attempt = 0;
    const next = (now: number): number | undefined => {
      attempt += 1;
      const delayMs = delayOf(attempt);
      return delayMs === undefined ? undefined : now + delayMs;
    };
    return { lost: next, dial: () => undefined, failed: next, opened: () => undefined };
  };
}

function reconnectingWebSocket(dice: Dice): (n: number) => number {
  const least = 1_000 + dice.between(0, 4_000);
  return (n) => Math.min(least * 1.3 ** (n - 1), 10_000);
}

function socketIo(dice: Dice): (n: number) => number {
  return (n) => {
    const middle = 1_000 * 2 ** (n - 1);
    const drawn = dice.random();
    const deviation = Math.floor(drawn * 0.5 * middle);
    return Math.min(Math.floor(drawn * 10) % 2 === 0 ? middle - deviation : middle + deviation, 5_000);
  };
}

function grpc(dice: Dice): (n: number) => number {
  let last = 1_000;
  return (n) => {
    if (n === 1) return 0;
    if (n === 2) return 1_000;
    const middle = Math.min(1.6 * last, 120_000);
    last = middle + dice.between(-0.2, 0.2) * middle;
    return last;
  };
}

function cockatiel(dice: Dice): (n: number) => number {
  let before = 0;
  return (n) => {
    const t = n - 1 + dice.random();
    const now = 2 ** t * Math.tanh(Math.sqrt(4 * t));
    const delayMs = Math.min((Math.max(0, now - before) / 1.4) * 128, 30_000);
    before = now;
    return delayMs;
  };
}
