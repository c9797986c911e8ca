// What all sessions of this process share, however many there are: room for windows to grow, and for what is kept
// until the other end has it.
import { Pool } from "@holdfast/core/session";

const MIB = 1_024 * 1_024;

export const processPools: { readonly growthPool: Pool; readonly replayPool: Pool } = {
  growthPool: new Pool(256 * MIB),
  replayPool: new Pool(256 * MIB),
};
