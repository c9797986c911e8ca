// What needs Node: sockets, transports, wake signals.
export { Admission, limitKey } from "./admission/admission.ts";
export type { AddressLimits } from "./admission/admission.ts";
export { Gate } from "./admission/gate.ts";
export type { GateLimits } from "./admission/gate.ts";
export { socketBytes } from "./byte-socket.ts";
export type { SocketBytesOptions } from "./byte-socket.ts";
export type { Endpoint } from "./endpoint.ts";
export { formatEndpoint } from "./endpoint.ts";
export { listenHoldfast } from "./listen-holdfast.ts";
export type {
  Arrival,
  HoldfastListener,
  HoldfastListenLimits,
  HoldfastListenOptions,
} from "./listen-holdfast.ts";
export { listen } from "./listen.ts";
export type { Listener, ListenOptions } from "./listen.ts";
export { dialSocket, openSocket } from "./open-socket.ts";
export type { OpenOptions, SocketDial } from "./open-socket.ts";
export { onOrderlyEnd } from "./orderly-end.ts";
export { proxyFromEnvironment } from "./proxy.ts";
export { Resolver } from "./resolver.ts";
export type { Address, Resolution, ResolverOptions } from "./resolver.ts";
export { atEndOfRound } from "./round.ts";
export { resetSocket } from "./socket-care.ts";
export type { Socket } from "./socket-care.ts";
export { splice } from "./splice.ts";
export type { SpliceResult } from "./splice.ts";
export { socketLink } from "./socket-link.ts";
export type { SocketLink, SocketLinkOptions } from "./socket-link.ts";
export { tls } from "./tls.ts";
export type { TlsOptions } from "./tls.ts";
export type { TlsIdentity } from "./tls-server.ts";
export type { TlsPeer, TlsVerdict, VerifyPeer } from "./secure-socket.ts";
export { tcp } from "./tcp.ts";
export type { TcpOptions } from "./tcp.ts";
export { unix } from "./unix.ts";
export type { UnixOptions } from "./unix.ts";
export { nodeCrypto } from "./node-crypto.ts";
export { streamDuplex } from "./stream-duplex.ts";
export { spliceStream } from "./stream-splice.ts";
export type { StreamSpliceResult } from "./stream-splice.ts";
export { hangupWakes } from "./hangup-wakes.ts";
export { machineAddresses, systemWakes } from "./system-wakes.ts";
export type { SystemWakesOptions } from "./system-wakes.ts";
export { webSocket } from "./websocket.ts";
export type { WebSocketOptions } from "./websocket.ts";
