// What of this command's surroundings a connection needs, and no more: it is kept with it for its retries.
import type { CallerEnvironmentJson } from "@holdfast/control";

const NAMES = ["SSH_AUTH_SOCK", "PATH", "HOME", "DOCKER_HOST"] as const;

export function callerEnvironment(env: Readonly<Record<string, string | undefined>>): CallerEnvironmentJson {
  const given = NAMES.map((name) => [name, env[name]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined && value !== ""));
}
