// The public names of tunnels: the relay and the client, both in the bore dialect.
export { openBoreTunnel } from "./client/open-tunnel.ts";
export type { BoreTunnel, BoreTunnelOptions, TunnelEvent } from "./client/open-tunnel.ts";
export type { BoreLink } from "./client/dial.ts";
export type { StreamEvent } from "./client/streams.ts";
export { parseTarget } from "./client/target.ts";
export { DEFAULT_RELAY_LIMITS } from "./relay/limits.ts";
export type { RelayLimits } from "./relay/limits.ts";
export { BORE_PORT } from "./relay/options.ts";
export type { BoreRelay, BoreRelayOptions, RelayEvent, RelayStatus, TunnelInfo } from "./relay/options.ts";
export { startBoreRelay } from "./relay/relay.ts";
export type { TunnelEnd } from "./relay/tunnel.ts";
