// The engine and its driver run unchanged in a browser: a line over WebSocket comes back after every cut.
import { expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { Page, skipWithoutChromium } from "./chromium.ts";

const CUTS = 3;

it("a line in Chromium comes back after three cuts", async ({ skip, onTestFinished }) => {
  skipWithoutChromium(skip);
  const page = await Page.bundle("test/browser/line-page.ts");
  onTestFinished(() => page.close());
  let cuts = 0;
  new WebSocketServer({ server: page.server, path: "/line" }).on("connection", (socket) => {
    socket.on("message", () => {
      if (cuts++ < CUTS) socket.terminate();
    });
  });
  page.open(await page.listen());
  expect(await page.result).toEqual({
    epoch: CUTS + 1,
    codes: expect.arrayContaining([CUTS + 1, 0]) as unknown,
    states: ["connected", "connecting", "reconnecting"],
    reason: "closed",
  });
});
