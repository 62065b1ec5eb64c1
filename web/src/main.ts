/** Brings the page together. */
import { readAbout } from "./about";
import { bvh } from "./bvh";
import { Detector } from "./detector";
import { Lifter } from "./lifter";
import { copyFrame, drawPose } from "./overlay";
import { poseFile, type Recording } from "./posefile";
import { Session, type Settings } from "./session";
import { missing, openCamera, openFile } from "./source";
import { Stage } from "./stage";

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const button = (id: string): HTMLButtonElement => element<HTMLButtonElement>(id);
const video = element<HTMLVideoElement>("video"), picture = element<HTMLCanvasElement>("picture");
const models = element<HTMLSelectElement>("model"), keep = element<HTMLInputElement>("keep");
const ahead = element<HTMLSelectElement>("ahead"), file = element<HTMLInputElement>("file");

function say(message: string): void {
  element("message").textContent = message;
  element("message").hidden = !message;
}

function save(name: string, content: string, type: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function start(): Promise<void> {
  const problem = missing();
  if (problem) throw new Error(problem);
  say("Loading the models…");
  const about = await readAbout(), lifter = new Lifter(), stage = new Stage(element<HTMLCanvasElement>("stage"), about.scene);
  for (const name of Object.keys(about.models)) models.add(new Option(name));
  const settings: Settings = { model: models.value, keep: 0, ahead: Number(ahead.value) };
  const chooseModel = async (): Promise<void> => {
    const facts = about.models[models.value];
    await lifter.load(models.value, facts);
    const [least, most] = facts.keep ?? [facts.usual, facts.usual];
    Object.assign(keep, { min: least, max: most, value: facts.usual, disabled: !facts.keep });
    Object.assign(settings, { model: models.value, keep: facts.usual });
    showKeep();
  };
  const showKeep = (): void => {
    settings.keep = Number(keep.value);
    element("kept").textContent = `${keep.value} of ${about.models[settings.model].frames}`;
  };
  const [detector] = await Promise.all([Detector.load(), chooseModel()]);
  say("");

  let recording: Recording | null = null;
  const session = new Session(about, detector, lifter, settings, {
    detected: (pose, size) => {
      drawPose(picture, pose, size, about.scene);
      element("start").hidden = true;
    },
    lifted: (pose, seen) => stage.show(pose, seen),
    failed: (problem) => say(`Lifting failed: ${problem.message}`),
  });

  const showButtons = (): void => {
    button("pause").textContent = video.paused ? "Play" : "Pause";
    button("record").textContent = session.recording ? "Stop" : "Record";
    button("record").setAttribute("aria-pressed", String(session.recording));
    for (const id of ["json", "bvh"]) button(id).disabled = !recording;
  };
  const finish = async (): Promise<void> => {
    if (!session.recording) return;
    say("Lifting the recording…");
    const finished = session.finish();
    showButtons();
    recording = await finished;
    say(recording ? "" : "Nobody was in view while you recorded.");
    showButtons();
  };
  const open = async (source: () => Promise<void>): Promise<void> => {
    await finish();
    say("");
    session.restart();
    try {
      await source();
      button("pause").disabled = button("record").disabled = false;
    } catch (problem) {
      say((problem as Error).message);
    }
    showButtons();
  };

  const actions: Record<string, () => unknown> = {
    camera: () => open(() => openCamera(video)),
    open: () => file.click(),
    pause: () => (video.paused ? video.play() : video.pause()),
    record: () => {
      if (session.recording) return finish();
      session.record();
      return showButtons();
    },
    json: () => recording && save("motion.json", poseFile(recording, about), "application/json"),
    bvh: () => recording && save("motion.bvh", bvh(recording.motion.pose3d), "text/plain"),
  };
  for (const [id, action] of Object.entries(actions)) button(id).addEventListener("click", () => void action());
  const keys: Record<string, string> = { c: "camera", o: "open", " ": "pause", r: "record", j: "json", b: "bvh" };
  const turns: Record<string, () => void> = {
    ArrowLeft: () => stage.camera.turnBy(8, 0), ArrowRight: () => stage.camera.turnBy(-8, 0),
    ArrowUp: () => stage.camera.turnBy(0, 8), ArrowDown: () => stage.camera.turnBy(0, -8),
    "+": () => stage.camera.zoomBy(0.9), "-": () => stage.camera.zoomBy(1.1), "0": () => stage.camera.reset(),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if ((event.target as HTMLElement).matches("button, select, input") && !/^[a-z]$/.test(event.key)) return;
    const id = keys[event.key.toLowerCase()], turn = turns[event.key];
    if (!id && !turn) return;
    event.preventDefault();
    if (turn) {
      turn();
      stage.draw();
    } else if (!button(id).disabled) void actions[id]();
  });

  const openChosen = (chosen: File | undefined): void => {
    if (chosen) void open(() => openFile(video, chosen));
  };
  file.addEventListener("change", () => {
    openChosen(file.files?.[0]);
    file.value = "";
  });
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    openChosen(event.dataTransfer?.files[0]);
  });
  models.addEventListener("change", () => void chooseModel().catch((problem: Error) => say(problem.message)));
  keep.addEventListener("input", showKeep);
  ahead.addEventListener("change", () => (settings.ahead = Number(ahead.value)));
  for (const event of ["play", "pause"]) video.addEventListener(event, showButtons);
  video.addEventListener("ended", () => void finish());

  const onFrame = (now: number, { mediaTime }: VideoFrameCallbackMetadata): void => {
    video.requestVideoFrameCallback(onFrame);
    copyFrame(picture, video);
    session.frame(picture, [video.videoWidth, video.videoHeight], video.srcObject ? now / 1000 : mediaTime);
    const { flat, lifts } = session;
    element("figures").textContent = `2D ${flat.rate.toFixed(0)} fps · 3D ${lifts.rate.toFixed(0)} fps · latency ${lifts.mean.toFixed(0)} ms`;
  };
  video.requestVideoFrameCallback(onFrame);
  stage.draw();
  const files = (): string[] | null => recording && [poseFile(recording, about), bvh(recording.motion.pose3d)];
  Object.assign(window, { poseglass: { files, lifted: () => session.shown } }); // for tests
}

start().catch((problem: Error) => say(problem.message));
