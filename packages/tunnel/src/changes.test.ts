import { expect, test } from "vitest";
import { Changes } from "./changes.ts";

test("the present look first, the last one last, those in between collapse", async () => {
  let look = 0;
  const changes = new Changes(() => look);
  const reader = changes.values();
  expect(await reader.next()).toEqual({ done: false, value: 0 });
  look = 1;
  changes.touch();
  look = 2;
  changes.touch();
  expect(await reader.next()).toEqual({ done: false, value: 2 });
  const waiting = reader.next();
  look = 3;
  changes.end();
  expect(await waiting).toEqual({ done: false, value: 3 });
  expect(await reader.next()).toEqual({ done: true, value: undefined });
});

test("a reader that leaves while it waits is let go", async () => {
  const reader = new Changes(() => 0).values();
  await reader.next();
  const waiting = reader.next();
  await reader.return?.();
  expect(await waiting).toEqual({ done: true, value: undefined });
});

test("whoever looks after the end sees the last look once", async () => {
  const changes = new Changes(() => "last");
  changes.end();
  const seen: string[] = [];
  for await (const look of changes.values()) seen.push(look);
  expect(seen).toEqual(["last"]);
});
