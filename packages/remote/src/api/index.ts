// The names of this folder for the rest of the package.
export { openApi } from "./api.ts";
export type { Api, ApiOptions } from "./api.ts";
export { Authentication } from "./authentication.ts";
export type { AuthenticationMessage, AuthenticationOptions } from "./authentication.ts";
export type { ApiLimits } from "./limits.ts";
export type { MachineOf } from "./machine/machine-use.ts";
export type { Abilities } from "./carried/facts.ts";
