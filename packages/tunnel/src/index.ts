// The public names of tunnels: relay and client of both dialects.
export { openBoreTunnel } from "./bore/client/open-tunnel.ts";
export type { BoreTunnel, BoreTunnelOptions, TunnelEvent } from "./bore/client/open-tunnel.ts";
export type { BoreLink } from "./bore/client/dial.ts";
export type { StreamEvent } from "./bore/client/streams.ts";
export { parseTarget } from "./client/target.ts";
export { DEFAULT_RELAY_LIMITS } from "./bore/relay/limits.ts";
export type { RelayLimits } from "./bore/relay/limits.ts";
export { BORE_PORT } from "./bore/relay/options.ts";
export type { BoreRelay, BoreRelayOptions, RelayEvent } from "./bore/relay/options.ts";
export { startBoreRelay } from "./bore/relay/relay.ts";
export type { TunnelEnd } from "./bore/relay/tunnel.ts";
export type { RelayStatus, TunnelInfo } from "./relay/status.ts";
export { openTunnel } from "./native/client/open-tunnel.ts";
export type {
  NativeTunnel,
  NativeTunnelEvent,
  StreamsAfterOutage,
  TargetStatus,
  TunnelOptions,
  TunnelTarget,
} from "./native/client/options.ts";
export type { TargetPhase } from "./native/client/binder.ts";
export { DEFAULT_TUNNEL_RELAY_LIMITS } from "./native/relay/limits.ts";
export type { TunnelRelayLimits } from "./native/relay/limits.ts";
export type {
  LeaseInfo,
  NativeTunnelEnd,
  NativeTunnelInfo,
  TunnelRelayEvent,
  TunnelRelayStatus,
} from "./native/relay/options.ts";
export { startTunnelRelay } from "./native/relay/start-relay.ts";
export type { TunnelRelay, TunnelRelayOptions } from "./native/relay/start-relay.ts";
export { HOLDFAST_PORT } from "./native/wire/messages.ts";
