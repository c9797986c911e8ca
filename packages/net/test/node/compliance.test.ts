import { describe, it } from "vitest";
import WebSocket from "ws";
import {
  browserArena,
  memoryArena,
  tcpArena,
  tlsArena,
  transportCompliance,
  unixArena,
  webSocketArena,
} from "@holdfast/net/compliance";
import type { WebSocketConstructor } from "@holdfast/net/browser";
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
transportCompliance(
  "webSocket",
  () => browserArena(WebSocket as unknown as WebSocketConstructor),
  { describe, it },
  { ...oneEnd, release: "a page can only ask for the end of its WebSocket" },
);
