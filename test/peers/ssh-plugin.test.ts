// The `ssh` plugin and the real OpenSSH server.
import { afterAll, beforeAll, describe, it } from "vitest";
import { pluginCompliance } from "../../packages/remote/src/compliance/index.ts";
import { sshPlugin } from "../../packages/remote/src/ssh/ssh-plugin.ts";
import { PrivateSshd } from "./private-sshd.ts";
import { hasSystemPeer } from "./peer.ts";

describe.skipIf(!hasSystemPeer("openssh"))("the ssh plugin over OpenSSH", () => {
  let sshd: PrivateSshd;

  beforeAll(async () => {
    sshd = await PrivateSshd.start(["AcceptEnv HF_PLAIN"]);
  });
  afterAll(() => sshd.end());

  pluginCompliance(
    "ssh",
    sshPlugin,
    () =>
      Promise.resolve({
        plugin: sshPlugin,
        destination: sshd.destination,
        context: { options: sshd.options },
        cut: () => sshd.signalConnections("SIGKILL"),
        cleanUp: () => Promise.resolve(),
      }),
    { describe, it },
  );
});
