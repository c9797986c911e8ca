// The public names of tunnels: the relay and the client, both in the bore dialect.
export { openBoreTunnel } from "./bore/client/open-tunnel.ts";
export type { BoreTunnel, BoreTunnelOptions, TunnelEvent } from "./bore/client/open-tunnel.ts";
export type { BoreLink } from "./bore/client/dial.ts";
export type { StreamEvent } from "./bore/client/streams.ts";
export { parseTarget } from "./client/target.ts";
export { DEFAULT_RELAY_LIMITS } from "./bore/relay/limits.ts";
export type { RelayLimits } from "./bore/relay/limits.ts";
export { BORE_PORT } from "./bore/relay/options.ts";
export type { BoreRelay, BoreRelayOptions, RelayEvent } from "./bore/relay/options.ts";
export type { RelayStatus, TunnelInfo } from "./relay/status.ts";
export { startBoreRelay } from "./bore/relay/relay.ts";
export type { TunnelEnd } from "./bore/relay/tunnel.ts";
