// Links that end in the middle of everything: the session goes on, or says truthfully that it cannot.
import { CLOSE, RESET } from "@holdfast/core/session";
import { demand, pattern, rejection, sha256, soon, until } from "./demands.ts";
import { open, readAll, transfer, type SessionCase } from "./session-cases.ts";
import type { SessionStage } from "./session-stage.ts";

const CUTS = 100;
/** So many times faster goes the time that paces dials. */
const HASTE = 200;
/** At least so many bytes pass between two cuts. */
const BETWEEN_CUTS = 20_000;

export const sessionOutages: readonly SessionCase[] = [
  {
    name: `${CUTS} cuts under load lose nothing, and the session is the same one`,
    options: { haste: HASTE },
    async run(stage) {
      const handle = await stage.session();
      let cutting = true;
      const workers = Array.from({ length: 6 }, async (_, seed) => {
        for (let i = 0; cutting || i === 0; i++) await transfer(handle, 40_000 + 90_000 * i, seed);
      });
      const failed = Promise.all(workers).then(() => undefined);
      for (let cut = 0; cut < CUTS; cut++) {
        await Promise.race([cutUnderLoad(stage), failed]);
      }
      cutting = false;
      await failed;
      demand(stage.accepted.length === 1, `${stage.accepted.length} sessions came to be`);
      demand(stage.losses.length === 0, "the session was lost");
      const { epoch } = stage.line.line.status;
      demand(epoch > CUTS, `after ${CUTS} cuts the epoch is ${epoch}`);
    },
  },
  {
    name: "what is written while away arrives when a link is back",
    options: { haste: HASTE },
    async run({ arena, session, line }) {
      const handle = await session();
      const channel = open(handle, "echo");
      arena.cut();
      await channel.send(Buffer.from("written while away"));
      channel.end();
      demand((await readAll(channel)).toString() === "written while away", "it came back changed");
      await until(() => line.line.status.epoch > 1, "the second link");
    },
  },
  {
    name: "a session that the other side has given up resets its streams, and another one begins",
    options: { host: { resumeTtlMs: 1 }, line: { retrying: () => 300 } },
    async run({ arena, session, losses, host }) {
      const handle = await session(1);
      const channel = open(handle, "echo");
      await channel.send(Buffer.from("x"));
      await soon(channel.receive(), "the echo");
      const reading = rejection(readAll(channel), "reading a stream of a lost session");
      arena.cut();
      await until(() => host.size === 0 || losses.length > 0, "the session to expire");
      const next = await session(2);
      await reading;
      const { received } = channel.stream;
      demand(received?.type === "reset" && received.code === RESET.sessionLost, "it is not said to be lost");
      demand(losses[0]?.reason === "session_lost", `the session ended as ${losses[0]?.reason}`);
      demand(next.id !== handle.id, "the new session is the old one");
      await transfer(next, 100_000, 3);
    },
  },
  {
    name: "a drain lets streams finish, and ends with everything delivered",
    async run({ session, line, accepted }) {
      const handle = await session();
      const bytes = pattern(3_000_000, 4);
      const channel = open(handle, "hash");
      for (let at = 0; at < bytes.length; at += 50_000) await channel.send(bytes.subarray(at, at + 50_000));
      const drained = line.drain(20_000);
      channel.end();
      const answer = (await readAll(channel)).toString();
      demand(answer === `${bytes.length} ${sha256(bytes)}`, "the stream was not finished");
      await soon(drained, "the drain");
      const [here, there] = [handle.end, accepted[0]?.end];
      demand(here?.reason === "closed" && here.clean, `it ended as ${here?.reason}, clean: ${here?.clean}`);
      await until(() => accepted[0]?.end !== undefined, "the other side to end");
      demand(there === undefined || there.clean, "the other side does not call it clean");
      demand(line.line.status.state === "disconnected", "the line goes on after its drain");
    },
  },
  {
    name: "a host that closes says so, and its clients' lines go on",
    options: { haste: HASTE },
    async run({ session, host, line }) {
      const handle = await session();
      const channel = open(handle, "ignore");
      await channel.send(Buffer.from("x"));
      await soon(host.close(), "the host's close");
      const end = await soon(handle.ended, "the end of the session");
      demand(end.reason === "closed" && end.code === CLOSE.draining, `it ended as ${end.reason} ${end.code}`);
      await until(() => line.line.status.state === "reconnecting", "the line to go on");
    },
  },
];

/** Wait until the session is on a link and bytes have passed since, then cut. */
async function cutUnderLoad({ arena, session, line }: SessionStage): Promise<void> {
  const handle = await session();
  await until(() => line.line.status.state === "connected", "the next link");
  const moved = (): number => handle.figures.sentBytes + handle.figures.receivedBytes;
  const before = moved();
  await until(() => moved() - before >= BETWEEN_CUTS || !handle.attached, "bytes to pass");
  const { epoch } = line.line.status;
  arena.cut();
  await until(() => line.line.status.epoch > epoch, "the cut to be noticed, and the next link");
}
