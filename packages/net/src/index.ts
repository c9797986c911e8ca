// The public names of the driver. Nothing here needs Node.
export type { AcceptedByteLink, ByteLink, ByteLinkTrust } from "./byte-link.ts";
export { connect } from "./connect.ts";
export { watchEpochs } from "./epochs.ts";
export { Aborter, systemClock } from "./host.ts";
export type { MinimalSignal, Signal } from "./host.ts";
export type { ConnectOptions, Credentials, Line, RetryPlan, WakeSource } from "./line.ts";
export type { Attempt, Dial, Link } from "./link.ts";
export { memoryHub } from "./memory.ts";
export type { MemoryEnd, MemoryHub, MemoryHubOptions, MemoryLink, MemoryListener } from "./memory.ts";
