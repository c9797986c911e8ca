// Visitors of a forward while links are lost: what was found gone is not asked again, and nobody waits for ever.
import { connect, type Socket } from "node:net";
import { openLocalForward, openReverseForward, type Connection, type Forward } from "@holdfast/remote";
import { afterEach, expect, it } from "vitest";
import { sleep, until } from "../../src/compliance/demands.ts";
import { all, broken, echo, Loopback, Service } from "./loopback.ts";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});
const ANY = { host: "127.0.0.1", port: 0 };

interface Stage {
  readonly loopback: Loopback;
  readonly connection: Connection;
  readonly service: Service;
}

async function stage(options = {}): Promise<Stage> {
  const loopback = new Loopback();
  const service = await Service.start(echo);
  const connection = await loopback.open(options);
  cleanUps.push(
    () => service.stop(),
    () => connection.close(),
  );
  return { loopback, connection, service };
}

function visit({ status }: Forward): Socket {
  const socket = connect({ ...(status.address as { host: string; port: number }), allowHalfOpen: true });
  socket.on("error", () => undefined);
  cleanUps.push(() => socket.destroy());
  return socket;
}

it("a link that was found gone is asked once, and the visitor is served by the next one", async () => {
  const { loopback, connection, service } = await stage();
  const forward = await openLocalForward(connection, {
    listen: ANY,
    target: { host: "127.0.0.1", port: service.port },
  });
  loopback.goneUnseen = true;
  const visitor = visit(forward);
  visitor.end("hello");
  await until(() => loopback.wanted.length > 0 && forward.status.waiting === 1, "the visitor waits");
  await sleep(50);
  expect(connection.status.state).toBe("connected");
  expect(loopback.wanted).toHaveLength(1);
  loopback.goneUnseen = false;
  loopback.cut();
  expect(String(await all(visitor))).toBe("hello");
  expect(loopback.wanted).toHaveLength(2);
});

it("a visitor whose every link is gone waits as long as any, and no longer", async () => {
  const { loopback, connection, service } = await stage();
  const forward = await openLocalForward(connection, {
    listen: ANY,
    target: { host: "127.0.0.1", port: service.port },
    limits: { waitMs: 400 },
  });
  loopback.goneUnseen = true;
  let end: string | undefined;
  void broken(visit(forward)).then((how) => (end = how));
  for (let links = 1; end === undefined && links < 100; links++) {
    await until(() => end !== undefined || loopback.wanted.length === links, "the next link is asked");
    loopback.cut();
  }
  expect(end).toBe("ECONNRESET");
  // A new link comes every 100 ms at the soonest, and ten at most before there is a longer pause.
  expect(loopback.wanted.length).toBeLessThan(8);
});

it("a forward that could not be opened takes no place of those that can", async () => {
  const { connection, service } = await stage({ limits: { maxForwards: 1 } });
  const target = { host: "127.0.0.1", port: service.port };
  for (let tries = 0; tries < 3; tries++) {
    const taken = openLocalForward(connection, { listen: target, target });
    await expect(taken).rejects.toMatchObject({ code: "address_in_use" });
  }
  const forward = await openLocalForward(connection, { listen: ANY, target });
  await expect(openLocalForward(connection, { listen: ANY, target })).rejects.toMatchObject({
    code: "too_many",
  });
  await forward.close();
  await openLocalForward(connection, { listen: ANY, target });
});

it("a far port that is opened after its forward was closed is closed at once", async () => {
  const { loopback, connection, service } = await stage();
  let open = (): void => undefined;
  loopback.farGate = new Promise((resolve) => (open = resolve));
  const target = { host: "127.0.0.1", port: service.port };
  const forward = openReverseForward(connection, { listen: ANY, target });
  await until(() => loopback.farPorts.length === 1, "the far port");
  // It waits for a while, and leaves the rest to whoever opens it.
  await forward.close();
  open();
  const visitor = (): Promise<string> =>
    broken(
      connect({ host: "127.0.0.1", port: loopback.farPorts[0] ?? 0 }).on("connect", function (this: Socket) {
        this.destroy(new Error("it listens"));
      }),
    );
  let refused = "";
  for (let tries = 0; refused !== "ECONNREFUSED" && tries < 200; tries++) {
    refused = await visitor();
    await sleep(10);
  }
  expect(refused).toBe("ECONNREFUSED");
});
