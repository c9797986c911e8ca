import { describe, it } from "vitest";
import { holdfastSessionArena, sessionCompliance } from "@holdfast/net/compliance";
import { testCertificate } from "./certificates.ts";

const certificate = testCertificate();

for (const how of ["plain", "tls", "ws", "wss"] as const) {
  sessionCompliance(`Holdfast's port: ${how}`, () => holdfastSessionArena(how, certificate), {
    describe,
    it,
  });
}
