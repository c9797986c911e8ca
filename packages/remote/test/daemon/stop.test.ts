// The end of a daemon in order.
import { connect } from "node:net";
import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { ScriptedPlugin, succeeds } from "./scripted.ts";
import { newPlace, until } from "./stage.ts";

test("it says that it stops, keeps what is kept, and says when it is gone", async () => {
  const place = await newPlace();
  const daemon = await place.start();
  const command = await place.watcher();
  const id = await command.connected();
  const listen = { host: "127.0.0.1", port: 0 };
  const forward = await command.forward({ connection: id, direction: "dynamic", listen });
  const at = await command.forwardEntry(forward.id);
  const [entry] = await command.client.list();
  await command.client.disconnect(entry?.id ?? 0);
  await Promise.all([daemon.ended, daemon.close(), command.client.closed]);
  expect(command.events.slice(-2)).toMatchObject([
    { type: "daemon_state", state: "stopping" },
    { type: "daemon_removed" },
  ]);
  expect(command.about(id)).not.toContain("connection_removed");
  expect(await readdir(place.runtimeFolder)).toEqual([]);
  await new Promise((resolve) => connect(at.listen?.port ?? 0, "127.0.0.1").once("error", resolve));
  await place.start();
  const next = await place.command();
  await next.reaches(id, "connected");
  await next.reaches(forward.id, "listening");
});

test("while it stops it begins nothing", async () => {
  const place = await newPlace();
  const scripted = new ScriptedPlugin();
  scripted.onDial = succeeds;
  let dispose: () => void = () => undefined;
  const disposed = new Promise<void>((resolve) => (dispose = resolve));
  const { plugin } = scripted;
  place.plugins = [
    {
      ...plugin,
      open: async (destination, context) => ({
        ...(await plugin.open(destination, context)),
        dispose: () => disposed,
      }),
    },
  ];
  const daemon = await place.start();
  const command = await place.watcher();
  await command.connected("scripted://there");
  const closing = daemon.close();
  await until(() =>
    command.events.some((event) => event.type === "daemon_state" && event.state === "stopping"),
  );
  await expect(command.connect("scripted://other")).rejects.toMatchObject({
    code: "stopping",
    retryable: true,
  });
  // The next one cannot begin before this one has ended.
  await expect(place.start()).rejects.toMatchObject({ code: "already_running" });
  dispose();
  await closing;
  await place.start();
});

test("a dial that hangs holds no end up", async () => {
  const place = await newPlace();
  const scripted = new ScriptedPlugin();
  place.plugins = [scripted.plugin];
  const daemon = await place.start();
  const command = await place.command();
  await command.connect("scripted://there", { background: true, attended: true });
  const call = await (await scripted.of("there")).dial(1);
  void call.interaction.ask([{ text: "Password: ", echo: false }]).catch(() => undefined);
  await until(() => command.questions.length === 1);
  await daemon.close();
  expect(call.aborted).toBe(true);
});
