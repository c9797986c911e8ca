// What needs a browser: wake signals, and its WebSocket.
export { browserWakes } from "./browser-wakes.ts";
export type { BrowserWakesOptions, MinimalEventTarget } from "./browser-wakes.ts";
export { webSocket } from "./websocket.ts";
export type { BrowserWebSocketOptions, WebSocketConstructor } from "./websocket.ts";
export type { MinimalWebSocket } from "./websocket-bytes.ts";
