// All directed cases by name.
import { handshakeCases } from "./handshake-cases.ts";
import { linkCases, type SessionCase } from "./link-cases.ts";
import { streamCases } from "./stream-cases.ts";

export const sessionCases: Readonly<Record<string, SessionCase>> = {
  ...linkCases,
  ...handshakeCases,
  ...streamCases,
};
