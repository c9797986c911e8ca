// What listening does with a name that is there already.
import { lstat, mkdir, readdir, rename, symlink, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listen, openSocket, type Listener } from "@holdfast/net/node";
import { temporaryFolder } from "./sockets.ts";

/** A socket that nobody listens on any more, as a program that is killed leaves it. */
async function leaveBehind(path: string): Promise<void> {
  const server = createServer();
  const other = `${path}.other`;
  await new Promise<void>((resolve) => server.listen(other, resolve));
  // Node takes away the name that it knows.
  await rename(other, path);
  await new Promise((resolve) => server.close(resolve));
}

const open = (path: string): Promise<Listener> =>
  listen({ endpoint: { path }, onConnection: (socket) => socket.end("here") });

async function answers(path: string): Promise<boolean> {
  const socket = await openSocket({ path });
  socket.destroy();
  return true;
}

describe("a name that is there already", () => {
  it("is taken over if it is a socket that nobody listens on", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "s");
    await leaveBehind(path);
    const listener = await open(path);
    expect(await answers(path)).toBe(true);
    await listener.close();
    expect(await readdir(folder.path)).toEqual([]);
  });

  it("stays whose it is if somebody answers", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "s");
    const first = await open(path);
    await expect(open(path)).rejects.toMatchObject({ code: "address_in_use" });
    expect(await answers(path)).toBe(true);
    await first.close();
  });

  it("stays if it is no socket, nor where a link leads", async () => {
    await using folder = await temporaryFolder();
    const [file, below, link, left] = ["file", "folder", "link", "left"].map((name) =>
      join(folder.path, name),
    );
    await writeFile(file!, "precious");
    await mkdir(below!);
    await leaveBehind(left!);
    await symlink(left!, link!);
    for (const path of [file!, below!, link!]) {
      await expect(open(path)).rejects.toMatchObject({ code: "address_in_use" });
    }
    expect((await lstat(file!)).isFile()).toBe(true);
    expect((await lstat(link!)).isSymbolicLink()).toBe(true);
    expect((await lstat(left!)).isSocket()).toBe(true);
    expect((await readdir(folder.path)).toSorted()).toEqual(["file", "folder", "left", "link"]);
  });

  it("is taken over by one of twenty who come at once, and that one is reached", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "s");
    await leaveBehind(path);
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => open(path)));
    const listeners = all.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    expect(listeners).toHaveLength(1);
    expect(await answers(path)).toBe(true);
    await listeners[0]?.close();
  });

  it("is not waited for because of a lock that was left behind, too", async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, "s");
    await leaveBehind(path);
    await writeFile(`${path}.lock`, "");
    await utimes(`${path}.lock`, new Date(0), new Date(0));
    await (await open(path)).close();
    expect(await readdir(folder.path)).toEqual([]);
  });
});
