// The docker plugin over a real podman: the whole compliance suite, and what only a real engine does.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { recordAttempt } from "../../packages/net/src/compliance/index.ts";
import { pluginCompliance, type PluginArena } from "../../packages/remote/src/compliance/index.ts";
import { docker } from "../../packages/remote/src/docker/docker-plugin.ts";
import { UNATTENDED } from "../../packages/remote/src/plugin/interaction.ts";
import { until } from "../../packages/tunnel/test/sockets.ts";
import { hasSystemPeer } from "./peer.ts";
import { dialled, opened, readAll, type Linked, type LinkOptions } from "./podman/dialled.ts";
import { BARE_IMAGE, IMAGE, PodmanService } from "../../acceptance/harness/podman-service.ts";

describe.skipIf(!hasSystemPeer("podman"))("docker over podman", () => {
  let podman: PodmanService;

  beforeAll(async () => {
    podman = new PodmanService();
    await podman.start();
  });
  afterAll(() => podman.end());

  const make = async (): Promise<PluginArena> => {
    await podman.start();
    const name = podman.container(`holdfast-${randomUUID()}`);
    return {
      plugin: docker(),
      destination: `docker://${name}`,
      context: { options: { socket: podman.socket } },
      cut: () => podman.kill(),
      restore: () => podman.start(),
      cleanUp: () => podman.removeAll(),
    };
  };

  pluginCompliance("docker", docker(), make, { describe, it });

  /** A link to a container of the test's own. */
  async function linked(options: LinkOptions = {}): Promise<Linked> {
    await podman.start();
    const name = podman.container(`holdfast-${randomUUID()}`, options.image);
    onTestFinished(() => podman.removeAll());
    return { name, ...(await dialled(podman, `docker://${name}`, options)) };
  }

  it("a stopped container ends the link at once, and its start wakes the line", async () => {
    const { name, machine, attempt, backend, woken } = await linked();
    podman.podman("stop", "--time", "0", name);
    await until("the link is lost", () => attempt.losses.length === 1);
    await expect(machine.ping()).rejects.toMatchObject({ code: "not_connected" });
    await expect(backend.dial(recordAttempt(), UNATTENDED)).rejects.toMatchObject({
      code: "container_stopped",
      kind: "transient",
    });
    expect(podman.podman("inspect", "--format", "{{.State.Running}}", name)).toBe("false");
    const before = woken();
    podman.podman("start", name);
    await until("the line is woken", () => woken() > before);
    const again = await backend.dial(recordAttempt(), UNATTENDED);
    await again.ping();
    again.close();
  });

  it("a container that is removed is waited for, once it was reached", async () => {
    const { name, attempt, backend } = await linked();
    podman.podman("rm", "--force", "--time", "0", name);
    await until("the link is lost", () => attempt.losses.length === 1);
    const dial = backend.dial(recordAttempt(), UNATTENDED);
    await expect(dial).rejects.toMatchObject({ code: "no_such_container", kind: "transient" });
    await expect(dialled(podman, `docker://${name}`)).rejects.toMatchObject({
      code: "no_such_container",
      kind: "fatal",
    });
  });

  it("an engine that comes back wakes the line", async () => {
    const { attempt, backend, woken } = await linked();
    await podman.kill();
    await until("the link is lost", () => attempt.losses.length === 1);
    await expect(backend.dial(recordAttempt(), UNATTENDED)).rejects.toMatchObject({
      code: "engine_unreachable",
    });
    const before = woken();
    await podman.start();
    await until("the line is woken", () => woken() > before);
    (await backend.dial(recordAttempt(), UNATTENDED)).close();
  });

  it("an engine that hangs fails a ping within its deadline, and the link lives on when it answers", async () => {
    const { machine, attempt } = await linked();
    podman.freeze();
    try {
      await expect(machine.ping()).rejects.toMatchObject({ code: "timed_out" });
    } finally {
      podman.thaw();
    }
    await machine.ping();
    expect(attempt.losses).toEqual([]);
  });

  it("an image becomes one container, whatever happens to it, and rm removes it only at the end", async () => {
    await podman.start();
    const { backend, machine, attempt, context } = await dialled(podman, `docker+run://${IMAGE}`, {
      options: { rm: "true", network: "host" },
    });
    const ours = (): readonly string[] =>
      podman
        .podman("ps", "--all", "--quiet", "--filter", `label=holdfast.connection=${context.connectionId}`)
        .split("\n")
        .filter((id) => id !== "");
    const [first] = ours();
    await machine.files.write("/tmp/kept", Buffer.from("kept"));
    podman.podman("stop", "--time", "0", first ?? "");
    await until("the link is lost", () => attempt.losses.length === 1);
    const second = await backend.dial(recordAttempt(), UNATTENDED);
    expect(Buffer.from(await second.files.read("/tmp/kept")).toString()).toBe("kept");
    expect(ours()).toEqual([first]);
    second.close();
    expect(ours()).toEqual([first]);
    await backend.dispose();
    expect(ours()).toEqual([]);
  });

  it("two dials at once make one container", async () => {
    await podman.start();
    const { backend, context } = await opened(podman, `docker+run://${IMAGE}`, {
      options: { network: "host", rm: "true" },
    });
    const dials = await Promise.allSettled([1, 2].map(() => backend.dial(recordAttempt(), UNATTENDED)));
    const label = `label=holdfast.connection=${context.connectionId}`;
    expect(podman.podman("ps", "--all", "--quiet", "--filter", label).split("\n")).toHaveLength(1);
    for (const dial of dials) if (dial.status === "fulfilled") dial.value.close();
    expect(dials.some(({ status }) => status === "fulfilled")).toBe(true);
    await backend.dispose();
  });

  it("a container that was removed by somebody is not made again", async () => {
    await podman.start();
    const { backend, machine, attempt } = await dialled(podman, `docker+run://${IMAGE}`, {
      options: { network: "host" },
    });
    expect(machine).toBeDefined();
    podman.podman("rm", "--all", "--force", "--time", "0");
    await until("the link is lost", () => attempt.losses.length === 1);
    const dial = backend.dial(recordAttempt(), UNATTENDED);
    await expect(dial).rejects.toMatchObject({ code: "container_gone", kind: "fatal" });
  });

  it("what runs is told to end when the link is closed", async () => {
    const { name, machine, backend } = await linked();
    await machine.start({ command: ["sleep", "4242"] });
    const running = (): boolean => podman.podman("exec", name, "ps").includes("sleep 4242");
    expect(running()).toBe(true);
    machine.close();
    await backend.dispose();
    await until("it has ended", () => !running());
  });

  it("a container without sh runs programs, and gives and takes files by the archive", async () => {
    const { machine } = await linked({ image: BARE_IMAGE });
    const { files } = machine;
    const process = await machine.start({ command: ["/bin/echo", "hello"] });
    expect((await readAll(process.stdout)).toString()).toBe("hello\n");
    expect(await process.ended).toEqual({ code: 0 });
    await expect(
      process.signal("TERM").then(() => machine.start({ command: "echo x" })),
    ).rejects.toMatchObject({
      code: "unsupported",
    });
    await expect(machine.start({ command: ["/no/such"] })).rejects.toMatchObject({ code: "not_found" });
    await files.write("/tmp/f", Buffer.from("0123456789"));
    expect(Buffer.from(await files.read("/tmp/f", { offset: 3, length: 4 })).toString()).toBe("3456");
    expect(await files.stat("/tmp/f")).toMatchObject({ type: "file", size: 10, mode: 0o644 });
    await files.makeDirectory("/tmp/d");
    await files.write("/tmp/d/inner", new Uint8Array(3));
    expect(await files.list("/tmp")).toEqual([
      { name: "d", type: "directory" },
      { name: "f", type: "file" },
    ]);
    await expect(files.read("/tmp/none")).rejects.toMatchObject({ code: "not_found" });
    await expect(files.read("/tmp")).rejects.toMatchObject({ code: "is_directory" });
    await expect(files.list("/tmp/f")).rejects.toMatchObject({ code: "not_a_directory" });
    await expect(files.makeDirectory("/tmp/d")).rejects.toMatchObject({ code: "already_exists" });
    for (const refused of [files.remove("/tmp/f"), files.rename("/tmp/f", "/tmp/g")]) {
      await expect(refused).rejects.toMatchObject({ code: "unsupported" });
    }
    await expect(machine.connectTcp("127.0.0.1", 9)).rejects.toMatchObject({ code: "unsupported" });
  });
});
