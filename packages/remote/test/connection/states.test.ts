import { HoldfastError, presets } from "@holdfast/core";
import { authRequired } from "@holdfast/remote";
import { describe, expect, it } from "vitest";
import { linkLost, Person, settle, Stage, watched } from "./stage.ts";

const refused = (): Error => Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
const fatal = (): HoldfastError => new HoldfastError({ code: "bad_key", message: "no", kind: "fatal" });
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "fulfilled",
    (error: unknown) => (error as HoldfastError).code,
  );

describe("a connection", () => {
  it("dials, is connected, and comes back under the same id for ever", async () => {
    const stage = new Stage();
    const connection = await stage.open();
    expect(connection.status).toMatchObject({ state: "connecting", phase: "dialing", attempt: 1, epoch: 0 });
    await stage.last.open();
    expect(connection.status).toMatchObject({ state: "connected", epoch: 1 });
    for (let outage = 2; outage < 5; outage++) {
      await stage.last.lose();
      expect(connection.status).toMatchObject({ state: "reconnecting", phase: "waiting", epoch: outage - 1 });
      for (let tries = 0; tries < 20; tries++) await (await stage.redialled()).fail(refused());
      await (await stage.redialled()).open();
      expect(connection.status).toMatchObject({ state: "connected", epoch: outage });
      expect(stage.last.attempt.epoch).toBe(outage);
    }
    expect(connection.id).toBe("7");
    await connection.close();
  });

  it("refuses what it cannot open, before anything is dialled", async () => {
    const stage = new Stage();
    await expect(stage.open({ destination: "nonsense" })).rejects.toMatchObject({ code: "bad_destination" });
    await expect(stage.open({ destination: "ftp://a" })).rejects.toMatchObject({ code: "unknown_scheme" });
    const health = { intervalMs: 0, timeoutMs: 1, failures: 1 };
    await expect(stage.open({ health })).rejects.toMatchObject({ code: "bad_config" });
    await expect(stage.open({ policy: { dialTimeoutMs: -1 } })).rejects.toMatchObject({ code: "bad_config" });
    expect(stage.calls).toHaveLength(0);
  });

  it("retries at the same time as others: one that hangs holds nobody up", async () => {
    const [hangs, comes] = [new Stage(), new Stage()];
    const [stuck, quick] = [await hangs.up(), await comes.up({ clock: hangs.host.clock })];
    await hangs.calls[0]?.lose();
    await comes.calls[0]?.lose();
    await hangs.pass(2_000);
    expect(stuck.status).toMatchObject({ state: "reconnecting", phase: "dialing" });
    await comes.last.open();
    expect(quick.status).toMatchObject({ state: "connected", epoch: 2 });
    await Promise.all([stuck.close(), quick.close()]);
  });

  it.each(["dialing", "waiting", "connected", "auth_required"])(
    "is closed at once while %s",
    async (when) => {
      const stage = new Stage();
      const connection = await stage.open();
      if (when === "waiting") await stage.last.fail(refused());
      if (when === "connected") await stage.last.open();
      if (when === "auth_required") await stage.last.fail(authRequired("password"));
      const { seen } = watched(connection);
      const closed = connection.close();
      expect(connection.status).toMatchObject({ state: "disconnected", reason: { code: "asked" } });
      await closed;
      await connection.close();
      if (when === "dialing") expect(stage.last.aborted).toBe(true);
      // A dial that ends in spite of all leaves no link behind.
      await stage.last.open();
      expect(stage.last.machine.closes).toBe(when === "dialing" || when === "connected" ? 1 : 0);
      expect(stage.disposals).toBe(1);
      await stage.pass(600_000);
      expect(stage.calls).toHaveLength(1);
      expect(stage.host.armed).toBe(0);
      expect(seen.filter(({ state }) => state === "disconnected")).toHaveLength(1);
      expect(await codeOf(connection.machine())).toBe("closed");
      expect(await codeOf(connection.reconnect())).toBe("closed");
    },
  );

  it("ends with the reason: refused, given up", async () => {
    const stage = new Stage();
    const bad = await stage.open();
    await stage.last.open();
    await stage.last.lose();
    await (await stage.redialled()).fail(fatal());
    expect(bad.status).toMatchObject({ state: "disconnected", reason: { code: "refused" } });
    expect(await codeOf(bad.machine())).toBe("not_connected");

    const first = await stage.open({ policy: {} });
    await stage.last.fail(refused());
    expect(first.status).toMatchObject({
      state: "disconnected",
      reason: { code: "gave_up", error: { code: "connection_refused" } },
    });
    // By hand it can be dialled again, and then it goes on as it was told to.
    const again = first.reconnect();
    await settle();
    await stage.last.open();
    await again;
    expect(first.status).toMatchObject({ state: "connected", epoch: 1 });
    await Promise.all([bad.close(), first.close()]);
  });

  it("keeps the numbers of the plugin's preset, and gives up as it says", async () => {
    const stage = new Stage();
    stage.preset = presets["distant-ssh"];
    const connection = await stage.up({ policy: "preset" });
    await stage.last.lose();
    const lostAt = stage.world.now;
    const waits: number[] = [];
    for (let tries = 0; tries < 5; tries++) {
      const before = tries === 0 ? lostAt : stage.world.now;
      const call = await stage.redialled();
      waits.push(Math.round((call.at - before) / 1_000));
      await call.fail(refused());
    }
    expect(waits).toEqual([0, 2, 4, 8, 16]);
    expect(connection.status).toMatchObject({ state: "disconnected", reason: { code: "gave_up" } });
    await connection.close();
  });

  it("asks nobody after a loss when it was told not to reconnect", async () => {
    const stage = new Stage();
    const connection = await stage.up({ reconnect: false });
    await stage.last.lose(authRequired("another password"));
    expect(connection.status).toMatchObject({ state: "disconnected", reason: { code: "no_reconnect" } });
    expect(connection.status.failure?.text).toBe("another password");
    // A person who dials by hand is there to be asked.
    const again = connection.reconnect();
    await settle();
    await stage.last.fail(authRequired("another password"));
    await expect(again).rejects.toMatchObject({ code: "auth_required" });
    expect(connection.status.state).toBe("auth_required");
    await connection.close();
  });

  it.each([
    ["no_reconnect", { reconnect: false }],
    ["unsupported", {}],
  ])("is disconnected at once after a loss (%s), and dials again by hand", async (code, options) => {
    const stage = new Stage();
    stage.preset = code === "unsupported" ? undefined : {};
    const connection = await stage.up(options);
    const { seen } = watched(connection);
    await stage.last.lose();
    expect(connection.status).toMatchObject({ state: "disconnected", epoch: 1, reason: { code } });
    const { lastHeard } = connection.status;
    await stage.pass(600_000);
    expect(stage.calls).toHaveLength(1);

    const again = connection.reconnect();
    const joined = connection.reconnect();
    await settle();
    expect(connection.status).toMatchObject({ state: "reconnecting", epoch: 1, lastHeard });
    await stage.last.open();
    await Promise.all([again, joined]);
    expect(stage.calls).toHaveLength(2);
    expect(connection.status).toMatchObject({ state: "connected", epoch: 2 });
    await stage.last.lose();
    expect(connection.status).toMatchObject({ state: "disconnected", epoch: 2, reason: { code } });

    const vain = codeOf(connection.reconnect());
    await settle();
    await stage.last.fail(refused());
    expect(await vain).toBe("connection_refused");
    expect(connection.status).toMatchObject({ state: "disconnected", epoch: 2, reason: { code } });
    expect(seen.map(({ state }) => state)).not.toContain("auth_required");
    await connection.close();
  });

  it("dials at once when told to while it waits; more calls join", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    await stage.last.lose();
    for (let tries = 0; tries < 6; tries++) await (await stage.redialled()).fail(refused());
    await stage.pass(200);
    const before = stage.calls.length;
    const [one, other] = [connection.reconnect(), codeOf(connection.reconnect())];
    await settle();
    expect(stage.calls).toHaveLength(before + 1);
    await stage.last.fail(refused());
    expect([await codeOf(one), await other]).toEqual(["connection_refused", "connection_refused"]);
    expect(connection.status.state).toBe("reconnecting");
    await connection.close();
  });

  it("dials soon when the plugin says that it may succeed", async () => {
    const stage = new Stage();
    const connection = await stage.up({
      policy: { backoff: { initialMs: 60_000, maxMs: 60_000, jitter: { kind: "none" } } },
    });
    await stage.last.lose();
    await (await stage.redialled()).fail(refused());
    stage.context?.wake();
    await stage.pass(300);
    expect(stage.calls).toHaveLength(3);
    await connection.close();
  });
});

describe("a connection that needs a person", () => {
  it("waits in auth_required, and dials attended once somebody is there", async () => {
    const stage = new Stage();
    const connection = await stage.up();
    expect(() => connection.answer(new Person())).toThrow(expect.objectContaining({ code: "nothing_asked" }));
    await stage.last.lose();
    const call = await stage.redialled();
    expect(call.interaction.attended).toBe(false);
    await call.fail(authRequired("password of me@there"));
    expect(connection.status).toMatchObject({ state: "auth_required", prompt: "password of me@there" });
    await stage.pass(3_600_000);
    expect(stage.calls).toHaveLength(2);
    connection.answer(new Person());
    await settle();
    expect(stage.last.interaction.attended).toBe(true);
    await stage.last.open();
    expect(connection.status).toMatchObject({ state: "connected", epoch: 2 });
    await connection.close();
  });

  it("never tries a refused login again by itself", async () => {
    const stage = new Stage();
    const connection = await stage.open();
    const denied = {
      code: "permission_denied",
      message: "the key was refused",
      kind: "unauthorized",
    } as const;
    await stage.last.fail(new HoldfastError({ ...denied, fault: "peer" }));
    expect(connection.status).toMatchObject({ state: "auth_required", prompt: "the key was refused" });
    await stage.pass(3_600_000);
    expect(stage.calls).toHaveLength(1);
    await connection.close();
  });

  it("lets a person think for longer than a dial may take, and goes on with the same dial", async () => {
    const stage = new Stage();
    const person = new Person();
    const connection = await stage.open({ interaction: person });
    const answers = stage.last.interaction.ask([{ text: "one-time code", echo: true }]);
    await settle();
    expect(connection.status).toMatchObject({ state: "auth_required", prompt: "one-time code" });
    await stage.pass(120_000);
    expect(stage.last.aborted).toBe(false);
    person.answer(["123456"]);
    expect(await answers).toEqual(["123456"]);
    await stage.pass(200);
    expect(connection.status).toMatchObject({ state: "connecting", phase: "dialing" });
    await stage.last.open();
    expect(connection.status).toMatchObject({ state: "connected", epoch: 1 });
    expect(stage.calls).toHaveLength(1);
    // From now on nobody is asked.
    await stage.last.lose();
    expect((await stage.redialled()).interaction.attended).toBe(false);
    await connection.close();
    expect(stage.host.armed).toBe(0);
  });

  it("still asks the person after a change of the network has restarted the dial", async () => {
    const stage = new Stage();
    let change: () => void = () => undefined;
    const wakes = [
      (wake: (reason: "network") => void) => {
        change = () => wake("network");
        return () => undefined;
      },
    ];
    const connection = await stage.open({ interaction: new Person(), wakes });
    await stage.pass(1_000);
    change();
    await stage.pass(300);
    expect(stage.calls.map(({ aborted }) => aborted)).toEqual([true, false]);
    expect(stage.last.interaction.attended).toBe(true);
    await connection.close();
  });

  it("limits the dial again after the answer", async () => {
    const stage = new Stage();
    const person = new Person();
    const connection = await stage.open({ interaction: person });
    void stage.last.interaction.ask([{ text: "code", echo: true }]);
    await settle();
    person.answer(["1"]);
    await stage.pass(10_500);
    expect(stage.calls[0]?.aborted).toBe(true);
    expect(connection.status).toMatchObject({ state: "connecting", failure: { code: "timed_out" } });
    await connection.close();
  });

  it("goes on with the dial whose question is answered at once", async () => {
    const stage = new Stage();
    const person = new Person();
    person.ask = () => Promise.resolve(["secret"]);
    stage.onDial = (call) =>
      void call.interaction.ask([{ text: "password", echo: false }]).then(() => call.open());
    const connection = await stage.open({ interaction: person });
    await stage.pass(1_000);
    expect(connection.status.state).toBe("connected");
    expect(stage.calls).toHaveLength(1);
    await connection.close();
  });

  it("asks again if the other side did not wait for the answer", async () => {
    const stage = new Stage();
    const person = new Person();
    const connection = await stage.open({ interaction: person });
    void stage.last.interaction.ask([{ text: "password", echo: false }]);
    await settle();
    await stage.last.fail(linkLost());
    expect(connection.status.state).toBe("auth_required");
    person.answer(["late"]);
    await stage.pass(200);
    expect(stage.calls).toHaveLength(2);
    expect(stage.last.interaction.attended).toBe(true);
    await connection.close();
  });

  it("ends a dial whose question nobody answers, and one that another person takes over", async () => {
    const stage = new Stage();
    const connection = await stage.open({ interaction: new Person(), limits: { questionMs: 60_000 } });
    void stage.last.interaction.ask([{ text: "password", echo: false }]);
    await stage.pass(61_000);
    expect(stage.last.aborted).toBe(true);
    expect(connection.status).toMatchObject({ state: "auth_required", prompt: "password" });
    connection.answer(new Person());
    await settle();
    void stage.last.interaction.ask([{ text: "password", echo: false }]);
    await stage.pass(1_000);
    connection.answer(new Person());
    await stage.pass(200);
    expect(stage.calls.map(({ aborted }) => aborted)).toEqual([true, true, false]);
    await connection.close();
    expect(stage.host.armed).toBe(0);
  });
});
