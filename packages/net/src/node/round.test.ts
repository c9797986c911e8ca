import { expect, test } from "vitest";
import { atEndOfRound } from "./round.ts";

const round = (): Promise<void> => new Promise((over) => setImmediate(() => setImmediate(over)));

test("what one round brings is run in order, with no promise in between, and never at once", async () => {
  const ran: string[] = [];
  atEndOfRound(() => {
    ran.push("first");
    void Promise.resolve().then(() => ran.push("promise"));
  });
  atEndOfRound(() => ran.push("second"));
  expect(ran).toEqual([]);
  await Promise.resolve();
  expect(ran).toEqual([]);
  await round();
  expect(ran).toEqual(["first", "second", "promise"]);
});

test("what is put off in a round's end has its turn in the next one", async () => {
  const ran: string[] = [];
  atEndOfRound(() => {
    atEndOfRound(() => ran.push("later"));
    ran.push("now");
  });
  atEndOfRound(() => ran.push("too"));
  await round();
  expect(ran).toEqual(["now", "too", "later"]);
});

test("one that throws does not take the others with it", async () => {
  const ran: string[] = [];
  const thrown = new Promise((caught) => process.prependOnceListener("uncaughtException", caught));
  const others = process.listeners("uncaughtException").filter((_, index) => index > 0);
  for (const other of others) process.off("uncaughtException", other);
  atEndOfRound(() => {
    throw new Error("of the first");
  });
  atEndOfRound(() => ran.push("second"));
  expect(String(await thrown)).toContain("of the first");
  for (const other of others) process.on("uncaughtException", other);
  await round();
  expect(ran).toEqual(["second"]);
});
