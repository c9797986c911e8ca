import { describe, it } from "vitest";
import {
  memoryArena,
  tcpArena,
  tlsArena,
  transportCompliance,
  unixArena,
  webSocketArena,
} from "@holdfast/net/compliance";
import { testCertificate } from "./certificates.ts";

const certificate = testCertificate();
const oneEnd = { halfClose: "a WebSocket ends both directions at once" };

transportCompliance("tcp", tcpArena, { describe, it });
transportCompliance(
  "unix",
  unixArena,
  { describe, it },
  { silence: "a unix socket connects or refuses at once" },
);
transportCompliance("memory", () => memoryArena(), { describe, it });
transportCompliance("memory with a latency", () => memoryArena(3), { describe, it });
transportCompliance("tls", () => tlsArena(certificate), { describe, it });
transportCompliance("webSocket", () => webSocketArena(), { describe, it }, oneEnd);
transportCompliance("webSocket", () => webSocketArena(certificate), { describe, it }, oneEnd);
