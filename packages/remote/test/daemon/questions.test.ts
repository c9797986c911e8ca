// Questions of dials, on their way to the person at the command and back.
import { expect, test } from "vitest";
import { HoldfastError } from "@holdfast/core";
import type { Interaction } from "@holdfast/remote";
import type { Call } from "../connection/stage.ts";
import { ScriptedPlugin } from "./scripted.ts";
import { newPlace, until, type Command, type Place } from "./stage.ts";

/** Dials that want the password `tea`, and ask for it. */
function asksForPassword(call: Call): void {
  void (async () => {
    try {
      const [answer] = await call.interaction.ask([{ text: "Password: ", echo: false }], "there");
      if (answer === "tea") await call.open();
      else await call.fail(refused());
    } catch (thrown) {
      await call.fail(thrown);
    }
  })();
}

function refused(): HoldfastError {
  return new HoldfastError({
    code: "bad_credentials",
    message: "it is not tea",
    kind: "unauthorized",
    fault: "peer",
  });
}

async function scene(): Promise<{ place: Place; scripted: ScriptedPlugin; command: Command }> {
  const place = await newPlace();
  const scripted = new ScriptedPlugin();
  place.plugins = [scripted.plugin];
  scripted.onDial = asksForPassword;
  await place.start();
  return { place, scripted, command: await place.watcher() };
}

async function asked(command: Command, number = 1): Promise<number> {
  return (await until(() => command.questions[number - 1])).question;
}

const answer = (command: Command, question: number, answers: string[] | null): Promise<unknown> =>
  command.client.ask({ type: "answer", question, answers });

test("a question goes to who attends, is shown while it is open, and its answer goes on with the dial", async () => {
  const { place, command } = await scene();
  const other = await place.watcher();
  const { id } = await command.connect("scripted://there", { attended: true });
  const question = await asked(command);
  expect(command.questions).toEqual([
    {
      type: "question",
      id,
      question,
      kind: "ask",
      about: "there",
      questions: [{ text: "Password: ", echo: false }],
    },
  ]);
  expect(await command.reaches(id, "auth_required")).toMatchObject({ prompt: "Password: " });
  expect(other.questions).toEqual([]);
  await expect(answer(other, question, ["tea"])).rejects.toMatchObject({ code: "unknown_question" });
  await expect(answer(command, question, ["tea", "too"])).rejects.toMatchObject({ code: "bad_request" });
  expect(await answer(command, question, ["tea"])).toEqual({ type: "answered", question });
  await command.reaches(id, "connected");
  await expect(answer(command, question, ["tea"])).rejects.toMatchObject({ code: "unknown_question" });
});

test.each([
  ["refused", null],
  ["answered wrongly", ["coffee"]],
])("a first dial whose question is %s has failed", async (_, answers) => {
  const { command } = await scene();
  const { id } = await command.connect("scripted://there", { attended: true });
  await answer(command, await asked(command), answers);
  await until(() => command.about(id).includes("connection_removed"));
  const last = command.events.findLast((event) => event.type === "connection_state" && event.id === id);
  expect(last).toMatchObject({
    state: "disconnected",
    reason: { code: "failed" },
    failure: { kind: "unauthorized" },
  });
});

test("nobody is asked where nobody attends: a first dial then fails, a kept one waits", async () => {
  const { command } = await scene();
  const { id } = await command.connect("scripted://there");
  await until(() => command.about(id).includes("connection_removed"));
  const kept = await command.connect("scripted://there", { background: true });
  await command.reaches(kept.id, "auth_required");
  expect(command.questions).toEqual([]);
});

test("after a loss nobody is asked: it waits, its forwards too, until somebody authenticates", async () => {
  const { scripted, command } = await scene();
  const { id } = await command.connect("scripted://there", { attended: true });
  await answer(command, await asked(command), ["tea"]);
  await command.reaches(id, "connected");
  const listen = { host: "127.0.0.1", port: 0 };
  const forward = await command.forward({ connection: id, direction: "dynamic", listen });
  const script = await scripted.of("there");
  await script.last.lose();
  expect(await command.reaches(id, "auth_required")).toMatchObject({ prompt: "Password: " });
  expect(script.last.interaction.attended).toBe(false);
  await command.reaches(forward.id, "waiting");
  expect(command.questions).toHaveLength(1);
  const dials = script.calls.length;
  await command.client.ask({ type: "authenticate", id });
  await answer(command, await asked(command, 2), ["tea"]);
  await command.reaches(id, "connected");
  await command.reaches(forward.id, "listening");
  expect(script.calls).toHaveLength(dials + 1);
  await until(() => command.about(id).includes("connection_outage"));
});

test("`authenticate` asks who calls it, also after a refusal", async () => {
  const { place, scripted, command } = await scene();
  const { id } = await command.connect("scripted://there", { background: true });
  await command.reaches(id, "auth_required");
  const person = await place.command();
  await person.client.ask({ type: "authenticate", id });
  await answer(person, await asked(person), ["coffee"]);
  await until(
    async () =>
      (await scripted.of("there")).calls.length === 2 &&
      (await command.connection(id)).prompt === "it is not tea",
  );
  await person.client.ask({ type: "authenticate", id });
  await answer(person, await asked(person, 2), ["tea"]);
  await command.reaches(id, "connected");
  const again = person.client.ask({ type: "authenticate", id });
  await expect(again).rejects.toMatchObject({ code: "nothing_asked" });
});

test("whoever authenticates takes the place of one who does not answer", async () => {
  const { place, command } = await scene();
  const { id } = await command.connect("scripted://there", { background: true, attended: true });
  const old = await asked(command);
  const person = await place.command();
  await person.client.ask({ type: "authenticate", id });
  const question = await asked(person);
  await expect(answer(command, old, ["tea"])).rejects.toMatchObject({ code: "unknown_question" });
  await answer(person, question, ["tea"]);
  await command.reaches(id, "connected");
});

test("a question whose command goes away is refused, and a command that comes back is asked again", async () => {
  const { place, command } = await scene();
  const key = "a key of sixteen or more";
  const person = await place.command();
  const { id } = await person.connect("scripted://there", { attended: true, key });
  await asked(person);
  person.client.close();
  await until(async () => (await command.connection(id)).failure?.code === "auth_required");
  const again = await place.command();
  await again.connect("scripted://there", { attended: true, key });
  await answer(again, await asked(again), ["tea"]);
  await command.reaches(id, "connected");
});

test("joining a connection that waits for a person, attended, answers for it", async () => {
  const { place, command } = await scene();
  const { id } = await command.connect("scripted://there", { background: true });
  await command.reaches(id, "auth_required");
  const person = await place.command();
  expect(await person.connect("scripted://there", { attended: true })).toMatchObject({ id, joined: true });
  await answer(person, await asked(person), ["tea"]);
  await command.reaches(id, "connected");
});

test("authenticating while a dial runs that asks nobody asks all the same", async () => {
  const { scripted, command } = await scene();
  let go: () => void = () => undefined;
  scripted.onDial = (call) => {
    if (call.interaction.attended) asksForPassword(call);
    else go = () => asksForPassword(call);
  };
  const { id } = await command.connect("scripted://there", { background: true });
  await (await scripted.of("there")).dial(1);
  await command.client.ask({ type: "authenticate", id });
  go();
  await answer(command, await asked(command), ["tea"]);
  await command.reaches(id, "connected");
});

test("yes or no is a question like others", async () => {
  const { scripted, command } = await scene();
  const confirms = async (interaction: Interaction, call: Call): Promise<void> => {
    if (await interaction.confirm("Is this its key?")) await call.open();
    else await call.fail(refused());
  };
  scripted.onDial = (call) => void confirms(call.interaction, call).catch((thrown) => call.fail(thrown));
  const { id } = await command.connect("scripted://there", { attended: true });
  const question = await asked(command);
  expect(command.questions[0]).toMatchObject({ kind: "confirm", about: null });
  await answer(command, question, ["yes"]);
  await command.reaches(id, "connected");
});

test("nobody may think for ever", async () => {
  const place = await newPlace();
  const scripted = new ScriptedPlugin();
  place.plugins = [scripted.plugin];
  scripted.onDial = asksForPassword;
  await place.start({ limits: { questionMs: 50 } });
  const command = await place.watcher();
  const { id } = await command.connect("scripted://there", { attended: true, background: true });
  const question = await asked(command);
  await until(async () => (await command.connection(id)).failure?.hint?.includes("authenticate"));
  await expect(answer(command, question, ["tea"])).rejects.toMatchObject({ code: "unknown_question" });
  expect(await command.connection(id)).toMatchObject({ state: "auth_required" });
});

test("disconnecting while a question is open ends it", async () => {
  const { scripted, command } = await scene();
  const { id } = await command.connect("scripted://there", { attended: true });
  const question = await asked(command);
  await command.client.disconnect(id);
  await until(() => command.about(id).includes("connection_removed"));
  await expect(answer(command, question, ["tea"])).rejects.toMatchObject({ code: "unknown_question" });
  expect((await scripted.of("there")).last.aborted).toBe(true);
});
